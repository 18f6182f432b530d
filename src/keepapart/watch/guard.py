"""Who may ask: everybody on this machine; from elsewhere, whoever shows the token.

1. Beyond loopback nothing is answered without a token, but whether the watch lives and is ready.
2. Without a token, `Host` must be this machine's: a page from elsewhere whose name was made to lead here
   (DNS rebinding) is refused.
3. The token is compared in constant time. Programs send it as a bearer; browsers ask for a password: that is
   it, whatever the user.
"""

from __future__ import annotations

import base64
import hmac
import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from keepapart.config import Config
from keepapart.errors import ConfigError

OPEN = ("/livez", "/readyz")
LEAST = 16  # characters of a token
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SAFE: Mapping[bytes, bytes] = {  # headers of every answer
    b"content-security-policy": POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
}


def place(config: Config) -> tuple[str, int]:
    """Return the address and the port to listen at. Raises `ConfigError`."""
    try:
        return split(config.watch.listen)
    except ValueError:
        where = f"{config.path}: [watch] listen: {config.watch.listen!r}"
        raise ConfigError(where, "an address and a port are wanted, as 127.0.0.1:9797") from None


def split(listen: str) -> tuple[str, int]:
    """Split an address from its port. Raises `ValueError`."""
    host, _, port = listen.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host.removeprefix("[").removesuffix("]")
    if not (port.isascii() and port.isdecimal() and int(port) < 65_536):
        raise ValueError(listen)
    return str(ipaddress.ip_address(host)), int(port)


def token(config: Config) -> str:
    """Return the token; empty where none is needed. Raises `ConfigError` where one is, and there is none."""
    file = config.watch.token_file or _credential()
    if not file:
        if not ipaddress.ip_address(place(config)[0]).is_loopback:
            raise ConfigError(
                f"{config.path}: [watch] listen: {config.watch.listen} is open to others, and has no token",
                "name a file with one as token_file, or listen at 127.0.0.1",
            )
        return ""
    where = f"{config.path}: [watch] token_file: {file}"
    try:
        held = Path(file).read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"{where}: {getattr(error, 'strerror', None) or 'not ASCII'}") from None
    if len(held) < LEAST or not held.isprintable() or " " in held:
        raise ConfigError(f"{where}: {LEAST} characters at least are wanted, and no spaces")
    return held


def _credential() -> str:
    """Return where systemd put the credential `token` (LoadCredential=); empty where it didn't."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    file = Path(folder) / "token" if folder else None
    return str(file) if file and file.is_file() else ""


class Guard:
    """What stands before the application and lets through who may ask."""

    def __init__(self, app: ASGIApp, wanted: str) -> None:
        self._app, self._wanted = app, wanted.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse to."""
        if scope["type"] != "http":
            return
        scope["path"] = scope["raw_path"].decode("ascii", "replace")  # a name may hold a slash: %2F

        async def sent(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", []))  # type: ignore[call-overload]
                message["headers"] = [*headers, *SAFE.items()]
            await send(message)

        refused = self._refusal(scope["path"], Headers(scope=scope))
        await (refused or self._app)(scope, receive, sent)  # type: ignore[arg-type]

    def _refusal(self, path: str, headers: Headers) -> ASGIApp | None:
        if self._wanted:
            if path in OPEN or hmac.compare_digest(_shown(headers.get("authorization", "")), self._wanted):
                return None
            asks = {"www-authenticate": 'Bearer realm="keepapart", Basic realm="keepapart"'}
            return PlainTextResponse("the token is wanted\n", 401, asks)
        if _is_here(headers.get("host", "")):
            return None
        return PlainTextResponse("no such host here\n", 421)


def _shown(header: str) -> bytes:
    """Return the token that a request shows."""
    kind, _, value = header.partition(" ")
    if kind.lower() == "bearer":
        return value.strip().encode()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).partition(b":")[2]
        except ValueError:  # no base64, or not even ASCII
            return b""
    return b""


def _is_here(host: str) -> bool:
    """Whether a `Host` is a name of loopback."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    name = name.removeprefix("[").removesuffix("]").lower()
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
