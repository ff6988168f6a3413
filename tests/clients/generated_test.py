"""A client generated from /openapi.json: logs in, reads and refreshes."""

import os

from menjin_client import AuthenticatedClient, Client
from menjin_client.api.authentication import login, refresh_tokens
from menjin_client.api.authentication_envelope import envelope_login
from menjin_client.api.user_management import get_me, get_user
from menjin_client.models import EnvelopeLogin, Error, LoginEnvelope, Token, TokenRefresh, User, UserLogin

ORIGIN = os.environ["MENJIN_URL"]
anonymous = Client(base_url=ORIGIN)

token = login.sync(client=anonymous, body=UserLogin(username="mike", password="password123"))
assert isinstance(token, Token), token

me = get_me.sync(client=AuthenticatedClient(base_url=ORIGIN, token=token.access_token))
assert isinstance(me, User) and me.username == "mike" and me.phone is None, me

renewed = refresh_tokens.sync(client=anonymous, body=TokenRefresh(refresh_token=token.refresh_token))
assert isinstance(renewed, Token) and renewed.refresh_token != token.refresh_token, renewed

client = AuthenticatedClient(base_url=ORIGIN, token=renewed.access_token)
refused = get_user.sync_detailed(1, client=client)
assert refused.status_code == 403 and isinstance(refused.parsed, Error), refused

envelope = envelope_login.sync(
    client=anonymous, body=EnvelopeLogin(username="student001", password="password123")
)
assert isinstance(envelope, LoginEnvelope) and envelope.data.user.name == "张三", envelope
