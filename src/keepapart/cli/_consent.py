"""Consent: nothing that holds data is ended without a word.

1. `--dry-run` shows the plan and does nothing; `--yes` is the operator's word.
2. Without it the plan is shown and asked about, at a terminal. Where there is none nothing is done.
3. A plan that ends nothing needs no word.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from keepapart.errors import UsageError

YES = ("y", "yes")


def add_consent(parser: argparse.ArgumentParser) -> None:
    """Add `--yes` and `--dry-run`."""
    parser.add_argument("--yes", "-y", action="store_true", help="go on without asking")
    parser.add_argument("--dry-run", action="store_true", help="say what would happen, and do nothing")


def agree(plan: Sequence[str], ends: str, verb: str) -> None:
    """Ask about a plan that `ends` something. Raises `UsageError` where the answer isn't yes."""
    if not ends:
        return
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty()):
        raise UsageError(
            f"{verb} {ends}: nothing was done, since there is no terminal to ask at",
            "say --yes, or --dry-run to see the plan",
        )
    sys.stderr.write("".join(f"{line}\n" for line in plan) + f"This {ends}. Go on? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in YES:
        raise UsageError(f"{verb} {ends}: nothing was done, since the answer was not yes")
