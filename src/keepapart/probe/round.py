"""A round: every instance sends to every other, and the counts come home as arrays.

1. Every node is open before any sends, and every node has sent before any reports: nothing is lost to a
   late start. What is sent, and how often, is said in batches.py.
2. Instances whose address nobody said are asked for it (own_addresses.py). Datagrams are sealed with the
   strongest keyed hash that all nodes have.
3. An instance takes part only if something that was sent to its address arrived at its node, or was answered
   there and its machine has that address. Else its way in may lead to another machine than its address, and
   neither its counts nor what it tells is of this instance.
4. Whatever computes with numpy is imported while nodes open, by whoever calls (`ready`), and by nobody else
   until that is done: two threads that import one package may each wait for the other.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from keepapart.errors import UsageError
from keepapart.model import Instance, Progress, silent
from keepapart.node.keyed import HASHES
from keepapart.probe import SOCKETS
from keepapart.probe.metadata import Metadata, ServiceOf, no_service
from keepapart.probe.own_addresses import learn, public_address
from keepapart.probe.together import together
from keepapart.reach import Asked, NodeGroup, Roster
from keepapart.reach.transports import Transports

if TYPE_CHECKING:
    from keepapart.probe.measured import Round, Wanting

log = logging.getLogger(__name__)


async def measure(
    instances: Sequence[Instance],
    transports: Transports,
    *,
    port: int = 0,
    tcp_port: int = 0,
    wanting: Wanting = lambda _tally: None,
    service_of: ServiceOf = no_service,
    ready: Awaitable[object] | None = None,
    key: Callable[[], bytes] = lambda: secrets.token_bytes(32),
    progress: Progress = silent,
) -> Round:
    """Measure all pairs of `instances` in one round.

    `transports` are the ways in, for this round and others; `port` is the UDP port to receive on (0: any).
    After each batch `wanting` says which pairs need more flows; `service_of` is that of metadata.py; neither
    is asked before `ready` is over. Raises `ConfigError` for a way in that isn't there; what fails at single
    instances is in `Round.lost`.
    """
    known = [instance.address for instance in instances if instance.address]
    if port and len(set(known)) < len(known):
        raise UsageError("[network] port: one port can't serve instances that share an address")
    ids = [instance.id for instance in instances]
    groups = transports.group(instances)
    try:
        progress("open", 0.0)
        instances = await learn(instances, groups)
        ports = await together(group.open(port, SOCKETS) for group in groups)
        present = [instance for instance in instances if instance.id in ports]
        hashed = _strongest(groups)
        log.info("datagrams are sealed by keyed %s", hashed)
        places = [(instance.address, ports[instance.id]) for instance in present]
        public = [public_address(instance) for instance in present]
        roster = Roster([instance.id for instance in present], places, hashed, public)
        secret = key()
        await asyncio.gather(*(group.join(roster, secret) for group in groups))
        if ready:
            await ready
        metadata = await Metadata.of(groups, service_of)
        before = await metadata.ask()
        from keepapart.probe.batches import Batches
        from keepapart.probe.extras import gather
        from keepapart.probe.measured import Round

        batches = Batches(groups, roster, progress)
        tally = await batches.run(wanting, flows=SOCKETS if port else SOCKETS**2, tcp_port=tcp_port)
        lost = {name: why for group in groups for name, why in group.lost.items()}
        extras = await gather(groups, roster, tally)
        told = await metadata.again(before)
        extras = replace(extras, metadata=[told.get(name, {}) for name in roster.ids])
    finally:
        await asyncio.gather(*(group.close() for group in groups))
    found = Round(tuple(roster.ids), tally, lost, extras).of_who_took_part().among(ids, {})
    return replace(
        found, addresses={instance.id: instance.address for instance in instances}, sent=batches.sent
    )


def _strongest(groups: Sequence[NodeGroup]) -> str:
    """Return the strongest keyed hash that all nodes have; those that can't be asked have them all.

    A node that has none of them is lost when it is handed the key.
    """
    told = [names for group in groups if isinstance(group, Asked) for names in group.hashes.values() if names]
    return next((name for name in HASHES if all(name in names for names in told)), HASHES[-1])
