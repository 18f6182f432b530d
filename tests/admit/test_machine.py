"""The pure machine against a model cloud: any order of effects, losses, crashes and meddling."""

from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from keepapart.admit import events as e
from keepapart.admit import intent, reconcile, steps
from keepapart.admit.inventory import SPARE_TAG, YES, Inventory, is_candidate, is_member, is_spare
from keepapart.admit.machine import decide
from keepapart.admit.rulings import judge
from keepapart.admit.state import IN_FLIGHT, Phase, State, fold
from keepapart.clouds import ATTEMPT_TAG, CLUSTER_TAG, MEMBER, ROLE_TAG, RUNNING, STOPPED, TERMINATED
from keepapart.model import Evidence, Instance, Pair, Says, Strength, Verdict
from keepapart.settings import CandidateSource, LaunchSettings, OnReject

pytestmark = pytest.mark.timeout(600)  # thousands of steps, on whatever machine this is
RUN, CLUSTER = "run-1", "orders"
OVER_QUOTA = "the quota is used up"
hosts = st.integers(0, 5)


class Admission(RuleBasedStateMachine):
    """One run. `events` is its journal; what is not in it is forgotten at each crash."""

    @initialize(
        count=st.integers(1, 2),
        replaces=st.booleans(),
        on_reject=st.sampled_from(["hold", "stop", "terminate", "restart"]),
        source=st.sampled_from(["launch", "stopped", "stopped-then-launch"]),
        max_held=st.integers(0, 3),
        at_once=st.integers(0, 3),
        max_money=st.sampled_from([0.0, 9.0]),
        quota=st.sampled_from([0, 1, 2, 3]),
    )
    def begin(
        self,
        count: int,
        replaces: bool,
        on_reject: OnReject,
        source: CandidateSource,
        max_held: int,
        at_once: int,
        max_money: float,
        quota: int = 0,
    ) -> None:
        self.policy = LaunchSettings(
            max_attempts=6,
            on_reject=on_reject,
            source=source,
            max_held=max_held,
            at_once=at_once,
            max_money=max_money,
            price_per_hour=1.0,
            billed_seconds=3600,
        )
        self.machines: dict[str, Instance] = {}
        self.host: dict[str, int] = {}
        self.token: dict[str, str] = {}
        self.quota = quota
        self.number = 0
        self.meddled: set[str] = set()
        for at in (0, 1):
            self._add(f"m-{at}", at, {CLUSTER_TAG: CLUSTER, ROLE_TAG: MEMBER})
        for at in (0, 2):
            self._add(f"s-{at}", at, {CLUSTER_TAG: CLUSTER}, STOPPED)
        self.leaving = ("m-0", "m-1")[:count] if replaces else ()
        self.events: list[e.Event] = [e.Requested(CLUSTER, count, self.leaving)]

    @property
    def state(self) -> State:
        return fold(RUN, ((0.0, event) for event in self.events))

    @property
    def inventory(self) -> Inventory:
        gone = {i: "is dead" for i, m in self.machines.items() if m.state == TERMINATED}
        return Inventory({i: m for i, m in self.machines.items() if i not in gone}, gone=gone)

    @precondition(lambda self: not self.state.finished)
    @rule(host=hosts, journalled=st.booleans(), trouble=st.booleans())
    def go_on(self, host: int, journalled: bool, trouble: bool) -> None:
        """Perform the next step; where it isn't journalled, the process died right after the effect."""
        step = decide(self.state, self.inventory, self.policy, 0.0, 0.0)
        self._gives_up(step)
        event = self._perform(step, host, trouble)
        if journalled:
            self.events.append(event)
        else:
            self.events += reconcile.voided(self.state, self.inventory)

    @precondition(lambda self: not self.state.closing)
    @rule(code=st.sampled_from([1, 4, 130]))
    def interrupt(self, code: int) -> None:
        """End the run before its time."""
        self.events.append(e.Closing(code, "interrupted"))

    @precondition(lambda self: not self.state.finished)
    @rule()
    def twin(self) -> None:
        """The platform launches an attempt's instance twice."""
        for attempt in self.state.attempts[-1:]:
            if not attempt.source and sum(t == attempt.token for t in self.token.values()) < 2:
                self._add(self._name(), 3, attempt.tags)

    @rule(which=st.integers(0, 9))
    def die(self, which: int) -> None:
        """A candidate dies by itself."""
        candidates = [i for i, m in self.machines.items() if is_candidate(m) and m.state == RUNNING]
        for name in candidates[which : which + 1]:
            self._change(name, state=TERMINATED)

    @invariant()
    def members_share_no_host(self) -> None:
        """No candidate is let in on the host of a member that stays."""
        awaiting_stand_in = [
            i for i, m in self.inventory.instances.items() if is_member(m) and i not in self.leaving
        ]
        assert len({self.host[i] for i in awaiting_stand_in}) == len(awaiting_stand_in)

    @invariant()
    def no_more_than_asked(self) -> None:
        """Never more new members than were asked for."""
        state = self.state
        new = [i for i, m in self.machines.items() if is_member(m) and not i.startswith("m-")]
        assert len(new) <= state.count

    @invariant()
    def budgets_are_kept(self) -> None:
        """Neither more attempts, nor more held at once, nor more money than allowed."""
        state = self.state
        assert len(state.attempts) <= self.policy.max_attempts * state.count
        flying = [
            attempt
            for attempt in state.in_phase(*IN_FLIGHT, Phase.REJECTED, Phase.UNDECIDED, Phase.RELEASING)
            if not attempt.id or self.machines[attempt.id].state != TERMINATED  # what died is held no more
        ]
        assert not self.policy.max_held or len(flying) <= self.policy.max_held
        assert not self.policy.max_money or len(state.attempts) <= self.policy.max_money

    @invariant()
    def no_member_is_lost(self) -> None:
        """A member goes only when the operator named it and its stand-in is in."""
        for name, machine in self.machines.items():
            if name.startswith("m-") and machine.state != RUNNING:
                assert name in self.state.replaced

    @invariant()
    def spares_are_never_terminated(self) -> None:
        """What was started from stopped is at most stopped again (or dies by itself while it runs)."""
        assert not self.meddled

    @invariant()
    def finished_is_clean(self) -> None:
        """When the journal is closed, every instance is a member, or stopped as a spare, or gone."""
        if self.state.finished:
            for name, machine in self.inventory.instances.items():
                assert is_member(machine) or machine.state == STOPPED, f"{name} was left behind"

    def teardown(self) -> None:
        """Left to itself, the run comes to its end."""
        if not hasattr(self, "events"):
            return
        for _ in range(400):
            if self.state.finished:
                break
            step = decide(self.state, self.inventory, self.policy, 0.0, 0.0)
            self._gives_up(step)
            self.events.append(self._perform(step, 5, trouble=False))
        assert self.state.finished
        self.finished_is_clean()
        self.members_share_no_host()

    def _gives_up(self, step: steps.Step) -> None:
        """No run ends for a quota while it holds what could be let go of."""
        if step == steps.Note(e.Closing(4, OVER_QUOTA)):
            assert not self.state.in_phase(Phase.REJECTED, Phase.UNDECIDED, Phase.RELEASING)

    def _perform(self, step: steps.Step, host: int, trouble: bool) -> e.Event:
        match step:
            case steps.Note(event):
                return event
            case steps.Intend():
                self.number += 1
                return intent.intended(self.state, step, f"token-{self.number}", {})
            case steps.Launch(attempt, request):
                if trouble:
                    return e.Postponed(attempt, "no room")
                same = [i for i, t in self.token.items() if t == request.token]
                name = same[0] if same else self._name()
                there = [i for i in self.token if self.machines[i].state != TERMINATED]
                if not same and self.quota and len(there) >= self.quota:
                    return e.OverQuota(attempt, OVER_QUOTA)
                if not same:
                    self._add(name, host, request.tags)
                    self.token[name] = request.token
                return e.Launched(attempt, name)
            case steps.StartStopped(attempt, request, name):
                if self.machines[name].state == TERMINATED:
                    return e.LaunchFailed(attempt, "is gone")
                mine = self.machines[name].tags.get(ATTEMPT_TAG) == str(attempt)
                if self.machines[name].state == RUNNING and not mine:
                    assert step.again, "only what the run turned down itself is stopped to be started"
                    self._change(name, state=STOPPED)
                self._change(name, tags={**self.machines[name].tags, **request.tags})
                if trouble:
                    return e.Postponed(attempt, "no room")
                if self.machines[name].state == STOPPED:
                    self._change(name, state=RUNNING)
                    self.host[name] = host
                return e.Launched(attempt, name)
            case steps.AwaitRunning(attempt, name):
                alive = self.machines[name].state == RUNNING
                return e.Running(attempt) if alive else e.Rejected(attempt, "is dead")
            case steps.Check():
                return self._check(step, trouble)
            case steps.Join(attempt, name, against):
                if self.machines[name].state != RUNNING:
                    return e.Rejected(attempt, "is dead")
                new = [
                    i
                    for i, m in self.inventory.instances.items()
                    if is_member(m) and i not in (*against, name)
                ]
                if new:
                    return e.Voided(attempt, "another came")
                self._change(name, tags={**self.machines[name].tags, ROLE_TAG: MEMBER})
                return e.Joined(attempt)
            case steps.Settle(attempt, name):
                return e.Joined(attempt) if is_member(self.machines[name]) else e.Unjoined(attempt)
            case steps.Welcome(name):
                return e.Welcomed(name)
            case steps.Confirm(ids):
                lost = {i: "is dead" for i in ids if self.machines[i].state != RUNNING}
                return e.Lost(lost) if lost else e.Closing(0, "all in")
            case steps.Release() | steps.AwaitGone():
                return self._release(step, trouble)
            case steps.FindUnanswered(attempt, _):
                shown = self.inventory.of_attempt(RUN, attempt)
                return e.Launched(attempt, shown[0].id) if shown else e.LaunchFailed(attempt, "nothing")
            case _:
                return e.Finished()

    def _check(self, step: steps.Check, unknown: bool) -> e.Event:
        gone = {n: "is dead" for n, i in step.candidates.items() if self.machines[i].state != RUNNING}
        others = (*step.candidates.values(), *step.against, *step.leaving)
        pairs = [self._pair(a, b, unknown) for a in step.candidates.values() for b in others if a != b]
        return judge(step, pairs, gone, {}, "")

    def _pair(self, a: str, b: str, unknown: bool) -> Pair:
        together = self.host[a] == self.host[b]
        says = Evidence("hops", Says.SAME if together else Says.DIFFERENT, Strength.WEAK, "")
        if unknown and self.number % 2:
            return Pair(a, b, Verdict.UNKNOWN, None, "", (says,))
        if unknown:
            return Pair(a, b, Verdict.UNKNOWN, None, "", ())
        return Pair(a, b, Verdict.CO_RESIDENT if together else Verdict.SEPARATE, Strength.STRONG, "", ())

    def _release(self, step: steps.Release | steps.AwaitGone, slow: bool) -> e.Event:
        release = step.release if isinstance(step, steps.AwaitGone) else step
        machine = self.machines[release.id]
        gone = machine.state == TERMINATED or (release.stop and machine.state == STOPPED)
        if gone:
            return e.Released(release.id)
        if not release.stand_in and not is_candidate(machine):
            return e.LeftAlone(release.id, "no candidate any more")
        if slow and isinstance(step, steps.Release):
            return e.Releasing(release.id)
        if release.stop:
            self._change(release.id, state=STOPPED, tags={**machine.tags, SPARE_TAG: YES})
        else:
            if is_spare(machine):
                self.meddled.add(release.id)
            self._change(release.id, state=TERMINATED)
        return e.Released(release.id) if isinstance(step, steps.AwaitGone) else e.Releasing(release.id)

    def _name(self) -> str:
        return f"i-{len(self.machines)}"

    def _add(self, name: str, host: int, tags: object, state: str = RUNNING) -> None:
        self.machines[name] = Instance(name, state=state, tags=dict(tags))  # type: ignore[call-overload]  # a mapping
        self.host[name] = host

    def _change(self, name: str, **what: object) -> None:
        self.machines[name] = replace(self.machines[name], **what)  # type: ignore[arg-type]  # names of fields


def test_one_that_never_ran_is_held_beside_those_launched_with_it() -> None:
    """`max_held` counts a candidate that was turned down while others were still being launched."""
    run = Admission()
    run.begin(
        count=1, replaces=False, on_reject="hold", source="launch", max_held=2, at_once=2, max_money=0.0
    )
    for _ in range(4):
        run.go_on(host=0, journalled=True, trouble=False)
    run.events.append(e.Rejected(1, "still pending"))
    run.go_on(host=0, journalled=True, trouble=False)
    run.budgets_are_kept()


Admission.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestAdmission = Admission.TestCase
