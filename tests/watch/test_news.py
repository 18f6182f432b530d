"""What is new is told once, with before and after; what flaps isn't, but that a host is shared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from keepapart.auditing.assess import Audit
from keepapart.auditing.document import audit_document
from keepapart.documents.base import plain
from keepapart.watch.news import Told, news
from tests.report.audits import audit_of

A, B, C = (0, 0), (1, 1), (2, 2)
NAMES = ("h-1", "h-2", "h-3")  # of the hosts at these places, as naming keeps them


def document(audit: Audit, names: Sequence[str] = NAMES) -> dict[str, Any]:
    """Return an audit as a document in which hosts keep their names: the n-th of APART has the n-th."""
    found = plain(audit_document(audit))
    own: dict[str, str] = {}
    for one, name in zip(found["instances"], names, strict=False):
        if one["host"]:
            one["host"] = own.setdefault(one["host"], name)
    for host in found["hosts"]:
        host["name"] = own[host["name"]]
    return found


APART, TOGETHER = audit_of((A, B, C)), audit_of((A, A, C))
LOST = audit_of((A, B, C), lost={"web-3": "timed out"})
DOWN = audit_of((A, B, C), states=["running", "running", "stopped"])


def told(*audits: Audit | dict[str, Any]) -> list[list[str]]:
    """Return the kinds of news of each audit, with the member."""
    before, found = None, []
    for audit in audits:
        before, these = news(before, document(audit) if isinstance(audit, Audit) else audit)
        before = Told.read(before.written())
        found.append([f"{each.id} {each.kind}" for each in these])
    return found


def test_the_first_audit_tells_who_shares_a_host_and_nothing_else() -> None:
    """All that is there is no change; that members share a host matters from the start."""
    assert told(APART) == [[]]
    assert told(TOGETHER) == [["web-1 shared", "web-2 shared"]]


def test_sharing_is_told_at_once_and_its_end_when_two_audits_agree() -> None:
    """And each once, however often it is seen."""
    separate = ["web-1 separate", "web-2 moved", "web-2 separate"]
    assert told(APART, TOGETHER, TOGETHER, APART, APART, APART) == [
        [], ["web-1 shared", "web-2 moved", "web-2 shared"], [], [], separate, [],
    ]  # fmt: skip


def test_what_flaps_is_not_told() -> None:
    """A member that every other audit doesn't reach."""
    assert told(APART, LOST, APART, LOST, APART) == [[]] * 5


def test_one_that_is_not_reached_is_news_of_it_alone() -> None:
    """It may be on any host, but of the others nothing is new; nor when it is back where it was."""
    assert told(APART, LOST, LOST, LOST) == [[], [], ["web-3 unknown"], []]
    assert told(APART, LOST, LOST, APART, APART)[-1] == ["web-3 separate"]


def test_nobody_is_called_separate_while_one_is_missing() -> None:
    """Two that shared a host, and a third that nobody reaches: it may be with either."""
    both_apart = [LOST, LOST, LOST]
    kinds = told(TOGETHER, *both_apart)
    assert not [kind for of_audit in kinds for kind in of_audit if "separate" in kind]
    assert {"web-1 separate", "web-2 separate"} < {*told(TOGETHER, *both_apart, APART, APART)[-1]}


def test_members_that_stop_start_join_and_leave() -> None:
    """Each when two audits agree."""
    assert told(APART, DOWN, DOWN, APART, APART) == [
        [],
        [],
        ["web-3 stopped"],
        [],
        ["web-3 started", "web-3 separate"],
    ]
    two = audit_of((A, B))
    assert told(APART, two, two) == [[], [], ["web-3 left"]]
    assert told(two, APART, APART) == [[], [], ["web-3 joined", "web-3 separate"]]


def test_a_move_says_from_where_to_where() -> None:
    """Also where the host was not known for a while in between."""
    first, then = document(APART), document(APART, ["h-1", "h-2", "h-4"])
    assert told(first, then, then) == [[], [], ["web-3 moved"]]
    assert told(first, LOST, LOST, then, then)[-1] == ["web-3 moved", "web-3 separate"]
    state, _ = news(None, first)
    state, _ = news(state, then)
    _, (moved,) = news(state, then)
    assert (moved.came_from, moved.went_to) == ("h-3", "h-4")
    assert moved.text == "web-3 moved from h-3 to h-4"


SAID = [{"by": "the API", "value": "host-a"}, {"by": "labels.json", "value": "host-b"}]
BECAUSE = (
    "host of web-1: labels.json says host-b (read 2026-11-28T00:00:00Z), the API says host-a: the API counts"
)


def differing(audit: Audit, because: str = BECAUSE) -> dict[str, Any]:
    """Return an audit in which two sources differ on the host of a member."""
    found = document(audit)
    found["facts_differ"] = [{"id": "web-1", "fact": "host", "said": SAID, "because": because}]
    return found


def test_facts_that_come_to_differ_are_news() -> None:
    """With what differs, in words; and that they don't any more."""
    differs = differing(APART)
    assert told(APART, differs, differs, APART, APART) == [
        [], [], ["web-1 facts-differ"], [], ["web-1 facts-agree"],
    ]  # fmt: skip
    state, _ = news(None, document(APART))
    state, _ = news(state, differs)
    _, (found,) = news(state, differs)
    assert (found.fact, found.came_from, found.went_to, found.text) == ("host", "host-b", "host-a", BECAUSE)


def test_words_that_change_make_no_news() -> None:
    """A label that is read anew each time has another time each time."""
    words = [differing(APART, BECAUSE.replace("00:00:00", f"0{hour}:00:00")) for hour in range(4)]
    assert told(APART, *words) == [[], [], ["web-1 facts-differ"], [], []]


def test_not_reaching_somebody_ends_no_difference() -> None:
    """What is measured of a member rests on others too; and where nothing is measured, nothing agrees."""
    differs = differing(APART)
    assert told(APART, differs, differs, LOST, LOST, differs, differs)[3:] == [
        [], ["web-3 unknown"], [], ["web-3 separate"],
    ]  # fmt: skip
    opaque = audit_of((A, B, C), model="opaque")
    kinds = told(APART, differs, differs, opaque, opaque, differs, differs)
    assert not [kind for of_audit in kinds[3:] for kind in of_audit if "facts" in kind]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from((APART, TOGETHER, LOST, DOWN)), max_size=12))
def test_nobody_is_told_separate_who_was_not_seen_separate(audits: list[Audit]) -> None:
    """Whatever audits follow each other: on a host of its own is who two audits in a row say is."""
    for number, kinds in enumerate(told(*audits)):
        for kind in kinds:
            name, _, what = kind.partition(" ")
            if what == "separate":
                for audit in audits[number - 1 : number + 1]:
                    others = [other for other in audit.ids if other != name and other not in audit.down]
                    assert {audit.pair(name, other).verdict.value for other in others} == {"separate"}
