"""What a launch says: flat names and texts to journal, and back to what instances.insert takes."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from keepapart.clouds import CLUSTER_TAG, LaunchRequest
from keepapart.clouds.google.reading import TAGS
from keepapart.clouds.google.settings import Settings
from keepapart.clouds.once import name_of, renewed
from keepapart.errors import ConfigError, RefusedError

NEEDED = (
    ("zone", "`gcloud compute zones list`"),
    ("machine_type", "`gcloud compute machine-types list`"),
    ("image", "`gcloud compute images list --uri`"),
)
POLICY, DOMAIN = "policy", "domain"
NAME, VALUE = re.compile(r"[a-z][a-z0-9_-]{0,62}"), re.compile(r"[a-z0-9_-]{0,63}")
LABELS = "small letters, digits, _ and - can, 63 at most"


def parameters(settings: Settings, tags: Mapping[str, str]) -> dict[str, str]:
    """Return what the configuration says of a launch, without a policy.

    Raises `ConfigError` where it doesn't say what to launch, or where no label can hold the cluster's name.
    """
    for key, look in NEEDED:
        if not getattr(settings, key):
            raise ConfigError(f"[cloud] {key}: none is set", f"name one: {look}")
    cluster = tags.get(CLUSTER_TAG, "")
    if not VALUE.fullmatch(cluster):
        raise ConfigError(f"[cluster] name: no label of Google's can hold {cluster!r}", LABELS)
    said = {
        "zone": settings.zone,
        "machine_type": settings.machine_type,
        "image": settings.image,
        "disk_size": str(settings.disk_size or ""),
        "subnetwork": settings.subnetwork,
        "public": "1" if settings.public_address else "",
        "network_tags": ",".join(settings.network_tags),
        "ssh_key": settings.ssh_key,
    }
    return {name: text for name, text in said.items() if text}


def labels(tags: Mapping[str, str]) -> dict[str, str]:
    """Return tags as labels. Raises `RefusedError` for one that none can hold."""
    found = TAGS.labels(tags)
    for name, value in found.items():
        if not (NAME.fullmatch(name) and VALUE.fullmatch(value)):
            raise RefusedError(f"Google Cloud: no label can hold {name}={value}", LABELS)
    return found


def request_id(token: str, times: int) -> str:
    """Return the UUID by which Google remembers the call."""
    return str(uuid.UUID(bytes=sha256(renewed(token, times).encode()).digest()[:16], version=4))


def call(request: LaunchRequest) -> dict[str, Any]:
    """Return the body of instances.insert. The disk is made for the instance, and goes with it."""
    said = request.parameters
    made = {"sourceImage": said["image"], "labels": labels(request.tags)}
    if "disk_size" in said:
        made["diskSizeGb"] = said["disk_size"]
    network = (
        {"subnetwork": said["subnetwork"]} if "subnetwork" in said else {"network": "global/networks/default"}
    )
    public = (
        {"accessConfigs": [{"type": "ONE_TO_ONE_NAT", "name": "External NAT"}]} if "public" in said else {}
    )
    body: dict[str, Any] = {
        "name": name_of(request.token),
        "machineType": f"zones/{said['zone']}/machineTypes/{said['machine_type']}",
        "labels": labels(request.tags),
        "disks": [{"boot": True, "autoDelete": True, "initializeParams": made}],
        "networkInterfaces": [{**network, **public}],
    }
    if "network_tags" in said:
        body["tags"] = {"items": said["network_tags"].split(",")}
    metadata = {"ssh-keys": said.get("ssh_key", ""), "user-data": request.user_data.decode()}
    if items := [{"key": key, "value": text} for key, text in metadata.items() if text]:
        body["metadata"] = {"items": items}
    if POLICY in said:
        body["resourcePolicies"] = [said[POLICY]]
        body["scheduling"] = {"availabilityDomain": int(said[DOMAIN])}
    return body
