"""`keepapart history`: what audits found, and who moved between them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from keepapart.cli.common import opened, print_json
from keepapart.cli.parser import add_json

SUMMARY = "what audits found before, newest first, and who moved in between"
EXAMPLES = """  keepapart history
  keepapart history --limit 100 --json | jq '.audits[] | select(.moved != [])'"""

BEFORE = 20  # audits read beyond those shown, so that the oldest shown has something to be compared with


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--limit", type=count, default=20, metavar="N", help="how many (default: 20)")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print what was found; 0 also where nothing was kept yet."""
    from keepapart.history import recall

    with opened(args) as (config, store):
        entries = recall(store, config.cluster.name, args.limit + BEFORE)
    found = rows(entries)[: args.limit]
    if args.json:
        print_json({"schema": "keepapart.history/1", "cluster": config.cluster.name, "audits": found})
    else:
        from keepapart.report.past import print_history

        print_history(config.cluster.name, found)
    return 0


def rows(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Sum up kept audits (newest first); number 1 is the newest."""
    from keepapart.report.moves import moves

    audits = [entry["audit"] for entry in entries]
    return [
        {
            "number": number,
            "at": entry["audit"]["at"],
            "verb": entry["purpose"],
            "members": len(entry["audit"]["instances"]),
            "reached": sum(instance["reached"] for instance in entry["audit"]["instances"]),
            "hosts": len(entry["audit"]["hosts"]),
            "verdicts": entry["audit"]["verdicts"],
            "moved": moved,
        }
        for number, (entry, moved) in enumerate(zip(entries, moves(audits), strict=True), 1)
    ]


def count(text: str) -> int:
    """Read a whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 is wanted, not {text!r}")
    return int(text)
