"""What a launch says: flat names and texts to journal, and back to the body that makes a machine."""

from __future__ import annotations

from typing import Any

from keepapart.clouds import LaunchRequest
from keepapart.clouds.azure.settings import Settings
from keepapart.clouds.once import name_of
from keepapart.clouds.user_data import encoded
from keepapart.errors import ConfigError, RefusedError

NEEDED = (
    ("resource_group", "`az group list -o table`"),
    ("location", "`az account list-locations -o table`"),
    ("size", "`az vm list-sizes --location LOCATION -o table`"),
    ("image", "`az vm image list -o table`"),
    ("subnet", "`az network vnet subnet list -g GROUP --vnet-name NET --query '[].id'`"),
)
NETWORK = "2022-11-01"  # the version in which a machine says what interface it wants
SCALE_SET, AVAILABILITY_SET, DOMAIN = "scale_set", "availability_set", "domain"


def parameters(settings: Settings) -> dict[str, str]:
    """Return what the configuration says of a launch, without a set.

    Raises `ConfigError` where it doesn't say what to launch.
    """
    for key, look in NEEDED:
        if not getattr(settings, key):
            raise ConfigError(f"[cloud] {key}: none is set", f"name one: {look}")
    by_urn = not settings.image.startswith("/")
    if by_urn and settings.image.count(":") != 3:
        raise ConfigError(
            f"[cloud] image: {settings.image!r} is none", "write PUBLISHER:OFFER:SKU:VERSION, or a whole id"
        )
    if bool(settings.user) != bool(settings.ssh_key) or (by_urn and not settings.user):
        raise ConfigError(
            "[cloud] ssh_key: user and ssh_key go together", "Azure makes no machine nobody gets into"
        )
    said = {
        "resource_group": settings.resource_group,
        "location": settings.location,
        "size": settings.size,
        "image": settings.image,
        "disk_size": str(settings.disk_size or ""),
        "subnet": settings.subnet,
        "security_group": settings.security_group,
        "user": settings.user,
        "ssh_key": settings.ssh_key,
        "zone": settings.zone,
    }
    return {name: text for name, text in said.items() if text}


def call(request: LaunchRequest) -> dict[str, Any]:
    """Return the body that makes a machine. Azure makes disk and interface for it, and they go with it.

    Raises `RefusedError` for user data without a user: Azure hands it to machines that it sets up itself.
    """
    said = request.parameters
    disk: dict[str, Any] = {"createOption": "FromImage", "deleteOption": "Delete"}
    if "disk_size" in said:
        disk["diskSizeGB"] = int(said["disk_size"])
    properties: dict[str, Any] = {
        "hardwareProfile": {"vmSize": said["size"]},
        "storageProfile": {"imageReference": _image(said["image"]), "osDisk": disk},
        "networkProfile": {
            "networkApiVersion": NETWORK,
            "networkInterfaceConfigurations": [
                _interface(name_of(request.token), said["subnet"], said.get("security_group", ""))
            ],
        },
    }
    if "user" in said:
        key = {"path": f"/home/{said['user']}/.ssh/authorized_keys", "keyData": said["ssh_key"]}
        properties["osProfile"] = {
            "computerName": name_of(request.token),
            "adminUsername": said["user"],
            "linuxConfiguration": {"disablePasswordAuthentication": True, "ssh": {"publicKeys": [key]}},
        }
    if request.user_data:
        if "user" not in said:
            raise RefusedError("azure: user data is handed on only where a user is made", "set [cloud] user")
        properties["osProfile"]["customData"] = encoded(request.user_data)
    if SCALE_SET in said:
        properties["virtualMachineScaleSet"] = {"id": said[SCALE_SET]}
        properties["platformFaultDomain"] = int(said[DOMAIN])
    if AVAILABILITY_SET in said:
        properties["availabilitySet"] = {"id": said[AVAILABILITY_SET]}
    zones = {"zones": [said["zone"]]} if "zone" in said else {}
    return {"location": said["location"], "tags": dict(request.tags), "properties": properties, **zones}


def _image(named: str) -> dict[str, str]:
    if named.startswith("/communityGalleries/"):
        return {"communityGalleryImageId": named}
    if named.startswith("/sharedGalleries/"):
        return {"sharedGalleryImageId": named}
    if named.startswith("/"):
        return {"id": named}
    return dict(zip(("publisher", "offer", "sku", "version"), named.split(":"), strict=True))


def _interface(name: str, subnet: str, security_group: str) -> dict[str, Any]:
    address = {"name": "primary", "properties": {"primary": True, "subnet": {"id": subnet}}}
    guarded = {"networkSecurityGroup": {"id": security_group}} if security_group else {}
    return {
        "name": name,
        "properties": {"primary": True, "deleteOption": "Delete", "ipConfigurations": [address], **guarded},
    }
