"""Kill a real admission at each arrow, resume it in a new process, and say what became of everything.

Run as ``python -m tests.crash.campaign SCENARIO FOLDER``; prints one JSON document. Single-threaded, so
that forking is safe; each child is a process of its own that ends by SIGKILL.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from keepapart.admit import Site, admit, collect, replace
from keepapart.clouds import CANDIDATE, ROLE_TAG, STOPPED
from keepapart.config import Launch
from keepapart.errors import UsageError
from keepapart.store import Store
from tests.admit.cloud import CLUSTER, Clock, FileCloud, Truth

Scenario = Callable[[Site, Truth], None]


def site(folder: Path, policy: Launch, on_arrow: Callable[[str], None]) -> Site:
    """Open what the folder holds, as a new process does."""
    clock = Clock()
    cloud = FileCloud(folder / "cloud.json", hosts=4, capacity=2, habit="packing")
    store = Store(f"sqlite:///{folder / 'store.db'}")
    return Site(cloud, store, CLUSTER, policy, clock=clock, sleep=clock.sleep, on_arrow=on_arrow)


def grow(at: Site, checker: Truth) -> None:
    """Ask for two more members."""
    admit(at, checker, count=2)


def stand_in(at: Site, checker: Truth) -> None:
    """Replace one; where that was done already, the name means nothing any more."""
    try:
        replace(at, checker, ["m-2"])
    except UsageError:
        if "m-2" in checker.cloud.alive() or at.store.unfinished(CLUSTER):
            raise


def one(at: Site, checker: Truth) -> None:
    """Ask for one more member."""
    admit(at, checker, count=1)


def collected(at: Site, _: Truth) -> None:
    """Clean up instead of going on."""
    collect(at)


def peopled(folder: Path) -> None:
    """Two members on hosts of their own and room for one beside each: the packing habit does the rest."""
    cloud = FileCloud(folder / "cloud.json")
    cloud.add("m-1", 0)
    cloud.add("m-2", 1)


def slow(folder: Path) -> None:
    """The same, on a platform whose lists lag."""
    peopled(folder)
    FileCloud(folder / "cloud.json").set_lag(3)


def spares(folder: Path) -> None:
    """The same, and six stopped instances."""
    peopled(folder)
    cloud = FileCloud(folder / "cloud.json")
    for number in range(1, 7):
        cloud.add(f"s-{number}", 0, state=STOPPED, role="" if number % 2 else CANDIDATE)


# name: (what is there, policy, what is killed, what resumes, members then)
SCENARIOS: dict[str, tuple[Callable[[Path], None], Launch, Scenario, Scenario, int | None]] = {
    "grow": (peopled, Launch(), grow, grow, 4),
    "lag": (slow, Launch(), one, one, 3),
    "stop": (peopled, Launch(on_reject="stop", max_attempts=3, max_held=1), one, one, None),
    "start": (spares, Launch(source="stopped"), grow, grow, 4),
    "replace": (peopled, Launch(), stand_in, stand_in, 2),
    "other": (peopled, Launch(), one, grow, None),
    "gc": (peopled, Launch(), one, collected, None),
}


def main(name: str, folder: Path) -> None:
    """Kill at the 1st, 2nd, … arrow until one is never reached: then the run was complete."""
    setup, policy, killed, resumed, members = SCENARIOS[name]
    results: list[dict[str, object]] = []
    while True:
        here = folder / f"{name}-{len(results) + 1}"
        here.mkdir()
        setup(here)
        status, arrow = _killed_at(len(results) + 1, here, policy, killed)
        if not os.WIFSIGNALED(status):
            break
        error = _child(partial(_resume, resumed, here, policy), here)
        results.append({"arrow": arrow, "error": error, **_after(here, policy)})
        shutil.rmtree(here)
    trouble = None if status == 0 else (here / "trace").read_text()
    json.dump({"members": members, "results": results, "error": trouble}, sys.stdout)


def _resume(scenario: Scenario, here: Path, policy: Launch) -> None:
    scenario(*_ready(here, policy, lambda _: None))


def _ready(here: Path, policy: Launch, on_arrow: Callable[[str], None]) -> tuple[Site, Truth]:
    at = site(here, policy, on_arrow)
    assert isinstance(at.cloud, FileCloud)
    return at, Truth(at.cloud)


def _killed_at(k: int, here: Path, policy: Launch, scenario: Scenario) -> tuple[int, str]:
    passed = 0

    def on_arrow(name: str) -> None:
        nonlocal passed
        passed += 1
        if passed == k:
            (here / "arrow").write_text(name)
            os.kill(os.getpid(), signal.SIGKILL)

    status = _fork(lambda: scenario(*_ready(here, policy, on_arrow)), here)
    arrow = here / "arrow"
    return status, arrow.read_text() if arrow.exists() else ""


def _child(work: Callable[[], None], here: Path) -> str | None:
    return None if _fork(work, here) == 0 else (here / "trace").read_text()


def _fork(work: Callable[[], None], here: Path) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            (here / "trace").write_text(traceback.format_exc())
        os._exit(9)
    return os.waitpid(pid, 0)[1]


def _after(here: Path, policy: Launch) -> dict[str, object]:
    """Say what is there after the resumed process, and after `gc`."""
    at, truth = _ready(here, policy, lambda _: None)
    cloud = truth.cloud
    for _ in range(4):  # until the lists show everything
        cloud.instances({})
    before = {i: (x.state, x.tags.get(ROLE_TAG, "")) for i, x in cloud.alive().items()}
    found = [f.id for f in collect(at, dry_run=True).found]
    done = collect(at)
    at.store.close()
    return {
        "alive": before,
        "found": found,
        "left": [x.id for x in done.left],
        "after": {i: (x.state, x.tags.get(ROLE_TAG, "")) for i, x in cloud.alive().items()},
        "hosts": [cloud.host(m) for m in cloud.members()],
        "launched": len(cloud.tokens()),
        "tokens": len(set(cloud.tokens())),
        "unfinished": at.store.unfinished(CLUSTER),
    }


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
