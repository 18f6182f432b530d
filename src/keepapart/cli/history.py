"""`keepapart history`: what audits found, and who moved between them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keepapart.cli._open import opened, print_json
from keepapart.cli._options import add_json

if TYPE_CHECKING:
    from keepapart.store import Store

SUMMARY = "what audits found before, newest first, and who moved in between"
EXAMPLES = """  keepapart history
  keepapart history --verb audit      without the rounds of admissions and checks
  keepapart history --limit 100 --json | jq '.audits[] | select(.moved != [])'"""

VERBS = ("audit", "check", "admit")
BEFORE = 20  # audits read beyond those shown, so that the oldest shown has something to be compared with


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--limit", type=count, default=20, metavar="N", help="how many (default: 20)")
    parser.add_argument(
        "--verb", choices=VERBS, help="only the rounds of this verb; those of replace count as admit's"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print what was found; 0 also where nothing was kept yet."""
    with opened(args) as (config, store):
        found = rows(_entries(store, config.cluster.name, args.limit + BEFORE, args.verb))[: args.limit]
    if args.json:
        print_json({"schema": "keepapart.history/1", "cluster": config.cluster.name, "audits": found})
    else:
        from keepapart.report.past import print_history

        print_history(config.cluster.name, found, args.verb)
    return 0


def _entries(store: Store, cluster: str, limit: int, verb: str | None) -> list[tuple[int, Mapping[str, Any]]]:
    """Return kept audits with their numbers among all, newest first: at least `limit` where there are."""
    from keepapart.auditing.history import recall

    read = limit
    while True:
        entries = recall(store, cluster, read)
        found = [
            (number, entry) for number, entry in enumerate(entries, 1) if verb in (None, entry["purpose"])
        ]
        if len(found) >= limit or len(entries) < read:
            return found
        read *= 4


def rows(entries: Sequence[tuple[int, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Sum up numbered audits (newest first), each compared with the one before it in the list."""
    from keepapart.auditing.moves import moves

    audits = [entry["audit"] for _, entry in entries]
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
        for (number, entry), moved in zip(entries, moves(audits), strict=True)
    ]


def count(text: str) -> int:
    """Read a whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 is wanted, not {text!r}")
    return int(text)
