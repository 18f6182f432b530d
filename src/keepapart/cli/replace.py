"""`keepapart replace`: admit a stand-in for each member named, then release the old one."""

from __future__ import annotations

import argparse

from keepapart.cli._open import opened_admission
from keepapart.cli._options import add_excuse, add_json, add_wait
from keepapart.cli._output import show
from keepapart.errors import ExitCode

SUMMARY = "admit a stand-in for each of these members, then release the old one"
EXAMPLES = """  keepapart replace web-2
  keepapart replace web-2 web-5 --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("ids", nargs="+", metavar="ID", help="the members to replace")
    add_excuse(parser)
    add_wait(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Replace, and print what became of it."""
    from keepapart.admit import replace

    with opened_admission(args, wait=args.wait) as (context, checker):
        return show(replace(context, checker, args.ids, args.excuse), as_json=args.json)
