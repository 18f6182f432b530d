"""Moving: a member gets another host, one at a time, and none is left stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from keepapart.admit import Hooks, admit, collect, move, plan, plan_moving
from keepapart.errors import CapacityError, CloudError, ConfigError, OperationError, UsageError
from keepapart.model import Instance, Verdict
from keepapart.settings import LaunchSettings
from keepapart.testing import Fault, ProgrammableCloud
from keepapart.testing.machine import Machine
from tests.admit.conftest import CLUSTER, Bench
from tests.admit.test_gate import Killed, killing


@pytest.fixture
def packed(bench: Bench) -> Bench:
    """Three members, two of them on host 0, on a cloud that starts an instance on any host."""
    bench.cloud.add("m-3", 0)
    bench.cloud.capacity = 3
    bench.cloud.habit = "random"
    return bench


def apart(bench: Bench) -> bool:
    """Say whether every member runs, on a host of its own."""
    members = bench.cloud.members()
    running = [m for m in members if bench.cloud.all()[m].state == "running"]
    return running == members and len({bench.cloud.host(m) for m in members}) == len(members)


def watching(bench: Bench, then: Callable[[str], None] = lambda _: None) -> Callable[[str], None]:
    """Return what asserts at every arrow that at most one member is down."""

    def on_arrow(name: str) -> None:
        down = [m for m in bench.cloud.members() if bench.cloud.all()[m].state != "running"]
        assert len(down) <= 1, f"{down} are down at once"
        then(name)

    return on_arrow


def test_member_gets_a_host_of_its_own_and_keeps_its_identity(packed: Bench) -> None:
    """The same id, the same address and tags, on a host where no other member is; nothing is launched."""
    before = packed.cloud.all()["m-3"]
    outcome = move(packed.context(on_arrow=watching(packed)), packed.truth, ["m-3"])
    assert (outcome.code, outcome.moved, outcome.unmoved, outcome.down) == (0, ("m-3",), (), ())
    assert apart(packed)
    assert packed.cloud.all()["m-3"] == before
    assert packed.cloud.calls("launch") == []
    packed.sound()


def test_member_that_joined_just_now_is_moved_without_delay(packed: Bench) -> None:
    """That it doesn't run shows that it was stopped, and is no reply from before it joined."""
    (joined,) = admit(packed.context(), packed.truth).admitted
    packed.cloud.move(joined, 0)
    began = packed.clock()
    assert move(packed.context(), packed.truth, [joined]).moved == (joined,)
    assert packed.clock() - began < 10


def test_whole_cluster_on_one_host_is_moved_apart(packed: Bench) -> None:
    """Three on one host: as many are moved as it takes, one at a time, and the last one may stay."""
    packed.cloud.move("m-2", 0)
    outcome = move(packed.context(on_arrow=watching(packed)), packed.truth, ["m-1", "m-2", "m-3"])
    assert (outcome.code, outcome.moved) == (0, ("m-1", "m-2", "m-3"))
    assert apart(packed)
    assert "m-3: it is on a host of its own already" in packed.told


def test_member_on_a_host_of_its_own_is_left_alone(packed: Bench) -> None:
    """Asked again, or without need, nothing is stopped, and the code is 0."""
    outcome = move(packed.context(), packed.truth, ["m-2"])
    assert (outcome.code, outcome.moved, outcome.stops) == (0, ("m-2",), 0)
    assert packed.cloud.calls("stop") == []
    assert outcome.lines()[:2] == ["moved: none", "on a host of its own already: m-2"]
    assert "(0 stops, " in outcome.lines()[-1]


def test_where_a_stopped_instance_keeps_its_host_nobody_is_stopped_in_vain(
    packed: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a move nor rejects that are started again could come to anything: both are refused."""
    monkeypatch.setattr(packed.cloud, "stays", "a stopped one keeps its host", raising=False)
    for asked in (plan_moving, lambda context, ids: move(context, packed.truth, ids)):
        with pytest.raises(UsageError, match="a stopped one keeps its host; replace it instead"):
            asked(packed.context(), ["m-3"])
    again = packed.context(LaunchSettings(on_reject="restart"))
    for admitting in (lambda: plan(again, 1), lambda: admit(again, packed.truth)):
        with pytest.raises(ConfigError, match=r"on_reject: .*a stopped one keeps its host; say"):
            admitting()
    assert packed.cloud.calls("stop") == packed.cloud.calls("launch") == []


def test_throwaway_takes_the_slot_that_became_free(packed: Bench) -> None:
    """Where the freed slot is the next one filled, a move needs `hold`; the throwaway is gone afterwards."""
    packed.cloud.habit, packed.cloud.capacity = "sticky", 2
    outcome = move(packed.context(LaunchSettings(max_attempts=2)), packed.truth, ["m-3"])
    assert (outcome.code, outcome.unmoved[0].id, outcome.stops) == (1, "m-3", 2)
    assert "max_attempts is used up" in outcome.unmoved[0].because
    outcome = move(packed.context(on_arrow=watching(packed)), packed.truth, ["m-3"], hold=True)
    assert (outcome.code, outcome.moved, outcome.stops) == (0, ("m-3",), 2)
    assert outcome.released == ("i-0004", "i-0005")  # the second holds the slot beside m-2
    assert apart(packed)
    packed.sound()


def test_throwaways_are_kept_until_the_end_and_within_max_held(packed: Bench) -> None:
    """Each further stop has one more, as long as there may be more."""
    packed.cloud.habit, packed.cloud.capacity = "packing", 2
    policy = LaunchSettings(max_held=1, max_attempts=3)
    outcome = move(packed.context(policy), packed.truth, ["m-3"], hold=True)
    assert (outcome.code, packed.cloud.most_candidates()) == (1, 1)  # the slot beside m-2 is not held
    assert set(packed.cloud.alive()) == {"m-1", "m-2", "m-3"}
    outcome = move(packed.context(LaunchSettings(max_held=2)), packed.truth, ["m-3"], hold=True)
    assert (outcome.code, packed.cloud.most_candidates()) == (0, 2)
    packed.sound()


# A group parts only its own


class Grouped(ProgrammableCloud):
    """A cloud that starts a member of its one spread group beside no other of it, and packs all else."""

    grouped: ClassVar[set[str]] = set()

    def placement(self, instance_id: str, *_: object, **__: object) -> Mapping[str, str]:
        return {} if instance_id in self.grouped else {"group": "g"}

    def place(self, instance_id: str, _: object) -> None:
        self.grouped.add(instance_id)

    def start(self, instance_id: str) -> None:
        super().start(instance_id)
        others = [i for i, one in self.alive().items() if i != instance_id and one.state == "running"]
        taken = {self.host(i) for i in others if {i, instance_id} <= self.grouped}
        free = (h for h in range(self.hosts) if [self.host(i) for i in others].count(h) < self.capacity)
        self.move(instance_id, next(h for h in free if h not in taken))

    def _instance(self, machine: Machine, tags: Mapping[str, str]) -> Instance:
        one = super()._instance(machine, tags)
        facts = {"group": "g", "group_strategy": "spread"} if one.id in self.grouped else {}
        return replace(one, facts={**one.facts, **facts})


def test_who_keeps_coming_up_beside_an_outsider_of_its_group_is_left_there(
    packed: Bench, tmp_path: Path
) -> None:
    """After the second time the outsider is named as the next one; followed, that parts them all."""
    Grouped.grouped = set()
    cloud = Grouped(tmp_path / "cloud.json", clock=packed.clock, sleep=packed.clock.sleep)
    packed.cloud, packed.truth.platform = cloud, cloud
    member, moved = "m-3", []
    while not apart(packed):
        outcome = move(packed.context(on_arrow=watching(packed)), packed.truth, [member])
        assert outcome.stops <= 2
        moved.append(member)
        if outcome.code:
            assert outcome.code == 1
            outsider = outcome.because.rpartition("`keepapart move ")[2].partition("`")[0]
            assert f"{outsider} isn't in group g, which parts only its own" in outcome.because
            assert member in cloud.grouped - {outsider}
            member = outsider
    assert outcome.code == 0
    assert len(moved) == len(set(moved)) <= 3
    packed.sound()


def test_who_lands_beside_different_ones_is_tried_again(packed: Bench, tmp_path: Path) -> None:
    """Luck is worth a try where the platform's choice differs: it isn't left before the same comes twice."""
    Grouped.grouped = {"m-3"}
    cloud = Grouped(tmp_path / "cloud.json", clock=packed.clock, sleep=packed.clock.sleep)
    packed.cloud, packed.truth.platform = cloud, cloud

    def filling(name: str) -> None:
        if name == "after journal compared" and "x-1" not in cloud.alive():
            cloud.add("x-1", 0, role="")

    outcome = move(packed.context(on_arrow=filling), packed.truth, ["m-3"])
    assert (outcome.code, outcome.stops) == (1, 3)
    assert outcome.because.endswith("`keepapart move m-2` next")


# Who is stopped, and when


def test_nobody_is_stopped_where_the_quorum_would_go(packed: Bench) -> None:
    """Two of three run: the reason is given, nothing is touched, and the code is 1."""
    packed.cloud.set_state("m-2", "stopped")
    outcome = move(packed.context(), packed.truth, ["m-3"], excuse=["m-2"])
    assert outcome.code == 1
    assert "m-3 isn't stopped: m-1 of 3 members would run without m-3, and 2 must" in outcome.because
    assert packed.cloud.calls("stop") == []
    assert plan_moving(packed.context(), ["m-3"]).code == 1


def test_quorum_is_looked_at_right_before_the_stop(packed: Bench) -> None:
    """A member that dies between the decision and the stop keeps the other running."""

    def dying(name: str) -> None:
        if name == "after journal stopping":
            packed.cloud.set_state("m-2", "stopped")

    outcome = move(packed.context(on_arrow=dying), packed.truth, ["m-3"])
    assert outcome.code == 1
    assert packed.cloud.calls("stop") == []
    assert packed.cloud.all()["m-3"].state == "running"


def test_more_may_be_asked_to_run_than_a_majority(packed: Bench) -> None:
    """`survive` says how many have to run: three of three is a cluster in which nobody can be moved."""
    outcome = move(packed.context(survive=3), packed.truth, ["m-3"])
    assert (outcome.code, packed.cloud.calls("stop")) == (1, [])


def test_members_that_cannot_be_measured_keep_it_from_being_stopped(packed: Bench) -> None:
    """A move that can't be verified takes nobody down: code 3, with the way out."""
    packed.cloud.add("m-4", 3)
    packed.cloud.add("m-5", 4, state="stopped")
    outcome = move(packed.context(), packed.truth, ["m-3"])
    assert (outcome.code, packed.cloud.calls("stop")) == (3, [])
    assert "--excuse m-5" in outcome.because
    packed.truth.silent.add("m-4")
    outcome = move(packed.context(), packed.truth, ["m-4"], excuse=["m-5"])
    assert (outcome.code, packed.cloud.calls("stop")) == (3, [])
    assert "no verdict could come of it" in outcome.because


def test_unknown_after_the_start_ends_the_move(packed: Bench) -> None:
    """Unknown is never separate, and more stops would only take it down: code 3, and it runs."""

    def silencing(name: str) -> None:
        if name == "after start":
            packed.truth.silent.add("m-3")

    outcome = move(packed.context(on_arrow=silencing), packed.truth, ["m-3", "m-1"])
    assert (outcome.code, outcome.moved, outcome.stops) == (3, (), 1)
    assert [x.id for x in outcome.unmoved] == ["m-3", "m-1"]
    assert packed.cloud.all()["m-3"].state == "running"


def test_what_is_no_member_is_refused_before_anything_is_done(packed: Bench) -> None:
    """A usage error with the members' names; so is a host where none can be chosen."""
    with pytest.raises(UsageError, match="m-9: no such member; the members are m-1, m-2, m-3"):
        move(packed.context(), packed.truth, ["m-3", "m-9"])
    with pytest.raises(UsageError, match="hosts can't be chosen at 'programmable'"):
        move(packed.context(), packed.truth, ["m-3"], host="host-4")
    assert packed.cloud.calls("stop") == []
    assert packed.store.journals.unfinished(CLUSTER) == []


def test_stopped_member_is_started_apart(packed: Bench) -> None:
    """One that is stopped already, as after a move whose journal was lost, needs no stop."""
    packed.cloud.set_state("m-3", "stopped")
    outcome = move(packed.context(), packed.truth, ["m-3"])
    assert (outcome.code, outcome.moved) == (0, ("m-3",))
    assert apart(packed)


# The operator's command


def test_health_is_asked_before_each_stop_and_after_each_start(packed: Bench) -> None:
    """With the id; after a start until it agrees."""
    heard: list[str] = []

    def health(member: str, _: float | None) -> None:
        heard.append(f"{member} {packed.cloud.all()[member].state} {len(packed.cloud.calls('start'))}")
        if len(heard) in (2, 3):
            raise OperationError("it is catching up")

    outcome = move(packed.context(hooks=Hooks(health=health)), packed.truth, ["m-3"])
    assert outcome.code == 0
    assert heard[:4] == ["m-3 running 0"] + ["m-3 running 1"] * 3


def test_sick_cluster_is_not_touched(packed: Bench) -> None:
    """Where the command doesn't agree nobody is stopped: code 4, with its words."""

    def health(_: str, __: float | None) -> None:
        raise OperationError("a replica is missing")

    outcome = move(packed.context(hooks=Hooks(health=health)), packed.truth, ["m-3"])
    assert (outcome.code, outcome.because, outcome.stops) == (4, "a replica is missing", 0)


def test_next_one_is_not_stopped_before_the_cluster_is_well_again(packed: Bench) -> None:
    """The first is moved and runs; the second is left alone, and said to be."""
    packed.cloud.move("m-2", 0)

    def health(_: str, __: float | None) -> None:
        if packed.cloud.calls("start"):
            raise OperationError("it never catches up")

    outcome = move(packed.context(hooks=Hooks(health=health)), packed.truth, ["m-3", "m-2"])
    assert (outcome.code, outcome.moved, outcome.down) == (4, (), ())
    assert [x.id for x in outcome.unmoved] == ["m-3", "m-2"]
    assert all(i.state == "running" for i in packed.cloud.alive().values())
    assert {c.about for c in packed.cloud.calls("stop")} == {"m-3"}


# What goes wrong


def test_member_that_cannot_be_stopped_runs_on(packed: Bench) -> None:
    """One that is protected holds up no other; code 4, with the platform's words."""
    packed.cloud.move("m-2", 0)
    packed.cloud.arm(Fault("stop", CloudError("OperationNotPermitted"), times=0, id="m-3"))
    outcome = move(packed.context(), packed.truth, ["m-3", "m-2"])
    assert (outcome.code, outcome.moved) == (4, ("m-2",))
    assert [(x.id, x.because) for x in outcome.unmoved] == [("m-3", "OperationNotPermitted")]
    assert all(i.state == "running" for i in packed.cloud.alive().values())


def test_no_room_is_waited_out_and_throwaways_make_room(packed: Bench) -> None:
    """A throwaway that took the last slot goes before the member is started again."""
    packed.cloud.hosts, packed.cloud.capacity = 2, 2
    packed.cloud.add("other", 1, role="")
    outcome = move(packed.context(LaunchSettings(max_attempts=1)), packed.truth, ["m-3"], hold=True)
    assert (outcome.code, outcome.released) == (1, ("i-0005",))
    assert "m-3 can't be started now (no host has room); trying again" in packed.told
    assert {i.state for i in packed.cloud.alive().values()} == {"running"}


def test_member_that_cannot_be_started_again_is_named_and_found(packed: Bench) -> None:
    """Code 4 and `down`; `gc` starts it as soon as there is room, and so does the same command."""
    packed.cloud.arm(Fault("start", CapacityError("no room"), times=0))
    outcome = move(packed.context(LaunchSettings(max_minutes=5)), packed.truth, ["m-3"])
    assert (outcome.code, [x.id for x in outcome.down]) == (4, ["m-3"])
    assert "`keepapart move m-3` goes on" in outcome.down[0].because
    collected = collect(packed.context(), dry_run=True)
    assert [f.id for f in collected.found] == ["m-3"]
    packed.cloud.clear()
    collected = collect(packed.context())
    assert (collected.code, collected.started) == (0, ("m-3",))
    assert packed.cloud.all()["m-3"].state == "running"
    assert collect(packed.context()).found == ()
    assert move(packed.context(), packed.truth, ["m-3"]).code == 0


def test_member_that_somebody_else_started_is_nothing_left_behind(packed: Bench) -> None:
    """What was down and runs again needs no `gc`."""
    packed.cloud.arm(Fault("start", CapacityError("no room"), times=0))
    assert move(packed.context(LaunchSettings(max_minutes=5)), packed.truth, ["m-3"]).code == 4
    packed.cloud.clear()
    packed.cloud.set_state("m-3", "running")
    collected = collect(packed.context())
    assert (collected.code, collected.found, collected.started) == (0, (), ())


@pytest.mark.parametrize("arrow", ["after stop", "after journal stopped", "before start", "after launch"])
def test_interrupted_move_leaves_nobody_stopped(packed: Bench, arrow: str) -> None:
    """Ctrl-C starts the member where it is, saying so, and releases the throwaway, then ends with 130."""
    pressed = False

    pressed = False

    def press(name: str) -> None:
        nonlocal pressed
        if name == arrow and not pressed:
            pressed = True
            raise KeyboardInterrupt

    outcome = move(packed.context(on_arrow=press), packed.truth, ["m-3"], hold=True)
    assert (outcome.code, outcome.moved, outcome.down) == (130, (), ())
    assert "m-3 is started first, where it is: nobody is left stopped" in packed.told
    assert all(i.state == "running" for i in packed.cloud.alive().values())
    assert set(packed.cloud.alive()) == {"m-1", "m-2", "m-3"}
    assert collect(packed.context()).found == ()


def test_a_member_that_is_left_stopped_is_no_instance_to_release(packed: Bench) -> None:
    """A second Ctrl-C leaves it as it is: it is called a member, and what starts it again is named."""
    pressed: list[str] = []

    def press(name: str) -> None:
        if name in ("after stop", "before start") and len(pressed) < 2:
            pressed.append(name)
            raise KeyboardInterrupt

    move(packed.context(on_arrow=press), packed.truth, ["m-3"])
    assert packed.told[-1] == "m-3, which is a member, may be stopped: `keepapart gc` starts it again"
    assert packed.cloud.alive()["m-3"].state == "stopped"
    collect(packed.context())
    assert packed.cloud.alive()["m-3"].state == "running"


ARROWS = [
    f"{when} {what}"
    for what in (
        *("journal move", "journal looked", "journal ready", "journal stopping", "stop", "journal stopped"),
        *("journal intended", "launch", "journal launched", "journal starting", "start", "journal up"),
        *("journal compared", "journal moved", "journal closing", "terminate", "journal finished"),
    )
    for when in ("before", "after")
]


@pytest.mark.parametrize("then", ["again", "gc", "admit", "other"])
@pytest.mark.parametrize("arrow", ARROWS)
def test_killed_at_any_arrow_it_is_gone_on_with(packed: Bench, arrow: str, then: str) -> None:
    """The same command goes on; `gc`, an admission or another move starts the member and cleans up."""
    packed.cloud.habit, packed.cloud.capacity = "sticky", 2
    packed.cloud.add("m-4", 4)
    with pytest.raises(Killed):
        move(packed.context(on_arrow=watching(packed, killing(arrow))), packed.truth, ["m-3"], hold=True)
    watched = packed.context(on_arrow=watching(packed))
    if then == "again":
        assert move(watched, packed.truth, ["m-3"], hold=True).code == 0
        assert apart(packed)
    elif then == "gc":
        assert collect(watched).code == 0
    elif then == "admit":
        assert admit(watched, packed.truth).code == 0
    else:
        assert move(watched, packed.truth, ["m-2"]).code in (0, 1)  # the freed slot is the next one filled
    assert collect(packed.context()).found == ()
    alive = packed.cloud.alive()
    assert all(i.state == "running" for i in alive.values())
    assert set(alive) == set(packed.cloud.members())
    assert packed.store.journals.unfinished(CLUSTER) == []


def test_verdicts_are_made_again_after_an_interruption(packed: Bench) -> None:
    """What was apart before the process died may have been migrated since."""
    with pytest.raises(Killed):
        move(packed.context(on_arrow=killing("after journal compared")), packed.truth, ["m-3"])
    packed.cloud.move("m-3", packed.cloud.host("m-1"))
    assert move(packed.context(), packed.truth, ["m-3"]).code == 0
    assert packed.truth.pair("m-1", "m-3").verdict is Verdict.SEPARATE
