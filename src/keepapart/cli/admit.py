"""`keepapart admit`: launch, check against every member, let in or release, until N are in."""

from __future__ import annotations

import argparse

from keepapart.cli._open import opened_admission
from keepapart.cli._options import add_elsewhere, add_excuse, add_output, add_wait, whole
from keepapart.cli._output import show, write
from keepapart.errors import ExitCode

SUMMARY = "get the cluster new members, each on a host of its own"
EXAMPLES = """  keepapart admit
  keepapart admit --count 3 --json
  keepapart admit --to 5             # until there are five members: what a cron job means
  keepapart admit --excuse web-2     # although web-2 can't be measured now
  keepapart admit --wait 600         # wait up to 10 minutes for another admission to end
  keepapart admit --dry-run          # only say what would happen
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--count", type=whole(1), metavar="N", help="how many new members (default: 1)")
    asked.add_argument(
        "--to", type=whole(1), default=0, metavar="N", help="as many new members as make N, if any"
    )
    add_excuse(parser)
    add_wait(parser)
    add_elsewhere(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would happen, and launch nothing")
    add_output(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Admit, and print what became of it."""
    from keepapart.admit import admit, plan

    count = args.count or 1
    with opened_admission(args, checks=not args.dry_run, wait=args.wait) as (context, checker):
        if args.dry_run:
            planned = plan(context, count, to=args.to)
        else:
            result = admit(context, checker, count, args.excuse, to=args.to)
    # once the terminal shows no progress any more, which would take what goes to stdout
    if args.dry_run:
        write(planned.document(), planned.lines(), args.output)
        return planned.code
    return show(result, args.output)
