"""`keepapart check A B`: are these two on one host?"""

from __future__ import annotations

import argparse
import sys

from keepapart.cli._names import opened_named
from keepapart.cli._options import add_judging, add_output, asked, known
from keepapart.cli._output import DOCUMENTS, print_document, progress_bar
from keepapart.errors import ExitCode, ReachError, UsageError

SUMMARY = "are these two instances on one host? The verdict and all evidence behind it"
EXAMPLES = """  keepapart check web-1 web-2
  keepapart check web-1 web-2 --json && echo separate"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("a", metavar="A", help="a member, or what `ssh A` gets into; A=ADDRESS")
    parser.add_argument("b", metavar="B", help="another")
    add_output(parser)
    add_judging(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Check, print, and return 0 (separate), 1 (co-resident) or 3 (unknown)."""
    from keepapart.auditing.survey import check
    from keepapart.model import Verdict

    if args.a == args.b:
        raise UsageError(f"{args.a!r} is one instance; check takes two")
    with opened_named(args, (args.a, args.b)) as (config, names, store), progress_bar() as progress:
        if len(names) != 2:
            raise UsageError(f"{args.a} and {args.b} stand for {len(names)} instances; check takes two")
        a, b = names
        found = check(config, a, b, known=known(args), store=store, progress=progress)
    pair = found.pair(a, b)
    if args.output in DOCUMENTS:
        from keepapart.auditing.document import check_document

        print_document(check_document(found, pair), args.output)
    else:
        from keepapart.report.advice import advise_on
        from keepapart.report.ground import Ground, called
        from keepapart.report.terminal import print_pair

        ground = Ground(called(args.config), asked=asked((args.a, args.b), args))
        print_pair(found, pair, advise_on(found, pair, ground))
    if pair.verdict is Verdict.UNKNOWN:
        from keepapart.probe.measured import NOTHING_ARRIVED, UNHEARD

        for name in (pair.a, pair.b):
            if name not in found.down and found.lost.get(name, NOTHING_ARRIVED) not in UNHEARD:
                sys.stderr.write(f"keepapart: {name}: {found.lost[name]}\n")
                return ReachError.exit_code  # not raised: stdout has its one document already
    return {
        Verdict.SEPARATE: ExitCode.OK,
        Verdict.CO_RESIDENT: ExitCode.NO,
        Verdict.UNKNOWN: ExitCode.UNKNOWN,
    }[pair.verdict]
