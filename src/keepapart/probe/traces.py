"""Routers on the way: who looks for which of them towards whom, and what may be said of what was seen.

1. Outward, every node looks for its first and second router towards a few members, the same few for
   everybody, so that paths can be compared. Those on its own host or link are left out: datagrams would be
   there too soon.
2. Where guests say that they are Hetzner's, towards a few members with public addresses too: only there the
   second router can be a host's.
3. Inward, a few nodes look for the last router before every member that is more than two hops away. Such
   routers are compared for each of these senders alone (`signals.gateway`): a router may name itself
   otherwise to another.
4. A router is named if one address, always the same, answered in more than one flow. A member's own address
   is no router's: some networks' routers answer by it (OVN).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address

from keepapart.probe.measured import LONGEST, Counts, Trace
from keepapart.reach import Roster, Sighting, Step

LANDMARKS = 16  # members to choose targets from
TARGETS = 2  # of a node
SENDERS = 3  # nodes that look for everybody's last router
NAMED = "Hetzner"  # the maker of guests whose second router outward can be their host

Seen = Mapping[str, Sequence[Sighting]]


def landmarks(roster: Roster, least: Counts, most: int = LANDMARKS) -> list[list[int]]:
    """Say which of `most` members, spread over all, each node can look towards: all but those on its link."""
    size = len(roster.ids)
    chosen = range(0, size, -(-size // most))
    six = [":" in address for address, _ in roster.places]
    return [
        [at for at in chosen if at != number and least[number, at] != 1 and six[at] == six[number]]
        for number in range(size)
    ]


def targets(roster: Roster, least: Counts, named: Sequence[bool], *, others: bool = True) -> list[list[int]]:
    """Say towards whom each node looks for its first routers (rules 1 and 2).

    `named` says whose host a router may name; whether `others` look for any depends on the round.
    """
    found = []
    for number, able in enumerate(landmarks(roster, least)):
        far = [at for at in able if least[number, at] > 2] or able
        chosen = far[:TARGETS] if others or named[number] else []
        if named[number]:
            public = [at for at in far if ip_address(roster.places[at][0]).is_global]
            chosen += [at for at in public[:TARGETS] if at not in chosen]
        found.append(chosen)
    return found


def senders(least: Counts) -> list[int]:
    """Choose who looks for last routers: nodes that are not two hops from each other."""
    found: list[int] = []
    for number in range(len(least)):
        if len(found) < SENDERS and all(least[number, other] > 2 for other in found):
            found.append(number)
    return found


def steps(
    roster: Roster, least: Counts, outward: Sequence[Sequence[int]], *, inward: bool
) -> dict[str, list[Step]]:
    """Say which routers each node looks for, `inward` for last ones too."""
    wants = [[(target, at) for at in (1, 2) for target in chosen] for chosen in outward]
    for number in senders(least) if inward else ():
        hops = enumerate(least[number].tolist())
        last = [(target, count - 1) for target, count in hops if 2 < count <= LONGEST]
        wants[number] += [step for step in last if step not in wants[number]]
    return {name: chosen for name, chosen in zip(roster.ids, wants, strict=True) if chosen}


def traces(roster: Roster, least: Counts, seen: Seen) -> list[Trace]:
    """Return what was seen of routers, for each node and target of its."""
    members = {address for address, _ in roster.places}
    found = []
    for sender, name in enumerate(roster.ids):
        sightings = [one for one in seen.get(name, ()) if one[2] not in members]
        for target in sorted({target for target, _, _, _ in sightings}):
            at = (1, 2, int(least[sender, target]) - 1)
            routers = [steady([one for one in sightings if one[:2] == (target, where)]) for where in at]
            found.append(Trace(sender, target, *routers))
    return found


def towards_all(roster: Roster, outward: Sequence[Sequence[int]], seen: Seen) -> tuple[list[str], list[str]]:
    """Return the first and the second router of each node, the same towards all of its first targets."""
    members = {address for address, _ in roster.places}
    found: tuple[list[str], list[str]] = ([], [])
    for name, chosen in zip(roster.ids, outward, strict=True):
        theirs = [one for one in seen.get(name, ()) if one[0] in chosen[:TARGETS] and one[2] not in members]
        for distance, routers in enumerate(found, 1):
            routers.append(steady([one for one in theirs if one[1] == distance]))
    return found


def steady(sightings: Sequence[Sighting]) -> str:
    """Return who answered, if always the same one and more than once; else nothing."""
    answered = {address for _, _, address, _ in sightings}
    return answered.pop() if len(answered) == 1 and sum(times for *_, times in sightings) > 1 else ""
