"""The gate: a member goes only while its stand-in runs and is a member, and where the operator agrees."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from keepapart.admit import Hooks, admit, collect, replace
from keepapart.clouds import ROLE_TAG
from keepapart.errors import CapacityError, OperationError
from keepapart.settings import LaunchSettings
from keepapart.testing import Fault
from tests.admit.conftest import Bench


class Killed(BaseException):
    """The process is gone: nothing more gets done."""


def killing(arrow: str, nth: int = 1) -> Callable[[str], None]:
    """Return what kills at the nth time that this arrow is reached, and at every one from there on."""
    seen = 0

    def on_arrow(name: str) -> None:
        nonlocal seen
        seen += name == arrow or seen >= nth
        if seen >= nth:
            raise Killed

    return on_arrow


def acting(arrow: str, act: Callable[[], object], nth: int = 1) -> Callable[[str], None]:
    """Return what does something the nth time that this arrow is reached."""
    seen = 0

    def on_arrow(name: str) -> None:
        nonlocal seen
        if name == arrow:
            seen += 1
            if seen == nth:
                act()

    return on_arrow


@pytest.fixture
def three(bench: Bench) -> Bench:
    """Three members on hosts of their own, and room for one on each host."""
    bench.cloud.add("m-3", 2)
    bench.cloud.capacity = 1
    return bench


def test_members_are_replaced_one_after_the_other(three: Bench) -> None:
    """The old one is gone before the stand-in of the next one is looked for."""
    order: list[str] = []

    def on_arrow(name: str) -> None:
        if name in ("after journal joined", "after journal released", "before launch"):
            order.append(name.rpartition(" ")[2])

    outcome = replace(three.context(on_arrow=on_arrow), three.truth, ["m-1", "m-2"])
    assert outcome.code == 0
    assert order == ["launch", "joined", "released"] * 2
    three.sound()


def test_member_whose_stand_in_died_stays_until_there_is_another(three: Bench) -> None:
    """A stand-in that joined and died is no stand-in: another is found, and the quorum is never less."""
    fewest = 9

    def watching(name: str) -> None:
        nonlocal fewest
        dying(name)
        running = [m for m in three.cloud.members() if three.cloud.all()[m].state == "running"]
        fewest = min(fewest, len(running))

    dying = acting("after journal joined", lambda: three.cloud.terminate("i-0004"))
    outcome = replace(three.context(on_arrow=watching), three.truth, ["m-1"])
    assert (outcome.code, outcome.admitted, outcome.released) == (0, ("i-0005",), ("m-1",))
    assert [(r.id, r.because) for r in outcome.rejected] == [
        ("i-0004", "it joined, and is a member no more: it is terminated")
    ]
    assert fewest == 3
    three.sound()


def test_no_other_stand_in_within_the_budget_is_said(three: Bench) -> None:
    """Where none is found any more the old one stays, and the code isn't 0."""
    three.cloud.arm(Fault("launch", CapacityError("no room"), skip=1, times=0))
    dying = acting("after journal joined", lambda: three.cloud.terminate("i-0004"))
    outcome = replace(three.context(LaunchSettings(max_minutes=5), on_arrow=dying), three.truth, ["m-1"])
    assert (outcome.code, outcome.admitted, outcome.released) == (1, (), ())
    assert outcome.because.endswith("no stand-in for m-1, which stays")
    assert three.cloud.members() == ["m-1", "m-2", "m-3"]


@pytest.mark.parametrize("undo", ["terminate", "stop", "retire"])
@pytest.mark.parametrize("then", ["gc", "again", "another"])
def test_rolled_back_stand_in_keeps_the_old_member(three: Bench, then: str, undo: str) -> None:
    """Whoever resumes looks at the stand-in first: gone, stopped or taken out of the cluster, it is none."""
    with pytest.raises(Killed):
        replace(three.context(on_arrow=killing("after journal joined")), three.truth, ["m-1"])
    if undo == "retire":
        three.cloud.set_tags("i-0004", {ROLE_TAG: "retired"})
    else:
        three.cloud.set_state("i-0004", "terminated" if undo == "terminate" else "stopped")
    if then == "gc":
        collected = collect(three.context())
        assert collected.code == (4 if undo == "stop" else 0)
        assert "m-1" in three.cloud.members()
    elif then == "again":
        outcome = replace(three.context(), three.truth, ["m-1"])
        if undo == "stop":
            assert outcome.code in (3, 4)
            assert "m-1" in three.cloud.members()
        else:
            assert (outcome.code, outcome.released) == (0, ("m-1",))
            assert len(three.cloud.members()) == 3
    else:
        admit(three.context(), three.truth)
        assert "m-1" in three.cloud.members()


def test_new_member_that_died_is_looked_for_again(three: Bench) -> None:
    """`admit --count 2` is done when two are there: one that died before the end counts as not admitted."""
    dying = acting("after journal joined", lambda: three.cloud.terminate("i-0004"))
    outcome = admit(three.context(on_arrow=dying), three.truth, count=2)
    assert (outcome.code, outcome.admitted) == (0, ("i-0005", "i-0006"))
    three.sound()


def test_new_member_that_dies_at_the_very_end_is_named(three: Bench) -> None:
    """Once the run is ending nobody else is looked for: code 1, and it isn't among the admitted."""
    dying = acting("after journal closing", lambda: three.cloud.terminate("i-0004"))
    outcome = admit(three.context(on_arrow=dying), three.truth)
    assert (outcome.code, outcome.admitted) == (1, ())
    assert outcome.because == "i-0004 joined, and is gone again"


def test_interrupted_replacement_releases_no_member(three: Bench) -> None:
    """Ctrl-C between joining and release ends with both there; the same command goes on from that."""

    def press() -> None:
        raise KeyboardInterrupt

    pressing = acting("after journal joined", press)
    outcome = replace(three.context(on_arrow=pressing), three.truth, ["m-1", "m-2"])
    assert (outcome.code, outcome.admitted, outcome.released) == (130, ("i-0004",), ())
    assert sorted(three.cloud.members()) == ["i-0004", "m-1", "m-2", "m-3"]
    assert collect(three.context()).found == ()
    outcome = replace(three.context(), three.truth, ["m-1", "m-2"])
    assert (outcome.code, outcome.admitted, outcome.released) == (0, ("i-0004", "i-0005"), ("m-1", "m-2"))
    three.sound()


# The operator's commands


def test_commands_hear_of_each_new_and_each_old_member(three: Bench) -> None:
    """`on_join` once a member is in, `before_release` right before the old one goes, in that order."""
    heard: list[str] = []
    hooks = Hooks(
        lambda new, _: heard.append(f"in {new} {new in three.cloud.members()}"),
        lambda old, _: heard.append(f"out {old} {old in three.cloud.members()}"),
    )
    assert replace(three.context(hooks=hooks), three.truth, ["m-1", "m-2"]).code == 0
    assert heard == ["in i-0004 True", "out m-1 True", "in i-0005 True", "out m-2 True"]


def failing(_: str, __: float | None) -> None:
    """Refuse."""
    raise OperationError("the database has not moved yet")


@pytest.mark.parametrize("hooks", [Hooks(on_join=failing), Hooks(before_release=failing)])
def test_command_that_fails_stops_what_would_follow(three: Bench, hooks: Hooks) -> None:
    """No member is released and nothing more launched; once it passes, the same command goes on."""
    outcome = replace(three.context(hooks=hooks), three.truth, ["m-1", "m-2"])
    assert (outcome.code, outcome.admitted, outcome.released) == (4, ("i-0004",), ())
    assert str(outcome.error).startswith("the database has not moved yet")
    assert len(three.cloud.calls("launch")) == 1
    assert collect(three.context()).found == ()
    heard: list[str] = []
    hooks = Hooks(lambda new, _: heard.append(new), lambda old, _: heard.append(old))
    outcome = replace(three.context(hooks=hooks), three.truth, ["m-1", "m-2"])
    assert (outcome.code, outcome.released) == (0, ("m-1", "m-2"))
    assert heard[-3:] == ["m-1", "i-0005", "m-2"]
    three.sound()


def test_gc_asks_the_operators_command_too(three: Bench) -> None:
    """What a killed replacement left is released through the same gate."""
    with pytest.raises(Killed):
        replace(three.context(on_arrow=killing("after journal joined")), three.truth, ["m-1"])
    collected = collect(three.context(hooks=Hooks(before_release=failing)))
    assert "m-1" in three.cloud.members()
    assert collected.released == ()


def test_command_hears_again_of_what_it_may_not_have_heard(three: Bench) -> None:
    """Killed before the command's answer was journalled, it is called again: at least once, never not."""
    heard: list[str] = []
    hooks = Hooks(on_join=lambda new, _: heard.append(new))
    with pytest.raises(Killed):
        admit(three.context(hooks=hooks, on_arrow=killing("before journal welcomed")), three.truth)
    assert admit(three.context(hooks=hooks), three.truth).code == 0
    assert heard == ["i-0004", "i-0004"]


# Keeping the old one


def test_old_one_is_kept_until_asked_again(three: Bench) -> None:
    """`--keep-old` stops once the stand-in is in; without it the same command releases the old one."""
    outcome = replace(three.context(), three.truth, ["m-1"], keep_old=True)
    assert (outcome.code, outcome.admitted, outcome.released) == (0, ("i-0004",), ())
    assert outcome.because == "all asked for are in; m-1 stays beside the stand-in"
    again = replace(three.context(), three.truth, ["m-1"], keep_old=True)
    assert (again.code, again.attempts) == (0, 0)
    assert collect(three.context()).found == ()
    outcome = replace(three.context(), three.truth, ["m-1"])
    assert (outcome.code, outcome.released, outcome.attempts) == (0, ("m-1",), 0)
    three.sound()
