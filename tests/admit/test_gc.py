"""What interrupted runs left behind is found and released, and nothing else is touched."""

from __future__ import annotations

import pytest

from keepapart.admit import admit, collect, replace
from keepapart.clouds import CANDIDATE, CLUSTER_TAG, ROLE_TAG, RUN_TAG
from keepapart.settings import LaunchSettings
from keepapart.store import Store
from tests.admit.conftest import Bench, interrupted_at


def test_gc_finds_what_no_journal_heard_of(bench: Bench, tmp_path: object) -> None:
    """A candidate by its tag is released even where the store was lost with everything in it."""
    interrupted_at(bench, "after launch")
    with Store(f"sqlite:///{tmp_path}/new.db") as empty:
        context = bench.context(store=empty)
        assert [f.id for f in collect(context, dry_run=True).found] == ["i-0003"]
        assert bench.cloud.calls("terminate") == []
        assert collect(context).released == ("i-0003",)


def test_gc_ends_a_stopped_left_over(bench: Bench) -> None:
    """What a run launched and somebody stopped is still left behind: `gc` ends it."""
    bench.cloud.add("lost", 0, state="stopped", role=CANDIDATE, **{RUN_TAG: "run-of-old"})
    assert admit(bench.context(LaunchSettings(source="stopped")), bench.truth).attempts == 0
    assert collect(bench.context()).released == ("lost",)
    assert "lost" not in bench.cloud.alive()


def test_gc_leaves_a_running_admission_alone(bench: Bench) -> None:
    """What a living admission owns isn't left behind; what nobody owns is released beside it."""
    bench.cloud.add("orphan", 5, role=CANDIDATE, **{RUN_TAG: "run-of-old"})
    found: list[object] = []

    def on_arrow(name: str) -> None:
        if name == "after journal launched":
            found.append([f.id for f in collect(bench.context(), dry_run=True).found])
            found.append(collect(bench.context()).released)

    assert admit(bench.context(on_arrow=on_arrow), bench.truth).code == 0
    assert found[:4] == [["orphan"], ("orphan",), [], ()]
    bench.sound()


def test_gc_touches_nothing_that_is_not_ours(bench: Bench) -> None:
    """Members, stopped spares, other clusters and whatever carries no role are left alone."""
    bench.cloud.add("other", 4, role=CANDIDATE)
    bench.cloud.set_tags("other", {CLUSTER_TAG: "another"})
    bench.cloud.add("plain", 5, role="")
    bench.cloud.add("rest", 5, role="", state="stopped")
    assert collect(bench.context()).found == ()
    assert bench.cloud.calls("terminate") == []


def test_gc_ends_a_replacement_the_way_it_would_have_ended(bench: Bench) -> None:
    """Where the stand-in is in already, the old member goes; where it isn't, it stays."""
    seen = False

    class Killed(BaseException):
        pass

    def on_arrow(name: str) -> None:
        nonlocal seen
        seen = seen or name == "after journal joined"
        if seen:
            raise Killed

    with pytest.raises(Killed):
        replace(bench.context(on_arrow=on_arrow), bench.truth, ["m-1"])
    assert "m-1" in [f.id for f in collect(bench.context(), dry_run=True).found]
    assert "m-1" in collect(bench.context()).released
    assert len(bench.cloud.members()) == 2
    bench.sound()


def test_tags_are_looked_at_before_each_release(bench: Bench) -> None:
    """A reject that the operator made a member by hand in the meantime is left alone, and that is said."""

    def on_arrow(name: str) -> None:
        if name == "after journal closing":
            bench.cloud.set_tags("i-0003", {ROLE_TAG: "member"})
            bench.cloud.set_tags("i-0004", {CLUSTER_TAG: "another"})

    outcome = admit(bench.context(on_arrow=on_arrow), bench.truth)
    assert {x.id for x in outcome.left} == {"i-0003", "i-0004"}
    assert bench.cloud.calls("terminate") == []
