"""Replacing: a member goes when its stand-in is in, and not before."""

from __future__ import annotations

import pytest

from keepapart.admit import replace
from keepapart.errors import CapacityError, UsageError
from keepapart.settings import LaunchSettings
from keepapart.testing import Fault
from tests.admit.conftest import CLUSTER, Bench


def test_replaced_member_goes_after_its_stand_in_is_in(bench: Bench) -> None:
    """The old one is terminated last, and never before its stand-in is a member."""
    order: list[str] = []

    def on_arrow(name: str) -> None:
        if name in ("after journal joined", "before terminate"):
            order.append(name)

    bench.cloud.add("m-3", 1)
    bench.cloud.capacity = 3
    outcome = replace(bench.context(on_arrow=on_arrow), bench.truth, ["m-3"])
    assert outcome.code == 0
    assert "m-3" in outcome.released
    assert order[0] == "after journal joined"
    assert len(bench.cloud.members()) == 3
    bench.sound()


def test_unknown_member_to_replace_names_the_known(bench: Bench) -> None:
    """An id that is no member's is a usage error, with the members' names."""
    with pytest.raises(UsageError, match=r"m-9: no such member; the members are m-1, m-2"):
        replace(bench.context(), bench.truth, ["m-1", "m-9"])
    assert bench.store.journals.unfinished(CLUSTER) == []


def test_old_members_stay_where_no_stand_in_was_found(bench: Bench) -> None:
    """A replacement that runs out of budget takes nothing away."""
    outcome = replace(bench.context(LaunchSettings(max_attempts=1)), bench.truth, ["m-1"])
    assert outcome.code in (0, 1)
    bench.cloud.hosts = 2
    outcome = replace(bench.context(LaunchSettings(max_attempts=1)), bench.truth, [bench.cloud.members()[0]])
    assert outcome.code == 1
    assert len(bench.cloud.members()) == 2
    bench.sound()


def test_stand_in_beside_a_leaving_member_stands_in_for_this_very_one(bench: Bench) -> None:
    """A member that is to go might stay after all, save the one whose stand-in is in."""
    bench.cloud.add("m-3", 2)
    outcome = replace(bench.context(LaunchSettings(max_attempts=2)), bench.truth, ["m-3", "m-2"])
    assert outcome.code == 0
    assert "i-0005 is in for m-2 (1 of 2)" in bench.told
    bench.sound()


def test_stand_in_beside_two_leaving_members_is_refused(bench: Bench) -> None:
    """Only one of the two is sure to go when the stand-in is in."""
    bench.cloud.capacity = 3
    bench.cloud.move("m-2", 0)
    bench.cloud.hosts = 1
    outcome = replace(bench.context(LaunchSettings(max_attempts=1)), bench.truth, ["m-1", "m-2"])
    assert outcome.code == 1
    assert "shares a host with m-1" in outcome.rejected[0].because
    assert outcome.because.endswith("no stand-in for m-1, m-2, which stay")


def test_member_that_stays_unmeasured_is_told_of(bench: Bench) -> None:
    """A stand-in joins beside one that can't be measured since that one goes too; if not, it ends with 3."""
    bench.cloud.hosts = 3
    bench.cloud.capacity = 1
    bench.cloud.arm(Fault("launch", CapacityError("no room"), skip=1, times=0))
    bench.truth.silent.add("m-1")
    bench.truth.silent.add("m-2")
    outcome = replace(bench.context(LaunchSettings(max_attempts=1)), bench.truth, ["m-1", "m-2"])
    assert (outcome.code, outcome.admitted) == (3, ("i-0003",))
    (awaiting_stand_in,) = {"m-1", "m-2"} & set(bench.cloud.members())
    assert f"could not be measured: i-0003 and {awaiting_stand_in}" in outcome.because


def test_dead_members_can_be_replaced(bench: Bench) -> None:
    """Members about to go needn't be measured, and are asked after once only."""
    bench.cloud.set_state("m-2", "stopped")
    bench.truth.silent.add("m-1")
    outcome = replace(bench.context(), bench.truth, ["m-1", "m-2"])
    assert outcome.code == 0
    assert sorted(outcome.released)[-2:] == ["m-1", "m-2"]
    bench.sound()
