"""What is new of members from one audit to the next, each told once. Pure.

1. A change is told when two audits in a row agree on it: what flaps is not told. That a member shares a host
   is told at once.
2. A member moved where its host has another name than it was last known to have; not knowing for a while
   neither makes nor hides that.
3. One member that isn't reached leaves it open who shares a host with it: that is news of it alone, and makes
   nothing new of the others. But a member is called separate only where it is known of all that run.
4. What is stated of a member comes to differ, from others or from what is measured. That ends only where all
   that run are reached, and it is known who shares the member's host.
5. The first audit of all tells only who shares a host: nothing else is a change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from keepapart.auditing.changes import all_reached, differing
from keepapart.auditing.pair_kinds import DOWN, UNREACHED
from keepapart.clouds import RUNNING
from keepapart.documents.watch import NewsDocument
from keepapart.model import Verdict

UNKNOWN = Verdict.UNKNOWN.value


class Member(msgspec.Struct, frozen=True):
    """What is told of a member: its host, last known; who is on it; which fact by whose word differs.

    It is `known` where it was reached and no verdict on it and another that was is unknown, and `apart` where
    it is separate from all others that run.
    """

    runs: bool = True
    known: bool = False
    apart: bool = False
    host: str | None = None
    mates: tuple[str, ...] = ()
    differs: tuple[tuple[str, str], ...] = ()


class Told(msgspec.Struct, frozen=True):
    """What was told of each member, by id, and what the last audit said of it."""

    told: dict[str, Member]
    seen: dict[str, Member]

    @classmethod
    def read(cls, kept: str) -> Told:
        """Read what `written` wrote."""
        return msgspec.json.decode(kept, type=cls)

    def written(self) -> str:
        """Write it as JSON."""
        return msgspec.json.encode(self).decode()


@dataclass(frozen=True, slots=True)
class _Change:
    """A member as it was told and as it is now; None where it is none."""

    id: str
    was: Member | None
    now: Member | None


def news(before: Told | None, audit: Mapping[str, Any]) -> tuple[Told, list[NewsDocument]]:
    """Compare an audit, as a document, with what was told before it; None: nothing ever was."""
    there = members(audit)
    if before is None:
        before = Told({name: replace(member, mates=()) for name, member in there.items()}, there)
    told, found, whole = dict(before.told), [], all_reached(audit)
    for name in dict.fromkeys((*before.told, *there)):
        was, seen = before.told.get(name), before.seen.get(name)
        now = _remembering(there.get(name), was, whole)
        if now == was or not (_newly_shares(was, now) or now == _remembering(seen, was, whole)):
            continue
        made = partial(NewsDocument, cluster=audit["cluster"], at=audit["at"], id=name)
        found += [made(**what) for what in _told(_Change(name, was, now), differing(audit))]
        if now is None:
            del told[name]
        else:
            told[name] = now
    return Told(told, there), found


def members(audit: Mapping[str, Any]) -> dict[str, Member]:
    """Return what an audit says of each member, by id."""
    on = {host["name"]: host["instances"] for host in audit["hosts"]}
    runs = {one["id"] for one in audit["instances"] if one.get("state", RUNNING) == RUNNING}
    reached = {one["id"] for one in audit["instances"] if one["reached"]}
    unknown, open_to_some = _unknown(audit, reached, ()), _unknown(audit, runs, (UNREACHED,))
    differs: dict[str, list[tuple[str, str]]] = {}
    for name, fact, by in differing(audit):
        differs.setdefault(name, []).append((fact, by))
    found = {}
    for one in audit["instances"]:
        name, host = one["id"], one["host"]
        mates = tuple(sorted(other for other in on.get(host, ()) if other != name))
        found[name] = Member(
            runs=name in runs,
            known=name in reached - unknown,
            apart=bool(host) and not mates and name in runs - open_to_some,
            host=host,
            mates=mates,
            differs=tuple(sorted(differs.get(name, ()))),
        )
    return found


def _unknown(audit: Mapping[str, Any], among: Set[str], also: Collection[str]) -> Set[str]:
    """List who is in an unknown pair of two `among` these; all, where not every such pair is listed.

    Of pairs that aren't listed those count that are unknown for other reasons than that one is down, or
    not reached; with `also` those as well.
    """
    not_listed = {kind["because"] for kind in audit["pairs_left_out"] if kind["verdict"] == UNKNOWN}
    if not_listed - ({DOWN.because, UNREACHED} - set(also)):
        return among
    pairs = ({pair["a"], pair["b"]} for pair in audit["pairs"] if pair["verdict"] == UNKNOWN)
    return {name for pair in pairs if pair <= among for name in pair}


def _remembering(member: Member | None, was: Member | None, whole: bool) -> Member | None:
    """Have a member keep its host (rule 2), that it was apart (rule 3), and what differed (rule 4)."""
    if member is None or was is None:
        return member
    apart = member.apart or (member.known and not member.mates and was.apart)
    ended = whole and member.known
    differs = member.differs if ended else tuple(sorted({*member.differs, *was.differs}))
    return replace(member, host=member.host or was.host, apart=apart, differs=differs)


def _newly_shares(was: Member | None, now: Member | None) -> bool:
    return bool(now and set(now.mates) - set(was.mates if was else ()))


def _told(
    change: _Change, differ: Mapping[tuple[str, str, str], Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield the kind, the words and the particulars of all that is new; `differ` is what the audit says."""
    name, was, now = change.id, change.was, change.now
    if now is None:
        yield {"kind": "left", "text": f"{name} is no member any more"}
        return
    if was is None:
        yield {"kind": "joined", "text": f"{name} is a member"}
        was = Member()
    if now.runs != was.runs:
        yield {
            "kind": "started" if now.runs else "stopped",
            "text": f"{name} runs again" if now.runs else f"{name} doesn't run any more",
        }
    if was.host and now.host and now.host != was.host:
        text = f"{name} moved from {was.host} to {now.host}"
        yield {"kind": "moved", "text": text, "came_from": was.host, "went_to": now.host}
    if _newly_shares(was, now):
        text = f"{name} shares a host with {', '.join(now.mates)}"
        yield {"kind": "shared", "text": text, "mates": now.mates}
    elif now.apart and not was.apart:
        yield {"kind": "separate", "text": f"{name} is on a host of its own"}
    elif was.known and now.runs and not now.known:
        yield {"kind": "unknown", "text": f"it is not known any more who shares a host with {name}"}
    for fact, by in now.differs:
        if (fact, by) not in was.differs and (one := differ.get((name, fact, by))):
            first, second = (side["value"] for side in one["said"])
            yield {
                "kind": "facts-differ",
                "text": one["because"],
                "fact": fact,
                "came_from": second,
                "went_to": first,
            }
    for fact, by in was.differs:
        if (fact, by) not in now.differs:
            text = f"the {fact.replace('_', ' ')} of {name} that {by} states differs no more"
            yield {"kind": "facts-agree", "text": text, "fact": fact}
