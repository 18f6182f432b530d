"""Unknown is never separate: who can't be measured, or isn't there any more, is not let in."""

from __future__ import annotations

from dataclasses import replace as dc_replace

import pytest

from keepapart.admit import admit
from keepapart.clouds import CANDIDATE, ROLE_TAG
from keepapart.errors import ReachError, UsageError
from keepapart.model import Checked, Instance
from keepapart.settings import LaunchSettings
from tests.admit.conftest import CLUSTER, Bench


def test_member_that_cannot_be_measured_is_refused_to_guess(bench: Bench) -> None:
    """Two unknown candidates in a row end the run with 3: going on would only cost money."""
    bench.truth.silent.add("m-2")
    bench.cloud.capacity = 1  # every candidate is in truth alone on its host
    outcome = admit(bench.context(), bench.truth)
    assert (outcome.code, outcome.attempts, outcome.admitted) == (3, 2, ())
    assert "m-2" in outcome.rejected[0].because
    bench.sound()


def test_excused_member_does_not_count(bench: Bench) -> None:
    """The operator may excuse a member by name; that is journalled."""
    bench.truth.silent.add("m-2")
    outcome = admit(bench.context(), bench.truth, excuse=["m-2"])
    assert outcome.code == 0
    assert all("m-2" not in against for _, against, _ in bench.truth.asked)


def test_excusing_nobody_is_a_usage_error(bench: Bench) -> None:
    """A misspelt name is answered with the members' names, before anything is launched."""
    with pytest.raises(UsageError, match=r"m-3: no such member; the members are m-1, m-2"):
        admit(bench.context(), bench.truth, excuse=["m-3"])
    assert bench.cloud.calls("launch") == []
    assert bench.store.journals.unfinished(CLUSTER) == []


def test_one_bad_candidate_is_tried_past(bench: Bench) -> None:
    """A candidate that can't be reached may be just bad: the next one is tried."""
    bench.truth.silent.add("i-0003")
    assert admit(bench.context(), bench.truth).code == 0
    bench.sound()


def test_stopped_member_is_refused_before_launching(bench: Bench) -> None:
    """A member that isn't running could come back beside anyone: nothing is launched to find that out."""
    bench.cloud.set_state("m-1", "stopped")
    outcome = admit(bench.context(), bench.truth)
    assert outcome.code == 3
    assert "m-1 (stopped)" in outcome.because
    assert bench.cloud.calls("launch") == []


def test_failing_measurement_is_unknown(bench: Bench) -> None:
    """A checker that fails says nothing; that is never separate."""

    def broken(*_: object) -> Checked:
        raise ReachError("no way in to m-1")

    outcome = admit(bench.context(), broken)
    assert outcome.code == 3
    assert "no way in to m-1" in outcome.rejected[0].because
    bench.sound()


def test_pair_of_others_does_not_count(bench: Bench) -> None:
    """A verdict on another pair than the one asked for says nothing."""
    outcome = admit(
        bench.context(),
        lambda c, a, w: Checked([bench.truth.pair("m-1", "m-2") for _ in bench.truth(c, a, w).pairs]),
    )
    assert outcome.code == 3
    bench.sound()


def test_member_that_came_meanwhile_voids_the_verdict(bench: Bench) -> None:
    """A member that the candidate was not checked against stops it from joining."""

    def on_arrow(name: str) -> None:
        if name == "after journal judged" and "late" not in bench.cloud.all():
            bench.cloud.add("late", bench.cloud.host("i-0003"))

    bench.cloud.terminate("m-1")
    outcome = admit(bench.context(on_arrow=on_arrow), bench.truth)
    assert "i-0003" not in outcome.admitted
    assert "shares a host with late" in outcome.rejected[0].because
    bench.sound()


def test_candidate_that_stops_after_its_check_is_not_let_in(bench: Bench) -> None:
    """A verdict is void once its candidate is stopped."""

    def on_arrow(name: str) -> None:
        if name == "after journal judged" and "i-0005" in bench.cloud.all():
            bench.cloud.set_state("i-0005", "stopped")

    outcome = admit(bench.context(on_arrow=on_arrow, policy=LaunchSettings(max_attempts=3)), bench.truth)
    assert outcome.admitted == ()
    assert outcome.rejected[-1].because == "was stopped after the check"


def test_just_joined_member_counts_although_its_tag_is_slow(bench: Bench) -> None:
    """The next candidate is checked against one that joined a moment ago, which the list may lack."""
    listed, described = bench.cloud.instances, bench.cloud.describe

    def lagging(tags: dict[str, str]) -> list[Instance]:
        return [i for i in listed(tags) if i.id in ("m-1", "m-2")]

    def stale(ids: list[str]) -> dict[str, Instance]:
        return {i: dc_replace(x, tags={**x.tags, ROLE_TAG: CANDIDATE}) for i, x in described(ids).items()}

    bench.cloud.instances = lagging  # type: ignore[method-assign,assignment]  # a list that lags for ever
    bench.cloud.describe = stale  # type: ignore[method-assign,assignment]  # and tags that never show
    outcome = admit(bench.context(), bench.truth, count=2)
    assert outcome.code == 0
    assert outcome.admitted[0] in bench.truth.asked[-1][1]
    bench.sound()
