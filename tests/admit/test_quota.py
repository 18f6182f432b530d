"""A quota of the operator's own: what is held is let go of before a run gives up for it."""

from __future__ import annotations

import pytest

from keepapart.admit import admit, move, replace
from keepapart.clouds import RUNNING
from keepapart.clouds.once import QUIET
from keepapart.errors import ExitCode
from keepapart.settings import LaunchSettings
from tests.admit.conftest import Bench, interrupted_at


def test_rejects_make_room_for_the_next_candidate(bench: Bench) -> None:
    """Two members and a quota of three: each reject goes before the next launch, until one is apart."""
    bench.cloud.quota, bench.cloud.habit, bench.cloud.hosts = 3, "random", 3
    outcome = admit(bench.context(LaunchSettings(max_attempts=40)), bench.truth, count=1)
    assert (outcome.code, len(outcome.released)) == (ExitCode.OK, outcome.attempts - 1)
    assert outcome.released
    bench.sound()


def test_the_one_held_longest_goes_and_no_more_than_need_be(bench: Bench) -> None:
    """Of two that are held one goes, and the other keeps its slot."""
    bench.cloud.quota = 4
    outcome = admit(bench.context(LaunchSettings(max_attempts=3)), bench.truth)
    assert (outcome.code, outcome.attempts) == (ExitCode.NO, 3)
    calls = [(call.name, call.about) for call in bench.cloud.calls() if call.name in ("launch", "terminate")]
    assert [name for name, _ in calls[:5]] == ["launch", "launch", "launch", "terminate", "launch"]
    assert calls[3] == ("terminate", "i-0003")
    bench.sound()


def test_replace_gets_on_within_a_quota(bench: Bench) -> None:
    """One more than there are members is enough to replace them all, one after the other."""
    bench.cloud.quota, bench.cloud.habit, bench.cloud.hosts = 3, "random", 4
    outcome = replace(bench.context(LaunchSettings(max_attempts=40)), bench.truth, ["m-1", "m-2"])
    assert outcome.code == ExitCode.OK
    assert not {"m-1", "m-2"} & set(bench.cloud.members())
    bench.sound()


def test_nothing_held_ends_the_run_in_the_platforms_words(bench: Bench) -> None:
    """No wait helps: code 4, at once, and no member goes for it."""
    bench.cloud.quota = 2
    outcome = replace(bench.context(), bench.truth, ["m-1"])
    assert outcome.code == ExitCode.FAILED
    assert outcome.because.startswith("2 of 2 instances are in use; release instances")
    assert len(bench.cloud.calls("launch")) == 1
    assert outcome.seconds < QUIET
    assert bench.cloud.members() == ["m-1", "m-2"]


@pytest.mark.parametrize("arrow", ["after journal overquota", "after terminate", "after journal released"])
def test_killed_on_the_way_it_goes_on(bench: Bench, arrow: str) -> None:
    """The attempt that the quota kept back is launched with its own token once there is room."""
    bench.cloud.quota = 3
    interrupted_at(bench, arrow)
    bench.cloud.habit = "random"
    assert admit(bench.context(LaunchSettings(max_attempts=40)), bench.truth).code == ExitCode.OK
    bench.sound()


def test_a_move_does_without_a_throwaway(bench: Bench) -> None:
    """A throwaway is no candidate: without room for it the member starts all the same."""
    bench.cloud.quota, bench.cloud.habit = 3, "random"
    bench.cloud.add("m-3", 0)
    outcome = move(bench.context(LaunchSettings(max_attempts=40)), bench.truth, ["m-3"], hold=True)
    assert outcome.code == ExitCode.OK
    assert all(i.state == RUNNING for i in bench.cloud.alive().values())
