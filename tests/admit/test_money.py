"""Money: whatever the platform takes its time for, no more is spent than `max_money`."""

from __future__ import annotations

from collections.abc import Sequence

import hypothesis.strategies as st
from hypothesis import given, settings
from msgspec.structs import replace

from keepapart.admit import AdmissionContext, admit
from keepapart.admit.budget import CHECKING, LETTING_GO, lasts, spent
from keepapart.admit.events import Intended, Joined, Launched, Postponed, Released, Running
from keepapart.admit.state import fold
from keepapart.errors import CapacityError, CloudError
from keepapart.model import Checked, Instance
from keepapart.settings import LaunchSettings
from keepapart.store import Store
from keepapart.testing import Fault, ManualClock, ProgrammableCloud, TruthfulChecker
from tests.admit.conftest import CLUSTER, Bench, in_memory

policies = st.builds(
    LaunchSettings,
    source=st.sampled_from(["launch", "stopped-then-launch"]),
    on_reject=st.sampled_from(["hold", "stop", "terminate", "restart"]),
    at_once=st.integers(0, 3),
    max_held=st.sampled_from([0, 1, 4]),
    max_attempts=st.just(6),
    max_money=st.floats(100.0, 6000.0),
    price_per_hour=st.just(3600.0),  # one a second
    stopped_price_per_hour=st.sampled_from([0.0, 360.0, 3600.0]),
    billed_seconds=st.sampled_from([1, 60, 600]),
)


@settings(max_examples=40, deadline=None)
@given(
    policy=policies,
    count=st.integers(1, 3),
    answers=st.sampled_from([0.0, 0.3, 1.0]),
    boots=st.floats(0.0, 900.0),
    goes=st.floats(0.0, 60.0),
    checks=st.floats(0.0, CHECKING),
    hosts=st.integers(2, 5),
    auto=st.booleans(),
    full=st.integers(0, 9),
    lost=st.sampled_from(["", "launch", "terminate", "stop", "tag"]),
)
def test_no_more_is_spent_than_allowed(
    policy: LaunchSettings,
    count: int,
    answers: float,
    boots: float,
    goes: float,
    checks: float,
    hosts: int,
    auto: bool,
    full: int,
    lost: str,
) -> None:
    """By the cloud's own bill: whatever boots, rounds, farewells, rest, lost answers and no room take."""
    clock = ManualClock()
    with in_memory() as folder, Store(f"sqlite:///{folder}/store.db") as store:
        cloud = ProgrammableCloud(
            hosts=hosts,
            call_seconds=answers,
            boot_seconds=boots,
            stop_seconds=goes,
            clock=clock,
            sleep=clock.sleep,
        )
        cloud.add("m-1", 0)
        cloud.add("s-1", 0, state="stopped", role="")
        if full:
            cloud.arm(Fault("launch", CapacityError("no room"), skip=1, times=full))
        cloud.arm(Fault(lost, CloudError("lost"), skip=1, times=2, after=True))
        truth = TruthfulChecker(cloud, auto=auto)

        def checker(*asked: Sequence[Instance]) -> Checked:
            clock.sleep(checks)
            return truth(*asked)

        context = AdmissionContext(cloud, store, CLUSTER, policy, clock=clock, sleep=clock.sleep)
        outcome = admit(context, checker, count)
        assert outcome.left == ()
        assert (len(outcome.admitted) == count) == (outcome.code == 0), outcome.because
        bill = cloud.bill(policy.billed_seconds, policy.stopped_price_per_hour / policy.price_per_hour)
        assert bill <= policy.max_money, outcome.because


def test_who_there_is_no_room_for_is_not_waited_for_once_all_are_in() -> None:
    """Three join, as many as were asked for; there was no room for a fourth, and the money is short."""
    clock = ManualClock()
    policy = LaunchSettings(
        at_once=3,
        max_attempts=6,
        max_held=0,
        max_money=1085.0,
        price_per_hour=3600.0,
        billed_seconds=1,
    )
    with in_memory() as folder, Store(f"sqlite:///{folder}/store.db") as store:
        cloud = ProgrammableCloud(hosts=4, clock=clock, sleep=clock.sleep)
        cloud.add("m-1", 0)
        cloud.arm(Fault("launch", CapacityError("no room"), skip=1))
        context = AdmissionContext(cloud, store, CLUSTER, policy, clock=clock, sleep=clock.sleep)
        outcome = admit(context, TruthfulChecker(cloud), 3)
    assert (outcome.code, len(outcome.admitted), outcome.left) == (0, 3, ())


def test_a_candidate_is_paid_for_before_it_is_launched(bench: Bench) -> None:
    """None is launched unless its check and its release can be paid; the reason says what it would cost."""
    policy = LaunchSettings(price_per_hour=3600.0, max_money=CHECKING + LETTING_GO - 1)
    outcome = admit(bench.context(policy), bench.truth)
    assert (outcome.code, outcome.attempts) == (1, 0)
    assert outcome.because == "max_money is used up (0 of 179); another candidate needs 180"
    assert (
        admit(bench.context(LaunchSettings(price_per_hour=3600.0, max_money=5000.0)), bench.truth).code == 0
    )
    bench.sound()


def test_the_last_money_may_find_the_last_member(bench: Bench) -> None:
    """Where all are in when the money is spent, that is what the run ends with."""
    bench.cloud.add("m-3", 2)

    def checker(*asked: Sequence[Instance]) -> Checked:
        bench.clock.sleep(CHECKING)
        return bench.truth(*asked)

    policy = LaunchSettings(
        price_per_hour=3600.0, max_money=1080.0
    )  # three held for 360, 300, 240 s, the last 180
    outcome = admit(bench.context(policy), checker)
    assert (outcome.code, outcome.attempts) == (0, 4), outcome.because
    assert admit(bench.context(LaunchSettings(price_per_hour=3600.0, max_money=1079.0)), checker).attempts < 4
    bench.sound()


def test_what_is_held_costs_until_it_is_gone(bench: Bench) -> None:
    """Nobody waits for room longer than what is held beside it can be paid."""
    bench.cloud.arm(Fault("launch", CapacityError("no room"), skip=1, times=0))
    policy = LaunchSettings(price_per_hour=3600.0, max_money=1000.0, billed_seconds=1)
    began = bench.clock()
    outcome = admit(bench.context(policy), bench.truth)
    assert outcome.code == 1
    assert outcome.because.startswith("no money left to wait for room: no room")
    assert bench.clock() - began < 1000.0
    bench.sound()


def test_waiting_for_room_costs_nothing_by_itself(bench: Bench) -> None:
    """An hour of no room isn't charged once it is over: there was no instance."""
    bench.cloud.arm(Fault("launch", CapacityError("no room"), times=9))
    policy, began = LaunchSettings(price_per_hour=3600.0, max_money=800.0), bench.clock()
    assert admit(bench.context(policy), bench.truth).because.startswith("max_money is used up (")
    assert len({call.about for call in bench.cloud.calls("launch")[:10]}) == 1
    assert bench.clock() - began > policy.max_money
    bench.sound()


def test_members_cost_nothing_once_they_are_in(bench: Bench) -> None:
    """What joined is wanted: only the search is charged."""
    bench.cloud.capacity = 1
    policy = LaunchSettings(price_per_hour=3600.0, max_money=250.0, max_attempts=50)
    assert admit(bench.context(policy), bench.truth, count=2).code == 0


def test_what_is_stopped_costs_on() -> None:
    """At its own price, until the run is over; it leaves the others less time, and that is foreseen."""
    policy = LaunchSettings(price_per_hour=3600.0, stopped_price_per_hour=1800.0, max_money=1000.0)
    policy = replace(policy, on_reject="stop", billed_seconds=1)
    rests = [(0.0, Intended(1, "a")), (0.0, Launched(1, "i-1")), (100.0, Released("i-1"))]
    state = fold("run", [*rests, (200.0, Intended(2, "b"))])
    assert spent(state, policy, 300.0) == 100.0 + 100.0 + 100.0
    assert lasts(state, policy, 300.0) + LETTING_GO == 300.0 + 700.0 / 1.5
    assert spent(state, replace(policy, on_reject="terminate"), 300.0) == 200.0
    assert spent(fold("run", [(0.0, Intended(1, "a", source="i-1")), *rests[1:]]), policy, 300.0) == 100.0


def test_how_long_the_money_lasts() -> None:
    """It lasts until those begun first tick beyond their least charge, with time left to let go."""
    policy = LaunchSettings(price_per_hour=3600.0, max_money=1000.0, billed_seconds=300)
    journal = [(0.0, Intended(1, "a")), (0.0, Launched(1, "i-1")), (100.0, Intended(2, "b"))]
    state = fold("run", journal)
    assert spent(state, policy, 200.0) == 600.0
    assert lasts(state, policy, 200.0) == 550.0 - LETTING_GO, "550 and 450 seconds then"
    assert lasts(state, policy, 200.0, more=1) == 400.0 - LETTING_GO, "400, and 300 for each of the others"
    assert lasts(state, policy, 200.0, more=2) < 200.0
    joined = fold("run", [*journal, (150.0, Running(1)), (150.0, Joined(1))])
    assert lasts(joined, policy, 200.0) == 800.0 - LETTING_GO, "the member cost its least charge"
    assert spent(fold("run", [*journal[2:], (190.0, Postponed(1, ""))]), policy, 200.0) == 300.0
