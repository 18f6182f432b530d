"""`keepapart gc`: find and release what an interrupted run left behind."""

from __future__ import annotations

import argparse

from keepapart.cli._open import opened_admission
from keepapart.cli._options import add_elsewhere, add_output
from keepapart.cli._output import tell_failure, write
from keepapart.errors import ExitCode

SUMMARY = "find and release what an interrupted admission left behind"
EXAMPLES = """  keepapart gc --dry-run
  keepapart gc --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("--dry-run", action="store_true", help="say what is left behind, and release nothing")
    add_elsewhere(parser)
    add_output(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Collect, and print what was found."""
    from keepapart.admit import collect

    with opened_admission(args, checks=False, spends=False) as (context, _):
        collected = collect(context, dry_run=args.dry_run)
    write(collected.document(), collected.lines(), args.output)
    tell_failure(collected.error)
    return collected.code
