"""One admission at a time, and what becomes of one that was interrupted."""

from __future__ import annotations

from keepapart.admit import admit, collect
from keepapart.clouds import ATTEMPT_TAG, CANDIDATE, RUN_TAG
from keepapart.errors import CloudError, LeaseError
from keepapart.testing import Fault, Lag
from tests.admit.conftest import CLUSTER, Bench, interrupted_at


def test_second_admission_is_refused(bench: Bench) -> None:
    """While one admission runs, another is told who holds the lease, and launches nothing."""
    refused: list[Exception] = []

    def on_arrow(name: str) -> None:
        if name == "before launch" and not refused:
            try:
                admit(bench.context(), bench.truth)
            except LeaseError as error:
                refused.append(error)

    assert admit(bench.context(on_arrow=on_arrow), bench.truth).code == 0
    assert "is running already: pid" in str(refused[0])
    assert LeaseError.exit_code == 4
    bench.sound()


def test_fenced_off_admission_touches_nothing_more(bench: Bench) -> None:
    """Who lost the lease while it slept neither launches nor releases anything afterwards."""

    def on_arrow(name: str) -> None:
        if name == "after journal intended":
            bench.store.leases.acquire(CLUSTER, "another", bench.clock() + 10_000, 300.0, lambda _: False)

    outcome = admit(bench.context(on_arrow=on_arrow), bench.truth)
    assert outcome.code == 4
    assert isinstance(outcome.error, LeaseError)
    assert bench.cloud.calls("launch") == []
    assert bench.cloud.calls("terminate") == []


def test_same_request_goes_on(bench: Bench) -> None:
    """The same request goes on with the unfinished run, with the same token."""
    interrupted_at(bench, "after launch")
    outcome = admit(bench.context(), bench.truth)
    assert (outcome.code, outcome.attempts) == (0, 3)
    assert "going on with" in bench.told[0] or any("going on with" in t for t in bench.told)
    bench.sound()


def test_another_request_cleans_up_first(bench: Bench) -> None:
    """Another request releases the unfinished run's candidates, and says so."""
    interrupted_at(bench, "after journal running")
    outcome = admit(bench.context(), bench.truth, count=2)
    assert outcome.code == 0
    assert any("cleaning up after" in t for t in bench.told)
    bench.sound()


def test_verdict_before_an_interruption_is_void(bench: Bench) -> None:
    """A candidate judged before the interruption is judged anew: it may share a host by now."""
    interrupted_at(bench, "after journal judged", nth=3)
    bench.cloud.move("i-0005", bench.cloud.host("m-1"))
    outcome = admit(bench.context(), bench.truth)
    assert "i-0005" not in outcome.admitted
    bench.sound()


def test_joined_before_the_interruption_stays_joined(bench: Bench) -> None:
    """A candidate whose member tag was set before the journal was cut short is in, without another check."""
    interrupted_at(bench, "after tag")
    asked = len(bench.truth.asked)
    outcome = admit(bench.context(), bench.truth)
    assert (outcome.code, outcome.admitted) == (0, ("i-0005",))
    assert len(bench.truth.asked) == asked
    bench.sound()


def test_ctrl_c_finds_what_the_lists_do_not_show_yet(bench: Bench) -> None:
    """A launch whose answer was never read is looked for by its tags, for a while."""
    bench.cloud.listed_after = Lag(calls=3)
    pressed = False

    def on_arrow(name: str) -> None:
        nonlocal pressed
        if name == "after launch" and not pressed:
            pressed = True
            raise KeyboardInterrupt

    assert admit(bench.context(on_arrow=on_arrow), bench.truth).released == ("i-0003",)
    bench.sound()


def test_twin_is_released(bench: Bench) -> None:
    """Of two instances that match one attempt one is kept, the other released, and that is said."""
    bench.cloud.honours_tokens = False
    bench.cloud.hosts = 3
    interrupted_at(bench, "after journal intended", nth=3)
    (run,) = bench.store.journals.unfinished(CLUSTER)
    tags = {RUN_TAG: run, ATTEMPT_TAG: "3"}
    bench.cloud.add("twin-a", 2, role=CANDIDATE, **tags)
    bench.cloud.add("twin-b", 2, role=CANDIDATE, **tags)
    outcome = admit(bench.context(), bench.truth)
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

    outcome = admit(bench.context(on_arrow=on_arrow), bench.truth)
    assert (outcome.code, outcome.because) == (130, "interrupted")
    assert sorted(outcome.released) == ["i-0003", "i-0004"]
    bench.sound()


def test_ctrl_c_twice_says_what_gc_will_find(bench: Bench) -> None:
    """Who can't wait is told what is left; `gc` finds it."""

    def on_arrow(name: str) -> None:
        if name in ("after launch", "before terminate"):
            raise KeyboardInterrupt

    outcome = admit(bench.context(on_arrow=on_arrow), bench.truth)
    assert outcome.code == 130
    assert [x.id for x in outcome.left] == ["i-0003"]
    assert "i-0003" in bench.told[-1]
    assert "keepapart gc" in bench.told[-1]
    assert [f.id for f in collect(bench.context(), dry_run=True).found] == ["i-0003"]
    assert collect(bench.context()).released == ("i-0003",)
    bench.sound()


def test_dead_platform_says_what_is_left(bench: Bench) -> None:
    """Where even the release fails, the error keeps the first cause and names what `gc` is to find."""
    seen = False

    def on_arrow(name: str) -> None:
        nonlocal seen
        if name == "after launch" and not seen:
            seen = True
            bench.cloud.arm(Fault("*", CloudError("the platform is down"), times=0))

    outcome = admit(bench.context(on_arrow=on_arrow), bench.truth)
    assert (outcome.code, outcome.because) == (4, "the platform is down; not released: i-0003")
    assert [x.id for x in outcome.left] == ["i-0003"]
    assert "keepapart gc" in outcome.left[0].because
    bench.cloud.clear()
    assert admit(bench.context(), bench.truth).code == 0
    bench.sound()


def test_ctrl_c_of_gc_says_what_it_did(bench: Bench) -> None:
    """What went before Ctrl-C is released, the rest is found again, and the code is 130."""
    for name in ("lost-1", "lost-2"):
        bench.cloud.add(name, 2, role=CANDIDATE)

    def on_arrow(name: str) -> None:
        if name == "before terminate" and "lost-1" not in [i.id for i in bench.cloud.instances({})]:
            raise KeyboardInterrupt

    collected = collect(bench.context(on_arrow=on_arrow))
    assert (collected.code, collected.document().code) == (130, 130)
    assert [f.id for f in collected.found] == ["lost-1", "lost-2"]
    assert collected.released == ("lost-1",)
    assert collect(bench.context()).released == ("lost-2",)
