"""What is printed: documents and lines on stdout, progress on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keepapart.admit import Outcome
    from keepapart.documents.base import Document
    from keepapart.errors import ExitCode
    from keepapart.model import Progress

STEPS = {
    "open": "opening a node on every instance",
    "send": "measuring every pair",
    "tcp": "measuring what datagrams don't reach by TCP",
    "icmp": "measuring what is left by ICMP",
    "judge": "judging",
    "simulate": "simulating",
}


def print_json(document: Document) -> None:
    """Print exactly one JSON document."""
    from keepapart.documents.base import text

    sys.stdout.write(f"{text(document)}\n")


def write(document: Document, lines: Sequence[str], *, as_json: bool) -> None:
    """Print the one JSON document, or the lines for people."""
    if as_json:
        print_json(document)
    else:
        sys.stdout.write("".join(f"{line}\n" for line in lines))


def show(outcome: Outcome, *, as_json: bool) -> ExitCode:
    """Print what became of an admission, and return its exit code."""
    write(outcome.document(), outcome.lines(), as_json=as_json)
    return outcome.code


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show how far a long step is, as a bar where stderr is a terminal and not at all elsewhere."""
    from keepapart.model import silent

    if not sys.stderr.isatty():
        yield silent
        return
    from rich import progress
    from rich.console import Console

    columns = (progress.TextColumn("{task.description}"), progress.BarColumn(), progress.TimeElapsedColumn())
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda what, share: bar.update(task, description=STEPS.get(what, what), completed=share)


@contextmanager
def news_lines() -> Iterator[Callable[[str], None]]:
    """Show one line for each thing that happened; on a terminal, also that work goes on."""
    from rich.console import Console

    console = Console(stderr=True)

    def tell(line: str) -> None:
        sys.stderr.write(f"{line}\n")

    def tell_and_go_on(line: str) -> None:
        console.print(line, markup=False, highlight=False)
        status.update(line.replace("[", "\\["))

    if not console.is_terminal:
        yield tell
        return
    with console.status("looking at the cluster") as status:
        yield tell_and_go_on
