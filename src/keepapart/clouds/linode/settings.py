"""The keys of `[cloud]` for Linode, checked strictly: see `Settings`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from keepapart.clouds.by_token import TokenSettings
from keepapart.clouds.listed import Texts


class Settings(TokenSettings, frozen=True):
    """The keys of `[cloud]` for Linode, beside those of every platform with a token.

    1. What is launched is a `type` with an `image` in a `region`. Whoever may log in is one of the users
       `authorized_users` of the account, or has one of the `authorized_keys`.
    2. `private_ip` gives it an address in the region's private network; `firewall_id` is a firewall's.
    3. `placement_group` is a group to launch into, by id or label, or "auto": one of the cluster's own.
    """

    type: str = ""
    image: str = ""
    region: str = ""
    authorized_users: Texts = ()
    authorized_keys: Texts = ()
    private_ip: bool = True
    firewall_id: Annotated[int, Meta(ge=0)] = 0
    placement_group: str = "auto"
