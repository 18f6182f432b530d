"""A context to admit at: a file cloud, a store, a clock that only sleeping moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from keepapart.admit import AdmissionContext, admit
from keepapart.settings import LaunchSettings
from keepapart.store import Store
from keepapart.testing import ManualClock, ProgrammableCloud, TruthfulChecker

CLUSTER = "orders"
MEMORY = Path("/dev/shm")  # nothing outlives a test


@dataclass
class Bench:
    cloud: ProgrammableCloud
    truth: TruthfulChecker
    clock: ManualClock
    store: Store
    told: list[str] = field(default_factory=list)

    def context(self, policy: LaunchSettings | None = None, **more: Any) -> AdmissionContext:
        context = AdmissionContext(
            self.cloud,
            self.store,
            CLUSTER,
            policy or LaunchSettings(),
            clock=self.clock,
            sleep=self.clock.sleep,
            tell=self.told.append,
        )
        return replace(context, **more)

    def sound(self) -> None:
        """Nothing lost, nothing doubled, nothing that shares a host: what holds whenever a run is over."""
        for name, instance in self.cloud.alive().items():
            at_rest = instance.state == "stopped"
            assert name in self.cloud.members() or at_rest, f"{name} was left behind"
        hosts = [self.cloud.host(m) for m in self.cloud.members()]
        assert len(set(hosts)) == len(hosts), "two members share a host"
        assert len(set(self.cloud.tokens())) == len(self.cloud.tokens()), "an instance was doubled"
        assert self.store.journals.unfinished(CLUSTER) == []


def in_memory() -> TemporaryDirectory[str]:
    """Return a folder for a store whose every commit would wait for a disk, where there is one in memory."""
    return TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Two members on hosts 0 and 1, and a cloud that fills one host of two slots after the other."""
    clock = ManualClock()
    cloud = ProgrammableCloud(tmp_path / "cloud.json", clock=clock, sleep=clock.sleep)
    cloud.add("m-1", 0)
    cloud.add("m-2", 1)
    with in_memory() as folder, Store(f"sqlite:///{folder}/store.db") as store:
        yield Bench(cloud, TruthfulChecker(cloud), clock, store)


def interrupted_at(bench: Bench, arrow: str, nth: int = 1) -> None:
    """Leave a run as a killed process does: in the middle, with its lease still held."""
    seen = 0

    class Killed(BaseException):
        pass

    def on_arrow(name: str) -> None:
        nonlocal seen
        seen += name == arrow
        if seen >= nth:
            raise Killed  # at every arrow from here on: nothing more gets done

    with pytest.raises(Killed):
        admit(bench.context(on_arrow=on_arrow), bench.truth)
