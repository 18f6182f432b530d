"""A programmable cloud: its next errors are set, its calls are recorded, its instances live in a file.

The file is a log of calls and of what became of each instance; it outlives the process under test, and
several processes may share it. Instances are placed on hosts by a habit: ``packing`` fills one
host after the other, ``sticky`` fills the slot that was freed last, ``random`` is seeded. It honours
tokens, refuses a used token with other parameters, and can lose a response after the effect.
"""

from __future__ import annotations

import json
import os
import random
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from keepapart.clouds import (
    CLUSTER_TAG,
    MEMBER,
    ROLE_TAG,
    RUNNING,
    STOPPED,
    TERMINATED,
    LaunchRequest,
)
from keepapart.errors import CapacityError, CloudError, NotFoundError
from keepapart.model import Evidence, Instance, Pair, Says, Strength, Verdict

CLUSTER = "orders"


@dataclass
class Fault:
    """The `nth` time that `call` is made from now on (1: the next), and `times` - 1 more, it fails.

    With `after`, it takes effect first: the response is lost. Without an error it is answered as if done.
    """

    call: str
    error: Exception | None
    nth: int = 1
    times: int = 1
    after: bool = False


@dataclass
class FileCloud:
    path: Path
    hosts: int = 8
    capacity: int = 2
    habit: str = "packing"
    seed: int = 0
    forgets: bool = False  # terminated instances are unknown to describe at once
    faults: list[Fault] = field(default_factory=list)
    hidden: int = 0  # how many more times describe and instances know nothing of new instances
    deaf: set[str] = field(default_factory=set)  # instances that terminate and stop do nothing to
    idempotent: bool = True
    tags_lag: int = 0  # how many more times describe and instances show the tags that were there before
    name: str = "file"
    _log: Log = field(init=False)

    def __post_init__(self) -> None:
        self._log = Log(self.path)

    # What keepapart calls

    def instances(self, tags: Mapping[str, str]) -> Sequence[Instance]:
        self._called("instances", "")
        asked = self._log.read().count["instances"]
        shown = [r for r in self._rows() if asked > r["shows"]]
        found = [self._instance(r) for r in shown if r["state"] != TERMINATED]
        return [i for i in found if all(i.tags.get(k) == v for k, v in tags.items())]

    def describe(self, ids: Iterable[str]) -> Mapping[str, Instance]:
        wanted = set(ids)
        self._called("describe", " ".join(sorted(wanted)))
        if self.hidden:
            self.hidden -= 1
            return {}
        rows = [r for r in self._rows() if r["id"] in wanted]
        return {r["id"]: self._instance(r) for r in rows if r["state"] != TERMINATED or not self.forgets}

    def launch(self, request: LaunchRequest) -> Instance:
        def effect() -> Instance:
            said = json.dumps([dict(request.tags), dict(request.parameters)], sort_keys=True)
            for row in self._rows():
                if row["token"] == request.token and self.idempotent:
                    if row["request"] != said:
                        raise CloudError("IdempotentParameterMismatch")
                    return self._instance(row)
            instance_id = f"i-{len(self._rows()) + 1:04}"
            self._insert(instance_id, request.token, said, self._place(), RUNNING, request.tags)
            return self._instance(self._row(instance_id))

        instance: Instance = self._do("launch", request.token, effect)
        return instance

    def start(self, instance_id: str) -> None:
        def effect() -> None:
            if self._row(instance_id)["state"] == STOPPED:
                self._update(instance_id, state=RUNNING, host=self._place())

        self._do("start", instance_id, effect)

    def stop(self, instance_id: str) -> None:
        self._do("stop", instance_id, lambda: self._free(instance_id, STOPPED))

    def terminate(self, instance_id: str) -> None:
        self._do("terminate", instance_id, lambda: self._free(instance_id, TERMINATED))

    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        def effect() -> None:
            self._update(instance_id, tags={**self._row(instance_id)["tags"], **tags})

        self._do("tag", instance_id, effect)

    # What tests call

    def add(
        self, instance_id: str, host: int, *, state: str = RUNNING, role: str = MEMBER, **more: str
    ) -> None:
        """Put an instance there that nobody launched."""
        tags = {CLUSTER_TAG: CLUSTER, **({ROLE_TAG: role} if role else {}), **more}
        self._insert(instance_id, "", "", host, state, tags)

    def move(self, instance_id: str, host: int) -> None:
        """Put an instance on another host, as a stop and a start may."""
        self._update(instance_id, host=host)

    def set_lag(self, lag: int) -> None:
        """Let `instances` leave out what was just launched, so many times."""
        self._log.write("lag", lag)

    def fail_for_ever(self, because: str) -> None:
        """Let every call fail from now on."""
        calls = ("instances", "describe", "launch", "start", "stop", "terminate", "tag")
        self.faults += [Fault(call, CloudError(because), times=10**6) for call in calls]

    def retag(self, instance_id: str, **tags: str) -> None:
        self._update(instance_id, tags={**self._row(instance_id)["tags"], **tags})

    def set_state(self, instance_id: str, state: str) -> None:
        self._update(instance_id, state=state)

    def all(self) -> dict[str, Instance]:
        """Every instance there ever was."""
        return {r["id"]: self._instance(r) for r in self._rows()}

    def id(self, name: str) -> str:
        """Return the id of what `add` put there by this name."""
        return name

    def alive(self) -> dict[str, Instance]:
        return {i: x for i, x in self.all().items() if x.state != TERMINATED}

    def members(self) -> list[str]:
        return [i for i, x in self.alive().items() if x.tags.get(ROLE_TAG) == MEMBER]

    def host(self, instance_id: str) -> int:
        return int(self._row(instance_id)["host"])

    def tokens(self) -> list[str]:
        return [r["token"] for r in self._rows() if r["token"]]

    def calls(self, name: str) -> list[str]:
        return [about for call, about in self._log.read().calls if call == name]

    def most_beside(self) -> int:
        """How many instances that were no members ran at the same time, at most."""
        return self._log.read().most_beside

    # How it works

    def _do(self, name: str, about: str, effect: Callable[[], Any]) -> Any:
        late = self._called(name, about)
        if late is DEAF:
            return None
        result = effect()
        if late:
            raise late
        return result

    def _called(self, name: str, about: str) -> Exception | None:
        self._log.write("call", name, about)
        for fault in self.faults:
            if fault.call == name and fault.times > 0:
                fault.nth -= 1
                if fault.nth <= 0:
                    fault.times -= 1
                    if fault.after or fault.error is None:
                        return fault.error or DEAF
                    raise fault.error
        return None

    def _place(self) -> int:
        rows = self._rows()
        used = [r["host"] for r in rows if r["state"] == RUNNING]
        free = [h for h in range(self.hosts) if used.count(h) < self.capacity]
        if not free:
            raise CapacityError("no host has room")
        if self.habit == "random":
            return random.Random(f"{self.seed} {len(rows)} {len(used)} {self._freed()}").choice(free)
        freed = [r for r in rows if r["freed"] and r["host"] in free]
        if self.habit == "sticky" and freed:
            return int(max(freed, key=lambda r: r["freed"])["host"])
        return free[0]

    def _free(self, instance_id: str, state: str) -> None:
        if self._row(instance_id)["state"] == TERMINATED or instance_id in self.deaf:
            return
        self._update(instance_id, state=state, freed=self._freed() + 1)

    def _freed(self) -> int:
        return max((r["freed"] for r in self._rows()), default=0)

    def _instance(self, row: Mapping[str, Any]) -> Instance:
        tags = row["tags"]
        if self.tags_lag and row["token"]:
            self.tags_lag -= 1
            tags = row["before"]
        return Instance(row["id"], f"10.0.0.{row['number']}", "", row["state"], tags)

    def _row(self, instance_id: str) -> dict[str, Any]:
        found = self._log.read().rows.get(instance_id)
        if not found:
            raise NotFoundError(f"{instance_id}: no such instance")
        return found

    def _rows(self) -> list[dict[str, Any]]:
        return list(self._log.read().rows.values())

    def _insert(self, i: str, token: str, said: str, host: int, state: str, tags: Mapping[str, str]) -> None:
        log = self._log.read()
        row = {"id": i, "number": len(log.rows) + 1, "token": token, "request": said}
        shows = log.count["instances"] + log.lag if token else 0
        row |= {"shows": shows, "host": host, "state": state, "tags": dict(tags), "before": dict(tags)}
        self._log.write("row", {**row, "freed": 0})

    def _update(self, instance_id: str, **columns: object) -> None:
        row = self._row(instance_id)
        before = {"before": row["tags"]} if "tags" in columns else {}
        self._log.write("row", {**row, **before, **columns})


class Log:
    """What happened, a line each: whole or not at all, whenever the process is killed."""

    def __init__(self, path: Path) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, str]] = []
        self.count: Counter[str] = Counter()
        self.lag = 0
        self.most_beside = 0
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)
        self._offset = 0
        weakref.finalize(self, os.close, self._file)

    def read(self) -> Log:
        """Catch up with what others wrote."""
        while new := os.pread(self._file, 1 << 20, self._offset):
            whole = new[: new.rfind(b"\n") + 1]
            self._offset += len(whole)
            for line in whole.splitlines():
                self._take(*json.loads(line))
        return self

    def write(self, *words: object) -> None:
        """Write one line."""
        os.write(self._file, json.dumps(words).encode() + b"\n")

    def _take(self, kind: str, *words: Any) -> None:
        if kind == "call":
            self.calls.append((words[0], words[1]))
            self.count[words[0]] += 1
        elif kind == "lag":
            self.lag = words[0]
        else:
            self.rows[words[0]["id"]] = words[0]
            self.most_beside = max(self.most_beside, sum(map(_is_beside, self.rows.values())))


def _is_beside(row: Mapping[str, Any]) -> bool:
    return bool(row["state"] == RUNNING and row["tags"].get(ROLE_TAG) != MEMBER)


DEAF = Exception("answered as if done")


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds


class Housed(Protocol):
    """Who knows on which host an instance is."""

    def host(self, instance_id: str) -> object: ...
    def terminate(self, instance_id: str) -> None: ...


@dataclass
class Truth:
    """A checker that tells the truth, save of those in `silent`; it records what it was asked.

    Like a network of which nothing is known yet, an `auto` one tells nothing before a round has both a pair
    on one host and one on two.
    """

    cloud: Housed
    silent: set[str] = field(default_factory=set)
    auto: bool = False
    dies: int = 0  # the how manieth time that it is asked the first candidate dies
    asked: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = field(default_factory=list)

    def __call__(
        self, candidates: Sequence[Instance], against: Sequence[Instance], witnesses: Sequence[Instance]
    ) -> Sequence[Pair]:
        """Tell of every candidate with each other and with each of `against`."""
        names = " ".join(i.id for i in candidates)
        self.asked.append((names, tuple(i.id for i in against), tuple(i.id for i in witnesses)))
        hosts = [self.cloud.host(i.id) for i in (*candidates, *against, *witnesses)]
        shown = 1 < len(set(hosts)) < len(hosts) or not self.auto
        if len(self.asked) == self.dies:
            self.cloud.terminate(candidates[0].id)
        asked = [(a.id, b.id) for n, a in enumerate(candidates) for b in (*candidates[n + 1 :], *against)]
        return [self.pair(a, b) if shown else self._suspected(a, b) for a, b in asked]

    def _suspected(self, a: str, b: str) -> Pair:
        says = Says.SAME if self.cloud.host(a) == self.cloud.host(b) else Says.DIFFERENT
        evidence = Evidence("hops", says, Strength.WEAK, "nothing shows that hosts are gateways here")
        return Pair(a, b, Verdict.UNKNOWN, None, evidence.because, (evidence,))

    def pair(self, a: str, b: str) -> Pair:
        """Tell of one pair."""
        if {a, b} & self.silent:
            return Pair(a, b, Verdict.UNKNOWN, None, "no packet came through", ())
        if self.cloud.host(a) == self.cloud.host(b):
            return Pair(a, b, Verdict.CO_RESIDENT, Strength.STRONG, "2 hops in 8 of 8 flows", ())
        return Pair(a, b, Verdict.SEPARATE, Strength.STRONG, "4 hops in 8 of 8 flows", ())
