"""Kill a real admission at each arrow, under a fault of the platform, resume it, and say what is there then.

Every admission is a process of its own that ends by SIGKILL; so is the one that resumes it, under the same
fault. What holds afterwards, whatever the fault and the arrow:

1. nothing is lost: each instance is a member, or at rest as a stopped spare, or found by `gc` by its tag;
2. nothing is doubled: no token launched two instances, and no more members are in than were asked for;
3. no two members share a host;
4. the budget is kept: no more attempts, and no more instances at once, than allowed;
5. after `gc` nothing is left but members and stopped spares, and no run is unfinished;
6. where the fault passes, all that was asked for is in.

`python -m tests.crash.campaign` is a worker: it reads a `Task` a line, and answers with a line of results.
It has one thread only, so that forking is safe.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import traceback
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from keepapart.admit import Site, collect
from keepapart.clouds import MEMBER, ROLE_TAG, STOPPED
from keepapart.errors import OperationError
from keepapart.store import Store
from tests.admit.cloud import CLUSTER, Clock, FileCloud, Truth
from tests.crash.faults import FAULTS, Trouble
from tests.crash.scenarios import SCENARIOS, Scenario

ROOT = Path(__file__).parents[2]
MEMORY = Path("/dev/shm")  # a killed process loses nothing that a disk would have kept

Arrow = Callable[[str], None]


@dataclass
class Result:
    """What became of one kill: at which arrow, and what was wrong afterwards."""

    arrow: str
    problems: list[str] = field(default_factory=list)


def campaign(scenario: Scenario, trouble: Trouble, folder: Path, every: int = 1) -> Iterator[Result]:
    """Kill at every so many arrows, until one is never reached: then the run was complete."""
    arrow = (
        1 + zlib.crc32(f"{scenario}{trouble.does}".encode()) % every
    )  # each its own, so that all have turns
    while True:
        here = folder / str(arrow)
        here.mkdir()
        scenario.setup(FileCloud(here / "cloud.json"))
        status, name = _killed_at(arrow, here, scenario, trouble)
        if not os.WIFSIGNALED(status):
            complete = Result("", [] if status == 0 else [(here / "trace").read_text()])
            yield complete if status else Result("", list(_problems(here, scenario, trouble, complete=True)))
            shutil.rmtree(here)
            return
        result = Result(name)
        if _fork(lambda: _attempt(scenario.resumed, here, scenario, trouble, _ignored), here):  # noqa: B023
            result.problems.append((here / "trace").read_text())
        # asked again after it was complete, it asks for more
        complete_already = name == "after journal finished"
        result.problems += _problems(here, scenario, trouble, complete=not complete_already)
        yield result
        shutil.rmtree(here)
        arrow += every


def _ignored(_: str) -> None:
    return


def _attempt(
    ask: Callable[..., None], here: Path, scenario: Scenario, trouble: Trouble, arrow: Arrow
) -> None:
    site, truth = _ready(here, scenario, arrow)
    trouble.arm(truth)
    try:
        ask(site, truth)
    except OperationError:
        if not trouble.lasting:
            raise


def _ready(here: Path, scenario: Scenario, on_arrow: Arrow) -> tuple[Site, Truth]:
    clock = Clock()
    cloud = FileCloud(here / "cloud.json", hosts=scenario.hosts, capacity=2, habit=scenario.habit)
    store = Store(f"sqlite:///{here / 'store.db'}")
    truth = Truth(cloud, auto=scenario.auto)
    site = Site(cloud, store, CLUSTER, scenario.policy, clock=clock, sleep=clock.sleep, on_arrow=on_arrow)
    return site, truth


def _killed_at(k: int, here: Path, scenario: Scenario, trouble: Trouble) -> tuple[int, str]:
    passed = 0

    def on_arrow(name: str) -> None:
        nonlocal passed
        passed += 1
        if passed == k:
            (here / "arrow").write_text(name)
            os.kill(os.getpid(), signal.SIGKILL)

    status = _fork(lambda: _attempt(scenario.asked, here, scenario, trouble, on_arrow), here)
    arrow = here / "arrow"
    return status, arrow.read_text() if arrow.exists() else ""


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


def _problems(here: Path, scenario: Scenario, trouble: Trouble, *, complete: bool) -> Iterator[str]:
    """Say what doesn't hold of the rules, before and after `gc`, on a platform that works again."""
    site, truth = _ready(here, scenario, _ignored)
    cloud = truth.cloud
    for _ in range(5):  # until the lists show everything
        cloud.instances({})
    found = [f.id for f in collect(site, dry_run=True).found]
    for name, instance in cloud.alive().items():
        role = instance.tags.get(ROLE_TAG, "")
        if role != MEMBER and instance.state != STOPPED and name not in found:
            yield f"{name} is lost: neither member nor released, and gc doesn't find it"
    members = cloud.members()
    hosts = [cloud.host(m) for m in members]
    if len(set(hosts)) != len(hosts):
        yield f"two members share a host: {dict(zip(members, hosts, strict=True))}"
    if len(set(cloud.tokens())) != len(cloud.tokens()):
        yield "one token launched two instances"
    if complete and not trouble.lasting and scenario.members not in (None, len(members)):
        yield f"there are {len(members)} members instead of {scenario.members}"
    if complete and scenario.members is not None and len(members) > scenario.members + scenario.leaving:
        yield f"there are {len(members)} members, more than were asked for"
    if complete and len(cloud.tokens()) > scenario.most_launches:
        yield f"{len(cloud.tokens())} were launched, more than {scenario.most_launches}"
    if scenario.policy.max_held and cloud.most_beside() > scenario.policy.max_held:
        yield f"{cloud.most_beside()} ran at once beside the members, more than {scenario.policy.max_held}"
    done = collect(site)
    if done.left:
        yield f"gc could not release {done.left}"
    for name, instance in cloud.alive().items():
        if instance.tags.get(ROLE_TAG) != MEMBER and instance.state != STOPPED:
            yield f"{name} is still there after gc"
    if site.store.unfinished(CLUSTER):
        yield "a run is unfinished after gc"
    site.store.close()


@dataclass(frozen=True)
class Task:
    """One campaign: names of a scenario and a fault, and to kill at every so many arrows."""

    scenario: str
    fault: str
    every: int


@dataclass(frozen=True)
class Answer:
    """What became of it: a line for each thing that was wrong, and at how many arrows it was killed."""

    task: Task
    arrows: Sequence[str]
    problems: Sequence[str]


def main() -> None:
    """Work off what stands on standard input."""
    for line in sys.stdin:
        task = Task(*json.loads(line))
        with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
            found = list(campaign(SCENARIOS[task.scenario], FAULTS[task.fault], Path(folder), task.every))
        arrows = [result.arrow for result in found if result.arrow]
        problems = [f"killed {r.arrow or 'never'}: {problem}" for r in found for problem in r.problems]
        sys.stdout.write(json.dumps([arrows, problems]) + "\n")
        sys.stdout.flush()


def work_off(tasks: Sequence[Task], workers: int) -> Iterator[Answer]:
    """Run campaigns in so many processes, and yield their answers as they come."""
    waiting, done = iter(tasks), queue.Queue[Answer | BaseException]()
    turn = threading.Lock()

    def next_task() -> Task | None:
        with turn:
            return next(waiting, None)

    def employ() -> None:
        command = [sys.executable, "-m", "tests.crash.campaign"]
        path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
        environment = {**os.environ, "PYTHONPATH": path}
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as worker:
            assert worker.stdin is not None
            assert worker.stdout is not None
            while task := next_task():
                worker.stdin.write(json.dumps([task.scenario, task.fault, task.every]) + "\n")
                worker.stdin.flush()
                try:
                    done.put(Answer(task, *json.loads(worker.stdout.readline())))
                except ValueError as error:
                    done.put(error)
                    return

    for _ in range(workers):
        threading.Thread(target=employ, daemon=True).start()
    for _ in tasks:
        answer = done.get()
        if isinstance(answer, BaseException):
            raise answer
        yield answer


if __name__ == "__main__":
    main()
