"""Platforms that are asked with a token, which a variable of the environment holds."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from keepapart.clouds.listed import Listed, ListedCloud, ListedSettings, need
from keepapart.errors import ConfigError

if TYPE_CHECKING:
    from keepapart.clouds.rest import Rest


class TokenSettings(ListedSettings, frozen=True):
    """The keys of a platform that is asked with a token; `endpoint` is the address of its API."""

    endpoint: str = ""


def by_token(
    provider: str,
    name: str,
    settings: TokenSettings,
    read: Callable[[Rest], Sequence[Listed]],
    *,
    endpoint: str,
    variables: Sequence[str],
    header: str = "",
) -> ListedCloud:
    """Open a platform that is only listed; see `asked_by_token`."""
    rest = asked_by_token(provider, name, settings, endpoint=endpoint, variables=variables, header=header)
    return ListedCloud(provider, settings, lambda: read(rest), rest.close)


def asked_by_token(
    provider: str,
    name: str,
    settings: TokenSettings,
    *,
    endpoint: str,
    variables: Sequence[str],
    header: str = "",
) -> Rest:
    """Return whom to ask by the token that the first of these variables holds, as bearer or in a `header`.

    `endpoint` is the platform's own, where the configuration names none. Raises `ConfigError`.
    """
    secret = token(*variables)
    need(provider, "requests")
    from keepapart.clouds.rest import Header, Mends, Rest, bearer

    return Rest(
        name,
        settings.endpoint or endpoint,
        Header(header, secret) if header else bearer(secret),
        Mends(
            f"look at {' and '.join(variables)}: the token may have ended, or be another account's",
            f"the rights that are needed are in docs/platforms/{provider}.md",
        ),
        timeout=settings.timeout,
        tries=settings.tries,
    )


def token(*variables: str) -> str:
    """Return the credential that the first of these variables holds. Raises `ConfigError`."""
    for name in variables:
        if text := os.environ.get(name, "").strip():
            if not text.isascii() or not text.isprintable() or " " in text:
                raise ConfigError(f"{name} holds no token: it has spaces or letters that no token has")
            return text
    raise ConfigError(f"[cloud] provider: there is no token: set {' or '.join(variables)}")
