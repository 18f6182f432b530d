"""`keepapart replace`: admit a stand-in for each member named, then release the old one."""

from __future__ import annotations

import argparse

from keepapart.cli._consent import add_consent, agree
from keepapart.cli._open import opened_admission
from keepapart.cli._options import add_elsewhere, add_excuse, add_output, add_wait
from keepapart.cli._output import show, write
from keepapart.errors import ExitCode

SUMMARY = "admit a stand-in for each of these members, then release the old one"
EXAMPLES = """  keepapart replace web-2            # shows what it would do, and asks
  keepapart replace --yes web-2 web-5 --json
  keepapart replace --dry-run web-2  # only say what would happen
  keepapart replace --keep-old web-2 # only the stand-in; web-2 goes when asked again without --keep-old
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("ids", nargs="+", metavar="ID", help="the members to replace")
    add_consent(parser)
    add_excuse(parser)
    parser.add_argument(
        "--keep-old",
        action="store_true",
        help="stop once the stand-ins are in; the same command without this releases the old ones later",
    )
    add_wait(parser)
    add_elsewhere(parser)
    add_output(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Show the plan and ask, replace, and print what became of it."""
    from keepapart.admit import plan_replacing, replace

    if args.dry_run or not args.yes:
        with opened_admission(args, checks=False) as (context, _):
            planned = plan_replacing(context, args.ids, keep_old=args.keep_old)
        if args.dry_run:
            write(planned.document(), planned.lines(), args.output)
            return planned.code
        agree(planned.lines(), planned.ends, "replace")
    with opened_admission(args, wait=args.wait) as (context, checker):
        result = replace(context, checker, args.ids, args.excuse, keep_old=args.keep_old)
    return show(result, args.output)  # once the terminal shows no progress any more, which would take it
