"""Strategies: several at once, restarts, pools of spares; budgets; and networks that are yet unknown."""

from __future__ import annotations

import pytest

from keepapart.admit import admit, collect, plan, replace
from keepapart.clouds import NOTE
from keepapart.errors import CapacityError
from keepapart.settings import LaunchSettings
from keepapart.testing import Fault, ProgrammableCloud, TruthfulChecker
from tests.admit.conftest import Bench


def most_at_once(bench: Bench, policy: LaunchSettings, count: int) -> int:
    """Admit, and return how many instances there were beside the members at any time."""
    most = 0

    def on_arrow(_: str) -> None:
        nonlocal most
        most = max(most, len(bench.cloud.alive()) - len(bench.cloud.members()))

    assert admit(bench.context(policy, on_arrow=on_arrow), bench.truth, count).code == 0
    bench.sound()
    return most


# Several at once


def test_several_are_launched_before_any_is_checked(bench: Bench) -> None:
    """With `at_once` a round has so many candidates, checked against members and each other."""
    outcome = admit(bench.context(LaunchSettings(at_once=4)), bench.truth, count=2)
    assert outcome.code == 0
    assert bench.truth.asked[0] == ("i-0003 i-0004 i-0005 i-0006", ("m-1", "m-2"), ())
    assert outcome.admitted == ("i-0005", "i-0007"), "i-0006 came up beside i-0005"
    bench.sound()


def test_the_most_that_are_apart_are_kept(bench: Bench) -> None:
    """Of one round as many stay as can: both hosts that are free, of four candidates on them."""
    bench.cloud.terminate("m-1")
    bench.cloud.terminate("m-2")
    outcome = admit(bench.context(LaunchSettings(at_once=4)), bench.truth, count=2)
    assert (outcome.code, outcome.attempts) == (0, 4)
    assert len(bench.truth.asked) == 1
    bench.sound()


def test_as_many_at_once_as_are_missing(bench: Bench) -> None:
    """`at_once = 0` launches what is still missing, round after round."""
    admit(bench.context(LaunchSettings(at_once=0)), bench.truth, count=3)
    assert [len(names.split()) for names, _, _ in bench.truth.asked] == [3, 2, 1, 1]
    bench.sound()


def test_surplus_takes_the_place_of_one_that_dies(bench: Bench) -> None:
    """More may be apart than are wanted; should one of those kept die before it joins, another is there."""
    bench.cloud.capacity = 1

    def on_arrow(name: str) -> None:
        if name == "after journal judged" and len(bench.truth.asked) == 1:
            bench.cloud.terminate("i-0003")

    outcome = admit(bench.context(LaunchSettings(at_once=3), on_arrow=on_arrow), bench.truth)
    assert (outcome.code, outcome.admitted, outcome.attempts) == (0, ("i-0004",), 3)
    bench.sound()


def test_no_room_for_one_holds_up_no_other(bench: Bench) -> None:
    """Those that did come up are judged while the platform has no room for the rest."""
    bench.cloud.arm(Fault("launch", CapacityError("no room"), skip=3, times=2))
    outcome = admit(bench.context(LaunchSettings(at_once=4)), bench.truth)
    assert outcome.code == 0
    assert len(bench.truth.asked[0][0].split()) == 3
    bench.sound()


# Restarts


def test_reject_is_restarted_until_it_lands_apart(bench: Bench) -> None:
    """`on_reject = "restart"` launches once; the same instance is stopped and started until it is apart."""
    bench.cloud.habit, bench.cloud.hosts, bench.cloud.capacity = "random", 3, 4
    outcome = admit(bench.context(LaunchSettings(on_reject="restart", max_attempts=30)), bench.truth)
    assert outcome.code == 0
    assert outcome.admitted == ("i-0003",)
    assert outcome.released == ()
    assert outcome.attempts > 1
    assert len(bench.cloud.calls("launch")) == 1
    bench.sound()


def test_stopped_instance_is_restarted_until_it_lands_apart(bench: Bench) -> None:
    """The same with one that was stopped: it is never terminated, whatever becomes of it."""
    bench.cloud.add("s-1", 0, state="stopped", role="")
    policy = LaunchSettings(source="stopped", on_reject="restart", max_attempts=3)
    outcome = admit(bench.context(policy), bench.truth)
    assert (outcome.code, outcome.attempts) == (1, 3), "packing brings it back to the same host for ever"
    assert bench.cloud.all()["s-1"].state == "stopped"
    assert bench.cloud.calls("launch") == []
    bench.sound()
    bench.cloud.habit = "random"
    outcome = admit(
        bench.context(LaunchSettings(source="stopped", on_reject="restart", max_attempts=30)), bench.truth
    )
    assert outcome.admitted == ("s-1",)
    bench.sound()


def test_restarted_in_vain_is_terminated(bench: Bench) -> None:
    """What the run launched itself is gone when its attempts are spent."""
    outcome = admit(bench.context(LaunchSettings(on_reject="restart", max_attempts=3)), bench.truth)
    assert (outcome.code, outcome.released) == (1, ("i-0003",))
    assert collect(bench.context()).found == ()
    bench.sound()


# Spares


def test_pool_of_spares_before_any_launch(bench: Bench) -> None:
    """Stopped instances of the cluster are started together, and what is missing then is launched."""
    for number in (1, 2):
        bench.cloud.add(f"s-{number}", 0, state="stopped", role="")
    policy = LaunchSettings(source="stopped-then-launch", at_once=4)
    outcome = admit(bench.context(policy), bench.truth, count=2)
    assert outcome.code == 0
    assert bench.truth.asked[0][0].split() == ["s-1", "s-2", "i-0005", "i-0006"]
    for name in ("s-1", "s-2"):
        assert name in bench.cloud.members() or bench.cloud.all()[name].state == "stopped"
    bench.sound()


# Budgets


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_no_more_are_held_at_once_than_allowed(bench: Bench, at_once: int) -> None:
    """`max_held` holds for candidates in flight and rejects together."""
    bench.cloud.habit = "random"
    assert most_at_once(bench, LaunchSettings(max_held=3, at_once=at_once, max_attempts=40), count=2) <= 3


# A network of which nothing is known yet


@pytest.mark.parametrize("habit", ["packing", "random", "sticky"])
@pytest.mark.parametrize(
    "policy", [LaunchSettings(), LaunchSettings(at_once=0), LaunchSettings(on_reject="terminate")]
)
def test_five_from_nothing_on_an_unknown_network(bench: Bench, habit: str, policy: LaunchSettings) -> None:
    """Undecided candidates are held, and judged again once a round shows what network it is."""
    for name in ("m-1", "m-2"):
        bench.cloud.terminate(name)
    bench.cloud.habit, bench.cloud.hosts, bench.cloud.capacity = habit, 12, 4
    bench.truth.auto = True
    outcome = admit(bench.context(policy), bench.truth, count=5)
    if habit != "random" and policy.on_reject == "terminate":
        assert outcome.code in (0, 1), "a freed slot is filled first"
    else:
        assert outcome.code == 0, outcome.because
        assert len(bench.cloud.members()) == 5
    bench.sound()


def test_undecided_are_judged_again_before_more_are_launched(bench: Bench) -> None:
    """The round that establishes the network decides on everybody in it."""
    bench.cloud.terminate("m-1")
    bench.cloud.terminate("m-2")
    bench.cloud.habit, bench.cloud.capacity = "packing", 3
    bench.truth.auto = True
    outcome = admit(bench.context(), bench.truth, count=2)
    assert outcome.admitted == ("i-0003", "i-0006")
    assert [names for names, _, _ in bench.truth.asked] == ["i-0004", "i-0004 i-0005", "i-0004 i-0005 i-0006"]
    bench.sound()


def test_network_that_never_shows_ends_without_a_guess(bench: Bench) -> None:
    """Where no two ever share a host nothing is established: it ends with 3 and says why."""
    bench.cloud.terminate("m-2")
    bench.cloud.hosts, bench.cloud.capacity = 40, 1
    bench.truth.auto = True
    outcome = admit(bench.context(), bench.truth)
    assert (outcome.code, outcome.attempts, outcome.admitted) == (3, 10, ())
    assert "nothing shows that hosts are gateways here" in outcome.because
    bench.sound()


# What is told


def test_dry_run_names_placement_strategy_and_budgets(bench: Bench) -> None:
    """A plan says what would be launched where, what becomes of rejects, and what it may cost."""

    class Choosing(ProgrammableCloud):
        def parameters(self, _: object) -> dict[str, str]:
            return {NOTE: "in spread group g"}

        def foresee(self, _: object) -> str:
            return "in spread group g"

    cloud = Choosing(bench.cloud.path)
    policy = LaunchSettings(at_once=3, max_money=12.0, price_per_hour=60.0, max_held=4)
    assert plan(bench.context(policy, cloud=cloud), 2).steps == (
        "launch 3 candidates at once, in spread group g",
        "check with 2 members and with each other; keep the largest set on different hosts",
        "if it is turned down: hold it until all are in, then terminate it",
        "repeat until 2 are in, or a budget is used up: 20 attempts (10 for each), 4 held at once, "
        "60 minutes, 12 of money (3 kept ready for each candidate)",
    )
    assert bench.cloud.calls("launch") == []
    admit(bench.context(policy, cloud=cloud), TruthfulChecker(cloud))
    assert "attempt 1: launching (in spread group g)" in bench.told


def test_each_attempt_is_told_from_launch_to_end(bench: Bench) -> None:
    """What was launched, that it runs, why it was let go: a line each."""
    admit(bench.context(), bench.truth)
    assert bench.told[:4] == [
        "attempt 1: launching",
        "attempt 1: i-0003 is coming up",
        "attempt 1: i-0003 runs; checking it",
        "attempt 1: i-0003 co-resident: shares a host with m-1: 2 hops in 8 of 8 flows",
    ]
    assert "i-0003 released" in bench.told


def test_replacing_several_at_once(bench: Bench) -> None:
    """Stand-ins for all are looked for together, and each is told for whom it is."""
    bench.cloud.add("m-3", 1)
    outcome = replace(bench.context(LaunchSettings(at_once=0)), bench.truth, ["m-2", "m-3"])
    assert outcome.code == 0
    assert sorted(i for i in outcome.released if i[0] == "m") == ["m-2", "m-3"]
    bench.sound()
