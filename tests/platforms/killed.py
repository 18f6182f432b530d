"""A page's configuration, and an admission by it: killed at one arrow after the other, and gone on with."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from faults.kill import Arrow, ended
from keepapart import clouds
from keepapart.admit import AdmissionContext, Checker, MoveOutcome, admit, collect, move
from keepapart.auditing.survey import checker
from keepapart.config import load
from keepapart.model import silent
from keepapart.store import Store

NAP = 0.05  # seconds, whatever is waited for
BOUND = 200  # arrows; an admission and a move pass fewer


def example(page: Path) -> str:
    """Return the configuration by which a platform's page launches: the second on it."""
    _, launching, *_ = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return str(launching)


@contextmanager
def opened(path: Path, on_arrow: Arrow = silent) -> Iterator[tuple[AdmissionContext, Checker]]:
    """Open what a configuration names; a dead process's lease is known to be dead."""
    config = load(str(path))
    cloud = clouds.connect(config.cloud.provider, config.cloud.settings, config.instances)
    with (
        closing(cloud),
        Store(config.store.url) as store,
        checker(config, cloud=cloud, store=store) as asks,
    ):
        context = AdmissionContext(
            clouds.launching(cloud),
            store,
            config.cluster.name,
            config.launch,
            sleep=lambda seconds: time.sleep(min(seconds, NAP)),
            on_arrow=on_arrow,
        )
        yield context, asks


def admitted(path: Path, to: int, on_arrow: Arrow = silent) -> int:
    """Admit until there are so many members, and return the exit code."""
    with opened(path, on_arrow) as (context, asks):
        return int(admit(context, asks, to=to).code)


def moved(
    path: Path, member: str, on_arrow: Arrow = silent, *, host: str = "", excuse: Sequence[str] = ()
) -> MoveOutcome:
    """Give a member another host, and return what became of it."""
    with opened(path, on_arrow) as (context, asks):
        return move(context, asks, [member], excuse, host=host)


def arrows(work: Callable[[Arrow], object], again: Callable[[], None], here: Path, step: int = 1) -> int:
    """Do `work` once for each arrow that it passes, killed there, then `again`; return how many there were.

    `step` leaves arrows out.
    """
    for at in range(1, BOUND, step):
        end = ended(work, here, at)
        assert not end.trace, end.trace
        again()
        if not end.arrow:
            return at
    raise AssertionError(f"it passes more than {BOUND} arrows")


def swept(path: Path) -> list[str]:
    """Run `gc`, and return what it found."""
    with opened(path) as (context, _):
        return [found.id for found in collect(context).found]
