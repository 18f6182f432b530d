"""User data: what a new instance is handed at its first boot, as cloud-init reads it.

It may hold secrets: it goes into the call that launches, and nowhere else, neither a journal nor a log.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

from keepapart.errors import ConfigError


@dataclass(frozen=True, slots=True)
class UserData:
    """What of it a platform takes: `most` bytes, and with `text` nothing that isn't UTF-8."""

    most: int
    text: bool = False

    def check(self, data: bytes) -> None:
        """Raise `ConfigError` where the platform wouldn't take this."""
        if len(data) > self.most:
            raise ConfigError(
                f"[launch] user_data: the file has {len(data)} bytes, and {self.most} are taken here",
                "have it fetch the rest",
            )
        try:
            data.decode() if self.text else None
        except UnicodeDecodeError:
            raise ConfigError(
                "[launch] user_data: only text is taken here, and the file is none", "don't compress it"
            ) from None


def encoded(data: bytes) -> str:
    """Return it as most platforms want it: in base64."""
    return b64encode(data).decode()
