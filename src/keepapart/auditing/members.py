"""Who an audit is of: the members that the cloud lists, some of them, those that ended, and the others."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from itertools import chain
from typing import TYPE_CHECKING

from keepapart.auditing.kept import WHOLE, unrelieved
from keepapart.clouds import (
    CLUSTER_TAG,
    MEMBER,
    ROLE_TAG,
    TERMINATED,
    Adopting,
    Cloud,
    Listing,
    Vouching,
    by_hand,
    connect,
)
from keepapart.config import Config
from keepapart.errors import UsageError
from keepapart.model import Controls, Instance, Progress

if TYPE_CHECKING:
    from keepapart.store import Store

LOG = logging.getLogger(__name__)


def cloud_of(config: Config) -> Listing:
    """Connect to the cloud that the configuration names; whoever asks closes it."""
    return connect(config.cloud.provider, config.cloud.settings, config.instances)


def opened(config: Config, cloud: Listing | None) -> AbstractContextManager[Listing]:
    """Return the cloud that is open already, which stays so, or one that closes."""
    return nullcontext(cloud) if cloud else closing(cloud_of(config))


def network_word(cloud: Listing) -> str:
    """Ask the cloud for its word of the network; empty where it knows nothing of it."""
    return cloud.network() if isinstance(cloud, Vouching) else ""


def members(config: Config, cloud: Listing) -> list[Instance]:
    """List the cluster's members. Raises `UsageError` where there are none."""
    found = list(cloud.instances({CLUSTER_TAG: config.cluster.name, ROLE_TAG: MEMBER}))
    if not found:
        adopts = f"[cloud] {cloud.adopts} names those that run already" if isinstance(cloud, Adopting) else ""
        adds = "`keepapart admit` adds some" if isinstance(cloud, Cloud) else ""
        mend = " and ".join(filter(None, [adopts, adds])) or "list them as [[instances]]"
        raise UsageError(f"{config.path}: cluster {config.cluster.name!r} has no members", mend)
    return sorted(found, key=lambda instance: instance.id) if cloud.name != "static" else found


def listed_by(config: Config, cloud: Listing) -> list[Instance]:
    """List all that the cloud lists, whosever it is. Raises `UsageError` where there is nobody."""
    if not (found := list(cloud.instances({}))):
        lists = f"{config.path}: {cloud.name!r} lists no instances"
        raise UsageError(lists, "is it the right project, and region?")
    return found


def whom_to_ask(
    config: Config,
    cloud: Listing,
    only: Sequence[str],
    wanted: Sequence[str],
    known: Controls,
    store: Store | None,
    purpose: str,
    progress: Progress,
) -> tuple[list[Instance], list[Instance], str]:
    """Return who an audit is of, with those who ended where it is of all; the others; the network's word."""
    named = (*wanted, *chain(*known.same, *known.separate))
    chosen, unasked = select(config, cloud, only, progress, named=named)
    if store and purpose == WHOLE and not only:
        chosen += _ended(config, cloud, store, chosen)
    return chosen, unasked, network_word(cloud)


def select(
    config: Config,
    cloud: Listing,
    only: Sequence[str],
    progress: Progress,
    *,
    named: Sequence[str] = (),
    whole: bool = False,
) -> tuple[list[Instance], list[Instance]]:
    """List the members, or `only` these, with `[facts]`, and the other members.

    The `whole` of what the cloud lists is no cluster, and has no others. Raises `UsageError` for an id that
    is none's.
    """
    progress("facts", 0.0)
    there = listed_by(config, cloud) if whole else members(config, cloud)
    there = by_hand.joined(config, there, members=True)
    wanted, ids = set(only), {instance.id for instance in there}
    for name in (*only, *named):
        if name not in ids:
            raise UsageError(f"{name!r} is not a member of {config.cluster.name!r}: {_listed(sorted(ids))}")
    chosen = [instance for instance in there if not wanted or instance.id in wanted]
    running = sum(instance.running for instance in chosen)
    LOG.info("%s: %d members of %r, %d running", config.path, len(chosen), config.cluster.name, running)
    others = [] if whole or not wanted else [one for one in there if one.id not in wanted]
    return chosen, others


def _ended(config: Config, cloud: Listing, store: Store, there: Sequence[Instance]) -> list[Instance]:
    """List who was a member in the audit before, and was ended without a stand-in: it is down, and not gone.

    That is so as long as the platform remembers it (EC2 for about an hour); whoever joined since is one's
    stand-in.
    """
    known, before = {instance.id for instance in there}, unrelieved(store, config.cluster.name)
    missing = [name for name in before if name not in known]
    found = cloud.describe(missing).values() if missing else ()
    ended = [instance for instance in found if instance.state == TERMINATED]
    return ended[: max(0, len(before) - len(there))]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:8])
    return f"there is {shown}" + (f" and {len(names) - 8} more" if len(names) > 8 else "")
