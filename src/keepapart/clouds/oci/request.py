"""What a launch says: flat names and texts to journal, and back to the body of LaunchInstance."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from keepapart.clouds import LaunchRequest
from keepapart.clouds.oci.reading import TAGS
from keepapart.clouds.oci.settings import Settings
from keepapart.clouds.once import name_of
from keepapart.clouds.user_data import encoded
from keepapart.errors import ConfigError, RefusedError

NEEDED = (
    ("availability_domain", "`oci iam availability-domain list`"),
    ("shape", "`oci compute shape list -c OCID`"),
    ("image", "`oci compute image list -c OCID`"),
    ("subnet", "`oci network subnet list -c OCID`"),
)
DOMAIN = "fault_domain"
NAME, MOST = re.compile(r"[A-Za-z0-9_-]{1,100}"), 256  # of a free-form tag; letters of its value


def parameters(settings: Settings) -> dict[str, str]:
    """Return what the configuration says of a launch, without a fault domain.

    Raises `ConfigError` where it doesn't say what to launch.
    """
    for key, look in NEEDED:
        if not getattr(settings, key):
            raise ConfigError(f"[cloud] {key}: none is set", f"name one: {look}")
    alone = settings.compartments[0] if len(settings.compartments) == 1 else ""
    if not (compartment := settings.compartment or alone):
        raise ConfigError("[cloud] compartment: none is set", "name the one to launch in by its OCID")
    if bool(settings.ocpus) != bool(settings.memory_gb):
        raise ConfigError("[cloud] ocpus: ocpus and memory_gb go together", "set both, or neither")
    if settings.shape.endswith(".Flex") and not settings.ocpus:
        raise ConfigError(f"[cloud] ocpus: {settings.shape} is flexible", "say how many, and memory_gb")
    said = {
        "compartment": compartment,
        "availability_domain": settings.availability_domain,
        "shape": settings.shape,
        "ocpus": str(settings.ocpus or ""),
        "memory_gb": str(settings.memory_gb or ""),
        "image": settings.image,
        "disk_size": str(settings.disk_size or ""),
        "subnet": settings.subnet,
        "security_groups": ",".join(settings.security_groups),
        "ssh_key": settings.ssh_key,
    }
    return {name: text for name, text in said.items() if text}


def labels(tags: Mapping[str, str]) -> dict[str, str]:
    """Return tags as free-form ones. Raises `RefusedError` for one that can't be."""
    found = TAGS.labels(tags)
    for name, value in found.items():
        if not NAME.fullmatch(name) or len(value) > MOST:
            raise RefusedError(
                f"OCI: no tag can hold {name}={value}", "letters, digits, _ and - can be its name"
            )
    return found


def call(request: LaunchRequest) -> dict[str, Any]:
    """Return the body of LaunchInstance. The boot volume is made for the instance, and goes with it."""
    said = request.parameters
    source: dict[str, Any] = {"sourceType": "image", "imageId": said["image"]}
    if "disk_size" in said:
        source["bootVolumeSizeInGBs"] = int(said["disk_size"])
    interface: dict[str, Any] = {"subnetId": said["subnet"]}
    if "security_groups" in said:
        interface["nsgIds"] = said["security_groups"].split(",")
    body: dict[str, Any] = {
        "compartmentId": said["compartment"],
        "availabilityDomain": said["availability_domain"],
        "displayName": name_of(request.token),
        "shape": said["shape"],
        "freeformTags": labels(request.tags),
        "sourceDetails": source,
        "createVnicDetails": interface,
    }
    if "ocpus" in said:
        body["shapeConfig"] = {"ocpus": int(said["ocpus"]), "memoryInGBs": int(said["memory_gb"])}
    metadata = {"ssh_authorized_keys": said.get("ssh_key", ""), "user_data": encoded(request.user_data)}
    if told := {name: text for name, text in metadata.items() if text}:
        body["metadata"] = told
    if DOMAIN in said:
        body["faultDomain"] = said[DOMAIN]
    return body
