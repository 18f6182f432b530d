"""`keepapart audit`: the whole cluster, and what one failure takes down."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from keepapart.cli._open import opened_config, opened_store
from keepapart.cli._options import add_json, add_judging, known
from keepapart.cli._output import print_json, progress_bar
from keepapart.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from keepapart.auditing.assessment import Assessment

SUMMARY = "who shares a host with whom, and what one host failure takes down"
EXAMPLES = """  keepapart audit
  keepapart audit --json --pairs all | jq '.verdicts'
  keepapart audit --html report.html
  keepapart audit --stated"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("names", metavar="NAME", nargs="*", help="ids of members (default: all of them)")
    parser.add_argument(
        "--stated",
        action="store_true",
        help="judge by stated facts alone: no packets, no way in, nothing kept in the history",
    )
    add_json(parser)
    add_judging(parser)
    parser.add_argument("--pairs", choices=("all",), help="list every pair, however many instances there are")
    parser.add_argument("--html", metavar="FILE", help="also write the audit as an HTML page")


def run(args: argparse.Namespace) -> ExitCode:
    """Audit, print, and return 0 (all apart), 1 (some share a host) or 3 (some unknown)."""
    from keepapart.auditing.document import audit_document

    found = _stated(args) if args.stated else _measured(args)
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


def _measured(args: argparse.Namespace) -> Assessment:
    from keepapart.auditing.survey import audit

    with opened_store(args) as (config, store), progress_bar() as progress:
        return audit(config, only=args.names, known=known(args), store=store, progress=progress)


def _stated(args: argparse.Namespace) -> Assessment:
    from keepapart.auditing.survey import stated_audit

    for flag, given in (("--known-same", args.known_same), ("--known-separate", args.known_separate)):
        if given:
            raise UsageError(f"{flag}: --stated judges by stated facts alone", "leave out one of the two")
    with opened_config(args) as config, progress_bar() as progress:
        return stated_audit(config, only=args.names, progress=progress)
