"""What several verbs share: configuration, store, progress and JSON output."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keepapart.config import Config
    from keepapart.model import Controls
    from keepapart.probe.round import Progress
    from keepapart.store import Store


@contextmanager
def opened(args: argparse.Namespace) -> Iterator[tuple[Config, Store]]:
    """Load the configuration that `args` names and open its store; flags overrule the file."""
    from keepapart.config import load
    from keepapart.store import Store

    config = load(args.config)
    if assurance := getattr(args, "assurance", None):
        config = replace(config, cluster=replace(config.cluster, assurance=assurance))
    with naming(config), Store(config.store.url) as store:
        yield config, store


@contextmanager
def naming(config: Config) -> Iterator[None]:
    """Have what is wrong with the configuration, wherever it is found out, name the file."""
    from keepapart.errors import ConfigError

    try:
        yield
    except ConfigError as error:
        if str(error).startswith(str(config.path)):
            raise
        raise ConfigError(f"{config.path}: {error}") from None


def add_judging(parser: argparse.ArgumentParser) -> None:
    """Add what the operator may say about judging: how sure to be, and what is known already."""
    parser.add_argument(
        "--assurance", choices=("strong", "conclusive"), help="the weakest evidence that calls two separate"
    )
    for flag, meaning in (("--known-same", "known to share a host"), ("--known-separate", "known not to")):
        parser.add_argument(
            flag,
            metavar="A,B",
            action="append",
            default=[],
            type=_pair,
            help=f"a pair {meaning}, as a control",
        )


def known(args: argparse.Namespace) -> Controls:
    """Return the pairs that the operator named."""
    from keepapart.model import Controls

    return Controls(args.known_same, args.known_separate)


def _pair(text: str) -> tuple[str, str]:
    a, comma, b = text.partition(",")
    if not (a and comma and b) or "," in b:
        raise argparse.ArgumentTypeError(f"{text!r} is not two ids with a comma between them")
    return a, b


def print_json(document: Any) -> None:
    """Print exactly one JSON document on stdout."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")


STEPS = {
    "open": "opening a node on every instance",
    "send": "measuring every pair",
    "tcp": "measuring what datagrams don't reach by TCP",
    "icmp": "measuring what is left by ICMP",
    "judge": "judging",
}


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
