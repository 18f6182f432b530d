"""What a launch says: flat names and texts to journal, and back to what POST /servers takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keepapart.clouds import LaunchRequest
from keepapart.clouds.once import name_of
from keepapart.clouds.openstack.settings import Settings
from keepapart.clouds.user_data import encoded
from keepapart.errors import ConfigError

GROUP = "group"


def parameters(settings: Settings, flavor: str) -> dict[str, str]:
    """Return what the configuration says of a launch, without a server group; `flavor` is an id.

    Raises `ConfigError` where it doesn't say what to launch.
    """
    if not settings.image:
        raise ConfigError("[cloud] image: none is set", "name the id of one: `openstack image list`")
    said = {
        "imageRef": settings.image,
        "flavorRef": flavor,
        "volume_size": str(settings.volume_size or ""),
        "networks": settings.network_id,
        "availability_zone": settings.zone,
        "key_name": settings.key_name,
        "security_groups": ",".join(settings.security_groups),
    }
    return {name: text for name, text in said.items() if text}


def call(request: LaunchRequest) -> dict[str, Any]:
    """Return the body of POST /servers. What comes beside the server, its port and its disk, goes with it."""
    said: Mapping[str, str] = request.parameters
    server: dict[str, Any] = {
        "name": name_of(request.token),
        "metadata": dict(request.tags),
        **{name: said[name] for name in ("flavorRef", "availability_zone", "key_name") if name in said},
        "networks": said["networks"]
        if said["networks"] in ("auto", "none")
        else [{"uuid": said["networks"]}],
    }
    if "volume_size" in said:
        disk = {
            "boot_index": 0,
            "uuid": said["imageRef"],
            "source_type": "image",
            "destination_type": "volume",
            "volume_size": int(said["volume_size"]),
            "delete_on_termination": True,
        }
        server["block_device_mapping_v2"] = [disk]
    else:
        server["imageRef"] = said["imageRef"]
    if "security_groups" in said:
        server["security_groups"] = [{"name": name} for name in said["security_groups"].split(",")]
    if request.user_data:
        server["user_data"] = encoded(request.user_data)
    hints = {"os:scheduler_hints": {"group": said[GROUP]}} if GROUP in said else {}
    return {"server": server, **hints}
