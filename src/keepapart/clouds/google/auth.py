"""Google's application default credentials, as google-auth finds them, for calls of `rest`."""

from __future__ import annotations

import warnings
from functools import partial

import google.auth
import requests
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from requests.auth import AuthBase

from keepapart.clouds.rest import RestError
from keepapart.errors import ConfigError


class Credentials(AuthBase):
    """Puts a token into every call, and fetches a new one as soon as it has ended."""

    def __init__(self, scope: str, timeout: float) -> None:
        """Find the credentials; no token is fetched, which takes `timeout` seconds at most.

        Raises `ConfigError` where they can't be read.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that a person's own login has a quota, among others
                self._found, project = google.auth.default(scopes=[scope])
        except (GoogleAuthError, ValueError, OSError) as error:
            raise ConfigError(f"Google's credentials: {' '.join(str(error).split())}") from None
        self.project: str = project or ""
        self._request = partial(Request(), timeout=timeout)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the token in. Raises `RestError` where none is given."""
        try:
            if not self._found.valid:
                self._found.refresh(self._request)  # type: ignore[no-untyped-call]
        except GoogleAuthError as error:
            raise RestError(
                f"Google gives no token: {' '.join(str(error.args[0] if error.args else error).split())}",
                "`gcloud auth application-default login` again, or look at the key file",
            ) from None
        self._found.apply(request.headers)  # type: ignore[no-untyped-call]
        return request
