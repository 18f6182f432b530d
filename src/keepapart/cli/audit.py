"""`keepapart audit`: the whole cluster, and what one failure takes down."""

from __future__ import annotations

import argparse

from keepapart.cli._open import opened_store
from keepapart.cli._options import add_json, add_judging, known
from keepapart.cli._output import print_json, progress_bar
from keepapart.errors import ExitCode

SUMMARY = "who shares a host with whom, and what one host failure takes down"
EXAMPLES = """  keepapart audit
  keepapart audit --json --pairs all | jq '.verdicts'
  keepapart audit --html report.html"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_json(parser)
    add_judging(parser)
    parser.add_argument("--pairs", choices=("all",), help="list every pair, however many instances there are")
    parser.add_argument("--html", metavar="FILE", help="also write the audit as an HTML page")


def run(args: argparse.Namespace) -> ExitCode:
    """Audit, print, and return 0 (all apart), 1 (some share a host) or 3 (some unknown)."""
    from keepapart.auditing.document import audit_document
    from keepapart.auditing.survey import audit

    with opened_store(args) as (config, store), progress_bar() as progress:
        found = audit(config, known=known(args), store=store, progress=progress)
    if args.html:
        from keepapart.report.html import write_page

        write_page(found, args.html)
    if args.json:
        print_json(audit_document(found, all_pairs=bool(args.pairs)))
    else:
        from keepapart.report.terminal import print_audit

        print_audit(found, all_pairs=bool(args.pairs))
    counts = found.counts
    if counts["co-resident"]:
        return ExitCode.NO
    return ExitCode.UNKNOWN if counts["unknown"] else ExitCode.OK
