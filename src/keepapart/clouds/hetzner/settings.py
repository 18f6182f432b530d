"""The keys of `[cloud]` for Hetzner Cloud, checked strictly: see `Settings`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from keepapart.clouds.by_token import TokenSettings
from keepapart.clouds.listed import Texts

Numbers = Annotated[
    tuple[Annotated[int, Meta(ge=1)], ...], Meta(description="a list of ids such as [4711] is wanted")
]


class Settings(TokenSettings, frozen=True):
    """The keys of `[cloud]` for Hetzner Cloud, beside those of every platform with a token.

    1. What is launched is a `server_type` with an `image` (names or ids) in a `location`, or wherever Hetzner
       likes; `ssh_keys` are names or ids.
    2. It is in the private `networks` and under the `firewalls` of these ids; `public_ipv4` and
       `public_ipv6` say whether it gets addresses of its own.
    3. `placement_group` is a group to launch into, by id or name; "auto": one of the cluster's own; "": none.
    """

    server_type: str = ""
    image: str = ""
    location: str = ""
    ssh_keys: Texts = ()
    networks: Numbers = ()
    firewalls: Numbers = ()
    public_ipv4: bool = True
    public_ipv6: bool = True
    placement_group: str = "auto"
