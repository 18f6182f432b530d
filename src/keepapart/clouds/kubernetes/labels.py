"""What a node's labels state of its host. Pure.

1. Each key is a source of its own: two keys may be two names of one host. Most are written once, when the
   node registers, and stay as they are when its machine migrates: a label is no more than a label.
2. The zone of a node on Azure is the number of its fault domain where the region has no zones, and "0" where
   nobody knows it: numbers of two sets can't be compared, so it is stated only as `REGION-N`.
3. What depends on a zone is said together with it.
4. What keepapart wrote is passed on as that: it is never evidence, and told where it is wrong by now.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from keepapart.model import Source, Statement

ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"
HOSTS: tuple[str, ...] = (
    "topology.openstack.org/host-id",  # cloud-provider-openstack
    "topology.scs.community/host-id",  # the Sovereign Cloud Stack's standard
    "node.cluster.x-k8s.io/esxi-host",  # Cluster API for vSphere
    "topology.csi.vmware.com/host",  # vSphere's CSI driver
    "nutanix.com/prism-host-uuid",  # Nutanix
    "nutanix.com/prism-host-name",
    "topology.k8s.xenorchestra/host_id",  # Xen Orchestra
    "cloud.google.com/gce-topology-host",  # GKE
)
OF_GOOGLE = "cloud.google.com/gce-topology-host"
FAULT_DOMAIN = "oci.oraclecloud.com/fault-domain"  # means something within an availability domain only
OWN = "topology.keepapart.io/host"  # `keepapart export kubernetes`, and nfd
AWS_LAYER = "topology.k8s.aws/network-node-layer-"  # 1 is the top
TIER = "fabric.topograph.run/tier-"  # 0 is the closest


def statements(labels: Mapping[str, str], scheme: str) -> list[Statement]:
    """Return what each label states of a node; `scheme` is that of its provider id."""
    found = [Statement(Source.LABEL, by(key), facts) for key, facts in _stated(labels, scheme)]
    if host := labels.get(OWN, ""):
        found.append(Statement(Source.OWN, by(OWN), {"host": host}))
    return found


def by(key: str) -> str:
    """Return how who says what a label says is called."""
    return f"the node's label {key}"


def _stated(labels: Mapping[str, str], scheme: str) -> Iterator[tuple[str, dict[str, str]]]:
    zone = _zone(labels, scheme)
    if zone:
        yield ZONE, _facts(zone=zone)
    for key in HOSTS:
        if host := labels.get(key, ""):
            yield key, _facts(host=host, host_kind="gke" if key == OF_GOOGLE else "")
    if scheme == "proxmox" and zone:  # Proxmox' cloud controller writes the node there
        yield f"{ZONE}, of Proxmox", _facts(host=zone, project=labels.get(REGION, ""))
    if zone and (domain := labels.get(FAULT_DOMAIN, "")):
        yield FAULT_DOMAIN, _facts(zone=zone, fault_domain=domain)
    if layers := _numbered(labels, AWS_LAYER, 1):
        yield f"{AWS_LAYER}N", _facts(topology=",".join(layers))
    if tiers := _numbered(labels, TIER, 0):
        yield f"{TIER}N", _facts(topology=",".join(reversed(tiers)))


def _facts(**facts: str) -> dict[str, str]:
    return {name: text for name, text in facts.items() if text}


def _zone(labels: Mapping[str, str], scheme: str) -> str:
    zone, region = labels.get(ZONE, ""), labels.get(REGION, "")
    if scheme == "azure" and not (region and re.fullmatch(rf"{re.escape(region)}-\d+", zone)):
        return ""
    return zone


def _numbered(labels: Mapping[str, str], prefix: str, first: int) -> list[str]:
    """Return the values of these labels in order; none where one is missing: the last must be the closest."""
    numbers = sorted(
        int(key.removeprefix(prefix))
        for key in labels
        if re.fullmatch(rf"{re.escape(prefix)}[0-9]{{1,3}}", key)
    )
    found = [labels[f"{prefix}{number}"] for number in numbers]
    whole = numbers == list(range(first, first + len(numbers))) and all(found)
    return found if whole and not any("," in text for text in found) else []
