"""What changed between audits: who moved, and nothing out of ignorance."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepapart.auditing.history import rows
from keepapart.domains.naming import Names, assign, remember
from keepapart.report.words import changed
from keepapart.store import Store
from tests.auditing.keeping import keep
from tests.report.audits import APART, SHARED, audit_of

Moves = list[tuple[str, str, str]]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a store that keeps nothing yet."""
    return Store(f"sqlite:///{tmp_path}/keepapart.db")


def moved(store: Store) -> list[Moves]:
    """Return who moved, from the oldest kept audit on."""
    kept = rows(store, "orders", 20)
    return [[(m.id, m.came_from, m.went_to) for m in row.moves] for row in reversed(kept)]


def test_nothing_before_nothing_changed(store: Store) -> None:
    """The first audit has nothing to be compared with, and of an equal one nothing changed."""
    first, second = keep(store, audit_of(SHARED), audit_of(SHARED))
    assert first is None
    assert second is not None
    assert not second
    assert changed(second) == f"since {second.since}: nothing changed"
    assert moved(store) == [[], []]


def test_one_moved_one_is_named(store: Store) -> None:
    """Who comes to another's host moved, and so does who leaves it; the other stayed."""
    keep(store, audit_of(APART), audit_of(SHARED), audit_of(APART))
    assert moved(store) == [[], [("web-2", "host-2", "host-1")], [("web-2", "host-1", "host-6")]]


def test_from_one_s_host_to_another_s(store: Store) -> None:
    """a leaves b and comes to c: a is named, whatever the order in which hosts are listed."""
    keep(store, audit_of([(0, 0), (0, 0), (0, 1)]), audit_of([(0, 1), (0, 0), (0, 1)]))
    assert moved(store)[1] == [("web-1", "host-1", "host-2")]


def test_not_being_reached_is_no_move(store: Store) -> None:
    """An instance that can't be reached hasn't moved, and is compared with what was known before that."""
    unreached = audit_of(SHARED, lost={"web-2": "timed out"})
    keep(store, audit_of(SHARED), unreached, audit_of(SHARED), unreached, audit_of(APART))
    assert moved(store)[:4] == [[], [], [], []]
    assert [name for name, _, _ in moved(store)[4]] == ["web-2"]


def test_coming_and_going_is_no_move(store: Store) -> None:
    """Who joins or leaves the cluster changes nobody's place."""
    fewer = audit_of(SHARED[1:], ids=["web-2", "web-3", "web-4", "web-5"])
    _, more, less = keep(store, audit_of(SHARED[:3]), audit_of(SHARED), fewer)
    assert moved(store) == [[], [], []]
    assert more is not None
    assert less is not None
    assert (more.joined, more.left, less.joined, less.left) == (["web-4", "web-5"], [], [], ["web-1"])
    assert changed(less).endswith("web-1 left; pairs: 3 fewer separate, 1 fewer co-resident")


def test_stopping_and_starting_is_told(store: Store) -> None:
    """Who stopped and who runs again; started elsewhere is a move as well."""
    stopped = audit_of(SHARED, states=["running", "stopped", "running", "running", "running"])
    _, down, up = keep(store, audit_of(SHARED), stopped, audit_of(APART))
    assert down is not None
    assert up is not None
    assert (down.stopped, down.moved, up.started) == (["web-2"], [], ["web-2"])
    assert [move.id for move in up.moved] == ["web-2"]
    assert "web-2 moved from host-1 to host-5; web-2 started" in changed(up)


def test_a_check_of_two_in_between_is_no_audit(store: Store) -> None:
    """What other verbs measured, and audits of some members, are neither compared nor compared with."""
    two = audit_of(SHARED[3:], ids=["web-4", "web-5"])
    keep(store, audit_of(SHARED))
    assert keep(store, two, purpose="check") != [None]
    keep(store, two, whole=False)
    (found,) = keep(store, audit_of(SHARED))
    assert found is not None
    assert not found
    assert moved(store) == [[], [], [], []]


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=7),
    st.lists(st.integers(0, 4), min_size=7, max_size=7),
)
def test_as_few_as_possible_change_their_name(before: list[int], later: list[int]) -> None:
    """However instances regroup, no naming of the hosts explains it with fewer moves."""
    ids = [f"web-{k}" for k in range(len(before))]

    def groups(places: Sequence[int]) -> list[list[str]]:
        found: dict[int, list[str]] = {}
        for name, place in zip(ids, places, strict=False):
            found.setdefault(place, []).append(name)
        return list(found.values())

    had = remember(dict(zip(assign(groups(before), "host", Names()), groups(before), strict=True)), Names())
    names = assign(groups(later), "host", had)
    now = {name: host for host, group in zip(names, groups(later), strict=True) for name in group}
    moved = [name for name in ids if now[name] != had.of[name]]

    def explains(movers: Sequence[str]) -> bool:
        stayed = [name for name in ids if name not in movers]
        places = dict(zip(ids, later, strict=False))
        return all((had.of[a] == had.of[b]) == (places[a] == places[b]) for a, b in combinations(stayed, 2))

    assert explains(moved)
    assert not any(explains(few) for size in range(len(moved)) for few in combinations(ids, size))
