"""DigitalOcean: `provider = "digitalocean"`, by its REST API. docs/platforms/digitalocean.md is the guide.

One file a subject: `reading` (droplets and their facts), `cloud` (launch and release), `settings` (the keys).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keepapart.clouds import Listing
from keepapart.clouds.by_token import asked_by_token
from keepapart.clouds.digitalocean.settings import Settings
from keepapart.clouds.listed import parse
from keepapart.model import Instance

ENDPOINT = "https://api.digitalocean.com/v2"
TOKENS = ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN")  # Terraform's; doctl's


def connect(settings: Mapping[str, Any], instances: Sequence[Instance]) -> Listing:
    """Open DigitalOcean as `[cloud]` says. Raises `ConfigError`."""
    chosen = parse(settings, Settings, instances)
    rest = asked_by_token("digitalocean", "DigitalOcean", chosen, endpoint=ENDPOINT, variables=TOKENS)
    from keepapart.clouds.digitalocean.cloud import DigitalOceanCloud

    return DigitalOceanCloud(rest, chosen)
