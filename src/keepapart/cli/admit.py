"""`keepapart admit`: launch, check against every member, let in or let go, until N are in."""

from __future__ import annotations

import argparse

SUMMARY = "get the cluster new members, each on a host of its own"
EXAMPLES = """  keepapart admit
  keepapart admit --count 3 --json
  keepapart admit --excuse web-2     # web-2 can't be measured now, and needn't be
  keepapart admit --wait 600         # behind another admission of the cluster, if one is running
  keepapart admit --dry-run          # what would happen, with nothing launched
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    from keepapart.cli._options import add_json

    parser.add_argument("--count", type=int, default=1, metavar="N", help="how many new members (default: 1)")
    add_excuse(parser)
    add_wait(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would happen, and launch nothing")
    add_json(parser)


def add_excuse(parser: argparse.ArgumentParser) -> None:
    """Add `--excuse`, which names members that needn't be measured."""
    parser.add_argument(
        "--excuse",
        action="append",
        default=[],
        metavar="ID",
        help="admit although this member can't be measured (may be repeated; kept in the journal)",
    )


def add_wait(parser: argparse.ArgumentParser) -> None:
    """Add `--wait`, for when another admission of the cluster is running."""
    parser.add_argument(
        "--wait",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="where another admission of the cluster is running, wait for it so long (default: end at once)",
    )


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not within 0 to 1000000")
    return seconds


def run(args: argparse.Namespace) -> int:
    """Admit, and print what became of it."""
    from keepapart.admit import admit, plan
    from keepapart.cli.admission import opened, show, write
    from keepapart.config import load

    with opened(load(args.config), checks=not args.dry_run, wait=args.wait) as (context, checker):
        if args.dry_run:
            planned = plan(context, args.count)
            write(planned.document(), planned.lines(), as_json=args.json)
            return planned.code
        return show(admit(context, checker, args.count, args.excuse), as_json=args.json)
