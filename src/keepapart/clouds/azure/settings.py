"""The keys of `[cloud]` for Azure, checked strictly: see `Settings`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from keepapart.clouds.by_token import TokenSettings

Id = Annotated[str, Meta(pattern=r"^[0-9a-zA-Z-]*$", description="a subscription's id is wanted")]
Name = Annotated[
    str, Meta(pattern=r"^[\w.()-]*$", description="a name is wanted: letters, digits and _-.() can be in it")
]
Zone = Annotated[str, Meta(pattern=r"^[0-9]?$", description='the number of a zone such as "1" is wanted')]
Resource = Annotated[
    str,
    Meta(
        pattern=r"^(/subscriptions/\S+)?$",
        description="a whole id such as /subscriptions/ID/resourceGroups/… is wanted",
    ),
]


class Settings(TokenSettings, frozen=True):
    """The keys of `[cloud]` for Azure, beside those of every listing.

    1. `subscription` is the id of the one that is listed, and launched in.
    2. What is launched, in `resource_group` and `location`, is an `image` (PUBLISHER:OFFER:SKU:VERSION, or
       the id of one) in a `size`, on a disk of `disk_size` GB (0: the image's own), in a `subnet` behind a
       `security_group`, both by their ids. `user` gets in with the public key `ssh_key`.
    3. `scale_set` is a flexible one to launch into, by name, or "auto": the cluster's own. Its fault domains
       are chosen; those of an `availability_set` are Azure's choice. A `zone` goes with neither.
    """

    subscription: Id = ""
    resource_group: Name = ""
    location: Name = ""
    size: Name = ""
    image: str = ""
    disk_size: Annotated[int, Meta(ge=0, le=4095)] = 0
    subnet: Resource = ""
    security_group: Resource = ""
    user: Name = ""
    ssh_key: str = ""
    zone: Zone = ""
    scale_set: Name = ""
    availability_set: Name = ""
