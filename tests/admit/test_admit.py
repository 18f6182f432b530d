"""Admission: what is let in, what is held, what is let go."""

from __future__ import annotations

import json

import pytest

from keepapart.admit import admit, collect, plan
from keepapart.clouds import ATTEMPT_TAG, CANDIDATE, CLUSTER_TAG, ROLE_TAG, RUN_TAG
from keepapart.documents.base import text
from keepapart.errors import UsageError
from keepapart.settings import LaunchSettings
from tests.admit.conftest import CLUSTER, Bench


def test_admits_as_many_as_asked_each_on_its_own_host(bench: Bench) -> None:
    """With a scheduler that packs, candidates beside members are turned down until the asked count is in."""
    outcome = admit(bench.context(), bench.truth, count=2)
    assert outcome.code == 0
    assert len(bench.cloud.members()) == 4
    bench.sound()


def test_document_is_the_contracts(bench: Bench) -> None:
    """The JSON of `admit --json`, key for key."""
    document = json.loads(text(admit(bench.context(), bench.truth).document()))
    assert document == {
        "schema": "keepapart.admit/1",
        "admitted": ["i-0005"],
        "rejected": [
            {"id": "i-0003", "because": "shares a host with m-1: 2 hops in 8 of 8 flows"},
            {"id": "i-0004", "because": "shares a host with m-2: 2 hops in 8 of 8 flows"},
        ],
        "released": ["i-0003", "i-0004"],
        "left": [],
        "attempts": 3,
        "seconds": document["seconds"],
        "code": 0,
        "error": None,
    }


def test_first_member_of_an_empty_cluster(bench: Bench) -> None:
    """With no member yet there is nobody to share a host with."""
    bench.cloud.terminate("m-1")
    bench.cloud.terminate("m-2")
    assert admit(bench.context(), bench.truth).admitted == ("i-0003",)
    bench.sound()


def test_tags_are_in_the_launch_call(bench: Bench) -> None:
    """An instance is never without its owner's name: cluster, run, attempt and role come with the launch."""
    bench.truth.silent.add("m-1")
    arrows: list[str] = []
    admit(bench.context(LaunchSettings(max_attempts=1), on_arrow=arrows.append), bench.truth)
    assert "before tag" not in arrows
    tags = bench.cloud.all()["i-0003"].tags
    assert tags[CLUSTER_TAG] == CLUSTER
    assert tags[RUN_TAG].startswith("run-")
    assert (tags[ATTEMPT_TAG], tags[ROLE_TAG]) == ("1", CANDIDATE)


def test_intent_is_durable_before_the_launch_call(bench: Bench) -> None:
    """Token and tags are in the journal before the platform is called."""
    journalled: list[list[str]] = []

    def on_arrow(name: str) -> None:
        if name == "before launch":
            (run,) = bench.store.journals.unfinished(CLUSTER)
            journalled.append([kind for _, kind, _ in bench.store.journals.events(run)])

    admit(bench.context(on_arrow=on_arrow), bench.truth)
    assert len(journalled) == 3
    assert all(kinds[-1] == "intended" for kinds in journalled)


def test_rejects_are_held_until_done(bench: Bench) -> None:
    """A freed slot would be filled first: a sticky scheduler is beaten by holding alone."""
    bench.cloud.habit = "sticky"
    assert admit(bench.context(LaunchSettings(on_reject="terminate", max_attempts=5)), bench.truth).code == 1
    bench.sound()
    assert admit(bench.context(LaunchSettings(max_attempts=5)), bench.truth).code == 0
    bench.sound()


def test_held_rejects_are_witnesses(bench: Bench) -> None:
    """Rejects that still run help to measure the next candidate; they're never among those that decide."""
    admit(bench.context(), bench.truth)
    assert bench.truth.asked[-1] == ("i-0005", ("m-1", "m-2"), ("i-0003", "i-0004"))


def test_no_more_are_held_than_allowed(bench: Bench) -> None:
    """`max_held` bounds what costs money at once."""
    most = 0

    def on_arrow(_: str) -> None:
        nonlocal most
        most = max(most, len(bench.cloud.alive()) - len(bench.cloud.members()))

    admit(bench.context(LaunchSettings(max_held=2, max_attempts=6), on_arrow=on_arrow), bench.truth)
    assert most == 2
    bench.sound()


def test_rejects_are_stopped_where_the_policy_says_so(bench: Bench) -> None:
    """`on_reject = "stop"` keeps the rejects, stopped; `gc` doesn't take them for left behind."""
    outcome = admit(bench.context(LaunchSettings(on_reject="stop", max_attempts=12)), bench.truth)
    assert (outcome.code, len(outcome.rejected)) == (1, 12), "a freed slot is filled first"
    for rejected in outcome.rejected:
        assert bench.cloud.all()[rejected.id].state == "stopped"
    assert collect(bench.context()).found == ()
    bench.sound()


def test_attempts_are_a_budget(bench: Bench) -> None:
    """When the attempts are spent it ends with 1 and leaves nothing."""
    outcome = admit(bench.context(LaunchSettings(max_attempts=2)), bench.truth)
    assert (outcome.code, outcome.attempts, outcome.admitted) == (1, 2, ())
    bench.sound()


def test_attempts_are_counted_anew_for_each_member(bench: Bench) -> None:
    """Whoever asks for more may try more: the budget is for each member asked for."""
    outcome = admit(bench.context(LaunchSettings(max_attempts=3)), bench.truth, count=3)
    assert (outcome.code, outcome.attempts) == (0, 7)
    bench.sound()


def test_none_can_not_be_asked_for(bench: Bench) -> None:
    """Asking for no member at all is a usage error."""
    with pytest.raises(UsageError):
        admit(bench.context(), bench.truth, count=0)


# Stopped instances as a source


def test_stopped_instances_are_started_and_stopped_again(bench: Bench) -> None:
    """`source = "stopped"` launches nothing and terminates nothing; rejects end as they began."""
    for number in range(1, 5):
        bench.cloud.add(f"s-{number}", 0, state="stopped", role="")
    outcome = admit(bench.context(LaunchSettings(source="stopped")), bench.truth)
    assert (outcome.code, outcome.admitted) == (0, ("s-3",))
    assert bench.cloud.calls("launch") == []
    assert bench.cloud.calls("terminate") == []
    assert {i: x.state for i, x in bench.cloud.all().items() if i[0] == "s"} == {
        "s-1": "stopped",
        "s-2": "stopped",
        "s-3": "running",
        "s-4": "stopped",
    }
    assert collect(bench.context()).found == ()
    bench.sound()


def test_no_stopped_instance_left_ends_the_run(bench: Bench) -> None:
    """With nothing to start and launching not allowed, the budget is spent."""
    bench.cloud.add("s-1", 0, state="stopped", role="")
    outcome = admit(bench.context(LaunchSettings(source="stopped")), bench.truth)
    assert (outcome.code, outcome.attempts) == (1, 1)
    bench.sound()


def test_falls_through_to_launching(bench: Bench) -> None:
    """`stopped-then-launch` launches when each stopped instance was tried once."""
    bench.cloud.add("s-1", 0, state="stopped", role="")
    outcome = admit(bench.context(LaunchSettings(source="stopped-then-launch")), bench.truth)
    assert outcome.code == 0
    assert outcome.released == ("s-1", "i-0004")
    assert bench.cloud.all()["s-1"].state == "stopped"
    bench.sound()


def test_stopped_member_is_never_started_as_a_candidate(bench: Bench) -> None:
    """Only what is no member may be started."""
    bench.cloud.add("m-3", 2, state="stopped")
    assert admit(bench.context(LaunchSettings(source="stopped")), bench.truth, excuse=["m-3"]).code == 1
    assert bench.cloud.calls("start") == []


def test_dry_run_launches_nothing(bench: Bench) -> None:
    """A plan says what would happen, and writes nothing anywhere."""
    planned = plan(bench.context(), 1)
    assert planned.members == ("m-1", "m-2")
    assert "launch a candidate" in planned.steps
    assert bench.cloud.calls("launch") == []
    assert bench.store.journals.unfinished(CLUSTER) == []
