"""The argument parser, built from the verbs' own modules.

What every verb takes (`-c`, `-q`, `-v`) is taken before the verb and behind it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, NoReturn

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
  5 fewer members run than the cluster needs now
"""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where to read more, in one line; what ends the program is caused by it."""
        unrecognized = "unrecognized arguments: --"
        if message.startswith(unrecognized):
            import difflib

            wrong = f"--{message.removeprefix(unrecognized).split(' ')[0].partition('=')[0]}"
            close = difflib.get_close_matches(wrong, _flags(self), n=1, cutoff=0.75)
            if close:
                error = UsageError(f"no {wrong} here", f"did you mean {close[0]}?")
                self._end(error, str(error))
        self._end(UsageError(message, f"see `{self.prog} --help`"), f"{message} (see `{self.prog} --help`)")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Say of a verb or a choice that there isn't which one was probably meant."""
        if action.choices is not None and value not in action.choices:
            from keepapart.tables import nearest, plain

            verb = isinstance(action, argparse._SubParsersAction)
            name = "no verb" if verb else f"{'/'.join(action.option_strings) or action.metavar}: no"
            error = UsageError(f"{name} '{plain(str(value))}'", nearest(str(value), tuple(action.choices)))
            self._end(error, str(error))
        super()._check_value(action, value)

    def _end(self, error: UsageError, line: str) -> NoReturn:
        sys.stderr.write(f"{self.prog}: {line}\n")
        raise SystemExit(ExitCode.USAGE) from error


def build(verbs: Sequence[str]) -> argparse.ArgumentParser:
    """Return the whole parser; `args.run(args)` performs the verb that was asked for."""
    parser = Parser(
        "keepapart",
        description=SUMMARY,
        epilog=f"{EXAMPLES}\n{EXIT_CODES}",
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"keepapart {__version__}")
    _add_common(parser, config=None, flag=False)
    chosen = parser.add_subparsers(metavar="VERB", required=True)
    for verb in verbs:
        module = import_module(f"keepapart.cli.{verb}")
        sub = chosen.add_parser(
            verb,
            help=module.SUMMARY,
            description="\n\n".join(filter(None, [module.SUMMARY, getattr(module, "NOTES", "")])),
            epilog=f"examples:\n{module.EXAMPLES}" if module.EXAMPLES else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            add_help=not getattr(module, "OWN_HELP", False),
        )
        module.configure(sub)
        for each in (sub, *within(sub)):
            _add_common(each, config=argparse.SUPPRESS, flag=argparse.SUPPRESS)  # what stands before stays
        sub.set_defaults(run=module.run)
    return parser


def within(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield the parsers of a parser's own verbs."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.values()


def _flags(parser: argparse.ArgumentParser) -> list[str]:
    """List the long options of a parser and of those within it."""
    own = [flag for action in parser._actions for flag in action.option_strings if flag.startswith("--")]
    return own + [flag for each in within(parser) for flag in _flags(each)]


def _add_common(parser: argparse.ArgumentParser, *, config: str | None, flag: bool | str) -> None:
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        default=config,
        help="configuration (default: keepapart.toml here, else $KEEPAPART_CONFIG)",
    )
    parser.add_argument(
        "-q", "--quiet", action="store_true", default=flag, help="print nothing but a failure"
    )
    parser.add_argument("-v", "--verbose", action="store_true", default=flag, help="say what is being done")
