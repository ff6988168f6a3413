"""The second factor with an authenticator of other makers: pyotp reads what the server gives, and its codes
log in; and somebody who knows the password tries to get in without one."""

import os
import pathlib

import pyotp
import requests

ORIGIN = os.environ["MENJIN_URL"]
API = f"{ORIGIN}/api/v1"
PASSWORD = "password123"


def post(path, body, token=None, base=API):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.post(base + path, json=body, headers=headers, timeout=10)


def log_in(**more):
    return post("/auth/login", {"username": "mike", "password": PASSWORD, **more})


token = log_in().json()["access_token"]
begun = post("/users/me/mfa/totp", {"current_password": PASSWORD}, token).json()
pathlib.Path(os.environ["MENJIN_QR"]).write_text(begun["qr"], "utf-8")
pathlib.Path(os.environ["MENJIN_URI"]).write_text(begun["uri"], "utf-8")
app = pyotp.parse_uri(begun["uri"])
assert (app.secret, app.digits, app.interval) == (begun["secret"], 6, 30), begun
assert (app.name, app.issuer) == ("mike", "menjin"), begun

confirmed = post("/users/me/mfa/totp/confirm", {"code": app.now()}, token)
assert confirmed.status_code == 200, confirmed.text
recovery = confirmed.json()["recovery_codes"]
assert len(set(recovery)) == 10, recovery

# The code that has confirmed it is no login; a recovery code is one.
used = log_in(otp=app.now())
assert used.status_code == 401 and used.json()["code"] == "invalid_code", used.text
asked = log_in()
assert asked.status_code == 401 and asked.json()["code"] == "mfa_required", asked.text
ticket = asked.json()["mfa_token"]
complete = post("/auth/mfa", {"mfa_token": ticket, "code": recovery[0]})
assert complete.status_code == 200, complete.text
session = complete.json()

# Ways around it. None may answer with a token, or do anything.
refused = [
    # The token of the first step is nothing but that.
    requests.get(f"{API}/users/me", headers={"Authorization": f"Bearer {ticket}"}, timeout=10),
    post("/auth/refresh", {"refresh_token": ticket}),
    post("/users/me/mfa/totp/disable", {"current_password": PASSWORD}, ticket),
    # Nor is another token one of the first step.
    post("/auth/mfa", {"mfa_token": session["access_token"], "code": recovery[1]}),
    post("/auth/mfa", {"mfa_token": session["refresh_token"], "code": recovery[1]}),
    # Codes of other types, forms and lengths.
    *(log_in(otp=otp) for otp in ["", None, True, 0, [], {}, [recovery[1]], "0", "000000", " ", "9" * 99]),
    *(post("/auth/mfa", {"mfa_token": ticket, "code": code}) for code in ["", None, recovery[0], "1" * 16]),
    # With the password alone, every form of a login.
    post("/auth/login", {"username": "MIKE", "password": PASSWORD}),
    post("/auth/login", {"username": "mike@example.com", "password": PASSWORD}),
    post("/auth/login", {"username": "mike", "password": PASSWORD}, base=f"{ORIGIN}/api"),
    post("/auth/login", {"username": "mike", "password": PASSWORD, "mfa_enabled": False, "mfa_token": ticket}),
    requests.post(f"{API}/auth/login", data={"username": "mike", "password": PASSWORD}, timeout=10),
    requests.post(f"{API}/auth/login?otp={recovery[1]}", json={"username": "mike", "password": PASSWORD}, timeout=10),
]
for answer in refused:
    assert answer.status_code in (400, 401, 422, 429), (answer.status_code, answer.text)
    assert "access_token" not in answer.text and '"token"' not in answer.text, answer.text

# Guessing ends, over however many first steps and in either dialect.
guesses = 0
for number in range(200):
    base = API if number % 2 else f"{ORIGIN}/api"
    answer = post("/auth/login", {"username": "mike", "password": PASSWORD}, base=base)
    assert answer.status_code in (401, 429), answer.text
    if answer.status_code == 429:
        break
    data = answer.json().get("data") or answer.json()
    guess = post("/auth/mfa", {"mfa_token": data["mfa_token"], "code": f"{number:06}"}, base=base)
    assert guess.status_code in (401, 429), guess.text
    if guess.status_code == 429:
        break
    guesses += 1
assert guesses <= 10, guesses
