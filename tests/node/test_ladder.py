"""Ladders: the least time-to-live that gets through, whatever is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepapart.node.ladder import AGAIN, RUNGS, TcpLadder, least


class Scripted:
    """A target so many hops away; of the packets to it and back those are lost whose numbers are `lost`.

    Routers say that a packet ran out, or, where `silent`, nothing.
    """

    def __init__(self, hops: int, lost: set[int] = frozenset(), silent: bool = False) -> None:  # type: ignore[assignment]  # an empty set
        self.hops, self.lost, self.silent = hops, lost, silent
        self.sent: list[int] = []
        self._news: list[tuple[int, bool]] = []

    def send(self, ttl: int) -> None:
        if len(self.sent) not in self.lost and (ttl >= self.hops or not self.silent):
            self._news.append((ttl, ttl >= self.hops))
        self.sent.append(ttl)

    def hear(self, seconds: float) -> list[tuple[int, bool]]:  # noqa: ARG002  # nothing more comes
        news, self._news = self._news, []
        return news

    def token(self, ttl: int) -> str:
        return str(ttl)

    def close(self) -> None:
        """Leave nothing."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing comes late here."""
    monkeypatch.setattr("keepapart.node.ladder.STEP", 1e-6)
    monkeypatch.setattr("keepapart.node.ladder.GRACE", 1e-6)


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize("hops", [1, 2, 7, RUNGS])
def test_the_least_that_gets_through_is_the_count(hops: int, silent: bool) -> None:
    """Whether routers speak or not; and only what is tried again reaches the target more than once."""
    ladder = Scripted(hops, silent=silent)
    assert least(ladder, 0.0) == hops
    assert sum(ttl >= hops for ttl in ladder.sent) == 1


def test_what_is_too_far_is_no_count() -> None:
    """Nothing gets through to a target beyond the last rung."""
    assert least(Scripted(RUNGS + 1), 0.0) == 0


@given(st.integers(2, 12), st.integers(1, AGAIN), st.booleans())
def test_a_rung_that_was_lost_is_tried_again(hops: int, lost: int, silent: bool) -> None:
    """The first packet that could have arrived is lost, and retries but the last: the count is the same."""
    first = hops - 1
    retries = set(range(first + 2, first + 1 + lost))
    assert least(Scripted(hops, {first} | retries, silent), 0.0) == hops


@given(st.integers(1, 12), st.sets(st.integers(0, 60)), st.booleans())
def test_no_count_is_too_short(hops: int, lost: set[int], silent: bool) -> None:
    """Whatever is lost, less than the true distance never gets through."""
    assert least(Scripted(hops, lost, silent), 0.0) in (0, *range(hops, RUNGS + 1))


def test_where_there_is_no_way_nothing_gets_through() -> None:
    """A connection that fails before anything is sent is no answer of the target."""
    ladder = TcpLadder("255.255.255.255", 7000)
    try:
        assert least(ladder, 0.001) == 0
    finally:
        ladder.close()
