# An access token, verified by PyJWT with the keys that the server publishes.

import base64
import json
import os

import jwt
import requests

url = os.environ["MENJIN_URL"]
algorithm = os.environ["MENJIN_ALGORITHM"]
keys = jwt.PyJWKClient(f"{url}/.well-known/jwks.json")


def verified(token):
    key = keys.get_signing_key_from_jwt(token)
    return jwt.decode(token, key, algorithms=[algorithm], issuer="menjin", audience="menjin")


def refused(token):
    try:
        verified(token)
    except (jwt.PyJWTError, ValueError):
        return
    raise AssertionError(f"accepted: {token}")


def changed(part, change):
    value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    value.update(change)
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


credentials = {"username": "mike", "password": "password123"}
tokens = requests.post(f"{url}/api/v1/auth/login", json=credentials, timeout=10).json()
token = tokens["access_token"]
claims = verified(token)
me = requests.get(
    f"{url}/api/v1/users/me", headers={"Authorization": f"Bearer {token}"}, timeout=10
).json()
assert (claims["sub"], claims["role"]) == (str(me["id"]), me["role"]), claims

header, payload, signature = token.split(".")
assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
refused(f"{header}.{changed(payload, {'role': 'admin'})}.{signature}")
refused(f"{header}.{payload}.{'A' + signature[1:] if signature[0] != 'A' else 'B' + signature[1:]}")
refused(f"{changed(header, {'alg': 'none'})}.{payload}.")
# A refresh token is for the server alone: no key that is published verifies it.
refused(tokens["refresh_token"])
