"""The Python of the document, unmodified, against a live server.

Its URLs are relative, which requests refuses: as behind a front end's base URL, they are resolved
against the server's.
"""

import os
import pathlib
from urllib.parse import urljoin

import requests

ORIGIN = os.environ["MENJIN_URL"]
send = requests.Session.request


def resolved(session, method, url, **options):
    return send(session, method, urljoin(ORIGIN, url), **options)


requests.Session.request = resolved

document = {}
code = pathlib.Path(__file__).with_name("documents").joinpath("envelope.py").read_text("utf-8")
exec(compile(code, "envelope.py", "exec"), document)

token = document["login"]("student001", "password123")
user = document["get_user_info"](token)
assert (user["username"], user["name"]) == ("student001", "张三"), user

try:
    document["login"]("student001", "wrong")
except Exception as failure:
    assert str(failure) == "用户名或密码错误", failure
else:
    raise SystemExit("a wrong password logged in")
