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


OTHER_WORDS = {"help": "--help", "version": "--version", "why": "explain"}  # what others call it


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    given: Sequence[str] = ()  # the whole command line, for an error to say of which verb it is

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where to read more, in one line; what ends the program is caused by it."""
        unrecognized = "unrecognized arguments: "
        if message.startswith(unrecognized):
            self._refuse(message.removeprefix(unrecognized).split(" ")[0].partition("=")[0], message)
        if wrong := self._unknown(self.given):
            self._refuse(wrong, f"no {wrong} here")
        self._end(UsageError(message, f"see `{self.prog} --help`"), f"{message} (see `{self.prog} --help`)")

    def _refuse(self, wrong: str, message: str) -> NoReturn:
        """Say of a word that nobody takes which option of the verb was probably meant."""
        import difflib

        asked = _asked(self, self.given)
        flags = list(asked._option_string_actions)
        if wrong in flags:  # before the verb, which takes it behind
            error = UsageError(f"no {wrong} before the verb", f"put it behind: `{asked.prog} {wrong} …`")
        elif close := difflib.get_close_matches(wrong, flags, n=1, cutoff=0.75):
            error = UsageError(f"no {wrong} here", f"did you mean {close[0]}?")
        else:
            error = UsageError(message, f"see `{asked.prog} --help`")
            asked._end(error, f"{message} ({error.mend})")
        asked._end(error, str(error))

    def _unknown(self, words: Sequence[str]) -> str:
        """Return the first of these words that is an option, and none of this parser's."""
        options = (word for word in words if word.startswith("-"))
        flags = (word.partition("=")[0] if word.startswith("--") else word[:2] for word in options)
        return next((flag for flag in flags if flag not in self._option_string_actions), "")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Say of a verb or a choice that there isn't which one was probably meant."""
        if action.choices is not None and value not in action.choices:
            from keepapart.tables import nearest, plain

            verb = isinstance(action, argparse._SubParsersAction)
            before = self.given[: self.given.index(value)] if value in self.given else ()
            if verb and (wrong := self._unknown(before)):
                self._refuse(wrong, f"no {wrong} here")
            name = "no verb" if verb else f"{'/'.join(action.option_strings) or action.metavar}: no"
            mend = nearest(str(value), tuple(action.choices))
            if verb and value in OTHER_WORDS:
                mend = f"did you mean {OTHER_WORDS[value]!r}?"
            error = UsageError(f"{name} '{plain(str(value))}'", mend)
            self._end(error, str(error))
        super()._check_value(action, value)

    def _end(self, error: UsageError, line: str) -> NoReturn:
        sys.stderr.write(f"{self.prog}: {line}\n")
        raise SystemExit(ExitCode.USAGE) from error


def build(verbs: Sequence[str]) -> Parser:
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


def _asked(parser: Parser, words: Sequence[str]) -> Parser:
    """Return the parser of the verb that these words name."""
    for number, word in enumerate(words):
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction) and word in action.choices:
                return _asked(action.choices[word], words[number + 1 :])
    return parser


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
