"""A platform that fails: at every call, before or after the effect, once or for a while."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from keepapart.admit import Outcome, admit, collect, replace
from keepapart.errors import CapacityError, CloudError, NotFoundError, OperationError
from keepapart.model import Checked, Instance
from keepapart.settings import LaunchSettings
from keepapart.testing import Fault, Lag
from tests.admit.conftest import Bench

READS = ("instances", "describe")
EFFECTS = ("launch", "tag", "start", "stop", "terminate")
DEAF = Fault("terminate", None, times=0, id="i-0003")
FAULTS = [(call, False, times) for call in READS for times in (1, 6)]
FAULTS += [(call, after, times) for call in EFFECTS for after in (False, True) for times in (1, 3, 6)]


@pytest.mark.parametrize(("call", "after", "times"), FAULTS)
def test_error_at_each_call(bench: Bench, call: str, after: bool, times: int) -> None:
    """Whichever call fails, however long: nothing is lost, doubled or let in wrongly; `gc` finds the rest."""
    for nth in itertools.count(1):
        _back_to_two(bench)
        before = len(bench.cloud.calls())
        bench.cloud.arm(Fault(call, CloudError(f"{call} broke"), nth - 1, times, after))
        outcome = _attempted(bench)
        bench.cloud.clear()
        befell = any(made.fault for made in bench.cloud.calls()[before:])
        if times < 5:
            assert outcome is not None, "a fault that passes is survived"
            assert outcome.code == 0, "a fault that passes is survived"
        if outcome is None or outcome.code:
            assert not collect(bench.context()).left
        bench.sound()
        assert "s-1" in bench.cloud.alive()
        if not befell:
            break  # there is no nth call any more
    assert nth > 1


def _attempted(bench: Bench) -> Outcome | None:
    try:
        return admit(bench.context(LaunchSettings(source="stopped-then-launch")), bench.truth)
    except OperationError:
        return None


def _back_to_two(bench: Bench) -> None:
    """Begin again: two members, and a stopped instance that will come up beside one of them."""
    for name in bench.cloud.alive():
        if name not in ("m-1", "m-2", "s-1"):
            bench.cloud.terminate(name)
    if "s-1" not in bench.cloud.all():
        bench.cloud.add("s-1", 0, state="stopped", role="")


def test_first_cause_is_kept(bench: Bench) -> None:
    """An outage that ends in "limit exceeded" is told as what it was first."""
    bench.cloud.arm(
        Fault("launch", CloudError("connection refused")),
        Fault("launch", CloudError("limit exceeded"), times=9),
    )
    outcome = admit(bench.context(), bench.truth)
    assert (outcome.code, outcome.because) == (4, "connection refused")
    bench.sound()


def test_no_room_backs_off_and_goes_on(bench: Bench) -> None:
    """Capacity errors are waited out with growing pauses, on the same attempt, and cost none."""
    bench.cloud.arm(Fault("launch", CapacityError("full"), times=5))
    began = bench.clock()
    outcome = admit(bench.context(), bench.truth)
    assert (outcome.code, outcome.attempts) == (0, 3)
    assert bench.clock() - began >= 2 + 4 + 8 + 16 + 32
    tokens = [call.about for call in bench.cloud.calls("launch")]
    assert tokens[:6] == [tokens[0]] * 6
    bench.sound()


def test_no_room_until_the_time_is_spent(bench: Bench) -> None:
    """A full cloud isn't asked for ever: the time budget ends it with 1."""
    bench.cloud.arm(Fault("launch", CapacityError("full"), times=0))
    began = bench.clock()
    outcome = admit(bench.context(LaunchSettings(max_minutes=5)), bench.truth)
    assert outcome.code == 1
    assert "full" in outcome.because
    assert bench.clock() - began <= 5 * 60 + 10
    assert len(bench.cloud.calls("launch")) < 10
    bench.sound()


def test_not_found_right_after_launch_is_waited_out(bench: Bench) -> None:
    """An instance that describe doesn't know yet is never launched again."""
    bench.cloud.known_after = Lag(calls=8)
    outcome = admit(bench.context(), bench.truth)
    assert (outcome.code, len(bench.cloud.tokens())) == (0, 3)
    bench.sound()


def test_tag_not_found_yet_is_waited_out(bench: Bench) -> None:
    """Joining waits for a platform whose tagging lags behind its describing."""
    bench.cloud.arm(Fault("tag", NotFoundError("no such instance"), times=4))
    assert admit(bench.context(), bench.truth).code == 0
    bench.sound()


def test_instance_that_never_runs_is_rejected(bench: Bench) -> None:
    """Every wait has a deadline: a candidate that stays pending is let go, and the next one tried."""

    def on_arrow(name: str) -> None:
        if name == "after launch" and len(bench.cloud.tokens()) == 1:
            bench.cloud.set_state("i-0003", "pending")

    outcome = admit(bench.context(on_arrow=on_arrow), bench.truth)
    assert outcome.code == 0
    assert outcome.rejected[0].because == "still pending after 600 s"
    bench.sound()


def test_instance_that_dies_while_checked(bench: Bench) -> None:
    """A candidate that is gone when its check ends isn't let in."""

    def dying(*asked: Sequence[Instance]) -> Checked:
        pairs = bench.truth(*asked)
        bench.cloud.terminate(bench.truth.asked[-1][0])
        return pairs

    outcome = admit(bench.context(LaunchSettings(max_attempts=3)), dying)
    assert (outcome.code, outcome.admitted) == (1, ())
    bench.sound()


def test_terminate_is_repeated_until_gone(bench: Bench) -> None:
    """A terminate that doesn't take is made again until the platform says that it did."""

    def on_arrow(_: str) -> None:
        if len(bench.cloud.calls("terminate")) >= 4:
            bench.cloud.clear()

    bench.cloud.arm(DEAF)
    outcome = admit(bench.context(on_arrow=on_arrow), bench.truth)
    assert outcome.code == 0
    bench.sound()


def test_one_that_never_goes_blocks_no_other(bench: Bench) -> None:
    """A reject that won't die is named and ends in 4; the others are gone; `gc` goes on about it."""
    bench.cloud.arm(DEAF)
    outcome = admit(bench.context(), bench.truth)
    assert outcome.code == 4
    assert [x.id for x in outcome.left] == ["i-0003"]
    assert outcome.released == ("i-0004",)
    assert [f.id for f in collect(bench.context(), dry_run=True).found] == ["i-0003"]
    assert collect(bench.context()).code == 4
    bench.cloud.clear()
    assert collect(bench.context()).released == ("i-0003",)
    bench.sound()


def test_platform_that_forgets_the_terminated(bench: Bench) -> None:
    """Unknown to the platform counts as gone, for what was seen running before."""
    bench.cloud.forgets = True
    assert replace(bench.context(), bench.truth, ["m-2"]).code == 0
    bench.sound()


def test_used_token_with_other_parameters_is_never_sent(bench: Bench) -> None:
    """The request is repeated as journalled, although the configuration has changed since."""
    seen = False

    class Killed(BaseException):
        pass

    def on_arrow(name: str) -> None:
        nonlocal seen
        seen = seen or name == "after launch"
        if seen:
            raise Killed

    with pytest.raises(Killed):
        admit(bench.context(on_arrow=on_arrow, parameters={"zone": "a"}), bench.truth)
    bench.cloud.set_tags("i-0003", {"keepapart:run": "not yet shown"})  # so that it must launch again
    outcome = admit(bench.context(parameters={"zone": "b"}), bench.truth)
    assert outcome.code == 0
    assert len(set(bench.cloud.tokens())) == len(bench.cloud.tokens()) == 3
