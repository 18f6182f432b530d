"""`keepapart move`: give members other hosts; they keep their identity and their disks."""

from __future__ import annotations

import argparse

from keepapart.cli._consent import add_consent, agree
from keepapart.cli._open import opened_admission
from keepapart.cli._options import add_elsewhere, add_excuse, add_output, add_wait
from keepapart.cli._output import tell_failure, write
from keepapart.errors import ExitCode

SUMMARY = "give these members other hosts: stop, place anew, start, verify, one at a time"
EXAMPLES = """  keepapart move web-2               # shows what it would do, and asks
  keepapart move --yes web-2 web-3 --health 'nodetool-is-fine --all'
  keepapart move --dry-run web-2     # only say what would happen
  keepapart move --hold web-2        # a throwaway takes the old slot, so that web-2 gets another
  keepapart move --host pve-4 web-2  # to this very host, where the platform takes one
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("ids", nargs="+", metavar="ID", help="the members to move, in this order")
    add_consent(parser)
    parser.add_argument(
        "--health",
        default="",
        metavar="COMMAND",
        help="asked before each stop and after each start, with the member's id; unless it ends with 0 "
        "nothing more is stopped",
    )
    parser.add_argument(
        "--hold",
        action="store_true",
        help="launch a throwaway into each slot that becomes free; all go when the move ends",
    )
    parser.add_argument("--host", default="", metavar="HOST", help="where the member is to go")
    add_excuse(parser)
    add_wait(parser)
    add_elsewhere(parser)
    add_output(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Show the plan and ask, move, and print what became of it."""
    from keepapart.admit import move, plan_moving

    if args.dry_run or not args.yes:
        with opened_admission(args, checks=False) as (context, _):
            planned = plan_moving(context, args.ids, hold=args.hold, host=args.host)
        if args.dry_run:
            write(planned.document(), planned.lines(), args.output)
            return planned.code
        agree(planned.lines(), planned.ends, "move")
    with opened_admission(args, wait=args.wait) as (context, checker):
        result = move(context, checker, args.ids, args.excuse, hold=args.hold, host=args.host)
    write(result.document(), result.lines(), args.output)
    tell_failure(result.error)
    return result.code
