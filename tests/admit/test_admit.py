"""Admission: what is let in, what is held, what is let go."""

from __future__ import annotations

import json
from dataclasses import replace as dc_replace

import pytest

from keepapart.admit import admit, collect, plan, replace
from keepapart.clouds import ATTEMPT_TAG, CANDIDATE, CLUSTER_TAG, ROLE_TAG, RUN_TAG
from keepapart.config import Launch
from keepapart.errors import LeaseError, OperationError, ReachError, UsageError
from keepapart.model import Instance, Pair
from keepapart.store import Store
from tests.admit.cloud import CLUSTER
from tests.admit.conftest import Bench


def test_admits_as_many_as_asked_each_on_its_own_host(bench: Bench) -> None:
    """With a scheduler that packs, candidates beside members are turned down until the asked count is in."""
    outcome = admit(bench.site(), bench.truth, count=2)
    assert outcome.code == 0
    assert len(bench.cloud.members()) == 4
    bench.sound()


def test_document_is_the_contracts(bench: Bench) -> None:
    """The JSON of `admit --json`, key for key."""
    document = admit(bench.site(), bench.truth).document()
    assert document == {
        "schema": "keepapart.admit/1",
        "admitted": ["i-0005"],
        "rejected": [
            {"id": "i-0003", "because": "shares a host with m-1: 2 hops in 8 of 8 flows"},
            {"id": "i-0004", "because": "shares a host with m-2: 2 hops in 8 of 8 flows"},
        ],
        "released": ["i-0003", "i-0004"],
        "attempts": 3,
        "seconds": document["seconds"],
    }
    assert json.loads(json.dumps(document)) == document


def test_first_member_of_an_empty_cluster(bench: Bench) -> None:
    """With no member yet there is nobody to share a host with."""
    bench.cloud.terminate("m-1")
    bench.cloud.terminate("m-2")
    assert admit(bench.site(), bench.truth).admitted == ("i-0003",)
    bench.sound()


def test_tags_are_in_the_launch_call(bench: Bench) -> None:
    """An instance is never without its owner's name: cluster, run, attempt and role come with the launch."""
    bench.truth.silent.add("m-1")
    arrows: list[str] = []
    admit(bench.site(Launch(max_attempts=1), on_arrow=arrows.append), bench.truth)
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
            (run,) = bench.store.unfinished(CLUSTER)
            journalled.append([kind for _, kind, _ in bench.store.events(run)])

    admit(bench.site(on_arrow=on_arrow), bench.truth)
    assert len(journalled) == 3
    assert all(kinds[-1] == "intended" for kinds in journalled)


def test_rejects_are_held_until_done(bench: Bench) -> None:
    """A freed slot would be filled first: a sticky scheduler is beaten by holding alone."""
    bench.cloud.habit = "sticky"
    assert admit(bench.site(Launch(on_reject="terminate", max_attempts=5)), bench.truth).code == 1
    bench.sound()
    assert admit(bench.site(Launch(max_attempts=5)), bench.truth).code == 0
    bench.sound()


def test_held_rejects_are_witnesses(bench: Bench) -> None:
    """Rejects that still run help to measure the next candidate; they're never among those that decide."""
    admit(bench.site(), bench.truth)
    assert bench.truth.asked[-1] == ("i-0005", ("m-1", "m-2"), ("i-0003", "i-0004"))


def test_no_more_are_held_than_allowed(bench: Bench) -> None:
    """`max_held` bounds what costs money at once."""
    most = 0

    def on_arrow(_: str) -> None:
        nonlocal most
        most = max(most, len(bench.cloud.alive()) - len(bench.cloud.members()))

    admit(bench.site(Launch(max_held=2, max_attempts=6), on_arrow=on_arrow), bench.truth)
    assert most == 2
    bench.sound()


def test_rejects_are_stopped_where_the_policy_says_so(bench: Bench) -> None:
    """`on_reject = "stop"` keeps the rejects, stopped; `gc` doesn't take them for left behind."""
    outcome = admit(bench.site(Launch(on_reject="stop", max_attempts=12)), bench.truth)
    assert (outcome.code, len(outcome.rejected)) == (1, 12), "a freed slot is filled first"
    for rejected in outcome.rejected:
        assert bench.cloud.all()[rejected.id].state == "stopped"
    assert collect(bench.site()).found == ()
    bench.sound()


def test_attempts_are_a_budget(bench: Bench) -> None:
    """When the attempts are spent it ends with 1 and leaves nothing."""
    outcome = admit(bench.site(Launch(max_attempts=2)), bench.truth)
    assert (outcome.code, outcome.attempts, outcome.admitted) == (1, 2, ())
    bench.sound()


def test_attempts_are_counted_anew_for_each_member(bench: Bench) -> None:
    """Whoever asks for more may try more: the budget is for each member asked for."""
    outcome = admit(bench.site(Launch(max_attempts=3)), bench.truth, count=3)
    assert (outcome.code, outcome.attempts) == (0, 7)
    bench.sound()


def test_none_can_not_be_asked_for(bench: Bench) -> None:
    """Asking for no member at all is a usage error."""
    with pytest.raises(UsageError):
        admit(bench.site(), bench.truth, count=0)


# Unknown is never separate


def test_member_that_cannot_be_measured_is_refused_to_guess(bench: Bench) -> None:
    """Two unknown candidates in a row end the run with 3: going on would only cost money."""
    bench.truth.silent.add("m-2")
    bench.cloud.capacity = 1  # every candidate is in truth alone on its host
    outcome = admit(bench.site(), bench.truth)
    assert (outcome.code, outcome.attempts, outcome.admitted) == (3, 2, ())
    assert "m-2" in outcome.rejected[0].because
    bench.sound()


def test_excused_member_does_not_count(bench: Bench) -> None:
    """The operator may excuse a member by name; that is journalled."""
    bench.truth.silent.add("m-2")
    outcome = admit(bench.site(), bench.truth, excuse=["m-2"])
    assert outcome.code == 0
    assert all("m-2" not in against for _, against, _ in bench.truth.asked)


def test_excusing_nobody_is_a_usage_error(bench: Bench) -> None:
    """A misspelt name is answered with the members' names, before anything is launched."""
    with pytest.raises(UsageError, match=r"m-3: no such member; the members are m-1, m-2"):
        admit(bench.site(), bench.truth, excuse=["m-3"])
    assert bench.cloud.calls("launch") == []
    assert bench.store.unfinished(CLUSTER) == []


def test_one_bad_candidate_is_tried_past(bench: Bench) -> None:
    """A candidate that can't be reached may be just bad: the next one is tried."""
    bench.truth.silent.add("i-0003")
    assert admit(bench.site(), bench.truth).code == 0
    bench.sound()


def test_stopped_member_is_refused_before_launching(bench: Bench) -> None:
    """A member that isn't running could come back beside anyone: nothing is launched to find that out."""
    bench.cloud.set_state("m-1", "stopped")
    outcome = admit(bench.site(), bench.truth)
    assert outcome.code == 3
    assert "m-1 (stopped)" in outcome.because
    assert bench.cloud.calls("launch") == []


def test_failing_measurement_is_unknown(bench: Bench) -> None:
    """A checker that fails says nothing; that is never separate."""

    def broken(*_: object) -> list[Pair]:
        raise ReachError("no way in to m-1")

    outcome = admit(bench.site(), broken)
    assert outcome.code == 3
    assert "no way in to m-1" in outcome.rejected[0].because
    bench.sound()


def test_pair_of_others_does_not_count(bench: Bench) -> None:
    """A verdict on another pair than the one asked for says nothing."""
    outcome = admit(
        bench.site(), lambda c, a, w: [bench.truth.pair("m-1", "m-2") for _ in bench.truth(c, a, w)]
    )
    assert outcome.code == 3
    bench.sound()


def test_member_that_came_meanwhile_voids_the_verdict(bench: Bench) -> None:
    """A member that the candidate was not checked against stops it from joining."""

    def on_arrow(name: str) -> None:
        if name == "after journal judged" and "late" not in bench.cloud.all():
            bench.cloud.add("late", bench.cloud.host("i-0003"))

    bench.cloud.terminate("m-1")
    outcome = admit(bench.site(on_arrow=on_arrow), bench.truth)
    assert "i-0003" not in outcome.admitted
    assert "shares a host with late" in outcome.rejected[0].because
    bench.sound()


def test_candidate_that_stops_after_its_check_is_not_let_in(bench: Bench) -> None:
    """A verdict is void once its candidate is stopped."""

    def on_arrow(name: str) -> None:
        if name == "after journal judged" and "i-0005" in bench.cloud.all():
            bench.cloud.set_state("i-0005", "stopped")

    outcome = admit(bench.site(on_arrow=on_arrow, policy=Launch(max_attempts=3)), bench.truth)
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
    outcome = admit(bench.site(), bench.truth, count=2)
    assert outcome.code == 0
    assert outcome.admitted[0] in bench.truth.asked[-1][1]
    bench.sound()


# Stopped instances as a source


def test_stopped_instances_are_started_and_stopped_again(bench: Bench) -> None:
    """`source = "stopped"` launches nothing and terminates nothing; rejects end as they began."""
    for number in range(1, 5):
        bench.cloud.add(f"s-{number}", 0, state="stopped", role="")
    outcome = admit(bench.site(Launch(source="stopped")), bench.truth)
    assert (outcome.code, outcome.admitted) == (0, ("s-3",))
    assert bench.cloud.calls("launch") == []
    assert bench.cloud.calls("terminate") == []
    assert {i: x.state for i, x in bench.cloud.all().items() if i[0] == "s"} == {
        "s-1": "stopped",
        "s-2": "stopped",
        "s-3": "running",
        "s-4": "stopped",
    }
    assert collect(bench.site()).found == ()
    bench.sound()


def test_no_stopped_instance_left_ends_the_run(bench: Bench) -> None:
    """With nothing to start and launching not allowed, the budget is spent."""
    bench.cloud.add("s-1", 0, state="stopped", role="")
    outcome = admit(bench.site(Launch(source="stopped")), bench.truth)
    assert (outcome.code, outcome.attempts) == (1, 1)
    bench.sound()


def test_falls_through_to_launching(bench: Bench) -> None:
    """`stopped-then-launch` launches when each stopped instance was tried once."""
    bench.cloud.add("s-1", 0, state="stopped", role="")
    outcome = admit(bench.site(Launch(source="stopped-then-launch")), bench.truth)
    assert outcome.code == 0
    assert outcome.released == ("s-1", "i-0004")
    assert bench.cloud.all()["s-1"].state == "stopped"
    bench.sound()


def test_stopped_member_is_never_started_as_a_candidate(bench: Bench) -> None:
    """Only what is no member may be started."""
    bench.cloud.add("m-3", 2, state="stopped")
    assert admit(bench.site(Launch(source="stopped")), bench.truth, excuse=["m-3"]).code == 1
    assert bench.cloud.calls("start") == []


# Replacing


def test_replaced_member_goes_after_its_stand_in_is_in(bench: Bench) -> None:
    """The old one is terminated last, and never before its stand-in is a member."""
    order: list[str] = []

    def on_arrow(name: str) -> None:
        if name in ("after journal joined", "before terminate"):
            order.append(name)

    bench.cloud.add("m-3", 1)
    bench.cloud.capacity = 3
    outcome = replace(bench.site(on_arrow=on_arrow), bench.truth, ["m-3"])
    assert outcome.code == 0
    assert "m-3" in outcome.released
    assert order[0] == "after journal joined"
    assert len(bench.cloud.members()) == 3
    bench.sound()


def test_unknown_member_to_replace_names_the_known(bench: Bench) -> None:
    """An id that is no member's is a usage error, with the members' names."""
    with pytest.raises(UsageError, match=r"m-9: no such member; the members are m-1, m-2"):
        replace(bench.site(), bench.truth, ["m-1", "m-9"])
    assert bench.store.unfinished(CLUSTER) == []


def test_old_members_stay_where_no_stand_in_was_found(bench: Bench) -> None:
    """A replacement that runs out of budget takes nothing away."""
    outcome = replace(bench.site(Launch(max_attempts=1)), bench.truth, ["m-1"])
    assert outcome.code in (0, 1)
    bench.cloud.hosts = 2
    outcome = replace(bench.site(Launch(max_attempts=1)), bench.truth, [bench.cloud.members()[0]])
    assert outcome.code == 1
    assert len(bench.cloud.members()) == 2
    bench.sound()


def test_stand_in_beside_a_leaving_member_stands_in_for_this_very_one(bench: Bench) -> None:
    """A member that is to go might stay after all, save the one whose stand-in is in."""
    bench.cloud.add("m-3", 2)
    outcome = replace(bench.site(Launch(max_attempts=2)), bench.truth, ["m-3", "m-2"])
    assert outcome.code == 0
    assert "i-0005 is in for m-2 (1 of 2)" in bench.told
    bench.sound()


def test_stand_in_beside_two_leaving_members_is_refused(bench: Bench) -> None:
    """Only one of the two is sure to go when the stand-in is in."""
    bench.cloud.capacity = 3
    bench.cloud.move("m-2", 0)
    bench.cloud.hosts = 1
    outcome = replace(bench.site(Launch(max_attempts=1)), bench.truth, ["m-1", "m-2"])
    assert outcome.code == 1
    assert "shares a host with m-1" in outcome.rejected[0].because
    assert outcome.because.endswith("no stand-in for m-1, m-2, which stay")


def test_member_that_stays_unmeasured_is_told_of(bench: Bench) -> None:
    """A stand-in joins beside one that can't be measured since that one goes too; if not, it ends with 3."""
    bench.cloud.hosts = 3
    bench.cloud.capacity = 1
    bench.truth.silent.add("m-1")
    bench.truth.silent.add("m-2")
    outcome = replace(bench.site(Launch(max_attempts=1)), bench.truth, ["m-1", "m-2"])
    assert (outcome.code, outcome.admitted) == (3, ("i-0003",))
    (staying,) = {"m-1", "m-2"} & set(bench.cloud.members())
    assert f"could not be measured: i-0003 and {staying}" in outcome.because


def test_dead_members_can_be_replaced(bench: Bench) -> None:
    """Members about to go needn't be measured, and are asked after once only."""
    bench.cloud.set_state("m-2", "stopped")
    bench.truth.silent.add("m-1")
    outcome = replace(bench.site(), bench.truth, ["m-1", "m-2"])
    assert outcome.code == 0
    assert sorted(outcome.released)[-2:] == ["m-1", "m-2"]
    bench.sound()


# One at a time, and after an interruption


def test_second_admission_is_refused(bench: Bench) -> None:
    """While one admission runs, another is told who holds the lease, and launches nothing."""
    refused: list[Exception] = []

    def on_arrow(name: str) -> None:
        if name == "before launch" and not refused:
            try:
                admit(bench.site(), bench.truth)
            except LeaseError as error:
                refused.append(error)

    assert admit(bench.site(on_arrow=on_arrow), bench.truth).code == 0
    assert "is running already: pid" in str(refused[0])
    assert LeaseError.exit_code == 4
    bench.sound()


def test_fenced_off_admission_touches_nothing_more(bench: Bench) -> None:
    """Who lost the lease while it slept neither launches nor releases anything afterwards."""

    def on_arrow(name: str) -> None:
        if name == "after journal intended":
            bench.store.acquire(CLUSTER, "another", bench.clock() + 10_000, 300.0, lambda _: False)

    with pytest.raises(LeaseError):
        admit(bench.site(on_arrow=on_arrow), bench.truth)
    assert bench.cloud.calls("launch") == []
    assert bench.cloud.calls("terminate") == []


def interrupted_at(bench: Bench, arrow: str, nth: int = 1) -> None:
    """Leave a run as a killed process does: in the middle, with its lease still held."""
    seen = 0

    class Killed(BaseException):
        pass

    def on_arrow(name: str) -> None:
        nonlocal seen
        seen += name == arrow
        if seen >= nth:
            raise Killed  # at every arrow from here on: nothing more gets done

    with pytest.raises(Killed):
        admit(bench.site(on_arrow=on_arrow), bench.truth)


def test_same_request_goes_on(bench: Bench) -> None:
    """The same request goes on with the unfinished run, with the same token."""
    interrupted_at(bench, "after launch")
    outcome = admit(bench.site(), bench.truth)
    assert (outcome.code, outcome.attempts) == (0, 3)
    assert "going on with" in bench.told[0] or any("going on with" in t for t in bench.told)
    bench.sound()


def test_another_request_cleans_up_first(bench: Bench) -> None:
    """Another request releases the unfinished run's candidates, and says so."""
    interrupted_at(bench, "after journal running")
    outcome = admit(bench.site(), bench.truth, count=2)
    assert outcome.code == 0
    assert any("cleaning up after" in t for t in bench.told)
    bench.sound()


def test_verdict_before_an_interruption_is_void(bench: Bench) -> None:
    """A candidate judged before the interruption is judged anew: it may share a host by now."""
    interrupted_at(bench, "after journal judged", nth=3)
    bench.cloud.move("i-0005", bench.cloud.host("m-1"))
    outcome = admit(bench.site(), bench.truth)
    assert "i-0005" not in outcome.admitted
    bench.sound()


def test_joined_before_the_interruption_stays_joined(bench: Bench) -> None:
    """A candidate whose member tag was set before the journal was cut short is in, without another check."""
    interrupted_at(bench, "after tag")
    asked = len(bench.truth.asked)
    outcome = admit(bench.site(), bench.truth)
    assert (outcome.code, outcome.admitted) == (0, ("i-0005",))
    assert len(bench.truth.asked) == asked
    bench.sound()


def test_ctrl_c_finds_what_the_lists_do_not_show_yet(bench: Bench) -> None:
    """A launch whose answer was never read is looked for by its tags, for a while."""
    bench.cloud.set_lag(3)
    pressed = False

    def on_arrow(name: str) -> None:
        nonlocal pressed
        if name == "after launch" and not pressed:
            pressed = True
            raise KeyboardInterrupt

    assert admit(bench.site(on_arrow=on_arrow), bench.truth).released == ("i-0003",)
    bench.sound()


def test_twin_is_released(bench: Bench) -> None:
    """Of two instances that match one attempt one is kept, the other released, and that is said."""
    bench.cloud.idempotent = False
    bench.cloud.hosts = 3
    interrupted_at(bench, "after journal intended", nth=3)
    (run,) = bench.store.unfinished(CLUSTER)
    tags = {RUN_TAG: run, ATTEMPT_TAG: "3"}
    bench.cloud.add("twin-a", 2, role=CANDIDATE, **tags)
    bench.cloud.add("twin-b", 2, role=CANDIDATE, **tags)
    outcome = admit(bench.site(), bench.truth)
    assert outcome.admitted == ("twin-a",)
    assert "twin-b" in outcome.released
    assert any("attempt 3 has twin-a already" in t for t in bench.told)
    bench.sound()


def test_ctrl_c_releases_what_is_held(bench: Bench) -> None:
    """Ctrl-C lets go of everything that isn't a member, and ends with 130."""
    pressed = False

    def on_arrow(name: str) -> None:
        nonlocal pressed
        if name == "after launch" and len(bench.cloud.tokens()) == 2 and not pressed:
            pressed = True
            raise KeyboardInterrupt

    outcome = admit(bench.site(on_arrow=on_arrow), bench.truth)
    assert (outcome.code, outcome.because) == (130, "interrupted")
    assert sorted(outcome.released) == ["i-0003", "i-0004"]
    bench.sound()


def test_ctrl_c_twice_says_what_gc_will_find(bench: Bench) -> None:
    """Who can't wait is told what is left; `gc` finds it."""

    def on_arrow(name: str) -> None:
        if name in ("after launch", "before terminate"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        admit(bench.site(on_arrow=on_arrow), bench.truth)
    assert "i-0003" in bench.told[-1]
    assert "keepapart gc" in bench.told[-1]
    assert [f.id for f in collect(bench.site(), dry_run=True).found] == ["i-0003"]
    assert collect(bench.site()).released == ("i-0003",)
    bench.sound()


def test_dead_platform_says_what_is_left(bench: Bench) -> None:
    """Where even the release fails, the error keeps the first cause and names what `gc` is to find."""
    seen = False

    def on_arrow(name: str) -> None:
        nonlocal seen
        if name == "after launch" and not seen:
            seen = True
            bench.cloud.fail_for_ever("the platform is down")

    with pytest.raises(OperationError, match=r"the platform is down .*i-0003.*keepapart gc"):
        admit(bench.site(on_arrow=on_arrow), bench.truth)
    bench.cloud.faults.clear()
    assert admit(bench.site(), bench.truth).code == 0
    bench.sound()


# gc


def test_gc_finds_what_no_journal_heard_of(bench: Bench, tmp_path: object) -> None:
    """A candidate by its tag is released even where the store was lost with everything in it."""
    interrupted_at(bench, "after launch")
    with Store(f"sqlite:///{tmp_path}/new.db") as empty:
        site = bench.site(store=empty)
        assert [f.id for f in collect(site, dry_run=True).found] == ["i-0003"]
        assert bench.cloud.calls("terminate") == []
        assert collect(site).released == ("i-0003",)


def test_gc_ends_a_stopped_left_over(bench: Bench) -> None:
    """What a run launched and somebody stopped is still left behind: `gc` ends it."""
    bench.cloud.add("lost", 0, state="stopped", role=CANDIDATE, **{RUN_TAG: "run-of-old"})
    assert admit(bench.site(Launch(source="stopped")), bench.truth).attempts == 0
    assert collect(bench.site()).released == ("lost",)
    assert "lost" not in bench.cloud.alive()


def test_gc_leaves_a_running_admission_alone(bench: Bench) -> None:
    """What a living admission owns isn't left behind; what nobody owns is released beside it."""
    bench.cloud.add("orphan", 5, role=CANDIDATE, **{RUN_TAG: "run-of-old"})
    found: list[object] = []

    def on_arrow(name: str) -> None:
        if name == "after journal launched":
            found.append([f.id for f in collect(bench.site(), dry_run=True).found])
            found.append(collect(bench.site()).released)

    assert admit(bench.site(on_arrow=on_arrow), bench.truth).code == 0
    assert found[:4] == [["orphan"], ("orphan",), [], ()]
    bench.sound()


def test_gc_touches_nothing_that_is_not_ours(bench: Bench) -> None:
    """Members, stopped spares, other clusters and whatever carries no role are left alone."""
    bench.cloud.add("other", 4, role=CANDIDATE)
    bench.cloud.retag("other", **{CLUSTER_TAG: "another"})
    bench.cloud.add("plain", 5, role="")
    bench.cloud.add("rest", 5, role="", state="stopped")
    assert collect(bench.site()).found == ()
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
        replace(bench.site(on_arrow=on_arrow), bench.truth, ["m-1"])
    assert "m-1" in [f.id for f in collect(bench.site(), dry_run=True).found]
    assert "m-1" in collect(bench.site()).released
    assert len(bench.cloud.members()) == 2
    bench.sound()


def test_tags_are_looked_at_before_each_release(bench: Bench) -> None:
    """A reject that the operator made a member by hand in the meantime is left alone, and that is said."""

    def on_arrow(name: str) -> None:
        if name == "after journal closing":
            bench.cloud.retag("i-0003", **{ROLE_TAG: "member"})
            bench.cloud.retag("i-0004", **{CLUSTER_TAG: "another"})

    outcome = admit(bench.site(on_arrow=on_arrow), bench.truth)
    assert {x.id for x in outcome.left} == {"i-0003", "i-0004"}
    assert bench.cloud.calls("terminate") == []


def test_dry_run_launches_nothing(bench: Bench) -> None:
    """A plan says what would happen, and writes nothing anywhere."""
    planned = plan(bench.site(), 1)
    assert planned.members == ("m-1", "m-2")
    assert "launch a candidate" in planned.steps
    assert bench.cloud.calls("launch") == []
    assert bench.store.unfinished(CLUSTER) == []
