"""Routers on the way: who looks for which of them towards whom, and what may be said of what was seen.

1. Outward, every node looks for its first and second router towards a few members, the same few for
   everybody, so that paths can be compared. Those on its own host or link are left out: datagrams would be
   there too soon.
2. Where guests say that they are Hetzner's, towards the public addresses of a few members too: only there the
   second router can be a host's. Those are told by the list of members, by the platform or by the way in.
3. Inward, a few nodes look for the last router before every member that is more than two hops away. Such
   routers are compared for each of these senders alone (`signals.gateway`): a router may name itself
   otherwise to another.
4. A router is named if one address, always the same, answered in more than one flow. A member's own address
   is no router's: some networks' routers answer by it (OVN).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import NamedTuple

from keepapart.probe.measured import LONGEST, Counts, Trace
from keepapart.reach import Roster, Sighting, Step

LANDMARKS = 16  # members to choose targets from
TARGETS = 2  # of a node
SENDERS = 3  # nodes that look for everybody's last router
NAMED = "Hetzner"  # the maker of guests whose second router outward can be their host


class Look(NamedTuple):
    """A look for the router so far on the way to a member, or to its `public` address."""

    target: int
    distance: int = 1
    public: str = ""


Seen = Mapping[str, Sequence[tuple[Look, str, int]]]  # by node: what router was seen, and how often


def landmarks(roster: Roster, least: Counts, most: int = LANDMARKS) -> list[list[int]]:
    """Say which of `most` members, spread over all, each node can look towards: all but those on its link."""
    size = len(roster.ids)
    chosen = range(0, size, -(-size // most))
    six = [":" in address for address, _ in roster.places]
    return [
        [at for at in chosen if at != number and least[number, at] != 1 and six[at] == six[number]]
        for number in range(size)
    ]


def targets(roster: Roster, least: Counts, named: Sequence[bool], *, others: bool = True) -> list[list[Look]]:
    """Say towards whom each node looks for its first router, and then its second one (rules 1 and 2).

    `named` says whose host a router may name; whether `others` look for any depends on the round.
    """
    found = []
    for number, able in enumerate(landmarks(roster, least)):
        far = [at for at in able if least[number, at] > 2] or able
        chosen = [Look(at) for at in far[:TARGETS]] if others or named[number] else []
        if named[number]:
            public = [look for at in far if (look := _in_public(roster, at))]
            chosen += [look for look in public[:TARGETS] if look not in chosen]
        found.append(chosen)
    return found


def senders(least: Counts) -> list[int]:
    """Choose who looks for last routers: nodes that are not two hops from each other."""
    found: list[int] = []
    for number in range(len(least)):
        if len(found) < SENDERS and all(least[number, other] > 2 for other in found):
            found.append(number)
    return found


def looks(
    roster: Roster, least: Counts, outward: Sequence[Sequence[Look]], *, inward: bool
) -> dict[str, list[Look]]:
    """Say which routers each node looks for, `inward` for last ones too."""
    wants = [[look._replace(distance=at) for at in (1, 2) for look in chosen] for chosen in outward]
    for number in senders(least) if inward else ():
        hops = enumerate(least[number].tolist())
        last = [Look(target, count - 1) for target, count in hops if 2 < count <= LONGEST]
        wants[number] += [look for look in last if look not in wants[number]]
    return {name: chosen for name, chosen in zip(roster.ids, wants, strict=True) if chosen}


def steps(roster: Roster, chosen: Sequence[Look]) -> list[Step]:
    """Say by which addresses and ports a node looks."""
    places = [(look, *roster.places[look.target]) for look in chosen]
    return [(look.public or address, ports[0], look.distance) for look, address, ports in places]


def seen(
    roster: Roster, chosen: Mapping[str, Sequence[Look]], answers: Mapping[str, Sequence[Sighting]]
) -> Seen:
    """Say of what nodes answered where it was seen; members are left out (rule 4)."""
    members = {*(address for address, _ in roster.places), *roster.public}
    return {
        name: [
            (chosen[name][number], router, times) for number, router, times in each if router not in members
        ]
        for name, each in answers.items()
    }


def traces(roster: Roster, least: Counts, seen: Seen) -> list[Trace]:
    """Return what was seen of routers, for each node and address that it looked towards."""
    found = []
    for sender, name in enumerate(roster.ids):
        theirs = seen.get(name, ())
        for target, public in sorted({(look.target, look.public) for look, _, _ in theirs}):
            wanted = [Look(target, distance, public) for distance in (1, 2, int(least[sender, target]) - 1)]
            first, second, last = (steady([one for one in theirs if one[0] == look]) for look in wanted)
            found.append(Trace(sender, target, first, second, "" if public else last, public))
    return found


def towards_all(roster: Roster, outward: Sequence[Sequence[Look]], seen: Seen) -> tuple[list[str], list[str]]:
    """Return the first and the second router of each node, the same towards its first targets' places."""
    found: tuple[list[str], list[str]] = ([], [])
    for name, chosen in zip(roster.ids, outward, strict=True):
        places = [look for look in chosen[:TARGETS] if not look.public]
        for distance, routers in enumerate(found, 1):
            wanted = {look._replace(distance=distance) for look in places}
            routers.append(steady([one for one in seen.get(name, ()) if one[0] in wanted]))
    return found


def steady(sightings: Sequence[tuple[Look, str, int]]) -> str:
    """Return who answered, if always the same one and more than once; else nothing."""
    answered = {router for _, router, _ in sightings}
    return answered.pop() if len(answered) == 1 and sum(times for *_, times in sightings) > 1 else ""


def _in_public(roster: Roster, at: int) -> Look | None:
    """Return a look towards the public address of a member; None where it has none that is known."""
    if ip_address(roster.places[at][0]).is_global:
        return Look(at)
    public = roster.public[at] if roster.public else ""
    return Look(at, public=public) if public and ":" not in roster.places[at][0] else None
