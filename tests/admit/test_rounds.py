"""Rounds of admit, replace and `gc`, as cron runs them, on a platform that lags, refuses and loses hosts."""

from __future__ import annotations

import random
from contextlib import suppress
from itertools import combinations

import pytest

from keepapart.admit import AdmissionContext, admit, collect, ledger, replace
from keepapart.clouds import MEMBER, ROLE_TAG, STOPPED, TERMINATED
from keepapart.errors import CapacityError, CloudError, OperationError, UsageError
from keepapart.settings import LaunchSettings
from keepapart.testing import Fault, Lag
from tests.admit.conftest import CLUSTER, Bench
from tests.admit.test_gate import Killed

ROUNDS = 12
CALLS = ("launch", "tag", "start", "stop", "terminate", "describe", "instances")


class Rounds:
    """The rounds of one seed, and what may have happened to members in them."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self.bench, self.chance = bench, random.Random(seed)
        for name in ("s-1", "s-2"):
            bench.cloud.add(name, 0, state=STOPPED, role="")
        bench.clock.sleep(60.0)  # all that is there shows
        self.named: set[str] = set()  # to be replaced, by an operator's word
        self.dead: set[str] = set()  # by themselves
        self.joined: set[str] = {"m-1", "m-2"}
        self.most = 6

    def play(self) -> None:
        """Play one round: a platform in some mood, a command, perhaps a signal."""
        self._mood()
        context = self._context()
        command = self.chance.choice(["to", "to", "step", "replace", "keep", "gc", "gc"])
        with suppress(Killed, KeyboardInterrupt, OperationError, UsageError):
            self._run(command, context)
        self.bench.clock.sleep(self.chance.choice([0.0, 0.0, 1.0, 20.0, 700.0]))
        self.joined |= {i for i, x in self.bench.cloud.all().items() if x.tags.get(ROLE_TAG) == MEMBER}
        self._sound()

    def _mood(self) -> None:
        cloud, pick = self.bench.cloud, self.chance.choice
        cloud.clear()
        cloud.quota = pick([0, 0, 0, len(cloud.alive()) + 1])
        cloud.habit = pick(["packing", "packing", "random"])
        cloud.lists_lag, cloud.shows_lag = pick([0.0, 1.5, 6.0, 30.0]), pick([0.0, 0.0, 1.5])
        cloud.tags_after = pick([Lag(), Lag(seconds=20.0)])
        cloud.known_after = pick([Lag(), Lag(seconds=4.0), Lag(seconds=15.0)])
        cloud.boot_seconds, cloud.stop_seconds = pick([0.0, 7.0]), pick([0.0, 9.0])
        for _ in range(pick([0, 0, 1, 2])):
            error = pick([CloudError("refused"), CloudError("lost"), None, CapacityError("no room")])
            call = pick(CALLS[:5] if error is None else CALLS)
            if isinstance(error, CapacityError):
                call = "launch"
            if error is None:
                call = pick(["stop", "terminate"])
            after = (
                isinstance(error, CloudError) and not isinstance(error, CapacityError) and pick([True, False])
            )
            cloud.arm(Fault(call, error, pick([0, 1, 3]), pick([1, 3, 7]), after))
        if pick([True, False, False]):
            victim = pick(sorted(cloud.alive()))
            cloud.arm(Fault("terminate", CloudError("OperationNotPermitted"), times=0, id=victim))

    def _context(self) -> AdmissionContext:
        last, signal = self.chance.randrange(1, 60), self.chance.choice(["", "", "kill", "int", "death"])
        passed = 0

        def on_arrow(_: str) -> None:
            nonlocal passed
            passed += 1
            if signal == "kill" and passed >= last:
                raise Killed
            if passed == last and signal == "int":
                raise KeyboardInterrupt
            if passed == last and signal == "death":
                name = self.chance.choice(sorted(self.bench.cloud.alive()))
                self.dead.add(name)
                self.bench.cloud.set_state(name, TERMINATED)

        policy = LaunchSettings(
            source=self.chance.choice(["launch", "launch", "stopped-then-launch"]),
            on_reject=self.chance.choice(["hold", "terminate", "stop"]),
            max_attempts=8,
            max_minutes=20,
            at_once=self.chance.choice([1, 1, 2, 0]),
        )
        return self.bench.context(policy, on_arrow=on_arrow)

    def _run(self, command: str, context: AdmissionContext) -> None:
        members = self.bench.cloud.members()
        if command == "gc":
            collect(context)
        elif command in ("replace", "keep") and members:
            old = self.chance.sample(members, min(len(members), self.chance.choice([1, 2])))
            if command == "replace":
                self.named |= set(old)
            replace(context, self.bench.truth, old, keep_old=command == "keep")
        elif command == "step":
            if len(members) < self.most:
                admit(context, self.bench.truth)
        else:
            size = self.chance.randrange(2, self.most)
            there = len(members)
            outcome = admit(context, self.bench.truth, to=size)
            assert len(self.bench.cloud.members()) <= max(size, there), "more members than --to"
            if outcome.code == 0:
                alive = [i for i in outcome.admitted if i not in self.dead]
                assert set(alive) <= set(self.bench.cloud.members())

    def _sound(self) -> None:
        cloud = self.bench.cloud
        for name in {"s-1", "s-2"} - self.dead:
            assert cloud.all()[name].state != TERMINATED, f"the spare {name} was terminated"
        for name in self.joined - self.named - self.dead:
            assert cloud.all()[name].state != TERMINATED, f"{name} was ended, and nobody named it"
            assert cloud.all()[name].tags[ROLE_TAG] == MEMBER, f"{name} was a member"
        known = ledger.read(self.bench.context())
        in_its_place = {frozenset((pair.a, pair.b)) for pair in known.not_apart}  # and that is said
        if self.bench.store.journals.unfinished(CLUSTER):
            in_its_place |= {frozenset(pair) for pair in known.stand_ins.items()}
        running = [m for m in cloud.members() if cloud.all()[m].state == "running"]
        for pair in combinations(running, 2):
            apart = cloud.host(pair[0]) != cloud.host(pair[1])
            assert apart or frozenset(pair) in in_its_place, f"{pair} share a host"
        assert len(set(cloud.tokens())) == len(cloud.tokens()), "an instance was doubled"

    def end(self) -> None:
        """Let the platform work again: `gc` finds whatever is no member, and nothing is left."""
        cloud = self.bench.cloud
        cloud.clear()
        cloud.lists_lag = cloud.shows_lag = 0.0
        cloud.quota = 0
        self.bench.clock.sleep(60.0)
        found = {f.id for f in collect(self.bench.context(), dry_run=True).found}
        for name, instance in cloud.alive().items():
            at_home = instance.tags.get(ROLE_TAG) == MEMBER or instance.state == STOPPED
            assert at_home or name in found, f"{name} is abandoned"
        collected = collect(self.bench.context())
        assert (collected.code, collected.left) == (0, ())
        for name, instance in cloud.alive().items():
            assert instance.tags.get(ROLE_TAG) == MEMBER or instance.state == STOPPED, (
                f"{name} is still there"
            )
        assert self.bench.store.journals.unfinished(CLUSTER) == []
        self._sound()


@pytest.mark.parametrize("seed", range(20))
def test_rounds(bench: Bench, seed: int) -> None:
    """No member ended that nobody named, none sharing a host, none abandoned, never more than `--to`."""
    rounds = Rounds(bench, seed)
    for _ in range(ROUNDS):
        rounds.play()
    rounds.end()
