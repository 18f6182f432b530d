"""`keepapart hops`: the raw matrix."""

from __future__ import annotations

import argparse

from keepapart.cli._names import add_names, opened_named
from keepapart.cli._options import add_output
from keepapart.cli._output import DOCUMENTS, WIDE, print_document, progress_bar
from keepapart.errors import ExitCode

SUMMARY = "the raw hop matrix, as tracepath would count it"
EXAMPLES = """  keepapart hops
  keepapart hops --json | jq '.hops[0]'"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_names(parser)
    add_output(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Measure and print; 0 unless pairs are missing, which is 3."""
    from keepapart.auditing.survey import audit

    with opened_named(args, args.names) as (config, only, store), progress_bar() as progress:
        found = audit(config, only=only, store=store, progress=progress)
    if args.output in DOCUMENTS:
        from keepapart.auditing.document import hops_document

        print_document(hops_document(found), args.output)
    else:
        from keepapart.report.terminal import print_hops

        print_hops(found, wide=args.output == WIDE)
    missing = int((found.round.tally.way == 0).sum()) - len(found.round.ids)
    return ExitCode.UNKNOWN if missing else ExitCode.OK
