"""OpenStack: `provider = "openstack"`, through openstacksdk (the extra "openstack").

docs/platforms/openstack.md is the operator's guide. One file a subject: `client` (who is asked, paced and
bounded), `errors` (what a refusal means), `server` (what is read of a server, and its state), `host_ids`
(whether a host id is one host's), `listing` (all of it together), `request` (what a launch says), `groups`
(the server group that it is launched into), `cloud` (launch and release), `moving` (how a server gets another
host), `settings` (the keys).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keepapart.clouds import Listing
from keepapart.clouds.listed import need, parse
from keepapart.clouds.openstack.settings import Settings
from keepapart.model import Instance

ALIKE = ("flavor", "group", "zone")


def connect(settings: Mapping[str, Any], instances: Sequence[Instance]) -> Listing:
    """Open OpenStack as `[cloud]` says. Raises `ConfigError`."""
    chosen = parse(settings, Settings, instances, ALIKE)
    need("openstack", "openstack", "keystoneauth1")
    from keepapart.clouds.openstack.client import Client
    from keepapart.clouds.openstack.cloud import OpenStackCloud

    client = Client(chosen.cloud, chosen.region, timeout=chosen.timeout, tries=chosen.tries)
    return OpenStackCloud(client, chosen)
