"""The argument parser, built from the verbs' own modules."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from keepapart import __version__
from keepapart.errors import ExitCode, UsageError

SUMMARY = """Finds out which of your own instances share a physical host, and gets a cluster new members
that don't. It measures, gives its reasons, and says unknown where it cannot tell."""

EXAMPLES = """examples:
  keepapart audit               which members share a host, and what one failure takes down
  keepapart admit --count 2     two new members, each on a host of its own
"""

EXIT_CODES = """exit codes:
  0 all well   1 some share a host, or a budget is used up   2 usage or configuration error
  3 unknown: keepapart does not guess   4 the operation itself failed
"""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where to read more, in one line; what ends the program is caused by it."""
        sys.stderr.write(f"{self.prog}: {message} (see `{self.prog} --help`)\n")
        raise SystemExit(ExitCode.USAGE) from UsageError(message, f"see `{self.prog} --help`")


def build(verbs: Sequence[str]) -> argparse.ArgumentParser:
    """Return the whole parser; `args.run(args)` performs the verb that was asked for."""
    parser = Parser(
        "keepapart",
        description=SUMMARY,
        epilog=f"{EXAMPLES}\n{EXIT_CODES}",
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"keepapart {__version__}")
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        help="configuration (default: keepapart.toml here, else $KEEPAPART_CONFIG)",
    )
    chosen = parser.add_subparsers(metavar="VERB", required=True)
    for verb in verbs:
        module = import_module(f"keepapart.cli.{verb}")
        sub = chosen.add_parser(
            verb,
            help=module.SUMMARY,
            description=module.SUMMARY,
            epilog=f"examples:\n{module.EXAMPLES}" if module.EXAMPLES else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.configure(sub)
        sub.set_defaults(run=module.run)
    return parser
