"""Boot takes time: running comes before the way in, and a member without one is named."""

from __future__ import annotations

from collections.abc import Sequence

from keepapart.admit import admit, replace
from keepapart.model import Checked, Instance
from keepapart.settings import LaunchSettings
from tests.admit.conftest import Bench, interrupted_at

REFUSED = "ssh: connection refused"


def slow(bench: Bench, seconds: float) -> None:
    """Let what is launched run at once, and have a way in so many seconds later."""
    bench.cloud.clock = bench.clock
    bench.cloud.ready_seconds = seconds
    bench.truth.unreached = bench.cloud.unreached


def test_a_candidate_is_waited_for_until_it_has_a_way_in(bench: Bench) -> None:
    """Nobody is turned down for booting, and what is waited for is said, with the reason."""
    slow(bench, 60)
    outcome = admit(bench.context(), bench.truth)
    assert (outcome.code, outcome.attempts) == (0, 3)
    assert f"waiting for a way in to i-0003: {REFUSED}" in bench.told
    bench.sound()


def test_the_pauses_grow(bench: Bench) -> None:
    """A boot of minutes isn't knocked at every second."""
    slow(bench, 240)
    assert admit(bench.context(), bench.truth).code == 0
    assert sum(asked == "i-0003" for asked, _, _ in bench.truth.asked) < 40


def test_members_are_left_alone_while_a_candidate_boots(bench: Bench) -> None:
    """Only the candidate is tried again; a round of everybody is made when it answers."""
    slow(bench, 60)
    admit(bench.context(), bench.truth)
    rounds = [against for asked, against, _ in bench.truth.asked if asked == "i-0003" and against]
    assert len(rounds) == 2


def test_it_is_unknown_when_its_time_is_over(bench: Bench) -> None:
    """`boot_minutes` after it ran it is turned down, in the way in's own words; two in a row end with 3."""
    slow(bench, 3600)
    began = bench.clock()
    outcome = admit(bench.context(LaunchSettings(boot_minutes=2)), bench.truth)
    assert (outcome.code, outcome.attempts) == (3, 2)
    assert REFUSED in outcome.rejected[0].because
    assert "i-0003" in outcome.rejected[0].because
    assert 240 <= bench.clock() - began < 300
    bench.sound()


def test_its_time_counts_from_when_it_ran_whoever_waits(bench: Bench) -> None:
    """A run that goes on where another was killed doesn't wait all over again."""
    slow(bench, 3600)
    interrupted_at(bench, "after journal running")
    bench.clock.sleep(290)
    began = bench.clock()
    outcome = admit(bench.context(LaunchSettings(max_attempts=1)), bench.truth)
    assert (outcome.code, outcome.attempts) == (3, 1)
    assert bench.clock() - began < 60
    bench.sound()


def test_what_is_stated_needs_no_way_in(bench: Bench) -> None:
    """Where the platform's own word tells everybody apart, nobody is waited for."""
    slow(bench, 3600)

    def stated(*asked: Sequence[Instance]) -> Checked:
        unreached, bench.truth.unreached = bench.truth.unreached, lambda _: ""
        told = bench.truth(*asked)
        bench.truth.unreached = unreached
        return Checked(told.pairs, {i.id: REFUSED for i in asked[0]})

    began = bench.clock()
    assert admit(bench.context(), stated).code == 0
    assert bench.clock() == began


def test_one_that_dies_while_it_boots_is_not_waited_for(bench: Bench) -> None:
    """What doesn't run any more never comes up."""
    slow(bench, 3600)

    def tell(line: str) -> None:
        if line.startswith("waiting for a way in to i-0003"):
            bench.cloud.terminate("i-0003")
            bench.cloud.ready_seconds = 0

    assert admit(bench.context(tell=tell), bench.truth).code == 0
    bench.sound()


def test_the_first_to_join_may_still_boot_when_the_second_is_checked(bench: Bench) -> None:
    """A member of this very run has as long as a candidate has: it is no member that can't be reached."""
    for member in ("m-1", "m-2"):
        bench.cloud.terminate(member)
    slow(bench, 60)
    bench.cloud.capacity = 1
    outcome = admit(bench.context(LaunchSettings(at_once=1)), bench.truth, count=2)
    assert (outcome.code, outcome.attempts) == (0, 2)
    bench.sound()


def test_a_batch_waits_for_its_slowest(bench: Bench) -> None:
    """Candidates launched together are judged together, when all of them answer."""
    slow(bench, 60)
    outcome = admit(bench.context(LaunchSettings(at_once=4, max_held=4)), bench.truth, count=2)
    assert outcome.code == 0
    bench.sound()


def test_one_without_a_way_in_holds_up_no_other(bench: Bench) -> None:
    """Of a batch from nothing the one that never answers is turned down, and another is let in."""
    for member in ("m-1", "m-2"):
        bench.cloud.terminate(member)
    bench.cloud.capacity = 1
    bench.truth.unreached = lambda name: REFUSED if name == "i-0003" else ""
    outcome = admit(bench.context(LaunchSettings(at_once=2)), bench.truth, count=2)
    assert outcome.code == 0
    assert "i-0003" not in outcome.admitted
    bench.sound()


def test_a_member_that_cannot_be_reached_ends_the_run_at_once(bench: Bench) -> None:
    """The first round that shows it is the last: it is named, with the reason and the mend."""
    bench.truth.unreached = lambda name: "ssh: no answer in time" if name == "m-2" else ""
    outcome = admit(bench.context(), bench.truth)
    assert (outcome.code, outcome.attempts, outcome.admitted) == (3, 1, ())
    assert outcome.because == (
        "can't reach m-2: ssh: no answer in time; replace it, or excuse it with --excuse m-2"
    )
    bench.sound()


def test_an_excused_member_need_not_be_reached(bench: Bench) -> None:
    """The mend works where it is given."""
    bench.truth.unreached = lambda name: "ssh: no answer in time" if name == "m-2" else ""
    assert admit(bench.context(), bench.truth, excuse=["m-2"]).code == 0


def test_a_member_to_be_replaced_need_not_be_reached(bench: Bench) -> None:
    """So does the other one."""
    bench.truth.unreached = lambda name: "ssh: no answer in time" if name == "m-2" else ""
    assert replace(bench.context(), bench.truth, ["m-2"]).code == 0
    bench.sound()


def test_waiting_ends_with_the_money(bench: Bench) -> None:
    """However long a boot may take, no more is spent than was allowed."""
    slow(bench, 3600)
    bench.cloud.clock = bench.clock
    policy = LaunchSettings(max_money=1.0, price_per_hour=10.0, boot_minutes=60)
    outcome = admit(bench.context(policy), bench.truth)
    assert outcome.code == 3
    assert bench.cloud.bill(policy.billed_seconds) / 3600 * 10 <= 1.0
    bench.sound()
