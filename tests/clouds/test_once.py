"""One token is one instance on platforms of every kind: what a launch does next, decided by values alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepapart.clouds import ATTEMPT_TAG, CLUSTER_TAG, RUN_TAG, LaunchRequest
from keepapart.clouds.once import (
    ALONE,
    QUIET,
    ExistsError,
    Kind,
    Namesake,
    Refuse,
    Send,
    Take,
    Wait,
    carries,
    decide,
    launched,
    name_of,
    number_of,
)
from keepapart.errors import RefusedError, UnsettledError

OURS, LATER = Namesake("a", True, "2026-11-25T10:00:00Z"), Namesake("b", True, "2026-11-25T10:00:01Z")
STRANGER, UNTOLD = Namesake("s", False), Namesake("u", None)
every_kind = pytest.mark.parametrize("kind", Kind)
namesakes = st.lists(
    st.builds(Namesake, st.sampled_from("abc"), st.sampled_from([True, False, None]), st.text())
)
sent = st.none() | st.floats(0, 10 * QUIET)


@every_kind
def test_what_was_launched_is_taken_and_the_oldest_of_several(kind: Kind) -> None:
    """Whatever the platform is like: what carries the attempt's tags is the token's instance."""
    assert decide(kind, [STRANGER, LATER, UNTOLD, OURS], 0.0) == Take("a")


@every_kind
def test_a_new_token_is_sent_at_once(kind: Kind) -> None:
    """Where nothing was ever sent, there is nothing to look for."""
    assert decide(kind, [], None) == Send()


def test_what_may_have_been_sent_is_looked_for_where_nothing_keeps_a_second_one_away() -> None:
    """Only the quiet time makes it sure that a lost call came to nothing; elsewhere the platform says so."""
    assert decide(Kind.NOTHING, [], 10.0) == Wait(QUIET - 10.0)
    assert decide(Kind.NOTHING, [STRANGER], 10.0) == Wait(QUIET - 10.0)
    assert decide(Kind.NOTHING, [], QUIET) == Send()
    assert [decide(kind, [], 0.0) for kind in Kind if kind is not Kind.NOTHING] == [Send()] * 3


def test_a_stranger_hinders_where_ids_or_names_are_taken_once() -> None:
    """There the launch can't come about; where names may repeat, the stranger is left alone."""
    assert {kind: decide(kind, [STRANGER], None) for kind in Kind} == {
        kind: Refuse("s") if kind in ALONE else Send() for kind in Kind
    }


@given(st.sampled_from(Kind), namesakes, sent)
def test_nothing_is_sent_while_something_of_ours_may_be_there(
    kind: Kind, found: Sequence[Namesake], ago: float | None
) -> None:
    """Whatever is shown: no call beside an instance of this token, or one of which it isn't told."""
    step = decide(kind, found, ago)
    if any(each.ours is not False for each in found):
        assert isinstance(step, Take | Wait)
    if isinstance(step, Take):
        assert any(each.id == step.id and each.ours for each in found)
    if isinstance(step, Send) and kind is Kind.NOTHING:
        assert ago is None or ago >= QUIET


def test_a_refusal_for_what_exists_is_looked_into() -> None:
    """What the platform has already is the token's own, a stranger's, or not shown yet."""
    shown: list[list[Namesake]] = []

    def exists() -> str:
        raise ExistsError("it is there")

    request = LaunchRequest("t", {})
    shown = [[], [OURS]]
    assert launched(Kind.NAME, request, lambda: shown.pop(0), exists) == "a"
    shown = [[], [STRANGER]]
    with pytest.raises(RefusedError, match="s has the id or the name of this attempt"):
        launched(Kind.NAME, request, lambda: shown.pop(0), exists)
    shown = [[], []]
    with pytest.raises(UnsettledError, match="it is there, and doesn't show it"):
        launched(Kind.NAME, request, lambda: shown.pop(0), exists)


@given(st.text(max_size=64), st.integers(100, 10**9), st.integers(0, 10**9))
def test_names_and_numbers_follow_from_the_token(token: str, first: int, more: int) -> None:
    """The same each time, a host name, and within the range that they are of."""
    name, number = name_of(token), number_of(token, first, first + more)
    assert (name, number) == (name_of(token), number_of(token, first, first + more))
    assert name.removeprefix("ka-").isalnum() and len(name) <= 63
    assert first <= number <= first + more


def test_the_attempts_own_tags_tell_whose_it_is() -> None:
    """Cluster, run and attempt are compared; the role changes, and other tags are the operator's."""
    mine = {CLUSTER_TAG: "orders", RUN_TAG: "run-1", ATTEMPT_TAG: "1"}
    request = LaunchRequest("t", {**mine, "keepapart:role": "candidate"})
    assert carries({**mine, "keepapart:role": "member", "more": "tags"}, request)
    assert not carries({**mine, ATTEMPT_TAG: "2"}, request)
    assert not carries({CLUSTER_TAG: "orders"}, request)
