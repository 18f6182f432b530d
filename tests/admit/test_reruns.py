"""What a cron job means: the same command again brings what is missing, and nothing more."""

from __future__ import annotations

import pytest

from keepapart.admit import admit, plan, replace
from keepapart.clouds import STOPPED
from keepapart.errors import UsageError
from keepapart.settings import LaunchSettings
from tests.admit.conftest import CLUSTER, Bench, interrupted_at
from tests.admit.test_gate import Killed, acting, killing


def test_a_size_brings_what_is_missing(bench: Bench) -> None:
    """`--to 4` of two members admits two; asked again it does nothing, with code 0."""
    outcome = admit(bench.context(), bench.truth, to=4)
    assert (outcome.code, len(outcome.admitted)) == (0, 2)
    for size in (4, 3, 1):
        outcome = admit(bench.context(), bench.truth, to=size)
        assert (outcome.code, outcome.admitted, outcome.attempts) == (0, (), 0)
        assert outcome.because == "4 are in already"
    assert len(bench.cloud.members()) == 4
    bench.sound()


def test_a_size_counts_who_no_list_shows(bench: Bench) -> None:
    """A list that is behind makes nobody launch what is there already."""
    bench.clock.sleep(60.0)
    bench.cloud.lists_lag = 30.0
    for _ in range(3):
        assert admit(bench.context(), bench.truth, to=4).code == 0
    assert len(bench.cloud.members()) == 4


@pytest.mark.parametrize(
    "arrow", ["after launch", "after journal judged", "after tag", "after journal joined"]
)
@pytest.mark.parametrize("nth", [1, 2])
def test_a_size_is_never_passed(bench: Bench, arrow: str, nth: int) -> None:
    """Killed anywhere, the same command ends with as many members as were asked for."""
    with pytest.raises(Killed):
        admit(bench.context(on_arrow=killing(arrow, nth)), bench.truth, to=4)
    assert admit(bench.context(), bench.truth, to=4).code == 0
    assert len(bench.cloud.members()) == 4
    bench.sound()


@pytest.mark.parametrize("arrow", ["after journal asked", "after journal placed", "after journal sized"])
@pytest.mark.parametrize("meanwhile", ["", "dies", "takes its place"])
def test_a_size_is_what_there_is_in_the_end_wherever_it_was_cut_short(
    bench: Bench, arrow: str, meanwhile: str
) -> None:
    """Killed before it said who makes it up, or whoever came and went since: neither more nor fewer."""
    with pytest.raises(Killed):
        admit(bench.context(on_arrow=killing(arrow)), bench.truth, to=4)
    if meanwhile == "takes its place":
        bench.cloud.terminate("m-2")
        bench.cloud.add("m-9", 7)

    def die() -> None:
        if meanwhile == "dies":
            bench.cloud.terminate("m-1")

    dying = acting("after journal joined", die)
    assert admit(bench.context(on_arrow=dying), bench.truth, to=4).code == 0
    assert len(bench.cloud.members()) == 4
    bench.sound()


def test_a_size_that_goes_on_with_a_step_makes_up_for_who_dies(bench: Bench) -> None:
    """The run that goes on was begun for a number of new ones, and knew of no size."""
    interrupted_at(bench, "after launch")
    dying = acting("after journal joined", lambda: bench.cloud.terminate("m-1"))
    assert admit(bench.context(on_arrow=dying), bench.truth, to=3).code == 0
    assert len(bench.cloud.members()) == 3
    bench.sound()


def test_a_size_goes_on_with_a_step_of_the_same(bench: Bench) -> None:
    """An unfinished run that lacks as many as the size does is gone on with."""
    interrupted_at(bench, "after launch")
    outcome = admit(bench.context(), bench.truth, to=3)
    assert (outcome.code, outcome.attempts) == (0, 3)
    assert any("going on with" in line for line in bench.told)
    bench.sound()


def test_a_size_counts_members_that_do_not_run(bench: Bench) -> None:
    """A stopped member is one of them: it may come back."""
    bench.cloud.add("m-3", 2, state=STOPPED)
    assert admit(bench.context(), bench.truth, to=3).code == 0
    assert bench.cloud.calls("launch") == []


def test_a_size_in_a_dry_run(bench: Bench) -> None:
    """The plan says how many would come, or that none is missing."""
    assert "repeat until 3 are in" in plan(bench.context(), 1, to=5).steps[-1]
    assert plan(bench.context(), 1, to=2).steps == ("2 are in already",)


def test_a_size_in_a_dry_run_counts_as_the_run_does(bench: Bench) -> None:
    """By the journals and by id: neither one that is gone and listed, nor one that is there and isn't."""
    assert admit(bench.context(), bench.truth, to=4).code == 0
    bench.clock.sleep(60.0)
    bench.cloud.lists_lag = 30.0
    bench.cloud.terminate("m-2")
    assert admit(bench.context(), bench.truth).code == 0
    planned = plan(bench.context(), 1, to=5)
    assert "m-2" not in planned.members
    assert "repeat until 1 is in" in planned.steps[-1]
    outcome = admit(bench.context(), bench.truth, to=5)
    assert (outcome.code, len(outcome.admitted)) == (0, 1)


def test_a_size_counts_nobody_who_is_gone(bench: Bench) -> None:
    """A member that has just died is made up for, although the list shows it running still."""
    assert admit(bench.context(), bench.truth, to=4).code == 0
    bench.clock.sleep(60.0)
    bench.cloud.lists_lag = 30.0
    bench.cloud.terminate("i-0005")
    assert admit(bench.context(), bench.truth, to=4).code == 0
    assert len(bench.cloud.members()) == 4


@pytest.mark.parametrize("lag", [0.0, 30.0])
@pytest.mark.parametrize("arrow", ["after launch", "after journal judged", "after journal joined"])
@pytest.mark.parametrize("old", ["m-2", "i-0005"])
def test_a_size_is_reached_whoever_dies_meanwhile(bench: Bench, arrow: str, lag: float, old: str) -> None:
    """One more is looked for where a member of before dies: a size is what there is in the end."""
    assert admit(bench.context(), bench.truth).code == 0
    bench.clock.sleep(60.0)
    bench.cloud.lists_lag = lag
    context = bench.context(on_arrow=acting(arrow, lambda: bench.cloud.terminate(old)))
    outcome = admit(context, bench.truth, to=4)
    assert (outcome.code, len(outcome.admitted)) == (0, 2)
    assert len(bench.cloud.members()) == 4


def press() -> None:
    """Press Ctrl-C."""
    raise KeyboardInterrupt


@pytest.mark.parametrize("arrow", ["after journal joined", "before terminate", "after journal closing"])
def test_ctrl_c_once_all_are_in_is_code_0(bench: Bench, arrow: str) -> None:
    """What is asked for is there; all that is left is to let go of the rejects, and that is done."""
    outcome = admit(bench.context(on_arrow=acting(arrow, press)), bench.truth)
    assert (outcome.code, outcome.admitted) == (0, ("i-0005",))
    assert sorted(outcome.released) == ["i-0003", "i-0004"]
    bench.sound()


def test_replaced_members_are_left_out(bench: Bench) -> None:
    """`replace A B` again, once A was replaced, replaces B; once both were, it does nothing with code 0."""
    bench.cloud.add("m-3", 2)
    outcome = replace(bench.context(LaunchSettings(max_attempts=30)), bench.truth, ["m-1"])
    assert outcome.code == 0
    outcome = replace(bench.context(LaunchSettings(max_attempts=30)), bench.truth, ["m-1", "m-2"])
    assert outcome.code == 0
    assert "m-2" in outcome.released
    outcome = replace(bench.context(), bench.truth, ["m-1", "m-2"])
    assert (outcome.code, outcome.attempts, outcome.because) == (0, 0, "all of it was done before")
    with pytest.raises(UsageError, match="m-9: no such member"):
        replace(bench.context(), bench.truth, ["m-1", "m-9"])
    bench.sound()


@pytest.mark.parametrize("nth", range(1, 60, 4))
def test_replacement_that_was_killed_is_finished_by_the_same_command(bench: Bench, nth: int) -> None:
    """Killed anywhere and asked again, each has one stand-in, and no quorum was lost."""
    bench.cloud.add("m-3", 2)
    seen = 0

    def on_arrow(_: str) -> None:
        nonlocal seen
        seen += 1
        if seen >= nth:
            raise Killed

    policy = LaunchSettings(max_attempts=30)
    with pytest.raises(Killed):
        replace(bench.context(policy, on_arrow=on_arrow), bench.truth, ["m-1", "m-2"])
    assert replace(bench.context(policy), bench.truth, ["m-1", "m-2"]).code == 0
    assert len(bench.cloud.members()) == 3
    assert not {"m-1", "m-2"} & set(bench.cloud.members())
    assert bench.store.journals.unfinished(CLUSTER) == []
    bench.sound()
