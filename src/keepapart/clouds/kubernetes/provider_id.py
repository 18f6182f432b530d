"""Which instance of which cloud a node is: `spec.providerID`, in the words of our own clouds. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Of:
    """A cloud by our name of it, and what of a provider id's parts is its instance's id there."""

    provider: str
    id: Callable[[Sequence[str]], str]


def _last(parts: Sequence[str]) -> str:
    return parts[-1]


def _zone_and_name(parts: Sequence[str]) -> str:
    return "/".join(parts[-2:])


def _of_azure(parts: Sequence[str]) -> str:
    """Return group and name, with the set between them of what is in a uniform one."""
    low = [part.lower() for part in parts]
    found = {
        kind: low[low.index(kind) + 1]
        for kind in ("resourcegroups", "virtualmachinescalesets")
        if kind in low
    }
    return "/".join([*found.values(), low[-1]])


CLOUDS: Mapping[str, Of] = {
    "aws": Of("ec2", _last),  # aws:///eu-west-1a/i-0123
    "azure": Of(
        "azure", _of_azure
    ),  # azure:///subscriptions/S/resourceGroups/G/providers/…/virtualMachines/N
    "digitalocean": Of("digitalocean", _last),  # digitalocean://1234
    "gce": Of("google", _zone_and_name),  # gce://project/zone/name
    "hcloud": Of("hetzner", _last),  # hcloud://1234
    "linode": Of("linode", _last),  # linode://1234
    "oci": Of("oci", _last),  # oci://ocid1.instance…
    "openstack": Of("openstack", _last),  # openstack:///uuid, openstack://region/uuid
    "proxmox": Of("proxmox", _last),  # proxmox://region/101
    "scaleway": Of("scaleway", _last),  # scaleway://instance/fr-par-1/uuid
    "vultr": Of("vultr", _last),  # vultr://uuid
}
PROVIDERS = frozenset(of.provider for of in CLOUDS.values())


def instance_of(provider_id: str) -> tuple[str, str]:
    """Return the provider, by our name of it, and the id of a node's instance there; empty where unknown."""
    scheme, between, rest = provider_id.partition("://")
    if not between and provider_id.startswith("ocid1."):  # Oracle's own writes the bare id
        scheme, rest = "oci", provider_id
    parts = [part for part in rest.split("/") if part]
    of = CLOUDS.get(scheme)
    return (of.provider, of.id(parts)) if of and parts else ("", "")
