"""From what was measured or stated to verdicts, fault domains and risk: beside bare connected components.

The floor is `scipy.sparse.csgraph.connected_components` of the same matrix where it is two: who shares a
host if nothing ever misleads, with no word on who doesn't. Floor and judgement take turns in one run, and the
ratio is the median of the turns' ratios; what is stated is judged once, its sizes being what is compared.
Each measurement is a process of its own, so that the peak of its memory, interpreter and input included, is
its own; seconds are of the processor, the input's making left out.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from keepapart.arrays import Labels, blocks
from keepapart.auditing.stated import assess_stated
from keepapart.domains.fault_domains import domains
from keepapart.domains.risk import risk
from keepapart.judging.judge import judge
from keepapart.model import Instance, Source, Statement, Strength
from keepapart.probe.measured import Counts, Tally
from keepapart.settings import ClusterSettings, RiskSettings
from keepapart.signals import LabelTestimony, hops
from keepapart.signals.network import find
from keepapart.signals.path_confidence import PathConfidence

TURNS = 3
SIZES = (1_000, 3_000, 10_000)
STATED_SIZES = (10_000, 100_000, 1_000_000)
Measure = tuple[float, float]  # seconds, MB


def run() -> None:
    """Measure in turns and print the tables."""
    table = _table("hop counts, host names and zones of all pairs", "flow", "floor", "judgement", "× floor")
    for size in SIZES:
        turns = [[_measured(what, size) for what in ("flow", "floor", "whole")] for _ in range(TURNS)]
        flow, floor, whole = (_median(measures) for measures in zip(*turns, strict=True))
        ratios = [turn[2][0] / turn[1][0] for turn in turns]
        spread = f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
        table.add_row(f"{size:,}", _shown(flow), _shown(floor), _shown(whole), spread)
    Console(width=110).print(table)
    table = _table(
        "hosts and zones stated of each instance, and nothing measured",
        *("all known", "a tenth unknown", "a tenth in conflict", "by labels too", "µs each"),
    )
    for size in STATED_SIZES:
        measures = [_measured(what, size) for what in ("clean", "partial", "torn", "labelled")]
        each = ", ".join(f"{seconds / size * 1e6:.1f}" for seconds, _ in measures)
        table.add_row(f"{size:,}", *map(_shown, measures), each)
    Console(width=110).print(table)


def measure(what: str, size: int) -> None:
    """Make the input, do the work of this name once, print the seconds and the peak of memory in MB."""
    work = MEASURES[what](size)
    begin = time.process_time()
    work()
    seconds = time.process_time() - begin
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _flow(size: int) -> Callable[[], object]:
    tally, sample = Tally.empty(size), _sample(size)[None]
    tally.add(sample)
    return lambda: tally.add(sample)


def _floor(size: int) -> Callable[[], object]:
    least = _sample(size)
    return lambda: connected_components(csr_array(least == 2), directed=False)


def _whole(size: int) -> Callable[[], object]:
    tally = Tally.of(_sample(size)[None])
    for counts in (tally.flows, tally.showing):
        counts *= 4  # as if of eight flows, two of which were counted, each from and to another port
    for ports in (tally.sources, tally.targets):
        ports[ports > 0] = 0b1111
    ids = [f"i-{number}" for number in range(size)]
    said = _labels(size)

    def work() -> None:
        paths = PathConfidence.of(tally)
        network = find("routed-host", paths, ids, said=said)
        found = judge(ids, [hops.testimony(paths, network), *said], Strength.STRONG)
        placed = domains(found, hops.levels(paths, network), [True] * size)
        risk(found.ids, placed, [True] * size, "majority")
        _check(found.counts, size)

    return work


def _stated(
    unknown: float = 0, in_conflict: float = 0, *, labelled: bool = False
) -> Callable[[int], Callable[[], object]]:
    def prepared(size: int) -> Callable[[], object]:
        instances = list(_instances(size, unknown, in_conflict))
        if labelled:
            instances = [replace(i, said=(Statement(Source.LABEL, "the label", i.facts),)) for i in instances]

        def work() -> None:
            found = assess_stated(instances, cluster=ClusterSettings(), rates=RiskSettings(), at=0.0)
            if not unknown and not in_conflict:
                _check(found.counts, size)

        return work

    return prepared


MEASURES = {
    "flow": _flow,
    "floor": _floor,
    "whole": _whole,
    "clean": _stated(),
    "partial": _stated(unknown=0.1),
    "torn": _stated(in_conflict=0.1),
    "labelled": _stated(labelled=True),
}


def _hosts(size: int) -> Labels:
    """Put four instances on a host on average, in no order."""
    return np.random.default_rng(1).integers(0, size // 4, size, dtype=np.int32)


def _sample(size: int) -> Counts:
    """Return one flow's counts: two hops on a host, four in a rack, six beyond."""
    hosts = _hosts(size)
    racks = hosts % 50
    sample: Counts = np.empty((size, size), np.uint8)
    for rows in blocks(size):
        sample[rows] = np.where(racks[rows, None] == racks, np.uint8(4), np.uint8(6))
        sample[rows][hosts[rows, None] == hosts] = 2
    np.fill_diagonal(sample, 0)
    return sample


def _labels(size: int) -> list[LabelTestimony]:
    """Name the hosts, and zones of 17 racks each."""
    hosts, scopes = _hosts(size), np.zeros(size, np.int32)
    return [
        LabelTestimony("stated host", hosts, scopes, 3, -3, lambda _i, _j: "hosts"),
        LabelTestimony("stated zone", hosts % 50 // 17, scopes, 0, -3, lambda _i, _j: "zones"),
    ]


def _instances(size: int, unknown: float, in_conflict: float) -> Iterator[Instance]:
    """State hosts and zones; nothing of some, and of some a zone against what their hosts are in."""
    rng = np.random.default_rng(2)
    hosts = _hosts(size)
    zones = hosts % 50 // 17
    zones[rng.random(size) < in_conflict] = 3
    known = rng.random(size) >= unknown
    for number, (host, zone, stated) in enumerate(
        zip(*(a.tolist() for a in (hosts, zones, known)), strict=True)
    ):
        facts = {"project": "orders", "host": f"host-{host}", "zone": f"zone-{zone}"} if stated else {}
        yield Instance(f"i-{number}", facts=facts)


def _check(counts: dict[str, int], size: int) -> None:
    sizes = np.bincount(_hosts(size)).astype(np.int64)
    assert counts["co-resident"] == (sizes * (sizes - 1)).sum() // 2
    assert counts["unknown"] == 0


def _measured(what: str, size: int) -> Measure:
    script = f"from benchmarks.judge import measure; measure({what!r}, {size})"
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    seconds, memory = map(float, done.stdout.split())
    return seconds, memory


def _median(measures: Sequence[Measure]) -> Measure:
    return statistics.median(seconds for seconds, _ in measures), max(memory for _, memory in measures)


def _shown(measured: Measure) -> str:
    seconds, memory = measured
    return f"{seconds:.3f} s, {memory:,.0f} MB"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title)
    for column in ("instances", *columns):
        table.add_column(column, justify="right")
    return table
