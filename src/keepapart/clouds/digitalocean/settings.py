"""The keys of `[cloud]` for DigitalOcean, checked strictly: see `Settings`."""

from __future__ import annotations

from keepapart.clouds.by_token import TokenSettings
from keepapart.clouds.listed import Texts


class Settings(TokenSettings, frozen=True):
    """The keys of `[cloud]` for DigitalOcean, beside those of every platform with a token.

    1. What is launched is a `size` with an `image` (a slug or an id) in a `region`; `ssh_keys` are ids or
       fingerprints.
    2. `vpc_uuid` is the private network that it is in, without it the region's own; `ipv6` gives it an
       address.
    """

    size: str = ""
    image: str = ""
    region: str = ""
    ssh_keys: Texts = ()
    vpc_uuid: str = ""
    ipv6: bool = False
