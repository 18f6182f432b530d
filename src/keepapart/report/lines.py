"""Lines for a terminal: how text, facts and tones are written."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from keepapart.model import Verdict
from keepapart.report.words import Tone
from keepapart.streams import readable

STYLES = {Tone.GOOD: "bold green", Tone.BAD: "bold red", Tone.OPEN: "bold yellow"}
MARKS = {Tone.GOOD: "✓", Tone.BAD: "✗", Tone.OPEN: "?"}
WORDS = {Tone.GOOD: "ok", Tone.BAD: "XX", Tone.OPEN: "??"}
WIDEST = 10_000  # columns
VERDICTS = {Verdict.CO_RESIDENT: Tone.BAD, Verdict.SEPARATE: Tone.GOOD, Verdict.UNKNOWN: Tone.OPEN}


def plain(text: str) -> Text:
    """Make text that can neither style nor steer the terminal."""
    return Text("".join(c if c.isprintable() else " " if c.isspace() else "�" for c in text))


def console(*, wide: bool = False) -> Console:
    """Return stdout as rich sees it; nothing printed there is read as markup.

    Where that isn't UTF-8, all is written so that it can be read in ASCII. `wide` lets lines be as long as
    they are.
    """
    readable(sys.stdout)
    return Console(highlight=False, markup=False, emoji=False, width=WIDEST if wide else None)


def mark(tone: Tone, out: Console) -> str:
    """Return the sign of a tone, as the console can show it."""
    return (WORDS if out.options.ascii_only else MARKS)[tone]


def line(out: Console, *parts: str | tuple[str, str]) -> None:
    """Print one paragraph of text or (text, style) parts: wrapped in a terminal, one line where piped."""
    out.print(_joined(parts), soft_wrap=not out.is_terminal)


def fact(out: Console, label: str, *parts: str | tuple[str, str]) -> None:
    """Print a labelled paragraph; in a terminal its lines stand under one another beside the label."""
    if not out.is_terminal:
        line(out, (f"{label:<9}", "bold"), *parts)
        return
    grid = Table.grid(padding=0)
    grid.add_column(width=9)
    grid.add_column(overflow="fold")
    grid.add_row(Text(label, "bold"), _joined(parts))
    out.print(grid)


def command(out: Console, label: str, written: str) -> None:
    """Print a command after a label, on one line however long: what is broken into lines can't be pasted."""
    out.print(_joined([(f"{label:<9}", "bold"), (written, "bold cyan")]), soft_wrap=True)


def _joined(parts: Iterable[str | tuple[str, str]]) -> Text:
    text = Text()
    for part in parts:
        written, style = part if isinstance(part, tuple) else (part, "")
        text.append(plain(written).plain, style)
    return text
