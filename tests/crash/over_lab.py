"""The campaign over a lab: through its EC2 API with the faults of HTTP, or with real packets, or both.

As in `campaign`, each admission is a process that ends by SIGKILL at an arrow, and so is the one that resumes
it, while the same fault is armed; the same things must hold afterwards. Time is the admission's own: waits
pass at once, but calls and packets take what they take.

``python -m tests.crash.over_lab PROVIDER CHECKS EVERY [FAULT…]``, PROVIDER lab or ec2, CHECKS truth or
packets: kills at every so many arrows and prints a line of JSON for each fault.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from tempfile import TemporaryDirectory

from keepapart import clouds, survey
from keepapart.admit import Checker, Site, admit, collect
from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG, LaunchRequest
from keepapart.config import Config, parse
from keepapart.errors import OperationError
from keepapart.lab import client, world
from keepapart.lab.client import Lab
from keepapart.lab.ec2.faults import Control, Fault
from keepapart.lab.ec2.process import environment
from keepapart.model import Instance, Pair, Strength, Verdict
from keepapart.store import Store
from tests.admit.cloud import CLUSTER, Clock

WORLD = {
    "name": "crash",
    "scheduler": {"habit": "packing", "seed": 1},
    "racks": [{"name": "a", "hosts": 2, "capacity": 2}, {"name": "b", "hosts": 3, "capacity": 2}],
}
ATTEMPTS = 6
MEMBERS = 2  # before, and one more is asked for
CHANGES = "RunInstances|TerminateInstances|CreateTags"

FAULTS: Mapping[str, tuple[str, Sequence[Fault]]] = {
    "none": ("nothing goes wrong but the kill", ()),
    "throttle": ("RequestLimitExceeded, five calls in turn", [Fault("throttle", times=5, skip=2)]),
    "error": ("500, nothing done", [Fault("error", CHANGES, times=3)]),
    "error-after": ("500, yet it was done", [Fault("error-after", CHANGES, times=3)]),
    "cut": ("the connection is cut, nothing done", [Fault("cut", CHANGES, times=3)]),
    "lost": ("the connection is cut after it was done", [Fault("lost", CHANGES, times=3)]),
    "timeout": ("no answer, nothing done", [Fault("timeout", "RunInstances")]),
    "timeout-after": ("no answer, yet it was done", [Fault("timeout-after", "RunInstances")]),
    "capacity": ("InsufficientInstanceCapacity, three times", [Fault("capacity", times=3)]),
    "hide": ("NotFound for the first calls after a launch", [Fault("hide", times=0, calls=3)]),
    "hide-tags": ("tags show late", [Fault("hide-tags", times=0, calls=3)]),
    "deaf": ("terminate doesn't take, twice", [Fault("deaf", times=2)]),
    "die": ("instances die while they are checked", [Fault("die", times=2, calls=2)]),
}


@dataclass(frozen=True)
class Ground:
    """A lab to fight on."""

    lab: Lab
    config: Config
    packets: bool

    def clear(self, faults: Sequence[Fault]) -> None:
        """Begin anew: two members on hosts of their own with room beside each, and these faults."""
        if self.lab.api:
            control = Control(self.lab.api)
            control.clear()
        for instance in self.lab.instances():
            self.lab.terminate(instance.id)
        tags = {CLUSTER_TAG: CLUSTER, ROLE_TAG: MEMBER}
        token = os.urandom(8).hex()
        made = [self.lab.launch(LaunchRequest(f"{token}-{n}", tags)) for n in range(2 * MEMBERS)]
        for surplus in made[1::2]:
            self.lab.terminate(surplus.id)
        if self.lab.api and faults:
            control.arm(*faults)

    @contextmanager
    def site(self, here: Path, on_arrow: Callable[[str], None]) -> Iterator[tuple[Site, Checker]]:
        """Open everything anew, as a new process does."""
        clock = Clock()
        cloud = clouds.connect(self.config.cloud.provider, self.config.cloud.settings, ())
        with Store(f"sqlite:///{here / 'store.db'}") as store:
            site = Site(
                cloud,
                store,
                CLUSTER,
                self.config.launch,
                clock=clock,
                sleep=clock.sleep,
                on_arrow=on_arrow,
            )
            if self.packets:
                with survey.checker(self.config, store=store) as checker:
                    yield site, checker
            else:
                yield site, self._truth

    def problems(self, here: Path, launched: Sequence[str]) -> Iterator[str]:
        """Say what doesn't hold, before and after `gc`, on a platform that works again."""
        if self.lab.api:
            Control(self.lab.api).clear()
        with self.site(here, lambda _: None) as (site, _):
            for _ in range(5):  # until everything shows
                site.cloud.instances({CLUSTER_TAG: CLUSTER})
            found = [f.id for f in collect(site, dry_run=True).found]
            members = []
            for instance in self.lab.instances():
                if instance.tags.get(ROLE_TAG) == MEMBER:
                    members.append(instance.id)
                elif instance.id not in found:
                    yield f"{instance.id} is lost: no member, and gc doesn't find it"
            hosts = [where.host for name, where in self.lab.truth().items() if name in members]
            if len(set(hosts)) != len(hosts):
                yield "two members share a host"
            if len(members) != MEMBERS + 1:
                yield f"there are {len(members)} members instead of {MEMBERS + 1}"
            if len(launched) > 2 * ATTEMPTS:
                yield f"{len(launched)} launches, more than two processes' attempts"
            if collect(site).left:
                yield "gc could not release something"
        left = [i.id for i in self.lab.instances() if i.id not in members]
        if left:
            yield f"still there after gc: {', '.join(left)}"

    def launches(self) -> list[str]:
        """List the tokens of all launches so far; none where nobody counts them."""
        if not self.lab.api:
            return []
        calls = Control(self.lab.api).calls("RunInstances")
        return sorted({call.parameters.get("ClientToken", "") for call in calls})

    def _truth(
        self, candidates: Sequence[Instance], against: Sequence[Instance], _: Sequence[Instance]
    ) -> Sequence[Pair]:
        truth = self.lab.truth()
        asked = [(a.id, b.id) for n, a in enumerate(candidates) for b in (*candidates[n + 1 :], *against)]
        known = [(a, b) for a, b in asked if a in truth and b in truth]
        return [_pair(a, b, together=truth[a].host == truth[b].host) for a, b in known]


def _pair(a: str, b: str, *, together: bool) -> Pair:
    verdict = Verdict.CO_RESIDENT if together else Verdict.SEPARATE
    return Pair(a, b, verdict, Strength.STRONG, "so the lab says", ())


@contextmanager
def ground(provider: str, *, packets: bool) -> Iterator[Ground]:
    """Bring a lab up for the length of a campaign."""
    read, write = os.pipe()
    with TemporaryDirectory() as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        ec2 = provider == "ec2"
        lab = client.up(
            world.parse(WORLD, "crash"), simulated=not packets, api="ec2" if ec2 else "", lifeline=read
        )
        settings = {"image_id": "ami-lab", "timeout": 1, "tries": 2} if ec2 else {}
        document = {
            "cluster": {"name": CLUSTER},
            "network": {"model": "routed-host"},
            "cloud": {"provider": provider, **settings},
            "launch": {"max_attempts": ATTEMPTS},
        }
        if ec2:
            os.environ.update(environment(lab.api), AWS_EC2_METADATA_DISABLED="true")
        try:
            yield Ground(lab, parse(document, Path("crash.toml")), packets)
        finally:
            lab.down()
            os.close(write)
            os.close(read)


def fight(on: Ground, fault: str, every: int) -> Iterator[tuple[str, list[str]]]:
    """Kill at every so many arrows; yield each arrow and what was wrong afterwards."""
    arrow = 1 + sum(map(ord, fault)) % every
    while True:
        with TemporaryDirectory() as folder:
            here = Path(folder)
            on.clear(FAULTS[fault][1])
            before = on.launches()
            status, name = _killed_at(arrow, on, here)
            problems = []
            if os.WIFSIGNALED(status):
                if _fork(lambda: _ask(on, here, lambda _: None), here):  # noqa: B023
                    problems.append((here / "trace").read_text())
            elif status:
                problems.append((here / "trace").read_text())
            if name != "after journal finished":  # asked again after that, it asks for more
                launched = [token for token in on.launches() if token not in before]
                problems += on.problems(here, launched)
            yield name, problems
        if not os.WIFSIGNALED(status):
            return
        arrow += every


def _ask(on: Ground, here: Path, on_arrow: Callable[[str], None]) -> None:
    with on.site(here, on_arrow) as (site, checker):
        result = admit(site, checker, 1)
        if result.code:
            raise OperationError(result.because)


def _killed_at(k: int, on: Ground, here: Path) -> tuple[int, str]:
    passed = 0

    def on_arrow(name: str) -> None:
        nonlocal passed
        passed += 1
        if passed == k:
            (here / "arrow").write_text(name)
            os.kill(os.getpid(), SIGKILL)

    status = _fork(lambda: _ask(on, here, on_arrow), here)
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


def main(provider: str, checks: str, every: str, *faults: str) -> None:
    """Fight under each of these faults, or all; print what came of it."""
    with ground(provider, packets=checks == "packets") as on:
        for fault in faults or FAULTS:
            found = list(fight(on, fault, int(every)))
            arrows = [name for name, _ in found if name]
            wrong = [
                f"killed {name or 'never'}: {problem}" for name, problems in found for problem in problems
            ]
            sys.stdout.write(json.dumps([fault, on.lab.kind, arrows, wrong]) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
