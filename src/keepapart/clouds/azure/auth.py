"""Azure's default credentials, as azure-identity finds them, for calls of `rest`."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import requests
from azure.core.exceptions import AzureError
from azure.identity import DefaultAzureCredential
from requests.auth import AuthBase

from keepapart.clouds.rest import RestError

DMI, AZURE = Path("/sys/class/dmi/id/chassis_asset_tag"), "7783-7084-3265-9085-8269-3286-77"
ENDPOINTS = ("IDENTITY_ENDPOINT", "MSI_ENDPOINT")  # of services that tell of theirs
LONG = 300  # characters of azure-identity's own words
EARLY = 300  # seconds before its end that a token is renewed


class Credentials(AuthBase):
    """Puts a token into every call, and keeps it until shortly before its end: az is a program to start."""

    def __init__(self, scope: str) -> None:
        """Prepare the credentials; no token is fetched."""
        self._scope, self._token, self._ends = scope, "", 0.0
        logging.getLogger("azure").addHandler(logging.NullHandler())  # what it logs is told as the error
        # else a metadata address would be asked on machines that aren't Azure's
        managed = any(map(os.environ.get, ENDPOINTS)) or _on_azure()
        self._found = DefaultAzureCredential(exclude_managed_identity_credential=not managed)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the token in. Raises `RestError` where none is given."""
        if time.time() > self._ends - EARLY:
            try:
                found = self._found.get_token(self._scope)
            except AzureError as error:
                mend = "`az login`, or look at AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET"
                raise RestError(f"Azure gives no token: {_cause(str(error.message))}", mend) from None
            self._token, self._ends = found.token, float(found.expires_on)
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _cause(said: str) -> str:
    """Return the line that matters of many: of the credentials that were tried, the one that was refused."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    refused = next((line for line in lines if "AADSTS" in line), "")
    return (refused or next(iter(lines), "no credentials are set up here"))[:LONG].rstrip(".")


def _on_azure() -> bool:
    """Whether this machine is Azure's, by its firmware: only then is its metadata service asked."""
    try:
        return DMI.read_text(encoding="ascii").strip() == AZURE
    except (OSError, UnicodeDecodeError):
        return False
