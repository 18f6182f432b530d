"""The keys of `[cloud]` for Proxmox VE, checked strictly: see `Settings`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from keepapart.clouds.listed import ListedSettings, Texts

Vmids = Annotated[
    str,
    Meta(
        pattern=r"^[1-9][0-9]{2,8}-[1-9][0-9]{2,8}$",
        description='two numbers such as "900000000-999999999" are wanted',
    ),
]


class Settings(ListedSettings, frozen=True):
    """The keys of `[cloud]` for Proxmox VE, beside those of every listing.

    1. `endpoints` are nodes of one cluster, such as "https://pve-1:8006"; the first that answers is asked.
    2. `ca` is the file of the cluster's own authority; or `fingerprint` is the SHA-256 of the nodes'
       certificate. Without either, the certificate has to be one that this machine trusts.
    3. Instances are cloned from `template` (a name or a VMID; one name may be that of a template on each
       node), into `pool`, with VMIDs within `vmids`. `full` copies its disks, to `storage` if one is named.
    4. `nodes` are those that instances may be put on; without it, all.
    """

    endpoints: Texts = ()
    ca: str = ""
    fingerprint: str = ""
    template: str = ""
    full: bool = False
    storage: str = ""
    pool: str = ""
    nodes: Texts = ()
    vmids: Vmids = "900000000-999999999"


def span(vmids: str) -> tuple[int, int]:
    """Return the first and the last VMID that `vmids` allows."""
    first, _, last = vmids.partition("-")
    return int(first), int(last)
