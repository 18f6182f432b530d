"""`python -m campaign.accuracy`: how good is the two-hop rule? Five rules on labs of known truth.

Writes docs/accuracy.md and its plot. Each network is a handful of labs that differ by their seed; every rule
sees the same labs, in the same minute.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from campaign import packets, plot, rules
from campaign.packets import running
from campaign.rules import Verdicts
from campaign.world import Mask
from keepapart.auditing.survey import audit
from keepapart.model import Instance
from keepapart.probe.measured import Counts
from keepapart.reach import Roster
from keepapart.reach.transports import Transports

RULES = ("two hops, 2011", "same first hop", "best round trip", "close addresses", "keepapart")
SIZE = 18
RACKS = [{"name": name, "hosts": 4, "capacity": 3} for name in "abc"]
TEXT = Path(__file__).with_name("accuracy.md")


@dataclass(frozen=True)
class Tested:
    """One rule on one network: of the pairs on one host and of those apart, so many were called the other
    thing, and so many left open.
    """

    together: int = 0
    false_separate: int = 0
    open_together: int = 0
    apart: int = 0
    false_co_resident: int = 0
    open_apart: int = 0

    @classmethod
    def of(cls, said: Verdicts, together: Mask) -> Tested:
        """Count one lab's pairs."""
        upper = np.triu(np.ones(together.shape, np.bool_), 1)
        masks = (together, together & (said < 0), together & (said == 0))
        others = (~together, ~together & (said > 0), ~together & (said == 0))
        return cls(*(int((mask & upper).sum()) for mask in (*masks, *others)))

    def __add__(self, other: Tested) -> Tested:
        return Tested(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def shares(self) -> tuple[float, float, float]:
        """The shares right, left open and wrong; the pairs on one host and those apart weigh the same."""
        left = (self.open_together / self.together + self.open_apart / self.apart) / 2
        wrong = (self.false_separate / self.together + self.false_co_resident / self.apart) / 2
        return 1 - left - wrong, left, wrong


def main(words: Sequence[str] | None = None) -> int:
    """Measure, and write the page and its plot."""
    parser = argparse.ArgumentParser(prog="python -m campaign.accuracy", description=__doc__)
    parser.add_argument("--labs", type=int, default=3, help="labs of each network (3)")
    parser.add_argument("--docs", type=Path, default=Path("docs"))
    given = parser.parse_args(words)
    table: dict[str, list[Tested]] = {}
    for number, kind in enumerate(packets.SAYS):
        totals = [Tested() for _ in RULES]
        for lab in range(given.labs):
            found = _one(kind, np.random.default_rng([number, lab]), lab)
            totals = [total + one for total, one in zip(totals, found, strict=True)]
        table[kind] = totals
        sys.stderr.write(f"{kind}: {[t.false_co_resident + t.false_separate for t in totals]} wrong\n")
    shares = {kind: [tested.shares for tested in row] for kind, row in table.items()}
    (given.docs / "accuracy.svg").write_text(plot.svg(RULES, shares), encoding="utf-8")
    (given.docs / "accuracy.md").write_text(_page(table, given.labs), encoding="utf-8")
    return 0


def _one(kind: str, chance: np.random.Generator, seed: int) -> list[Tested]:
    """Bring up one lab of a kind and let every rule judge it."""
    document: dict[str, Any] = {
        **packets.draw(kind, chance),
        "racks": [dict(rack) for rack in RACKS],
        "scheduler": {"habit": "packing" if seed % 2 else "random", "seed": seed},
        "clusters": [{"name": "orders", "size": SIZE}],
    }
    document["racks"][0] |= packets.of_one_rack(kind, chance)
    with tempfile.TemporaryDirectory() as folder, running(document, Path(folder)) as (lab, config):
        instances = lab.instances()
        once = asyncio.run(_once(instances))
        found = audit(config)
        where = lab.truth()
    order = {one.id: number for number, one in enumerate(instances)}
    at = [order[name] for name in found.round.ids]
    hosts = np.array([where[name].host for name in found.round.ids])
    together = np.equal.outer(hosts, hosts) & ~np.eye(SIZE, dtype=np.bool_)
    beside, judged = found.round.extras, found.judgement
    assert beside is not None
    said = [
        rules.two_hops(once[np.ix_(at, at)]),
        rules.first_hop(beside.firsts),
        rules.round_trip(beside.times, together),
        rules.close_addresses([instances[number].address for number in at]),
        judged.co_resident.astype(np.int8) - judged.separate.astype(np.int8),
    ]
    return [Tested.of(verdicts, together) for verdicts in said]


async def _once(instances: Sequence[Instance]) -> Counts:
    """Count the hops of one datagram from each to each, [from, to], as one traceroute does; 0 if lost."""
    (group,) = Transports().group(instances)
    ports = await group.open(0, 1)
    roster = Roster([i.id for i in instances], [(i.address, ports[i.id]) for i in instances])
    try:
        await group.join(roster, bytes(32))
        await group.begin(0, 1)
        await group.send({i.id: [(0, None)] for i in instances})
        columns = await group.report(0.5)
    finally:
        await group.close()
    rows = [np.frombuffer(columns[i.id], np.uint8) for i in instances]
    return np.stack(rows, axis=1)


def _page(table: Mapping[str, Sequence[Tested]], labs: int) -> str:
    today = datetime.now(UTC).date().isoformat()
    lines = ["| network | what it does | " + " | ".join(RULES) + " |", "|---|---|" + "---|" * len(RULES)]
    for kind, row in table.items():
        lines.append(
            f"| {kind} | {packets.SAYS[kind]} | " + " | ".join(_cell(tested) for tested in row) + " |"
        )
    totals = [sum((row[n] for row in table.values()), start=Tested()) for n in range(len(RULES))]
    lines.append("| **all** | | " + " | ".join(f"**{_cell(tested)}**" for tested in totals) + " |")
    first = next(iter(table.values()))[0]
    text = TEXT.read_text(encoding="utf-8")
    return text.format(
        date=today, labs=labs, size=SIZE, together=first.together, apart=first.apart, table="\n".join(lines)
    )


def _cell(tested: Tested) -> str:
    wrong = f"{tested.false_separate} + {tested.false_co_resident}"
    left = (tested.open_together + tested.open_apart) / (tested.together + tested.apart)
    return f"{wrong}, {left:.0%} open"


if __name__ == "__main__":
    sys.exit(main())
