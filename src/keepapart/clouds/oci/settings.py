"""The keys of `[cloud]` for OCI, checked strictly: see `Settings`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from keepapart.clouds.by_token import TokenSettings
from keepapart.clouds.listed import Texts

AUTO = "auto"
Auth = Literal["", "api_key", "instance_principal", "resource_principal"]
Domain = Annotated[
    str, Meta(pattern=r"^(auto|FAULT-DOMAIN-[1-9])?$", description='"auto" or one such as "FAULT-DOMAIN-1"')
]
Amount = Annotated[int, Meta(ge=0, le=32768)]


class Settings(TokenSettings, frozen=True):
    """The keys of `[cloud]` for OCI, beside those of every listing.

    1. `auth`, `profile` and `region` are as the oci command has them, and default to its variables.
    2. `compartments` are those that are asked; without any, all that the credentials may see.
    3. `addresses` says whether each instance's address is asked for, by a call each, for audits that measure.
    4. What is launched, in `compartment` (the only one of `compartments`, where there is one) and
       `availability_domain`, is an `image` in a `shape`, with so many `ocpus` and `memory_gb` where that is
       flexible, on a boot volume of `disk_size` GB (0: the image's own), in a `subnet` and `security_groups`,
       all by OCID. `ssh_key` is a public key for the image's own user.
    5. `fault_domain` is one of the availability domain's, "auto" (the one with the fewest members), or empty:
       OCI's choice.
    """

    auth: Auth = ""
    profile: str = ""
    region: str = ""
    compartments: Texts = ()
    addresses: bool = False
    compartment: str = ""
    availability_domain: str = ""
    shape: str = ""
    ocpus: Amount = 0
    memory_gb: Amount = 0
    image: str = ""
    disk_size: Amount = 0
    subnet: str = ""
    security_groups: Texts = ()
    ssh_key: str = ""
    fault_domain: Domain = AUTO
