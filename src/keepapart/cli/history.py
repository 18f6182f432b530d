"""`keepapart history`: what audits found, and who moved between them."""

from __future__ import annotations

import argparse

from keepapart.cli._open import opened_store
from keepapart.cli._options import add_json, whole
from keepapart.cli._output import print_json
from keepapart.errors import ExitCode

SUMMARY = "what audits found before, newest first, and who moved in between"
EXAMPLES = """  keepapart history
  keepapart history --verb audit      without those that admit and check made
  keepapart history --limit 100 --json | jq '.audits[] | select(.moved != [])'"""

VERBS = ("audit", "check", "network", "admit")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument(
        "--limit", type=whole(1), default=20, metavar="N", help="number of audits to show (default: 20)"
    )
    parser.add_argument(
        "--verb", choices=VERBS, help="only audits made by this verb (replace counts as admit)"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Print what was found; 0 also where nothing was kept yet."""
    from keepapart.auditing.history import rows
    from keepapart.documents.past import HistoryDocument

    with opened_store(args) as (config, store):
        found = rows(store, config.cluster.name, args.limit, args.verb)
    if args.json:
        print_json(HistoryDocument(config.cluster.name, tuple(found)))
    else:
        from keepapart.report.past import print_history

        print_history(config.cluster.name, found, args.verb)
    return ExitCode.OK
