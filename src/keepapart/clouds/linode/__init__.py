"""Linode (Akamai): `provider = "linode"`, by its REST API. docs/platforms/linode.md is the operator's guide.

One file a subject: `reading` (instances and their facts), `cloud` (launch and release), `settings` (keys).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keepapart.clouds import Listing
from keepapart.clouds.by_token import asked_by_token
from keepapart.clouds.linode.settings import Settings
from keepapart.clouds.listed import parse
from keepapart.model import Instance

ENDPOINT = "https://api.linode.com/v4"
TOKENS = ("LINODE_TOKEN", "LINODE_CLI_TOKEN")  # Terraform's and the libraries'; linode-cli's


def connect(settings: Mapping[str, Any], instances: Sequence[Instance]) -> Listing:
    """Open Linode as `[cloud]` says. Raises `ConfigError`."""
    chosen = parse(settings, Settings, instances)
    rest = asked_by_token("linode", "Linode", chosen, endpoint=ENDPOINT, variables=TOKENS)
    from keepapart.clouds.linode.cloud import LinodeCloud

    return LinodeCloud(rest, chosen)
