"""`keepapart gc`: find and release what an interrupted run left behind."""

from __future__ import annotations

import argparse

SUMMARY = "find and release what an interrupted admission left behind"
EXAMPLES = """  keepapart gc --dry-run
  keepapart gc --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    from keepapart.cli._options import add_json

    parser.add_argument("--dry-run", action="store_true", help="say what is left behind, and release nothing")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Collect, and print what was found."""
    from keepapart.admit import collect
    from keepapart.cli.admission import opened, write
    from keepapart.config import load

    with opened(load(args.config), checks=False, spends=False) as (context, _):
        collected = collect(context, dry_run=args.dry_run)
    write(collected.document(), collected.lines(), as_json=args.json)
    return collected.code
