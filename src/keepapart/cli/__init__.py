"""The command line: one file a verb, each with `SUMMARY`, `EXAMPLES`, `configure(parser)` and `run(args)`.

Where there is more to say of a verb than its line and examples, its file has `NOTES`, too.
Verb modules import what they need inside `run`, so that `--version` and `--help` stay quick.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from gc import freeze
from typing import TYPE_CHECKING

from keepapart import __version__

if TYPE_CHECKING:
    from argparse import Namespace

    from keepapart.errors import KeepapartError

VERBS = (
    "init",
    "check",
    "audit",
    "hops",
    "network",
    "admit",
    "replace",
    "move",
    "gc",
    "watch",
    "history",
    "explain",
    "export",
    "simulate",
    "lab",
    "completion",
)
CHANGING = frozenset({"admit", "replace", "move", "gc"})  # what they did counts, can it be told or not


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (docs/contract.md).

    Without `argv` this is the program: the process's standard streams and signals are its own.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if argv is None:
        from keepapart.cli import _streams

        _streams.settle()
    if arguments == ["--version"]:  # before argparse: scripts ask this often
        sys.stdout.write(f"keepapart {__version__}\n")
        return 0
    return _run(arguments) if argv is None else _ended(arguments)


def _run(arguments: Sequence[str]) -> int:
    """Be the program, from its first moment to its last."""
    from keepapart.cli import _signals, _streams
    from keepapart.errors import ExitCode

    try:
        _signals.settle()
        code = _ended(arguments)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else ExitCode.OK
    _signals.none_heard()
    freeze()  # the process ends, and need not search for garbage in all that it has imported
    if trouble := _streams.trouble():
        sys.stderr.write(f"keepapart: the output can't be written: {trouble.strerror}\n")
        if next((word for word in arguments if word in VERBS), "") not in CHANGING:
            return ExitCode.FAILED
    return code


def _ended(arguments: Sequence[str]) -> int:
    """Run the verb; where it fails, say why on stderr, and under `-o json` as a document on stdout too."""
    from keepapart.errors import ExitCode, InterruptionError, KeepapartError, UnforeseenError

    args = None
    try:
        from keepapart.cli._output import speak
        from keepapart.cli._parser import build
        from keepapart.streams import readable

        for stream in (sys.stdout, sys.stderr):
            readable(stream)
        parser = build(VERBS)
        if not arguments:
            parser.print_help()
            return ExitCode.OK
        parser.given = arguments
        args = parser.parse_args(arguments)
        speak(quiet=args.quiet, verbose=args.verbose)
        return _performed(args)
    except SystemExit as ended:
        if isinstance(ended.__cause__, KeepapartError):
            _print_error(ended.__cause__, None, arguments)
        raise
    except KeepapartError as error:
        return _failed(error, args, arguments)
    except KeyboardInterrupt:
        return _failed(InterruptionError(), args, arguments)
    except Exception as error:  # whatever nobody foresaw must not end with the code of a verdict
        if getattr(args, "verbose", False):
            import traceback

            traceback.print_exc()
        return _failed(UnforeseenError(error), args, arguments)


def _performed(args: Namespace) -> int:
    """Run the verb; where it is to be quiet, what it prints comes only with a failure."""
    from keepapart.cli._output import held_back
    from keepapart.errors import ExitCode

    if not args.quiet:
        return int(args.run(args))
    with held_back() as let_out:
        code = int(args.run(args))
    if code != ExitCode.OK:
        let_out()
    return code


def _failed(error: KeepapartError, args: Namespace | None, arguments: Sequence[str]) -> int:
    from keepapart.cli._output import tell_failure
    from keepapart.cli._signals import none_heard

    none_heard()
    tell_failure(error)
    _print_error(error, args, arguments)
    return error.exit_code


def _print_error(error: KeepapartError, args: Namespace | None, arguments: Sequence[str]) -> None:
    """Print an error as a document where documents are asked for; a table has no place for it."""
    from keepapart.cli._options import wanted_output
    from keepapart.cli._output import print_document
    from keepapart.documents.error import error_document

    output = getattr(args, "output", "") if args else wanted_output(arguments)
    if output in ("json", "yaml"):
        print_document(error_document(error), output)
        sys.stdout.flush()
