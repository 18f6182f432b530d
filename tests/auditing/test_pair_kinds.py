"""Kinds of pairs: every pair is of one, which says of it what the judge says."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from keepapart.auditing.pair_kinds import pair_kinds
from keepapart.judging.judge import PairJudgement, judge
from keepapart.model import Strength, Verdict
from keepapart.signals import PairTestimony
from tests.report.audits import audit_of


@st.composite
def judgements(draw: st.DrawFn) -> PairJudgement:
    """Draw what up to four signals say of every pair of up to six instances."""
    size = draw(st.integers(1, 6))
    testimonies = []
    for number in range(draw(st.integers(0, 4))):
        said = draw(st.lists(st.sampled_from([0, 0, 0, -3, -2, -1, 1, 2, 3]), min_size=15, max_size=15))
        weights = np.zeros((size, size), np.int8)
        above = np.triu_indices(size, 1)
        weights[above] = said[: len(above[0])]
        name = f"signal-{number}"
        testimonies.append(PairTestimony(name, weights + weights.T, lambda *_, name=name: f"{name} …"))
    assurance = draw(st.sampled_from([Strength.STRONG, Strength.CONCLUSIVE]))
    return judge([f"web-{k}" for k in range(size)], testimonies, assurance)


@settings(deadline=None)
@given(judgements())
def test_a_kind_says_what_the_judge_says(judgement: PairJudgement) -> None:
    """The verdict, its strength and the signal that decides; of unknown pairs how the reason begins."""
    size = len(judgement.ids)
    found = pair_kinds(judgement, [True] * size)
    counted = [0] * len(found.kinds)
    for i in range(size):
        for j in range(i + 1, size):
            pair, kind = judgement.pair(i, j), found.kinds[found.of[i, j]]
            counted[found.of[i, j]] += 1
            assert (kind.verdict, kind.strength) == (pair.verdict, pair.strength)
            if pair.verdict is Verdict.UNKNOWN:
                tangled = "can't be trusted" in pair.because
                assert tangled == ("a chain of" in kind.because)
                assert tangled or pair.because.startswith(kind.because)
            else:
                decides = next(e for e in pair.evidence if e.because == pair.because)
                assert kind.because == f"{decides.signal} says {decides.says.value}"
    assert list(found.pairs) == counted
    assert all(counted)


@given(judgements(), st.integers(0, 5))
def test_the_first_of_each_kind(judgement: PairJudgement, most: int) -> None:
    """They are of that kind, in the order of pairs, and as many as there are where they aren't too many."""
    found = pair_kinds(judgement, [True] * len(judgement.ids))
    for kind, pairs in enumerate(found.pairs):
        first = found.first(kind, most)
        assert len(first) == min(pairs, most)
        assert first == sorted(set(first))
        assert all(i < j and found.of[i, j] == kind for i, j in first)


def test_who_could_not_be_reached_is_a_kind() -> None:
    """Unknown pairs of an instance without a way in are told from those that nothing is said of."""
    audit = audit_of([(0, 0), (0, 0), (0, 1), (0, 2)], lost={"web-4": "timed out"}, missing=[(1, 2), (0, 2)])
    found = pair_kinds(audit.judgement, audit.reached)
    told = {kind.because: pairs for kind, pairs in zip(found.kinds, found.pairs, strict=True)}
    assert told == {
        "hops says same": 1,
        "one of the two couldn't be reached": 3,
        "no signal says anything about this pair": 2,
    }


def test_larger_than_a_block_of_rows() -> None:
    """Hundreds of instances are sorted as few are."""
    audit = audit_of([(k % 3, k // 2) for k in range(600)])
    found = pair_kinds(audit.judgement, audit.reached)
    told = {kind.verdict.value: pairs for kind, pairs in zip(found.kinds, found.pairs, strict=True)}
    assert told == {key: count for key, count in audit.counts.items() if count}
