"""Kubernetes: `provider = "kubernetes"` lists a cluster's nodes, through lightkube (the extra "kubernetes").

docs/platforms/kubernetes.md is the operator's guide. One file a subject: `nodes` (who is asked, and what is
read of a node), `labels` (what its labels state), `provider_id` (which instance of which cloud a node is).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keepapart import clouds
from keepapart.clouds import Listing
from keepapart.clouds.listed import ListedCloud, ListedSettings, need, parse
from keepapart.errors import ConfigError
from keepapart.model import Instance


class Settings(ListedSettings, frozen=True):
    """The keys of `[cloud]` for Kubernetes, beside those of every listing.

    1. `context` is one of the kubeconfig's; without it, the current one, else the pod's own account.
    2. `stated_by` is a [cloud] of its own: the platform of the nodes, whose API states where they are.
    """

    context: str = ""
    stated_by: Mapping[str, Any] = {}


def connect(settings: Mapping[str, Any], instances: Sequence[Instance]) -> Listing:
    """Open the cluster that `[cloud]` names, or the kubeconfig. Raises `ConfigError`."""
    chosen = parse(settings, Settings, instances, ())
    need("kubernetes", "lightkube")
    from keepapart.clouds.kubernetes.nodes import Nodes

    nodes = Nodes(chosen.context, timeout=chosen.timeout, tries=chosen.tries)
    platform = _platform(chosen.stated_by)

    def close() -> None:
        nodes.close()
        if platform:
            platform.close()

    return ListedCloud("kubernetes", chosen, lambda: nodes.read(platform), close)


def _platform(settings: Mapping[str, Any]) -> Listing | None:
    """Open the cloud that states where nodes are, where there is one."""
    if not settings:
        return None
    from keepapart.clouds.kubernetes.provider_id import PROVIDERS

    provider = settings.get("provider")
    if provider not in PROVIDERS:
        known = f"it knows nodes of {', '.join(sorted(PROVIDERS))}"
        raise ConfigError(f"[cloud] stated_by: a table with a provider is wanted, not {provider!r}", known)
    rest = {key: value for key, value in settings.items() if key != "provider"}
    try:
        return clouds.connect(str(provider), rest, ())
    except ConfigError as error:
        raise ConfigError(f"[cloud] stated_by: {error.cause}", error.mend) from None
