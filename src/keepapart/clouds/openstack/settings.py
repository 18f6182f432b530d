"""The keys of `[cloud]` for OpenStack, checked strictly: see `Settings`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from keepapart.clouds.listed import ListedSettings, Texts


class Settings(ListedSettings, frozen=True):
    """The keys of `[cloud]` for OpenStack, beside those of every listing.

    1. `cloud` is a name in clouds.yaml, `region` one of its regions. Without them OS_CLOUD, else the other
       variables OS_… say whom to ask, as for the openstack command.
    2. `host_id` says whether servers of one host id share one host: "host" (yes), "coarse" (not for sure,
       as where one nova-compute stands for a vSphere cluster), "auto" (yes, unless it shows otherwise).
    3. `network` is the one whose addresses are meant, of servers in several.
    4. What is launched is an `image` (an id) in a `flavor` (an id or a name), on a volume of
       `volume_size` GiB where that is set. `network_id` is the network that it is in, "auto" or "none".
    5. `server_group` is a group to launch into, by id or name, or "auto": one of the cluster's own.
    """

    cloud: str = ""
    region: str = ""
    host_id: Literal["auto", "host", "coarse"] = "auto"
    network: str = ""
    image: str = ""
    flavor: str = ""
    volume_size: Annotated[int, Meta(ge=0, le=65536)] = 0
    network_id: str = "auto"
    zone: str = ""
    key_name: str = ""
    security_groups: Texts = ()
    server_group: str = ""
