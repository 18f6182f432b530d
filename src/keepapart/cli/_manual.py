"""The manual page, made of the parser: `python -m keepapart.cli._manual` writes it anew (`make man`)."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from keepapart.cli import VERBS
from keepapart.cli._parser import EXIT_CODES, SUMMARY, build, within

PAGE = Path(__file__).parents[3] / "man" / "keepapart.1"
FILES = (
    ("keepapart.toml", "the configuration, in the folder where keepapart is called"),
    ("$KEEPAPART_CONFIG", "the configuration, where there is none in that folder"),
    ("keepapart.db", "the journal and the history, beside the configuration unless [store] says otherwise"),
)


def manual() -> str:
    """Return the page, in the man macros of roff."""
    parser = build(VERBS)
    lines = [
        '.TH KEEPAPART 1 "" keepapart "User Commands"',
        ".SH NAME",
        "keepapart \\- which instances share a physical host, and new cluster members that don't",
        ".SH SYNOPSIS",
        ".B keepapart",
        "[\\fB\\-c\\fR \\fIFILE\\fR] [\\fB\\-q\\fR|\\fB\\-v\\fR] \\fIVERB\\fR ...",
        ".SH DESCRIPTION",
        _escaped(SUMMARY),
        ".PP",
        "What follows is taken before a verb and behind it:",
        *_options(parser),
        ".SH VERBS",
    ]
    for sub in within(parser):
        for each in (sub, *within(sub)):
            lines += [".SS " + _escaped(each.prog), _escaped(each.description or ""), *_options(each, parser)]
        if sub.epilog:
            lines += [".PP", ".nf", _escaped(sub.epilog), ".fi"]
    lines += [".SH EXIT STATUS", ".nf", _escaped(EXIT_CODES.partition("\n")[2].rstrip()), ".fi", ".SH FILES"]
    for name, what in FILES:
        lines += [".TP", f"\\fI{_escaped(name)}\\fR", _escaped(what)]
    return "\n".join(lines) + "\n"


def _options(parser: argparse.ArgumentParser, common: argparse.ArgumentParser | None = None) -> Iterator[str]:
    """Yield what a parser takes, without what `common` does too."""
    known = {flag for action in (common._actions if common else ()) for flag in action.option_strings}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction) or known.intersection(action.option_strings):
            continue
        yield ".TP"
        yield _called(action)
        yield _escaped((action.help or "").replace("%%", "%")) or "\\&"


def _called(action: argparse.Action) -> str:
    choices = "|".join(map(str, action.choices or ()))
    value = (
        "" if action.nargs == 0 else f"\\fI{_escaped(_metavar(action) or choices or action.dest.upper())}\\fR"
    )
    flags = ", ".join(f"\\fB{_escaped(flag)}\\fR" for flag in action.option_strings)
    return " ".join(part for part in (flags, value) if part)


def _metavar(action: argparse.Action) -> str:
    return action.metavar if isinstance(action.metavar, str) else ""


def _escaped(text: str) -> str:
    """Write text so that roff takes nothing in it for its own."""
    text = text.strip("\n").replace("\\", "\\e").replace("-", "\\-").replace("…", "...").replace("–", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def main() -> None:
    """Write the page."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(manual(), encoding="utf-8")


if __name__ == "__main__":
    main()
