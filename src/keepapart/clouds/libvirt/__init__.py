"""libvirt: `provider = "libvirt"`, hosts that are each asked for their domains, by libvirt's own binding.

docs/platforms/libvirt.md is the operator's guide. One file a subject: `library` (where the binding is),
`host` (what one host says), `places` (which of them are one machine, and where each domain is), `placing` (on
which one the next goes), `cloud` (launch and release), `moving`; `definition` (what a domain is made of),
`domain` (what is done to one), `acting` (in time, and what a refusal means).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from keepapart.clouds import Listing
from keepapart.clouds.libvirt.settings import Settings
from keepapart.clouds.listed import parse
from keepapart.errors import ConfigError
from keepapart.model import Instance

DEFAULT = "LIBVIRT_DEFAULT_URI"
ALIKE = ("host",)


def connect(settings: Mapping[str, Any], instances: Sequence[Instance]) -> Listing:
    """Open the hosts that `[cloud]` names. Raises `ConfigError`, also where libvirt's binding is missing."""
    chosen = parse(settings, Settings, instances, ALIKE)
    hosts = chosen.hosts or tuple(filter(None, (os.environ.get(DEFAULT, "").strip(),)))
    if not hosts:
        raise ConfigError(
            f'[cloud] hosts: none is set; write ["qemu+ssh://root@HOST/system"] there, or set {DEFAULT}'
        )
    for uri in hosts:
        if hosts.count(uri) > 1:
            raise ConfigError(f"[cloud] hosts: {uri!r} stands twice")
        if "://" not in uri:
            raise ConfigError(f"[cloud] hosts: {uri!r} is no address such as qemu+ssh://root@HOST/system")
    from keepapart.clouds.libvirt.library import load

    load()
    from keepapart.clouds.libvirt.cloud import LibvirtCloud

    return LibvirtCloud(replace(chosen, hosts=hosts))
