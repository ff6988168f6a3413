"""A client generated from /openapi.json: logs in, reads and refreshes."""

import os

from menjin_client import AuthenticatedClient, Client
from menjin_client import models
