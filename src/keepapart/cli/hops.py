"""`keepapart hops`: the raw matrix."""

from __future__ import annotations

import argparse

from keepapart.cli._open import opened_store
from keepapart.cli._options import add_json
from keepapart.cli._output import print_json, progress_bar
from keepapart.errors import ExitCode

SUMMARY = "the raw hop matrix, as tracepath would count it"
EXAMPLES = """  keepapart hops
  keepapart hops --json | jq '.hops[0]'"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_json(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Measure and print; 0 unless pairs are missing, which is 3."""
    from keepapart.auditing.document import hops_document
    from keepapart.auditing.survey import audit

    with opened_store(args) as (config, store), progress_bar() as progress:
        found = audit(config, store=store, progress=progress)
    if args.json:
        print_json(hops_document(found))
    else:
        from keepapart.report.terminal import print_hops

        print_hops(found)
    missing = int((found.round.tally.way == 0).sum()) - len(found.round.ids)
    return ExitCode.UNKNOWN if missing else ExitCode.OK
