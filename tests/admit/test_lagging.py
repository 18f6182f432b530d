"""A platform that lags: what its lists, descriptions and tags don't show yet is not taken for not there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from keepapart.admit import admit, collect, plan, replace
from keepapart.clouds import CANDIDATE, CLUSTER_TAG, MEMBER, ROLE_TAG, STOPPED
from keepapart.clouds.once import QUIET
from keepapart.errors import CloudError, DeniedError, UsageError
from keepapart.model import Instance
from keepapart.settings import LaunchSettings
from keepapart.testing import Fault, Lag, ProgrammableCloud
from tests.admit.conftest import CLUSTER, Bench
from tests.admit.test_gate import Killed, acting, killing

BEHIND = [1.5, 6.0, 30.0]  # seconds


def settled(bench: Bench) -> None:
    """Let everything show."""
    bench.cloud.lists_lag = bench.cloud.shows_lag = 0.0
    bench.clock.sleep(60.0)


# Who joined is a member, by the journal


@pytest.mark.parametrize("shows_lag", [0.0, 1.5])
@pytest.mark.parametrize("seconds", BEHIND)
def test_gc_right_after_touches_no_new_member(bench: Bench, seconds: float, shows_lag: float) -> None:
    """Neither a list nor a description that is behind makes a candidate of who joined a moment ago."""
    bench.clock.sleep(60.0)
    bench.cloud.lists_lag, bench.cloud.shows_lag = seconds, shows_lag
    outcome = admit(bench.context(), bench.truth)
    assert outcome.code == 0
    (new,) = outcome.admitted
    assert new not in [orphan.id for orphan in collect(bench.context(), dry_run=True).found]
    collected = collect(bench.context())
    assert (collected.code, collected.left) == (0, ())
    assert new not in [call.about for call in bench.cloud.calls("terminate")]
    settled(bench)
    bench.sound()


@pytest.mark.parametrize("seconds", BEHIND)
def test_admissions_in_a_row_know_of_each_other(bench: Bench, seconds: float) -> None:
    """Each checks its candidates against whoever the one before admitted, shown or not."""
    bench.clock.sleep(60.0)
    bench.cloud.lists_lag = seconds
    for _ in range(3):
        assert admit(bench.context(), bench.truth).code == 0
    settled(bench)
    assert len(bench.cloud.members()) == 5
    bench.sound()


def test_member_that_the_platform_does_not_know_yet_ends_the_run_with_3(bench: Bench) -> None:
    """Nobody can be known to be apart from it; `--excuse` is the mend, and time is another."""
    bench.clock.sleep(60.0)
    (new,) = admit(bench.context(), bench.truth).admitted
    bench.cloud.set_tags(new, {CLUSTER_TAG: CLUSTER})
    bench.cloud.lists_lag = bench.cloud.shows_lag = 1_000.0
    bench.cloud.add("m-9", 7)
    outcome = admit(bench.context(), bench.truth)
    assert (outcome.code, outcome.attempts) == (3, 0)
    assert outcome.because == f"can't measure {new} (not shown): replace it, or excuse it with --excuse {new}"


def test_size_that_counts_a_member_that_is_not_shown_ends_with_3(bench: Bench) -> None:
    """It counts, since no other may take its place yet, and nobody knows whether it is there."""
    (new,) = admit(bench.context(), bench.truth).admitted
    bench.cloud.forgets = True
    bench.cloud.terminate(new)
    because = f"3 are in already; nobody knows whether {new} is there, since the platform doesn't show it"
    outcome = admit(bench.context(), bench.truth, to=3)
    assert (outcome.code, outcome.because, outcome.attempts) == (3, because, 0)
    planned = plan(bench.context(), 1, to=3)
    assert (planned.code, planned.steps[-1]) == (3, because)
    assert admit(bench.context(), bench.truth, excuse=[new], to=3).code == 0
    bench.clock.sleep(600.0)
    outcome = admit(bench.context(), bench.truth, to=3)
    assert (outcome.code, len(outcome.admitted)) == (0, 1)
    assert len(bench.cloud.members()) == 3
    bench.sound()


def test_size_that_counts_one_that_vanishes_meanwhile_ends_with_3(bench: Bench) -> None:
    """One that makes it up and is shown no more when all are in may be there or not."""
    bench.cloud.forgets = True
    vanishing = acting("after journal joined", lambda: bench.cloud.terminate("m-1"))
    outcome = admit(bench.context(on_arrow=vanishing), bench.truth, to=3)
    assert (outcome.code, len(outcome.admitted)) == (3, 1)
    assert outcome.because == "nobody knows whether m-1 is there, since the platform doesn't show it"
    assert admit(bench.context(), bench.truth, to=3).code == 0
    assert len(bench.cloud.members()) == 3
    bench.sound()


def test_member_that_ended_is_none_any_more(bench: Bench) -> None:
    """The platform's word that it is terminated ends a membership; it is said once, and its host is free."""
    (new,) = admit(bench.context(), bench.truth).admitted
    bench.cloud.terminate(new)
    assert admit(bench.context(), bench.truth).code == 0
    told = f"{new} is a member no more: it is terminated"
    assert bench.told.count(told) == 1
    admit(bench.context(), bench.truth)
    assert bench.told.count(told) == 1
    bench.sound()


def test_member_that_is_forgotten_long_after_is_none_any_more(bench: Bench) -> None:
    """Platforms forget who ended: unknown for long after it joined, it is gone."""
    (new,) = admit(bench.context(), bench.truth).admitted
    bench.cloud.forgets = True
    bench.cloud.terminate(new)
    assert admit(bench.context(), bench.truth).code == 3
    bench.clock.sleep(600.0)
    assert admit(bench.context(), bench.truth).code == 0
    bench.sound()


@pytest.mark.parametrize("tags", [{ROLE_TAG: "retired"}, {CLUSTER_TAG: "another"}])
def test_member_that_the_operator_took_out_is_none_any_more(bench: Bench, tags: dict[str, str]) -> None:
    """A role that no run ever wrote, or another cluster's name, is the operator's own word."""
    (new,) = admit(bench.context(), bench.truth).admitted
    bench.cloud.set_tags(new, tags)
    assert admit(bench.context(), bench.truth).code == 0
    assert any(line.startswith(f"{new} is a member no more: ") for line in bench.told)
    assert collect(bench.context()).found == ()
    assert bench.cloud.all()[new].state == "running"


# Replies that are older than those before them


class Replicas(ProgrammableCloud):
    """A cloud whose replicas answer in turn, the second one as things were some seconds ago."""

    behind = 0.0
    asked = 0

    def describe(self, ids: Iterable[str]) -> Mapping[str, Instance]:
        self.asked += 1
        self.shows_lag = self.behind if self.asked % 2 == 0 else 0.0
        return super().describe(ids)


@pytest.fixture
def replicas(bench: Bench, tmp_path: Path) -> Bench:
    """The bench, on such a cloud."""
    cloud = Replicas(tmp_path / "cloud.json", clock=bench.clock, sleep=bench.clock.sleep)
    bench.cloud, bench.truth.platform = cloud, cloud
    return bench


@pytest.mark.parametrize("boot", [0.5, 3.0])
@pytest.mark.parametrize("seconds", [1.5, 5.0, 20.0])
@pytest.mark.parametrize("first", [0, 1])
def test_who_runs_is_not_taken_for_pending_again(
    replicas: Bench, seconds: float, boot: float, first: int
) -> None:
    """A candidate that ran once is turned down for its host alone, and a member found dark for none."""
    replicas.clock.sleep(60.0)
    cloud = replicas.cloud
    assert isinstance(cloud, Replicas)
    cloud.behind, cloud.boot_seconds, cloud.asked, cloud.lists_lag = seconds, boot, first, seconds
    outcome = admit(replicas.context(), replicas.truth, to=4)
    assert (outcome.code, len(outcome.admitted)) == (0, 2)
    assert all("shares a host" in rejected.because for rejected in outcome.rejected)
    outcome = replace(replicas.context(), replicas.truth, [outcome.admitted[0]])
    assert outcome.code == 0
    assert all("shares a host" in rejected.because for rejected in outcome.rejected)
    cloud.behind = 0.0
    settled(replicas)
    assert len(cloud.members()) == 4
    replicas.sound()


def test_restarted_candidate_is_not_turned_down_for_an_older_reply(replicas: Bench) -> None:
    """Stopped and started again, it may be shown as stopping once more."""
    replicas.clock.sleep(60.0)
    cloud = replicas.cloud
    assert isinstance(cloud, Replicas)
    cloud.behind, cloud.boot_seconds, cloud.stop_seconds, cloud.habit = 4.0, 2.0, 2.0, "random"
    outcome = admit(replicas.context(LaunchSettings(on_reject="restart")), replicas.truth, to=4)
    assert outcome.code == 0
    assert all("came up" not in line for line in replicas.told)


# A spare that was a member


@pytest.mark.parametrize("tags_late", [False, True])
def test_spare_that_was_a_member_is_a_spare_again(bench: Bench, tags_late: bool) -> None:
    """What was stopped before is stopped when it is replaced, may be started again, is never terminated."""
    for number in (1, 2):
        bench.cloud.add(f"s-{number}", 2, state=STOPPED, role="", **{"keepapart:spare": "yes"})
    bench.cloud.capacity = 1
    policy = LaunchSettings(source="stopped")
    assert admit(bench.context(policy), bench.truth).admitted == ("s-1",)
    if tags_late:
        bench.cloud.tags_after = Lag(seconds=20.0)
    outcome = replace(bench.context(policy), bench.truth, ["s-1"])
    assert (outcome.code, outcome.admitted, outcome.released) == (0, ("s-2",), ("s-1",))
    assert bench.cloud.calls("terminate") == []
    assert bench.cloud.all()["s-1"].state == STOPPED
    settled(bench)
    assert collect(bench.context()).found == ()
    outcome = replace(bench.context(policy), bench.truth, ["s-2"])
    assert (outcome.code, outcome.admitted) == (0, ("s-1",))
    assert bench.cloud.calls("terminate") == []


# What was launched is ours by the journal


@pytest.mark.parametrize("on_reject", ["hold", "terminate"])
def test_rejects_whose_tags_do_not_show_are_released(bench: Bench, on_reject: str) -> None:
    """An id that this run launched is released by that id; no tag yet is no refusal."""
    bench.cloud.tags_after = Lag(seconds=10_000.0)
    most = 0

    def on_arrow(_: str) -> None:
        nonlocal most
        most = max(most, bench.cloud.most_candidates())

    policy = LaunchSettings(on_reject=on_reject, max_attempts=3, max_held=4)  # type: ignore[arg-type]
    outcome = admit(bench.context(policy, on_arrow=on_arrow), bench.truth)
    assert (outcome.code, outcome.left) == (0 if on_reject == "hold" else 1, ())
    assert len(outcome.released) == (2 if on_reject == "hold" else 3)
    assert most <= 4
    alive = set(bench.cloud.alive())
    assert alive == {"m-1", "m-2", *outcome.admitted}


def test_candidate_whose_tags_do_not_show_is_let_in(bench: Bench) -> None:
    """One that was found apart isn't turned down because its tags are late."""
    bench.cloud.tags_after = Lag(seconds=20.0)
    assert admit(bench.context(), bench.truth).code == 0
    settled(bench)
    bench.sound()


def test_another_clusters_tag_is_a_refusal(bench: Bench) -> None:
    """What somebody gave to another cluster isn't ours any more, and that is said, with code 4."""

    def on_arrow(name: str) -> None:
        if name == "after journal closing":
            bench.cloud.set_tags("i-0003", {CLUSTER_TAG: "another"})

    outcome = admit(bench.context(on_arrow=on_arrow), bench.truth)
    assert outcome.code == 4
    assert [(x.id, x.because) for x in outcome.left] == [
        ("i-0003", "it carries the tag of cluster 'another'")
    ]


@pytest.mark.parametrize("seconds", [3.0, 15.0, 50.0])
def test_ctrl_c_terminates_what_does_not_show_yet(bench: Bench, seconds: float) -> None:
    """Terminate is called before "gone" is believed; what never shows in time is named, and `gc` goes on."""
    bench.cloud.known_after = bench.cloud.listed_after = Lag(seconds=seconds)
    pressed = False

    def on_arrow(name: str) -> None:
        nonlocal pressed
        if name == "after journal launched" and not pressed:
            pressed = True
            raise KeyboardInterrupt

    outcome = admit(bench.context(on_arrow=on_arrow), bench.truth)
    assert outcome.code == 130
    assert "i-0003" in [call.about for call in bench.cloud.calls("terminate")]
    if seconds < 20:
        assert outcome.released == ("i-0003",)
    else:
        assert [x.id for x in outcome.left] == ["i-0003"]
        assert collect(bench.context()).released == ("i-0003",)
    assert "i-0003" not in bench.cloud.alive()


def test_gc_asks_by_id_for_what_no_list_shows(bench: Bench) -> None:
    """What a run launched and nobody saw end is found by its journal, whatever lists and tags show."""
    bench.cloud.listed_after = Lag(seconds=1_000.0)
    bench.cloud.tags_after = Lag(seconds=1_000.0)
    seen = False

    class Killed(BaseException):
        pass

    def on_arrow(name: str) -> None:
        nonlocal seen
        seen = seen or name == "after journal launched"
        if seen:
            raise Killed

    with pytest.raises(Killed):
        admit(bench.context(on_arrow=on_arrow), bench.truth)
    assert "i-0003" in [orphan.id for orphan in collect(bench.context(), dry_run=True).found]
    assert "i-0003" in collect(bench.context()).released
    assert "i-0003" not in bench.cloud.alive()
    assert collect(bench.context()).found == ()


def test_an_unanswered_launch_is_looked_for_as_long_as_it_may_be_under_way(bench: Bench) -> None:
    """Killed between the call and its answer: it is released as the run's own."""
    bench.cloud.listed_after = Lag(seconds=QUIET - 5)
    with pytest.raises(Killed):
        admit(bench.context(on_arrow=killing("after launch")), bench.truth)
    assert collect(bench.context()).released == ("i-0003",)
    assert collect(bench.context()).found == ()


def test_gc_gives_up_on_what_never_shows(bench: Bench) -> None:
    """What the platform doesn't know is named with code 4; long after its launch it is gone."""
    bench.cloud.known_after = bench.cloud.listed_after = Lag(seconds=10_000.0)
    outcome = admit(bench.context(LaunchSettings(max_attempts=1)), bench.truth)
    assert outcome.code == 4
    assert [x.id for x in outcome.left] == ["i-0003"]
    assert collect(bench.context()).code == 0
    assert collect(bench.context()).found == ()


def test_no_orphan_twice(bench: Bench) -> None:
    """A candidate that no journal heard of is released by its tags once, though the list is behind."""
    bench.clock.sleep(60.0)
    bench.cloud.add("lost", 5, role=CANDIDATE)
    bench.clock.sleep(10.0)
    bench.cloud.lists_lag = 5.0
    assert collect(bench.context()).released == ("lost",)
    settled(bench)
    assert collect(bench.context()).found == ()


# Another place


class Elsewhere:
    """A cloud of a region: the same calls, and it says where it is."""

    def __init__(self, bench: Bench, **place: str) -> None:
        self._cloud = bench.cloud
        self._place = place

    def where(self) -> dict[str, str]:
        return self._place

    def __getattr__(self, name: str) -> object:
        return getattr(self._cloud, name)


def test_another_region_is_refused(bench: Bench) -> None:
    """With a journal of one region, neither admission nor `gc` does anything in another."""
    home, other = Elsewhere(bench, region="us-east-1"), Elsewhere(bench, region="eu-west-1")
    assert admit(bench.context(cloud=home), bench.truth).code == 0
    before = len(bench.cloud.calls())
    for act in (lambda c: admit(c, bench.truth), lambda c: replace(c, bench.truth, ["m-1"]), collect):
        with pytest.raises(UsageError, match="is of region us-east-1, and this is region eu-west-1"):
            act(bench.context(cloud=other))
    assert not [call for call in bench.cloud.calls()[before:] if call.name != "instances"]
    assert admit(bench.context(cloud=home), bench.truth).code == 0
    assert admit(bench.context(cloud=other, elsewhere=True), bench.truth).code == 0
    assert admit(bench.context(cloud=other), bench.truth).code == 0


def test_what_can_not_be_told_is_no_other_place(bench: Bench) -> None:
    """An account that is told once and not another time is no reason to refuse."""
    known = Elsewhere(bench, region="a", account="7")
    for cloud in (known, Elsewhere(bench, region="a"), known):
        assert admit(bench.context(cloud=cloud), bench.truth).code == 0
    bench.sound()


def test_cloud_that_began_anew_has_nothing_of_before(bench: Bench) -> None:
    """Its ids mean others: neither members nor launches of the journals are looked for there."""
    first, second = Elsewhere(bench, boot="1"), Elsewhere(bench, boot="2")
    (old,) = admit(bench.context(cloud=first), bench.truth).admitted
    pressed = False

    class Killed(BaseException):
        pass

    def on_arrow(name: str) -> None:
        nonlocal pressed
        pressed = pressed or name == "after journal running"
        if pressed:
            raise Killed

    with pytest.raises(Killed):
        admit(bench.context(cloud=first, on_arrow=on_arrow), bench.truth)
    for name in bench.cloud.alive():
        bench.cloud.set_tags(name, {CLUSTER_TAG: "another", ROLE_TAG: MEMBER})
    ended = len(bench.cloud.calls("terminate"))
    assert collect(bench.context(cloud=second)).found == ()
    assert len(bench.cloud.calls("terminate")) == ended
    assert bench.store.journals.unfinished(CLUSTER) == []
    bench.cloud.add("m-9", 7)
    assert admit(bench.context(cloud=second), bench.truth).code == 0
    assert old in bench.cloud.alive()


def test_gc_leaves_what_was_taken_out_of_the_cluster(bench: Bench) -> None:
    """One that was given to another cluster is no longer looked for."""
    bench.cloud.arm(Fault("terminate", CloudError("protected"), times=0))
    admit(bench.context(), bench.truth)
    bench.cloud.clear()
    bench.cloud.set_tags("i-0003", {CLUSTER_TAG: "another"})
    assert collect(bench.context()).released == ("i-0004",)
    assert collect(bench.context()).found == ()
    assert bench.cloud.all()["i-0003"].state == "running"


@pytest.mark.parametrize("lag", BEHIND)
@pytest.mark.parametrize("arrow", ["before tag", "after tag"])
def test_interrupted_while_it_joins_nobody_is_ended_who_is_a_member(
    bench: Bench, arrow: str, lag: float
) -> None:
    """Ctrl-C around the call that makes it one: what came of that is waited for until it would show."""
    bench.clock.sleep(60.0)
    bench.cloud.lists_lag = bench.cloud.shows_lag = lag

    def press() -> None:
        raise KeyboardInterrupt

    outcome = admit(bench.context(on_arrow=acting(arrow, press)), bench.truth)
    assert (outcome.code, len(outcome.admitted)) == (130, int(arrow == "after tag"))
    assert len(bench.cloud.members()) == 2 + len(outcome.admitted)
    settled(bench)
    assert collect(bench.context()).code == 0
    bench.sound()


# A spare that was started is not at rest because it is shown stopped


@pytest.mark.parametrize("lag", BEHIND)
@pytest.mark.parametrize("arrow", ["after start", "after journal launched", "after journal running"])
def test_spare_whose_start_does_not_show_is_stopped(bench: Bench, arrow: str, lag: float) -> None:
    """Interrupted right after its start: what is shown may be from before, so it is told to stop.

    Where that doesn't show in time either it is named as left, and `gc` finds that it is at rest.
    """
    bench.cloud.add("s-1", 0, state=STOPPED, role="")
    settled(bench)
    bench.cloud.shows_lag = bench.cloud.lists_lag = lag

    def press() -> None:
        raise KeyboardInterrupt

    policy = LaunchSettings(source="stopped")
    outcome = admit(bench.context(policy, on_arrow=acting(arrow, press)), bench.truth)
    assert (outcome.code, [*outcome.released, *(x.id for x in outcome.left)]) == (130, ["s-1"])
    assert bench.cloud.all()["s-1"].state == STOPPED
    settled(bench)
    assert collect(bench.context()).code == 0
    bench.sound()


@pytest.mark.parametrize("lag", BEHIND)
def test_gc_stops_a_spare_whose_start_does_not_show(bench: Bench, lag: float) -> None:
    """What a run that is over started and nobody saw stop is told to, though it is shown stopped."""
    bench.cloud.add("s-1", 0, state=STOPPED, role="")
    settled(bench)
    bench.cloud.arm(Fault("stop", DeniedError("it may be protected"), times=0))
    assert admit(bench.context(LaunchSettings(source="stopped")), bench.truth).code == 4
    bench.cloud.clear()
    bench.cloud.shows_lag = bench.cloud.lists_lag = lag
    assert [f.id for f in collect(bench.context(), dry_run=True).found] == ["s-1"]
    collected = collect(bench.context())
    assert (collected.code, collected.released) == (0, ("s-1",))
    assert bench.cloud.all()["s-1"].state == STOPPED
    settled(bench)
    assert collect(bench.context()).found == ()
