"""Azure: `provider = "azure"`, by the Resource Manager's REST API. docs/platforms/azure.md is the guide.

One file a subject: `reading` (what is stated of machines), `asking` (changes, and what refusals mean),
`request` (what a launch says), `placing` (the set and the fault domain in it), `cloud` (launch and release),
`prices` (what a machine costs), `settings` (the keys), `auth` (the credentials).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from keepapart.clouds import Listing
from keepapart.clouds.azure.settings import Settings
from keepapart.clouds.listed import need, parse
from keepapart.errors import ConfigError
from keepapart.model import Instance

ENDPOINT = "https://management.azure.com"
PRICES = "https://prices.azure.com"
SUBSCRIPTIONS = ("AZURE_SUBSCRIPTION_ID", "ARM_SUBSCRIPTION_ID")  # Azure's own; Terraform's


def connect(settings: Mapping[str, Any], instances: Sequence[Instance]) -> Listing:
    """Open Azure as `[cloud]` says. Raises `ConfigError`."""
    chosen = parse(settings, Settings, instances, ("group",))
    subscription = chosen.subscription or next(filter(None, map(os.environ.get, SUBSCRIPTIONS)), "")
    if not subscription:
        raise ConfigError(f"[cloud] subscription: none is set; write it there, or set {SUBSCRIPTIONS[0]}")
    if chosen.zone and (chosen.scale_set or chosen.availability_set):
        raise ConfigError("[cloud] zone: a set with fault domains is in no zone", "keep one of them")
    if chosen.scale_set and chosen.availability_set:
        raise ConfigError("[cloud] availability_set: there is a scale_set already", "keep one of them")
    need("azure", "requests", "azure.identity")
    from keepapart.clouds.azure.auth import Credentials
    from keepapart.clouds.azure.cloud import AzureCloud
    from keepapart.clouds.rest import Mends, Rest

    endpoint = chosen.endpoint or ENDPOINT
    rest = Rest(
        "Azure",
        endpoint,
        Credentials(f"{endpoint}/.default"),
        Mends(
            "`az login`, or look at AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET",
            "the rights that are needed are in docs/platforms/azure.md",
        ),
        timeout=chosen.timeout,
        tries=chosen.tries,
    )
    nothing = Mends("the list is public, and asks for no login", "set [launch] price_per_hour")
    prices = Rest(
        "Azure's price list",
        PRICES,
        lambda request: request,
        nothing,
        timeout=chosen.timeout,
        tries=chosen.tries,
    )
    return AzureCloud(rest, prices, subscription, chosen)
