"""The command line: one file a verb, each with `SUMMARY`, `EXAMPLES`, `configure(parser)` and `run(args)`.

Verb modules import what they need inside `run`, so that `--version` and `--help` stay quick.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence

from keepapart import __version__

VERBS = (
    "init",
    "check",
    "audit",
    "hops",
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
    """Run one command and return its exit code (the contract's table)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"]:  # before argparse: scripts ask this often
        sys.stdout.write(f"keepapart {__version__}\n")
        return 0

    from keepapart.cli._parser import build
    from keepapart.errors import ExitCode, KeepapartError

    parser = build(VERBS)
    if not arguments:
        parser.print_help()
        return ExitCode.OK
    args = parser.parse_args(arguments)
    try:
        code = int(args.run(args))
        sys.stdout.flush()
        return code
    except KeepapartError as error:
        sys.stderr.write(f"keepapart: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("keepapart: interrupted\n")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # the reader of our output left; there is no one to tell
        sys.stderr.close()
        return ExitCode.OK
    except OSError as error:
        if error.filename is None and error.errno in (errno.ENOSPC, errno.EIO, errno.EDQUOT):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is still held would fail again at the end
            sys.stderr.write(f"keepapart: the output can't be written: {error.strerror}\n")
            return ExitCode.FAILED
        raise
