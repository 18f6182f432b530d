"""What `admit`, `replace` and `gc` share: opening the site, showing progress, printing the end."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keepapart.admit import Checker, Outcome, Site
    from keepapart.config import Config
    from keepapart.model import Instance, Pair
    from keepapart.store import Store


@contextmanager
def opened(config: Config, *, checks: bool = True, wait: float = 0.0) -> Iterator[tuple[Site, Checker]]:
    """Connect the cloud, open the store and make the checker, where this verb checks anything.

    `wait` are seconds to wait where another admission of the cluster is running.

    Raises `UsageError` for a provider that can't launch.
    """
    from keepapart import clouds
    from keepapart.admit import Site
    from keepapart.errors import UsageError
    from keepapart.store import Store

    if config.cloud.provider == "static":
        raise UsageError(
            f'{config.path}: [cloud] provider: "static" launches and releases nothing; name a cloud that can'
        )
    cloud = clouds.connect(config.cloud.provider, config.cloud.settings, config.instances)
    with Store(config.store.url) as store, _progress() as told, _checker(config, store, checks) as checker:
        yield Site(cloud, store, config.cluster.name, config.launch, progress=told, wait=wait), checker


def show(outcome: Outcome, *, as_json: bool) -> int:
    """Print what became of an admission, and return its exit code."""
    write(outcome.document(), outcome.lines(), as_json=as_json)
    return outcome.code


def write(document: Mapping[str, Any], lines: Sequence[str], *, as_json: bool) -> None:
    """Print the one JSON document, or the lines for people."""
    sys.stdout.write(json.dumps(document) + "\n" if as_json else "".join(f"{line}\n" for line in lines))


@contextmanager
def _progress() -> Iterator[Any]:
    """Show one line for each thing that happened, on stderr; on a terminal, also that work goes on."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda line: sys.stderr.write(f"{line}\n")
        return
    with console.status("looking at the cluster") as status:

        def told(line: str) -> None:
            console.print(line, markup=False, highlight=False)
            status.update(line.replace("[", "\\["))

        yield told


def _checker(config: Config, store: Store, checks: bool) -> AbstractContextManager[Checker]:
    from keepapart.survey import checker

    return checker(config, store=store) if checks else nullcontext(_no_checker)


def _no_checker(*asked: Sequence[Instance]) -> Sequence[Pair]:
    raise AssertionError(f"this verb checks nobody, not {len(asked)}")
