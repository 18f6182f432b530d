"""A call refused for one instance: the others go on; it is named, ends with 4, and the run is closed."""

from __future__ import annotations

import pytest

from keepapart.admit import admit, collect, replace
from keepapart.clouds import CANDIDATE, RUN_TAG, STOPPED
from keepapart.errors import CloudError
from keepapart.settings import LaunchSettings
from keepapart.testing import Fault
from tests.admit.conftest import CLUSTER, Bench
from tests.admit.test_gate import Killed, killing

PROTECTED = CloudError("terminating it: OperationNotPermitted; it may be protected")


def protect(bench: Bench, instance_id: str, call: str = "terminate") -> None:
    """Refuse this call for one instance, for good."""
    bench.cloud.arm(Fault(call, PROTECTED, times=0, id=instance_id))


def test_protected_reject_blocks_nothing(bench: Bench) -> None:
    """All asked for are in, every other reject is gone, the run is closed, and the next one begins."""
    protect(bench, "i-0003")
    outcome = admit(bench.context(), bench.truth, count=2)
    assert (outcome.code, len(outcome.admitted)) == (4, 2)
    assert [x.id for x in outcome.left] == ["i-0003"]
    assert "OperationNotPermitted" in outcome.left[0].because
    assert bench.store.journals.unfinished(CLUSTER) == []
    assert set(bench.cloud.alive()) == {"i-0003", *bench.cloud.members()}
    assert admit(bench.context(), bench.truth).code == 0


def test_gc_goes_on_about_a_protected_one(bench: Bench) -> None:
    """`gc` releases everything else, names the protected one with code 4, and has it once that is over."""
    protect(bench, "i-0003")
    admit(bench.context(), bench.truth)
    for number in (1, 2):
        bench.cloud.add(f"lost-{number}", 6, role=CANDIDATE, **{RUN_TAG: "run-of-old"})
    collected = collect(bench.context())
    assert (collected.code, collected.released) == (4, ("lost-1", "lost-2"))
    assert [x.id for x in collected.left] == ["i-0003"]
    bench.cloud.clear()
    assert collect(bench.context()).released == ("i-0003",)
    bench.sound()


def test_gc_tries_what_an_unfinished_run_had_left(bench: Bench) -> None:
    """A run that was killed after it left one is closed, and that one told to go as any other."""
    protect(bench, "i-0003")
    with pytest.raises(Killed):
        admit(bench.context(on_arrow=killing("after journal leftalone")), bench.truth)
    bench.cloud.clear()
    collected = collect(bench.context())
    assert (collected.code, collected.left) == (0, ())
    assert "i-0003" in collected.released
    bench.sound()


def test_gc_names_a_member_that_an_unfinished_run_had_left(bench: Bench) -> None:
    """It is for the same command to release it, once its stand-in was looked at again."""
    protect(bench, "m-1")
    with pytest.raises(Killed):
        replace(bench.context(on_arrow=killing("after journal leftalone")), bench.truth, ["m-1"])
    bench.cloud.clear()
    collected = collect(bench.context())
    assert (collected.code, [x.id for x in collected.left]) == (4, ["m-1"])
    assert replace(bench.context(), bench.truth, ["m-1"]).code == 0
    bench.sound()


def test_what_was_left_is_told_to_go_once_more_at_the_end(bench: Bench) -> None:
    """A refusal that passes while the run goes on leaves nothing."""
    bench.cloud.arm(Fault("terminate", PROTECTED, times=5, id="i-0003"))
    outcome = admit(bench.context(LaunchSettings(on_reject="terminate", max_attempts=2)), bench.truth)
    assert (outcome.code, outcome.left) == (1, ())
    assert "i-0003" in outcome.released
    bench.sound()


def test_protected_member_stays_and_the_next_is_replaced(bench: Bench) -> None:
    """A replaced member that is protected is named; it stays a member, and holds up no other."""
    protect(bench, "m-1")
    outcome = replace(bench.context(), bench.truth, ["m-1", "m-2"])
    assert (outcome.code, len(outcome.admitted)) == (4, 2)
    assert [x.id for x in outcome.left] == ["m-1"]
    assert "m-2" in outcome.released
    assert "m-1" in bench.cloud.members()
    bench.cloud.clear()
    outcome = replace(bench.context(), bench.truth, ["m-1", "m-2"])
    assert (outcome.code, outcome.released, outcome.attempts) == (0, ("m-1",), 0)
    bench.sound()


@pytest.mark.parametrize("call", ["tag", "start"])
def test_spare_that_can_not_be_started_is_passed_over(bench: Bench, call: str) -> None:
    """The next spare is started; the one that was refused ends as it began."""
    for number in (1, 2):
        bench.cloud.add(f"s-{number}", 0, state=STOPPED, role="")
    bench.cloud.set_state("m-1", "terminated")
    bench.cloud.set_state("m-2", "terminated")
    bench.cloud.arm(Fault(call, PROTECTED, times=5, id="s-1"))
    outcome = admit(bench.context(LaunchSettings(source="stopped")), bench.truth)
    assert outcome.admitted == ("s-2",)
    assert bench.cloud.all()["s-1"].state == STOPPED
    assert bench.cloud.calls("terminate") == []
    assert outcome.code == 0
    bench.sound()


def test_candidate_that_can_not_be_made_a_member_is_turned_down(bench: Bench) -> None:
    """Its tag is refused: it is let go of, and another is found."""
    protect(bench, "i-0005", "tag")
    outcome = admit(bench.context(), bench.truth)
    assert (outcome.code, outcome.admitted) == (0, ("i-0006",))
    assert "i-0005" in outcome.released
    bench.sound()


@pytest.mark.parametrize("on_reject", ["hold", "terminate"])
def test_protected_rejects_count_as_held(bench: Bench, on_reject: str) -> None:
    """`max_held` is never passed: what can't be released counts, and ends the run where no place is left."""
    bench.cloud.arm(Fault("terminate", PROTECTED, times=0))
    policy = LaunchSettings(on_reject=on_reject, max_held=1)  # type: ignore[arg-type]
    outcome = admit(bench.context(policy), bench.truth)
    assert (outcome.code, len(bench.cloud.tokens())) == (4, 1)
    assert [x.id for x in outcome.left] == ["i-0003"]
    assert bench.store.journals.unfinished(CLUSTER) == []


def test_refused_clean_up_blocks_no_admission(bench: Bench) -> None:
    """An earlier run whose candidate can't be released is closed all the same."""
    with pytest.raises(ZeroDivisionError):
        admit(bench.context(), lambda *_: 1 / 0)  # type: ignore[arg-type]
    bench.cloud.arm(Fault("terminate", PROTECTED, times=0, id="i-0004"))
    with pytest.raises(ZeroDivisionError):
        admit(bench.context(), lambda *_: 1 / 0)  # type: ignore[arg-type]
    assert admit(bench.context(), bench.truth).code == 0
    assert bench.store.journals.unfinished(CLUSTER) == []
    assert [x.id for x in collect(bench.context()).left] == ["i-0004"]
