"""Hop counts of all pairs of one lab: keepapart beside the bare socket loop, tracepath and scamper.

The floor is what the same datagrams cost with nothing around them: the same sockets, `sendto` and `recvmsg`
in a loop, in a process of its own as keepapart is. Floor and keepapart take turns in one run, and the ratio
is the median of the turns' ratios. tracepath and scamper measure a few pairs; their time is scaled to all.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from keepapart.lab.client import Lab, running
from keepapart.lab.world.world import load as load_world

WORLD = Path(__file__).parent.parent / "worlds" / "large.toml"
LAB = "bench"
TURNS = 5
SCAMPER_TARGETS, TRACEPATH_TARGETS = 50, 10  # from one instance

CONFIG = f"""[cluster]
name = "orders"
[cloud]
provider = "lab"
lab = "{LAB}"
"""


def run() -> None:
    """Bring the lab up, measure, print the table, take it down."""
    with running(load_world(WORLD), name=LAB) as lab:
        _print(*_measure(lab))


def floor() -> None:
    """Send one datagram from every instance to every other and read the time-to-live of each that arrives."""
    from socket import IP_TTL, IPPROTO_IP

    lab = Lab.find(LAB)
    instances = lab.instances()
    opened = lab.sockets([i.id for i in instances], 1)
    sockets = [opened[i.id][0] for i in instances]
    for sock in sockets:
        sock.setsockopt(IPPROTO_IP, IP_TTL, 64)
        sock.setsockopt(IPPROTO_IP, 12, 1)  # IP_RECVTTL
        sock.bind(("", 0))
    places = [(i.address, s.getsockname()[1]) for i, s in zip(instances, sockets, strict=True)]
    hops = [bytearray(len(places)) for _ in places]
    arrived = 0
    for begin in range(1, len(places), 32):
        for me, sock in enumerate(sockets):
            for step in range(begin, min(begin + 32, len(places))):
                sock.sendto(me.to_bytes(28, "big"), places[(me + step) % len(places)])
        for me, sock in enumerate(sockets):
            while True:
                try:
                    data, ancillary, _, _ = sock.recvmsg(64, 64)
                except BlockingIOError:
                    break
                hops[me][int.from_bytes(data, "big")] = 65 - ancillary[0][2][0]
                arrived += 1
    sys.stdout.write(f"{arrived}\n")


def _measure(lab: Lab) -> tuple[int, list[tuple[str, str, float, list[float]]]]:
    instances = lab.instances()
    pairs = len(instances) * (len(instances) - 1)
    source, others = instances[0].id, [i.address for i in instances[1:]]
    rows: list[tuple[str, str, float, list[float]]] = []
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "keepapart.toml")
        config.write_text(CONFIG)
        keepapart = [sys.executable, "-m", "keepapart", "-c", str(config), "audit", "--json"]
        bare = [sys.executable, "-c", "from benchmarks.hops import floor; floor()"]
        floors, audits = _in_turn(lambda: _run(bare), lambda: _run(keepapart, allowed=(0, 1)))
    rows.append(("bare socket loop (the floor)", "all pairs", statistics.median(floors), [1.0]))
    ratios = [audit / base for audit, base in zip(audits, floors, strict=True)]
    rows.append(("keepapart audit --json, whole", "all pairs", statistics.median(audits), ratios))
    base = statistics.median(floors)
    if shutil.which("tracepath"):
        chosen = others[:: max(1, len(others) // TRACEPATH_TARGETS)][:TRACEPATH_TARGETS]
        script = "for a in " + " ".join(chosen) + "; do tracepath -n $a >/dev/null; done"
        seconds = _timed(lambda: lab.exec(source, ["sh", "-c", script])) * pairs / len(chosen)
        rows.append(("tracepath, pair after pair", f"{len(chosen)} pairs, scaled", seconds, [seconds / base]))
    if shutil.which("scamper"):
        chosen = others[:SCAMPER_TARGETS]
        command = [
            "scamper",
            "-o",
            "/dev/null",
            "-p",
            "1000",
            "-c",
            "trace -P icmp-paris -q 1 -w 1",
            "-i",
            *chosen,
        ]
        seconds = _timed(lambda: lab.exec(source, command)) * pairs / len(chosen)
        rows.append(("scamper, from each in turn", f"{len(chosen)} pairs, scaled", seconds, [seconds / base]))
    return pairs, rows


def _in_turn(a: Callable[[], object], b: Callable[[], object]) -> tuple[list[float], list[float]]:
    a(), b()  # a warm-up each
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(TURNS):
        times[0].append(_timed(a))
        times[1].append(_timed(b))
    return times


def _timed(action: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def _run(command: Sequence[str], allowed: Sequence[int] = (0,)) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode not in allowed:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}")


def _print(pairs: int, rows: Sequence[tuple[str, str, float, list[float]]]) -> None:
    table = Table(title=f"hop counts of {pairs:,} ordered pairs in one lab")
    for column in ("what", "measured", "seconds", "× floor", "range"):
        table.add_column(column, justify="left" if column in ("what", "measured") else "right")
    for what, measured, seconds, ratios in rows:
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}" if len(ratios) > 1 else ""
        table.add_row(what, measured, f"{seconds:,.2f}", f"{statistics.median(ratios):,.2f}", spread)
    Console(width=110).print(table)
