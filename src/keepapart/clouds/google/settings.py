"""The keys of `[cloud]` for Google Cloud, checked strictly: see `Settings`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from keepapart.clouds.by_token import TokenSettings
from keepapart.clouds.listed import Texts

Zone = Annotated[
    str, Meta(pattern=r"^([a-z]+-[a-z0-9]+-[a-z])?$", description='a zone such as "europe-west4-a" is wanted')
]
Key = Annotated[
    str,
    Meta(
        pattern=r"^([a-z_][a-z0-9_-]*:(ssh|ecdsa)-\S+ \S+( .*)?)?$",
        description='a user and a public key such as "ops:ssh-ed25519 AAAA…" are wanted',
    ),
]


class Settings(TokenSettings, frozen=True):
    """The keys of `[cloud]` for Google Cloud, beside those of every listing.

    1. `project` is the id of the one that is listed, and launched in.
    2. What is launched is an `image` (such as "projects/debian-cloud/global/images/family/debian-12") as a
       `machine_type` in a `zone`, on a disk of `disk_size` GB (0: the image's own).
    3. `subnetwork` is "regions/REGION/subnetworks/NAME"; without it, the network "default". `public_address`
       gives an external address too. `network_tags` are those that firewall rules go by; `ssh_key` is
       "USER:KEY", for the metadata.
    4. `spread_policy` is a spread placement policy to launch into, by name, or "auto": the cluster's own.
    """

    project: str = ""
    zone: Zone = ""
    machine_type: str = ""
    image: str = ""
    disk_size: Annotated[int, Meta(ge=0, le=65536)] = 0
    subnetwork: str = ""
    public_address: bool = False
    network_tags: Texts = ()
    ssh_key: Key = ""
    spread_policy: str = ""
