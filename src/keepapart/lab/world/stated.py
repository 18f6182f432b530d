"""What the lab's cloud states of where its instances are: nothing unless asked, the truth unless told to lie.

1. `states` lists the facts; each is stated as clouds state it:
   - `host`: an opaque hash, as OpenStack's hostId.
   - `zone`: that of the rack.
   - `group`: with `group_strategy` spread; no two members of a group share a host.
   - `partition`: with one `group` of strategy partition; no two partitions share a rack.
   - `fault_domain`: one a rack, numbered; clouds state it within a zone or a group.
   - `topology`: the network nodes above the instance, outermost first, the last being its rack's.
2. `lies` instances, chosen by the scheduler's seed among those that came up with the lab, are stated to be on
   another host, always the same.
3. With `stale`, an instance's facts stay as they were at its launch, whatever a start or a move has changed.
4. An instance without a place has no facts, but for stale ones.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from random import Random

from keepapart.lab.world.topology import Place, Topology


def facts(topology: Topology, guest_id: str, place: Place | None, launched: Place | None) -> dict[str, str]:
    """Return what the cloud states of an instance at `place` that was launched at another."""
    placement = topology.world.placement
    stated = launched if placement.stale else place
    if stated is None or not placement.states:
        return {}
    if guest_id in liars(topology):
        stated = _elsewhere(topology, guest_id, stated)
    found: dict[str, str] = {}
    for name in placement.states:
        found |= _fact(topology, stated, name)
    return found


def liars(topology: Topology) -> frozenset[str]:
    """Name the instances of which wrong facts are stated."""
    world = topology.world
    if not world.placement.lies:
        return frozenset()
    first = sum(cluster.size for cluster in world.clusters)
    chosen = Random(world.scheduler.seed).sample(range(1, first + 1), min(world.placement.lies, first))
    return frozenset(f"i-{number:04}" for number in chosen)


def _elsewhere(topology: Topology, guest_id: str, place: Place) -> Place:
    others = [host for host in topology.hosts() if host != place.host]
    chance = Random(f"{topology.world.scheduler.seed} {guest_id}")
    return replace(place, host=chance.choice(others)) if others else place


def _fact(topology: Topology, place: Place, name: str) -> dict[str, str]:
    """Return one fact of `FACTS`, with what a cloud states along with it."""
    rack = place.host.rack
    if name == "group":
        return {"group": f"spread-{place.slot + 1}", "group_strategy": "spread"}
    if name == "partition":
        return {"group": "partitions", "group_strategy": "partition", "partition": str(rack)}
    if name == "topology":
        pod = topology.pod_name(place.host)
        nodes = ["core", *([f"pod {pod}"] if pod else []), f"rack {rack}"]
        return {name: ",".join(f"nn-{_opaque(topology, node, 17)}" for node in nodes)}
    return {
        name: {
            "host": _opaque(topology, topology.host_name(place.host), 56),
            "zone": f"lab-1{topology.world.racks[rack - 1].zone}",
            "fault_domain": str(rack - 1),
        }[name]
    }


def _opaque(topology: Topology, what: str, length: int) -> str:
    return hashlib.sha256(f"{topology.world.name}\n{what}".encode()).hexdigest()[:length]
