"""What changed from one audit of a whole cluster to the next. Pure.

1. A member moved where its host has another name than it was last known to have. Names are given so that as
   few as possible change theirs (`domains.naming`): where one moved, one is named.
2. Not being reached, or unknown for another reason, neither makes nor hides a move.
3. What is stated comes to differ once: from others, or from what is measured. It stands until all that run
   are reached and it doesn't differ any more.
4. Joining, leaving, stopping and starting are told by themselves, and are no moves; a member that started
   again elsewhere moved too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from keepapart.clouds import RUNNING


@dataclass(frozen=True, slots=True)
class Move:
    """A member that is on another host than it was; both by name."""

    id: str
    came_from: str
    went_to: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed since an audit, which was made at `since`, as documents write it; ids but for `moved`.

    `stopped` and `started` are members that run no more, or again. `verdicts` is how many more pairs there
    are of each verdict than before, negative where fewer.
    """

    since: str
    moved: Sequence[Move] = ()
    joined: Sequence[str] = ()
    left: Sequence[str] = ()
    stopped: Sequence[str] = ()
    started: Sequence[str] = ()
    verdicts: Mapping[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return any(
            (self.moved, self.joined, self.left, self.stopped, self.started, any(self.verdicts.values()))
        )


def changes(before: Mapping[str, Any], now: Mapping[str, Any], hosts: Mapping[str, str]) -> Changes:
    """Compare two audits as documents; `hosts` is on which host each was last known to be, by id."""
    was = {one["id"]: one for one in before["instances"]}
    there = {one["id"]: one for one in now["instances"]}
    both = [name for name in there if name in was]
    ran, runs = ([name for name in both if _runs(these[name])] for these in (was, there))
    return Changes(
        since=before["at"],
        moved=moves(now, hosts),
        joined=[name for name in there if name not in was],
        left=[name for name in was if name not in there],
        stopped=[name for name in ran if name not in runs],
        started=[name for name in runs if name not in ran],
        verdicts={
            verdict: count - before["verdicts"][verdict]
            for verdict, count in now["verdicts"].items()
            if count != before["verdicts"][verdict]
        },
    )


def moves(now: Mapping[str, Any], hosts: Mapping[str, str]) -> list[Move]:
    """List who is on another host than the one where it was last known to be, `hosts` by id (rule 1)."""
    return [
        Move(name, hosts[name], host) for name, host in placed(now).items() if hosts.get(name, host) != host
    ]


def placed(audit: Mapping[str, Any]) -> dict[str, str]:
    """Return the host of each instance that is on a known one, by id."""
    return {one["id"]: one["host"] for one in audit["instances"] if one["host"]}


def differing(audit: Mapping[str, Any]) -> dict[tuple[str, str, str], Mapping[str, Any]]:
    """Return each difference of an audit by its instance, the fact, and who says what counts less."""
    found = audit.get("facts_differ") or ()
    return {(one["id"], one["fact"], one["said"][1]["by"]): one for one in found}


def all_reached(audit: Mapping[str, Any]) -> bool:
    """Whether everybody that runs took part: only then does what isn't found not hold (rule 3)."""
    return all(one["reached"] for one in audit["instances"] if _runs(one))


def _runs(instance: Mapping[str, Any]) -> bool:
    return bool(instance.get("state", RUNNING) == RUNNING)
