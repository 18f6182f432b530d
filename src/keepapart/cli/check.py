"""`keepapart check A B`: are these two on one host?"""

from __future__ import annotations

import argparse
import sys

from keepapart.cli._open import opened_store
from keepapart.cli._options import add_json, add_judging, known
from keepapart.cli._output import print_json, progress_bar
from keepapart.errors import ExitCode, ReachError

SUMMARY = "are these two instances on one host? The verdict and all evidence behind it"
EXAMPLES = """  keepapart check web-1 web-2
  keepapart check web-1 web-2 --json && echo separate"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("a", metavar="A", help="id of a member")
    parser.add_argument("b", metavar="B", help="id of another")
    add_json(parser)
    add_judging(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Check, print, and return 0 (separate), 1 (co-resident) or 3 (unknown)."""
    from keepapart.auditing.document import check_document
    from keepapart.auditing.survey import check
    from keepapart.model import Verdict
    from keepapart.probe.measured import UNHEARD

    with opened_store(args) as (config, store), progress_bar() as progress:
        found = check(config, args.a, args.b, known=known(args), store=store, progress=progress)
    pair = found.pair(args.a, args.b)
    if args.json:
        print_json(check_document(found, pair))
    else:
        from keepapart.report.terminal import print_pair

        print_pair(found, pair)
    if pair.verdict is Verdict.UNKNOWN:
        for name in (pair.a, pair.b):
            if name in found.round.lost and found.round.lost[name] not in UNHEARD:
                sys.stderr.write(f"keepapart: {name}: {found.round.lost[name]}\n")
                return ReachError.exit_code  # not raised: stdout has its one document already
    return {
        Verdict.SEPARATE: ExitCode.OK,
        Verdict.CO_RESIDENT: ExitCode.NO,
        Verdict.UNKNOWN: ExitCode.UNKNOWN,
    }[pair.verdict]
