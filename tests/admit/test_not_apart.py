"""Members that a run leaves beside each other, since one of them was to go and didn't: never unsaid."""

from __future__ import annotations

import json

import pytest

from keepapart.admit import admit, collect, move, plan, replace
from keepapart.admit.events import Finished, decode
from keepapart.documents.base import text
from keepapart.errors import CloudError
from keepapart.testing import Fault
from tests.admit.conftest import CLUSTER, Bench
from tests.admit.test_gate import Killed, acting, killing

SHARED = {"a": "i-0004", "b": "m-2", "verdict": "co-resident"}
SAID = "i-0004 and m-2 share a host"


def protect(bench: Bench, member: str = "m-2") -> None:
    """Have the platform refuse to end a member. Its stand-in i-0004 comes up beside it on this bench."""
    bench.cloud.arm(Fault("terminate", CloudError("OperationNotPermitted"), times=0, id=member))


def said_of(bench: Bench) -> object:
    """Return what the journals of finished runs say in the end of members beside each other."""
    rows = bench.store.journals.of_cluster(CLUSTER, ["finished"])
    ends = [decode(kind, data) for _, _, kind, data in rows]
    pairs = [p for end in ends if isinstance(end, Finished) for p in end.not_apart or ()]
    return [(pair.a, pair.b, pair.verdict) for pair in pairs]


def test_stand_in_beside_an_old_one_that_cannot_be_ended_is_named(bench: Bench) -> None:
    """In the line, in the document, with what is left, and in the journal's end; code 4."""
    protect(bench)
    outcome = replace(bench.context(), bench.truth, ["m-2"])
    assert (outcome.code, outcome.admitted) == (4, ("i-0004",))
    assert SAID in outcome.because
    document = json.loads(text(outcome.document()))
    assert document["not_apart"] == [SHARED]
    assert document["left"][0]["because"].endswith("it shares a host with its stand-in i-0004")
    assert said_of(bench) == [("i-0004", "m-2", "co-resident")]


def test_a_size_that_counts_both_says_so(bench: Bench) -> None:
    """`--to` has its number, and yet not each on a host of its own: 3, also of a dry run and of more."""
    protect(bench)
    replace(bench.context(), bench.truth, ["m-2"])
    outcome = admit(bench.context(), bench.truth, to=3)
    assert (outcome.code, outcome.attempts) == (3, 0)
    assert SAID in outcome.because
    assert json.loads(text(outcome.document()))["not_apart"] == [SHARED]
    planned = plan(bench.context(), 1, to=3)
    assert planned.code == 3
    assert SAID in planned.steps[-1]
    outcome = admit(bench.context(), bench.truth, to=4)
    assert (outcome.code, len(outcome.admitted)) == (3, 1)
    assert SAID in outcome.because


def test_a_step_is_done_and_says_so(bench: Bench) -> None:
    """`--count` is about the new ones: 0, and those of before are named all the same."""
    protect(bench)
    replace(bench.context(), bench.truth, ["m-2"])
    outcome = admit(bench.context(), bench.truth)
    assert outcome.code == 0
    assert SAID in outcome.because


@pytest.mark.parametrize("then", ["replaced", "ended", "moved"])
def test_it_is_said_until_they_are_apart(bench: Bench, then: str) -> None:
    """Once one of them is released or gone, or a move found it apart, there is nothing to say."""
    protect(bench)
    replace(bench.context(), bench.truth, ["m-2"])
    bench.cloud.clear()
    if then == "replaced":
        assert replace(bench.context(), bench.truth, ["m-2"]).code == 0
    elif then == "ended":
        bench.cloud.terminate("m-2")
    else:
        bench.cloud.capacity = 1
        assert move(bench.context(), bench.truth, ["m-2"]).code == 0
    outcome = admit(bench.context(), bench.truth, to=3)
    assert (outcome.code, outcome.document().not_apart or ()) == (0, ())


@pytest.mark.parametrize("arrow", ["after journal joined", "before terminate"])
def test_interrupted_between_joining_and_release_it_is_named(bench: Bench, arrow: str) -> None:
    """Ctrl-C keeps the old one, beside its stand-in as it is: that is said, now and later."""

    def press() -> None:
        if "i-0004" in bench.cloud.members():
            raise KeyboardInterrupt

    outcome = replace(bench.context(on_arrow=acting(arrow, press)), bench.truth, ["m-2"])
    assert outcome.code == 130
    assert json.loads(text(outcome.document()))["not_apart"] == [SHARED]
    assert admit(bench.context(), bench.truth, to=3).code == 3


def test_gc_names_it_too(bench: Bench) -> None:
    """Where `gc` is who finds that the old one can't be ended."""
    with pytest.raises(Killed):
        replace(bench.context(on_arrow=killing("after journal joined")), bench.truth, ["m-2"])
    protect(bench)
    collected = collect(bench.context())
    assert collected.code == 4
    assert collected.left[0].because.endswith("it shares a host with its stand-in i-0004")


def test_stand_in_of_an_unmeasured_member_that_stays_is_named(bench: Bench) -> None:
    """What isn't known to be apart may share a host: kept, or impossible to end, that is said with 3 or 4."""
    bench.cloud.capacity = 1
    bench.truth.silent.add("m-2")
    outcome = replace(bench.context(), bench.truth, ["m-2"], keep_old=True)
    assert (outcome.code, outcome.admitted) == (3, ("i-0003",))
    assert "could not be measured: i-0003 and m-2" in outcome.because
    protect(bench)
    outcome = replace(bench.context(), bench.truth, ["m-2"])
    assert outcome.code == 4
    assert [(p.a, p.b, p.verdict) for p in outcome.not_apart] == [("i-0003", "m-2", "unknown")]
