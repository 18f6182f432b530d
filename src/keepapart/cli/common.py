"""What several verbs share: configuration, store, progress and JSON output."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keepapart.config import Config
    from keepapart.probe.round import Progress
    from keepapart.store import Store


@contextmanager
def opened(args: argparse.Namespace) -> Iterator[tuple[Config, Store]]:
    """Load the configuration that `args` names and open its store."""
    from keepapart.config import load
    from keepapart.store import Store

    config = load(args.config)
    with Store(config.store.url) as store:
        yield config, store


def print_json(document: Any) -> None:
    """Print exactly one JSON document on stdout."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")


STEPS = {"open": "opening a node on every instance", "send": "measuring every pair", "judge": "judging"}


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show a round's progress on stderr, as a bar where that is a terminal and not at all elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _what, _share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda what, share: bar.update(task, description=STEPS.get(what, what), completed=share)
