"""What is printed: documents and lines on stdout, progress on stderr.

1. `-o json`, `yaml` and `tsv` print the document and nothing else; `wide` prints all lines for people.
2. `-q` prints nothing but a failure: what goes to stdout is held until it is known to be one.
3. What was done is told once and whole: from then on no Ctrl-C is heard, and the exit code is what it says.
4. `-v` tells on stderr what is being done, by the logger "keepapart".
"""

from __future__ import annotations

import io
import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from keepapart.cli._signals import none_heard

if TYPE_CHECKING:
    from keepapart.admit import Outcome
    from keepapart.documents.base import Document
    from keepapart.errors import ExitCode, KeepapartError
    from keepapart.model import Progress

DOCUMENTS = ("json", "yaml", "tsv")
WIDE = "wide"
LOG = logging.getLogger("keepapart")
STEPS = {
    "facts": "reading what is stated",
    "open": "opening a node on every instance",
    "send": "measuring every pair",
    "tcp": "measuring what datagrams don't reach by TCP",
    "icmp": "measuring what is left by ICMP",
    "judge": "judging",
    "simulate": "simulating",
}


def print_document(document: Document, output: str) -> None:
    """Print exactly one document in one of the forms of `DOCUMENTS`."""
    if output == "tsv":
        from keepapart.documents.tsv import table

        rows = table(document)
        written = f"{rows}\n" if rows else ""
    elif output == "yaml":
        from keepapart.documents.base import yaml

        written = yaml(document)
    else:
        from keepapart.documents.base import text

        unicode = (sys.stdout.encoding or "utf-8").lower().startswith("utf")
        written = f"{text(document, escaped=not unicode)}\n"
    none_heard()
    sys.stdout.write(written)


def write(document: Document, lines: Sequence[str], output: str) -> None:
    """Print the one document, or the lines for people."""
    if output in DOCUMENTS:
        print_document(document, output)
    else:
        none_heard()
        sys.stdout.write("".join(f"{line}\n" for line in lines))


def show(outcome: Outcome, output: str) -> ExitCode:
    """Print what became of an admission, and return its exit code."""
    write(outcome.document(), outcome.lines(), output)
    tell_failure(outcome.error)
    return outcome.code


def tell_failure(error: KeepapartError | None) -> None:
    """Say on stderr what failed, in the line that it has where there is no document of its own."""
    if error:
        sys.stderr.write(f"keepapart: {error}\n")


def speak(*, quiet: bool, verbose: bool) -> None:
    """Set how much is told on stderr."""
    LOG.setLevel(logging.ERROR if quiet else logging.INFO if verbose else logging.WARNING)
    LOG.propagate = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("keepapart: %(message)s"))
    LOG.handlers = [handler]
    # what asyncio says of an interrupted loop, as of children others waited for, is for who looks closely
    logging.getLogger("asyncio").setLevel(logging.WARNING if verbose else logging.CRITICAL)


@contextmanager
def held_back() -> Iterator[Callable[[], None]]:
    """Hold what is written to stdout; what is yielded lets it out."""
    real = sys.stdout
    held = io.TextIOWrapper(io.BytesIO(), real.encoding, real.errors, write_through=True)

    def let_out() -> None:
        real.write(held.buffer.getvalue().decode(held.encoding))

    sys.stdout = held
    try:
        yield let_out
    finally:
        sys.stdout = real


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show how far a long step is, as a bar where stderr is a terminal and not at all elsewhere.

    With `-v` each step is a line, with `-q` there is nothing.
    """
    from keepapart.model import silent

    if LOG.isEnabledFor(logging.INFO):
        yield _log_of_steps()
        return
    if not LOG.isEnabledFor(logging.WARNING) or not sys.stderr.isatty():
        yield silent
        return
    from rich import progress
    from rich.console import Console

    columns = (progress.TextColumn("{task.description}"), progress.BarColumn(), progress.TimeElapsedColumn())
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda what, share: bar.update(task, description=STEPS.get(what, what), completed=share)


def _log_of_steps() -> Progress:
    begun, last = time.monotonic(), ""

    def hear(what: str, share: float) -> None:  # noqa: ARG001
        nonlocal last
        if what != last:
            LOG.info("%.1f s: %s", time.monotonic() - begun, STEPS.get(what, what))
            last = what

    return hear


@contextmanager
def news_lines() -> Iterator[Callable[[str], None]]:
    """Show a line for each thing that happened; on a terminal, also that work goes on. Nothing with `-q`."""
    from rich.console import Console

    console = Console(stderr=True)

    def tell(line: str) -> None:
        sys.stderr.write(f"{line}\n")

    def tell_and_go_on(line: str) -> None:
        console.print(line, markup=False, highlight=False)
        status.update(line.replace("[", "\\["))

    if not LOG.isEnabledFor(logging.WARNING):
        yield lambda _: None
        return
    if not console.is_terminal:
        yield tell
        return
    with console.status("looking at the cluster") as status:
        yield tell_and_go_on
