"""`keepapart history`: what audits found, and who moved between them."""

from __future__ import annotations

import argparse

from keepapart.cli._open import opened_store
from keepapart.cli._options import add_output, whole
from keepapart.cli._output import DOCUMENTS, print_document
from keepapart.errors import ExitCode

SUMMARY = "what audits found before, newest first, and who moved in between"
EXAMPLES = """  keepapart history
  keepapart history --verb all        also what check, network and admit measured
  keepapart history --limit 100 --json | jq '.audits[] | select(.moved != [])'"""

ALL = "all"
VERBS = ("audit", "check", "network", "admit", ALL)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument(
        "--limit", type=whole(1), default=20, metavar="N", help="number of audits to show (default: 20)"
    )
    parser.add_argument(
        "--verb",
        choices=VERBS,
        default="audit",
        help="only what this verb measured (default: audit; replace counts as admit), or all",
    )
    add_output(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Print what was found; 0 also where nothing was kept yet."""
    from keepapart.auditing.history import rows
    from keepapart.documents.past import HistoryDocument

    with opened_store(args) as (config, store):
        verb = None if args.verb == ALL else args.verb
        found = rows(store, config.cluster.name, args.limit, verb)
    if args.output in DOCUMENTS:
        print_document(HistoryDocument(config.cluster.name, tuple(found)), args.output)
    else:
        from keepapart.report.past import print_history

        print_history(config.cluster.name, found, verb)
    return ExitCode.OK
