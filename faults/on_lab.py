"""The campaign's other grounds: a lab's EC2 API through boto3 with the faults of HTTP, or its real packets.

Time is the admission's own: its waits and boto3's pass at once, in the lab too, but calls and packets take
what they take. Each task has a lab of its own, whose hosts are racks of their own: so a scenario can say who
is on which.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from unittest.mock import patch

from faults.clock import KeptClock
from faults.kill import Arrow
from faults.scenarios import CLUSTER, Scenario, Stage
from keepapart import clouds
from keepapart.admit import AdmissionContext, Checker
from keepapart.auditing import survey
from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG, RUNNING, STOPPED, TERMINATED, LaunchRequest
from keepapart.config import Config, parse
from keepapart.errors import LabError
from keepapart.lab import client
from keepapart.lab.client import Lab
from keepapart.lab.ec2.faults import Control, Fault
from keepapart.lab.ec2.process import environment
from keepapart.lab.world import world
from keepapart.lab.world.lifecycle import RACKS
from keepapart.model import Instance
from keepapart.store import Store
from keepapart.testing import ManualClock, TruthfulChecker

LONG = 100.0  # seconds, after which no platform lags or boots any more
CHANGES = "RunInstances|StartInstances|StopInstances|TerminateInstances|CreateTags"


@dataclass(frozen=True)
class Trouble:
    """A fault: what it does in words, what is armed at the API, and whether it outlasts every retry.

    `platform` are habits of the lab's. What is launched first is protected where `protects` says so, and the
    newest member dies the first time that the arrow `dies_at` is passed. `elsewhere`: the operator goes on in
    another region first.
    """

    does: str
    armed: Sequence[Fault] = ()
    lasting: bool = False
    platform: Mapping[str, object] = field(default_factory=dict)
    protects: bool = False
    dies_at: str = ""
    elsewhere: bool = False


HABITS: Mapping[str, Trouble] = {
    "slow boot": Trouble("40 s pass until an instance runs", platform={"boot": 40}),
    "running first": Trouble(
        "it runs 40 s before there is a way in", platform={"boot": 40, "ready": "after"}
    ),
    "lists lag": Trouble("lists are 20 s behind", platform={"list_lag": 20}),
    "all lags": Trouble(
        "lists are 30 s behind, descriptions 5 s, tags 15 s",
        platform={"list_lag": 30, "describe_lag": 5, "tag_lag": 15},
    ),
    "tags lag": Trouble("tags show after 30 s", platform={"tag_lag": 30}),
    "boots and lags": Trouble(
        "all of these at once",
        platform={"boot": 25, "ready": "after", "list_lag": 7, "describe_lag": 1, "tag_lag": 12},
    ),
    "protected": Trouble("what is launched first can't be terminated", protects=True, lasting=True),
    "new one dies": Trouble("a new member dies right after it joined", dies_at="after journal joined"),
    "new one dies late": Trouble(
        "the same once the run is closing", dies_at="after journal closing", lasting=True
    ),
}


FAULTS: Mapping[str, Trouble] = {
    "none": Trouble("nothing goes wrong but the kill"),
    "throttle": Trouble("RequestLimitExceeded, five calls in turn", [Fault("throttle", times=5, skip=2)]),
    "error": Trouble("500, nothing done", [Fault("error", CHANGES, times=3)]),
    "error-after": Trouble("500, yet it was done", [Fault("error-after", CHANGES, times=3)]),
    "cut": Trouble("the connection is cut, nothing done", [Fault("cut", CHANGES, times=3)]),
    "lost": Trouble("the connection is cut after it was done", [Fault("lost", CHANGES, times=3)]),
    "timeout": Trouble("no answer, nothing done", [Fault("timeout", CHANGES, skip=1)]),
    "timeout-after": Trouble("no answer, yet it was done", [Fault("timeout-after", CHANGES, skip=1)]),
    "capacity": Trouble("InsufficientInstanceCapacity, three times", [Fault("capacity", times=3)]),
    "hide": Trouble("NotFound for the first calls after a launch", [Fault("hide", times=0, calls=3)]),
    "hide-tags": Trouble("tags show late", [Fault("hide-tags", times=0, calls=3)]),
    "deaf": Trouble("stop and terminate don't take, twice", [Fault("deaf", times=2)]),
    "die": Trouble("instances die while they are checked", [Fault("die", times=2, calls=2)]),
    "wrong region": Trouble("the operator goes on in another region first", elsewhere=True),
    **HABITS,
}


@dataclass
class OnLab:
    """See `campaign.Ground` and `scenarios.Stage`. The fault is armed once, at the beginning."""

    lab: Lab
    config: Config
    scenario: Scenario
    fault: str
    packets: bool
    _names: dict[str, str] = field(default_factory=dict)
    _hosts: dict[str, str] = field(default_factory=dict)

    @property
    def trouble(self) -> Trouble:
        """The fault."""
        return FAULTS[self.fault]

    def begin(self, here: Path) -> None:  # noqa: ARG002  # the lab is elsewhere
        """Empty the lab, put there what the scenario begins with, and arm the fault."""
        if self.lab.api:
            Control(self.lab.api).clear()
            Control(self.lab.api).forget()
        for name in self.alive():
            self.lab.protect(name, on=False)
            self.lab.terminate(name)
        self._names.clear()
        self.scenario.setup(self)
        self.lab.let_pass(LONG)
        if self.trouble.protects:
            self.lab.protect(f"i-{len(self.lab.guests()) + 1:04}")
        if self.lab.api:
            lag = [Fault("hide", times=0, calls=self.scenario.lag)] if self.scenario.lag else []
            Control(self.lab.api).arm(*lag, *self.trouble.armed)

    @contextmanager
    def opened(
        self, here: Path, on_arrow: Arrow, *, works: bool = False, region: str = ""
    ) -> Iterator[tuple[AdmissionContext, Checker, Stage]]:
        """Connect to the lab's API, open a store, and a checker: the lab's truth, or real packets."""
        settings = {**self.config.cloud.settings, **({"region": region} if region else {})}
        if works and self.lab.api:
            Control(self.lab.api).clear()
        clock = KeptClock(here / "clock", self.lab.let_pass)
        if works:
            for name in self.alive():
                self.lab.protect(name, on=False)
            clock.sleep(LONG)

        def on_any_arrow(name: str) -> None:
            once = here / "died"
            if not works and name == self.trouble.dies_at and not once.exists():
                once.touch()
                members = [i for i, one in self.alive().items() if one.tags.get(ROLE_TAG) == MEMBER]
                self.lab.terminate(members[-1])
            on_arrow(name)

        with (
            Store(f"sqlite:///{here / 'store.db'}") as store,
            _hurried(clock),
            closing(clouds.connect(self.config.cloud.provider, settings, ())) as opened,
        ):
            cloud, policy = clouds.launching(opened), self.scenario.policy
            context = AdmissionContext(
                cloud, store, CLUSTER, policy, clock=clock, sleep=clock.sleep, on_arrow=on_any_arrow
            )
            if self.packets:
                with survey.checker(self.config, store=store) as checker:
                    yield context, checker, self
            else:
                yield context, TruthfulChecker(self, auto=self.scenario.auto, unreached=self.unreached), self

    # The stage

    def add(self, instance_id: str, host: int, *, state: str = RUNNING, role: str = MEMBER) -> None:
        """Put an instance there that no admission launched."""
        tags = {CLUSTER_TAG: CLUSTER, **({ROLE_TAG: role} if role else {})}
        made = self.lab.launch(LaunchRequest(os.urandom(16).hex(), tags, {RACKS: f"r{host}"}))
        if state == STOPPED:
            self.lab.stop(made.id)
        self._names[instance_id] = made.id

    def id(self, name: str) -> str:
        """Return what the lab calls an instance that the scenario put there."""
        return self._names[name]

    def alive(self) -> Mapping[str, Instance]:
        """List everything that is not terminated."""
        return {one.id: one for one in self.lab.guests() if one.state != TERMINATED}

    def unreached(self, instance_id: str) -> str:
        """Say why there is no way in to an instance; empty where there is one."""
        return "" if instance_id in self.lab.connected([instance_id]) else "ssh: connection refused"

    def host(self, instance_id: str) -> str:
        """Name the host where an instance is, or was when it was last asked for."""
        self._hosts.update((name, where.host) for name, where in self.lab.truth().items())
        return self._hosts.get(instance_id, instance_id)

    def terminate(self, instance_id: str) -> None:
        """End an instance."""
        self.lab.terminate(instance_id)

    def tokens(self) -> Sequence[str]:
        """List the tokens of all launches; none where nobody counts them."""
        if not self.lab.api:
            return []
        calls = Control(self.lab.api).calls("RunInstances")
        return sorted({call.parameters.get("ClientToken", "") for call in calls})

    def most_candidates(self) -> int:
        """Nobody counts here how many were beside the members."""
        return 0


@contextmanager
def over_ec2(scenario: Scenario, fault: str) -> Iterator[OnLab]:
    """Bring a simulated lab with an EC2 API up for a task."""
    settings = {"provider": "ec2", "image_id": "ami-lab", "timeout": 1, "tries": 2}
    with _lab(scenario, fault, simulated=True) as lab:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(environment(lab.api), AWS_EC2_METADATA_DISABLED="true")
        yield OnLab(lab, _config(settings, scenario), scenario, fault, packets=False)


@contextmanager
def over_packets(scenario: Scenario, fault: str) -> Iterator[OnLab]:
    """Bring a lab of network namespaces up for a task. Raises `LabError` where they can't be had."""
    with _lab(scenario, fault, simulated=False) as lab:
        if lab.kind != "netns":
            raise LabError(lab.because)
        yield OnLab(lab, _config({"provider": "lab"}, scenario), scenario, fault, packets=True)


@contextmanager
def _lab(scenario: Scenario, fault: str, *, simulated: bool) -> Iterator[Lab]:
    document = {
        "name": "crash",
        "scheduler": {"habit": scenario.habit, "seed": 1},
        "racks": [{"name": f"r{n}", "hosts": 1, "capacity": 2} for n in range(scenario.hosts)],
        "platform": FAULTS[fault].platform,
    }
    api = "ec2" if simulated else ""
    with (
        TemporaryDirectory() as folder,
        patch.dict(os.environ, XDG_RUNTIME_DIR=folder),
        client.running(world.parse(document, "crash"), simulated=simulated, api=api) as lab,
    ):
        yield lab


def _config(cloud: Mapping[str, object], scenario: Scenario) -> Config:
    model = "auto" if scenario.auto else "routed-host"
    document = {"cluster": {"name": CLUSTER}, "network": {"model": model}, "cloud": cloud}
    return parse(document, Path("crash.toml"))


@contextmanager
def _hurried(clock: ManualClock) -> Iterator[None]:
    """Let boto3's own waits pass at once too: those between two tries, and those for its pace."""
    passing = SimpleNamespace(sleep=clock.sleep, time=time.time)
    with (
        patch("botocore.endpoint.time", passing),
        patch("botocore.retries.bucket.TokenBucket.acquire", lambda *_, **__: True),
        patch("botocore.session.create_loader", lambda *_: _loader()),
    ):
        yield


def _loader() -> object:
    """Return botocore's loader of its models, which reads each once, not again for each process."""
    global _read
    if _read is None:
        from botocore.loaders import create_loader

        _read = create_loader()
    return _read


_read: object = None
