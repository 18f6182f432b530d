"""The command line: one file a verb, each with `SUMMARY`, `EXAMPLES`, `configure(parser)` and `run(args)`.

Verb modules import what they need inside `run`, so that `--version` and `--help` stay quick.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from keepapart import __version__

if TYPE_CHECKING:
    from keepapart.errors import KeepapartError

VERBS = (
    "init",
    "check",
    "audit",
    "hops",
    "network",
    "admit",
    "replace",
    "gc",
    "history",
    "explain",
    "simulate",
    "lab",
    "completion",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (docs/contract.md)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"]:  # before argparse: scripts ask this often
        sys.stdout.write(f"keepapart {__version__}\n")
        return 0

    from keepapart.errors import ExitCode

    try:
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader of our output left; there is no one to tell
        sys.stderr.close()
        return ExitCode.OK
    except OSError as error:
        if error.filename is None and error.errno in (errno.ENOSPC, errno.EIO, errno.EDQUOT):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is still held would fail again at the end
            sys.stderr.write(f"keepapart: the output can't be written: {error.strerror}\n")
            return ExitCode.FAILED
        raise


def _run(arguments: Sequence[str]) -> int:
    """Run the verb; where it fails, say why on stderr, and under `--json` as a document on stdout too."""
    from keepapart.cli._parser import build
    from keepapart.errors import ExitCode, KeepapartError

    parser = build(VERBS)
    if not arguments:
        parser.print_help()
        return ExitCode.OK
    try:
        args = parser.parse_args(arguments)
    except SystemExit as ended:
        if isinstance(ended.__cause__, KeepapartError) and "--json" in arguments:
            _print_error(ended.__cause__)
        raise
    try:
        return int(args.run(args))
    except KeepapartError as error:
        sys.stderr.write(f"keepapart: {error}\n")
        if getattr(args, "json", False):
            _print_error(error)
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("keepapart: interrupted\n")
        return ExitCode.INTERRUPTED


def _print_error(error: KeepapartError) -> None:
    from keepapart.cli._output import print_json
    from keepapart.documents.error import error_document

    print_json(error_document(error))
    sys.stdout.flush()
