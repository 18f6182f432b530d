"""Kill a real admission at each arrow, under a fault of the platform, resume it, and say what is there then.

Every admission is a process of its own that ends by SIGKILL; so is the one that resumes it, under the same
fault. What holds afterwards, whatever the ground, the fault and the arrow:

1. nothing is lost: each instance is a member, or at rest as a stopped spare, or found by `gc` by its tag;
2. nothing is doubled: no attempt has two instances, and no more members are in than were asked for;
3. no two members share a host;
4. the budget is kept: no more attempts, and no more instances at once, than allowed;
5. after `gc` nothing is left but members and stopped spares, and no run is unfinished;
6. where the fault passes, all that was asked for is in;
7. every member runs;
8. where the operator goes on in another region first, that is refused, and nothing there or here is touched.

`python -m faults.campaign GROUND` is a worker: it reads a `Task` a line, and answers with a line of
results. It has one thread only, so that forking is safe.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from faults import on_cloud, on_lab
from faults.kill import Arrow, ended
from faults.scenarios import CLUSTER, SCENARIOS, Scenario, Stage, collected
from keepapart.admit import AdmissionContext, Checker, collect
from keepapart.clouds import ATTEMPT_TAG, CLUSTER_TAG, MEMBER, ROLE_TAG, RUN_TAG, RUNNING, STOPPED
from keepapart.errors import OperationError, UsageError
from keepapart.model import Instance

ROOT = Path(__file__).parents[1]
MEMORY = Path("/dev/shm")  # noqa: S108  # a killed process loses nothing that a disk would have kept


class Trouble(Protocol):
    """A fault of a ground."""

    @property
    def does(self) -> str:
        """Say it in words."""

    @property
    def lasting(self) -> bool:
        """Say whether it outlasts every retry."""

    @property
    def elsewhere(self) -> bool:
        """Say whether the operator goes on in another region first."""


class Ground(Protocol):
    """Where a scenario is played, over and over, under one fault."""

    def begin(self, here: Path) -> None:
        """Set the scenario up anew, with what it keeps in this folder, and arm the fault."""

    def opened(
        self, here: Path, on_arrow: Arrow, *, works: bool = False, region: str = ...
    ) -> AbstractContextManager[tuple[AdmissionContext, Checker, Stage]]:
        """Open everything as a new process does; `works`: the fault is over; `region`: in another one."""


GROUNDS: Mapping[str, Callable[[Scenario, str], AbstractContextManager[Ground]]] = {
    "cloud": on_cloud.ground,
    "ec2": on_lab.over_ec2,
    "packets": on_lab.over_packets,
}
FAULTS: Mapping[str, Mapping[str, Trouble]] = {
    "cloud": on_cloud.FAULTS,
    "ec2": on_lab.FAULTS,
    "packets": {"none": on_lab.FAULTS["none"], **on_lab.HABITS},
}


@dataclass
class Result:
    """What became of one kill: at which arrow, and what was wrong afterwards."""

    arrow: str
    problems: list[str] = field(default_factory=list)


def campaign(on: Ground, scenario: Scenario, trouble: Trouble, folder: Path, every: int) -> Iterator[Result]:
    """Kill at every so many arrows, until one is never reached: then the run was complete."""
    # each begins at one of its own, so that all have turns
    at = 1 + zlib.crc32(f"{scenario.seed}{trouble.does}".encode()) % every
    while True:
        here = folder / str(at)
        here.mkdir()
        on.begin(here)
        first = ended(lambda arrow: _attempt(scenario.asked, on, here, trouble, arrow), here, at)  # noqa: B023
        result = Result(first.arrow, [first.trace] if first.trace else [])
        if first.arrow and trouble.elsewhere:
            strayed = ended(lambda arrow: _elsewhere(scenario, on, here, arrow), here)  # noqa: B023
            result.problems += [strayed.trace] if strayed.trace else []
        if first.arrow:
            then = ended(lambda arrow: _attempt(scenario.resumed, on, here, trouble, arrow), here)  # noqa: B023
            result.problems += [then.trace] if then.trace else []
        if not first.trace:
            # asked again after it was complete, it asks for more
            complete = first.arrow != "after journal finished"
            result.problems += _problems(on, here, scenario, trouble, complete=complete)
        yield result
        shutil.rmtree(here)
        if not first.arrow:
            return
        at += every


def _attempt(
    ask: Callable[[AdmissionContext, Checker, Stage], None],
    on: Ground,
    here: Path,
    trouble: Trouble,
    on_arrow: Arrow,
) -> None:
    with on.opened(here, on_arrow) as (context, checker, stage):
        try:
            ask(context, checker, stage)
        except OperationError:
            if not trouble.lasting:
                raise


def _elsewhere(scenario: Scenario, on: Ground, here: Path, on_arrow: Arrow) -> None:
    """Ask for the same and for `gc` in another region: both are refused once the run says where it is."""
    for ask in (scenario.resumed, collected):
        with on.opened(here, on_arrow, region="eu-west-1") as (context, checker, stage):
            journals = context.store.journals
            if not journals.unfinished(CLUSTER) or not journals.of_cluster(CLUSTER, ["placed"]):
                return
            before = stage.alive()
            with suppress(UsageError):
                ask(context, checker, stage)
                raise AssertionError("not refused in another region")
            assert stage.alive() == before


def _problems(
    on: Ground, here: Path, scenario: Scenario, trouble: Trouble, *, complete: bool
) -> Iterator[str]:
    """Say what doesn't hold of the rules, before and after `gc`, on a platform that works again."""
    with on.opened(here, lambda _: None, works=True) as (context, _, stage):
        for _ in range(5):  # until the lists show everything
            context.cloud.instances({CLUSTER_TAG: CLUSTER})
        found = [f.id for f in collect(context, dry_run=True).found]
        alive = stage.alive()
        for name, instance in alive.items():
            if not _at_home(instance) and name not in found:
                yield f"{name} is lost: neither member nor released, and gc doesn't find it"
        members = [name for name, instance in alive.items() if instance.tags.get(ROLE_TAG) == MEMBER]
        hosts = [stage.host(m) for m in members]
        if len(set(hosts)) != len(hosts) and not (scenario.packed and trouble.lasting):
            yield f"two members share a host: {dict(zip(members, hosts, strict=True))}"
        attempts = [(i.tags[RUN_TAG], i.tags[ATTEMPT_TAG]) for i in alive.values() if RUN_TAG in i.tags]
        if len(set(attempts)) != len(attempts):
            yield "one attempt has two instances"
        tokens = stage.tokens()
        if len(set(tokens)) != len(tokens):
            yield "one token launched two instances"
        if complete and not trouble.lasting and scenario.members not in (None, len(members)):
            yield f"there are {len(members)} members instead of {scenario.members}"
        if complete and scenario.members is not None and len(members) > scenario.members + scenario.leaving:
            yield f"there are {len(members)} members, more than were asked for"
        if complete and len(tokens) > scenario.most_launches:
            yield f"{len(tokens)} were launched, more than {scenario.most_launches}"
        most = scenario.policy.max_held
        if most and stage.most_candidates() > most:
            yield f"{stage.most_candidates()} ran at once beside the members, more than {most}"
        done = collect(context)
        if done.left:
            yield f"gc could not release {done.left}"
        for name, instance in stage.alive().items():
            if not _at_home(instance):
                yield f"{name} is still there after gc"
            if instance.tags.get(ROLE_TAG) == MEMBER and instance.state != RUNNING:
                yield f"{name} is a member, and {instance.state}"
        if context.store.journals.unfinished(CLUSTER):
            yield "a run is unfinished after gc"


def _at_home(instance: Instance) -> bool:
    return instance.tags.get(ROLE_TAG) == MEMBER or instance.state == STOPPED


@dataclass(frozen=True)
class Task:
    """One campaign: names of a ground, a scenario and a fault, and to kill at every so many arrows."""

    ground: str
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
        scenario = SCENARIOS[task.scenario]
        with (
            TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder,
            GROUNDS[task.ground](scenario, task.fault) as on,
        ):
            trouble = FAULTS[task.ground][task.fault]
            found = list(campaign(on, scenario, trouble, Path(folder), task.every))
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
        command = [sys.executable, "-m", "faults.campaign"]
        path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
        environment = {**os.environ, "PYTHONPATH": path}
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as worker:
            assert worker.stdin is not None
            assert worker.stdout is not None
            while task := next_task():
                said = [task.ground, task.scenario, task.fault, task.every]
                worker.stdin.write(json.dumps(said) + "\n")
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
