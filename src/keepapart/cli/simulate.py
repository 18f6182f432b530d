"""`keepapart simulate`: how many launches, how long, how dear, before any money is spent."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from keepapart.cli._options import add_output, number, whole
from keepapart.cli._output import DOCUMENTS, print_document, progress_bar
from keepapart.errors import ExitCode, UsageError
from keepapart.simulate.habits import HABITS, RANDOM

if TYPE_CHECKING:
    from keepapart.simulate.pool import Pool

SUMMARY = "estimate launches, time and money before spending any"
EXAMPLES = """  keepapart simulate --hosts 200 --size 5
  keepapart simulate --hosts 50 --fill 0.9 --habit sticky --existing 3 --size 5
  keepapart simulate --world worlds/sticky.toml     a world that the lab can rehearse
  keepapart simulate --strategy hold --strategy batch --json

Defaults marked "assumed" are assumptions: no provider publishes its pools. The figures are for runs that
go on until all are in; `gives up` is the chance that `admit` would give up, by [launch] max_attempts."""

NAMES = ("hold", "terminate", "stop", "restart", "batch", "spares")

HOSTS, CAPACITY, FILL = 1000, 20, 0.7
MEMBERS = 3  # the smallest cluster that outlives one of its nodes by majority


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    pool = parser.add_argument_group("the pool: the hosts that a launch may land on")
    pool.add_argument(
        "--hosts", type=whole(1, 1_000_000), metavar="N", help=f"number of hosts (default: {HOSTS}, assumed)"
    )
    pool.add_argument(
        "--capacity",
        type=whole(1, 1000),
        metavar="N",
        help=f"instances that fit on each host (default: {CAPACITY}, assumed)",
    )
    pool.add_argument(
        "--fill",
        type=number(0, 1),
        metavar="SHARE",
        help=f"share of the room that is taken already (default: {FILL}, assumed)",
    )
    pool.add_argument(
        "--habit", choices=HABITS, help="how the scheduler chooses a host (default: random, assumed)"
    )
    pool.add_argument("--world", metavar="FILE", help="take all of these from a world file of the lab")
    cluster = parser.add_argument_group("the cluster")
    cluster.add_argument(
        "--existing",
        type=whole(0, 100_000),
        metavar="N",
        help="members that there are already (default: 0, or a world's first cluster)",
    )
    cluster.add_argument(
        "--size",
        type=whole(1, 100_000),
        metavar="N",
        help=f"members wanted in all (default: {MEMBERS} more than there are)",
    )
    strategies = parser.add_argument_group("the strategies")
    strategies.add_argument(
        "--strategy",
        choices=NAMES,
        action="append",
        help="compare only this strategy (may be repeated)",
    )
    strategies.add_argument(
        "--batch",
        type=whole(0, 100_000),
        default=0,
        metavar="K",
        help="batch: how many to launch at once (default: 0, as many as are still missing)",
    )
    strategies.add_argument(
        "--spares",
        type=whole(1, 100_000),
        metavar="N",
        help="spares: how many are ready (default: twice the missing members, assumed)",
    )
    strategies.add_argument(
        "--attempts",
        type=whole(1, 10_000),
        metavar="N",
        help="give up after so many rejects in a row (default: [launch] max_attempts)",
    )
    rates = parser.add_argument_group("what a launch takes")
    rates.add_argument(
        "--price",
        type=number(0, 1e6),
        default=0.1,
        metavar="P",
        help="price of an instance-hour in any currency (default: 0.1, as for 2 vCPUs on demand, assumed)",
    )
    for name, default, what in (
        ("boot", 60.0, "from a launch or start until the instance can be reached (default: 60, assumed)"),
        ("check", 10.0, "to measure it against every member (default: 10, assumed)"),
        (
            "release",
            30.0,
            "to stop or terminate it, if the strategy waits for that (default: 30, assumed)",
        ),
    ):
        rates.add_argument(f"--{name}", type=number(0, 86_400), default=default, metavar="SECONDS", help=what)
    parser.add_argument(
        "--trials",
        type=whole(1, 1_000_000),
        default=10_000,
        metavar="N",
        help="number of runs (default: 10000)",
    )
    parser.add_argument(
        "--seed", type=whole(0, 2**32 - 1), default=0, metavar="N", help="random seed (default: 0)"
    )
    add_output(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Simulate, print the table and return 0, whatever came of it."""
    from keepapart.report.simulation import document, print_comparison
    from keepapart.simulate.compare import compare
    from keepapart.simulate.strategies import Rates

    pool, existing = _pool(args)
    need = (args.size or existing + MEMBERS) - existing
    if need < 1:
        raise UsageError(
            f"--size {args.size}: {existing} members are there already", "ask for more than that"
        )
    rates = Rates(args.price, args.boot, args.check, args.release, args.batch, args.spares or 2 * need)
    if not rates.turn:
        raise UsageError("--boot and --check: one of them must take longer than 0 seconds")
    with progress_bar() as progress:
        found = compare(
            pool,
            need,
            [name for name in NAMES if name in (args.strategy or NAMES)],
            rates,
            existing=existing,
            attempts=_attempts(args),
            trials=args.trials,
            seed=args.seed,
            progress=progress,
        )
    if args.output in DOCUMENTS:
        print_document(document(found), args.output)
    else:
        print_comparison(found)
    return ExitCode.OK


def _pool(args: argparse.Namespace) -> tuple[Pool, int]:
    from keepapart.simulate import pool

    if args.world is None:
        existing = args.existing or 0
        fill = FILL if args.fill is None else args.fill
        found = pool.pool(
            args.hosts or HOSTS, args.capacity or CAPACITY, fill, args.habit or RANDOM, existing
        )
        return found, existing
    from keepapart.lab.world.pool import pool_of
    from keepapart.lab.world.world import load

    for name in ("hosts", "capacity", "fill", "habit"):
        if getattr(args, name) is not None:
            raise UsageError(f"--{name}: the world file says it", "leave out one of the two")
    return pool_of(load(Path(args.world)), args.existing)


def _attempts(args: argparse.Namespace) -> int:
    """Return the operator's own budget where there is a configuration, else the default one."""
    from keepapart.config import is_there, load
    from keepapart.settings import LaunchSettings

    if args.attempts:
        return int(args.attempts)
    if is_there(args.config):
        return load(args.config).launch.max_attempts
    return LaunchSettings().max_attempts
