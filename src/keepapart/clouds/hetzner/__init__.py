"""Hetzner Cloud: `provider = "hetzner"`, by its REST API. docs/platforms/hetzner.md is the operator's guide.

One file a subject: `reading` (servers and their facts), `cloud` (launch and release), `settings` (the keys).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keepapart.clouds import Listing
from keepapart.clouds.by_token import asked_by_token
from keepapart.clouds.hetzner.settings import Settings
from keepapart.clouds.listed import parse
from keepapart.model import Instance

ENDPOINT = "https://api.hetzner.cloud/v1"
TOKENS = ("HCLOUD_TOKEN",)


def connect(settings: Mapping[str, Any], instances: Sequence[Instance]) -> Listing:
    """Open Hetzner Cloud as `[cloud]` says. Raises `ConfigError`."""
    chosen = parse(settings, Settings, instances)
    rest = asked_by_token("hetzner", "Hetzner Cloud", chosen, endpoint=ENDPOINT, variables=TOKENS)
    from keepapart.clouds.hetzner.cloud import HetznerCloud

    return HetznerCloud(rest, chosen)
