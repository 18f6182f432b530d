"""The judge: rules by example, then the properties that hold for any evidence whatever."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from keepapart.judging.judge import PairJudgement, judge
from keepapart.model import Strength, Verdict
from keepapart.signals import PairTestimony, Weights

WEAK, STRONG, CONCLUSIVE = Strength.WEAK, Strength.STRONG, Strength.CONCLUSIVE
NAMES = "abcdefgh"


def testimony(name: str, size: int, **pairs: int) -> PairTestimony:
    """Return what a signal says, written as ab=+2: strong evidence that a and b are on the same host."""
    weights = np.zeros((size, size), np.int8)
    for pair, weight in pairs.items():
        i, j = map(NAMES.index, pair)
        weights[i, j] = weights[j, i] = weight
    return PairTestimony(name, weights, lambda i, j: f"{name} of {NAMES[i]}{NAMES[j]}")


def verdicts(size: int, *testimonies: PairTestimony, assurance: Strength = STRONG) -> PairJudgement:
    """Judge the first `size` of the names by these testimonies."""
    return judge(NAMES[:size], testimonies, assurance)


def verdict(judgement: PairJudgement, pair: str) -> Verdict:
    """Return the verdict on a pair written as "ab"."""
    return judgement.pair(NAMES.index(pair[0]), NAMES.index(pair[1])).verdict


def test_the_highest_strength_decides() -> None:
    """A conclusive "different" stands against a strong "same"."""
    found = verdicts(2, testimony("hops", 2, ab=2), testimony("stated", 2, ab=-3))
    assert found.pair(0, 1).verdict is Verdict.SEPARATE
    assert found.pair(0, 1).strength is CONCLUSIVE


def test_a_conflict_at_the_highest_strength_is_unknown_and_names_both() -> None:
    """Two signals that contradict each other as strongly leave the pair unknown, and both are named."""
    pair = verdicts(2, testimony("hops", 2, ab=2), testimony("rtt", 2, ab=-2)).pair(0, 1)
    assert pair.verdict is Verdict.UNKNOWN
    assert "hops" in pair.because
    assert "rtt" in pair.because


def test_weak_evidence_decides_nothing() -> None:
    """Weak evidence, whichever way, is unknown; weakly the same is called suspected."""
    same, different = verdicts(2, testimony("s", 2, ab=1)), verdicts(2, testimony("s", 2, ab=-1))
    assert verdict(same, "ab") is verdict(different, "ab") is Verdict.UNKNOWN
    assert "suspected" in same.pair(0, 1).because


def test_silence_is_unknown() -> None:
    """A pair of which nobody says anything is unknown."""
    assert verdict(verdicts(2), "ab") is Verdict.UNKNOWN


def test_assurance_is_the_least_strength_that_separates() -> None:
    """Strong evidence doesn't separate where conclusive is asked for; it still makes co-resident."""
    found = verdicts(3, testimony("hops", 3, ab=-2, bc=2), assurance=CONCLUSIVE)
    assert verdict(found, "ab") is Verdict.UNKNOWN
    assert verdict(found, "bc") is Verdict.CO_RESIDENT


def test_sameness_is_transitive_at_the_weaker_strength() -> None:
    """a~b conclusively and b~c strongly make a~c, strongly, by a chain that is told."""
    pair = verdicts(3, testimony("s", 3, ab=3, bc=2)).pair(0, 2)
    assert (pair.verdict, pair.strength) == (Verdict.CO_RESIDENT, STRONG)
    assert "a and b and c" in pair.evidence[0].because


def test_difference_spreads_to_who_is_co_resident() -> None:
    """a~b and b≠c make a≠c, and the reason names both steps."""
    pair = verdicts(3, testimony("s", 3, ab=2, bc=-3)).pair(0, 2)
    assert (pair.verdict, pair.strength) == (Verdict.SEPARATE, STRONG)
    assert "a is co-resident with b" in pair.because
    assert "b and c are on different hosts" in pair.because


def test_weak_sameness_carries_nothing_over() -> None:
    """a suspected to be with b, and b≠c, say nothing of a and c."""
    assert verdict(verdicts(3, testimony("s", 3, ab=1, bc=-3)), "ac") is Verdict.UNKNOWN


def test_a_contradiction_at_equal_strength_makes_its_pairs_unknown() -> None:
    """a~b, b~c and a≠c, all strong, leave all three unknown and are reported once."""
    found = verdicts(3, testimony("s", 3, ab=2, bc=2, ac=-2))
    assert [verdict(found, pair) for pair in ("ab", "bc", "ac")] == [Verdict.UNKNOWN] * 3
    (contradiction,) = found.contradictions
    assert contradiction.members == {0, 1, 2}


def test_a_stronger_verdict_overrules_a_contradiction() -> None:
    """a≠c conclusively stands against a chain of strong sameness, of which no link can then be trusted."""
    found = verdicts(3, testimony("s", 3, ab=2, bc=2, ac=-3))
    assert verdict(found, "ac") is Verdict.SEPARATE
    assert verdict(found, "ab") is verdict(found, "bc") is Verdict.UNKNOWN


def test_a_stronger_chain_overrules_a_weaker_difference() -> None:
    """a~b~c conclusively stands against a strong a≠c."""
    found = verdicts(3, testimony("s", 3, ab=3, bc=3, ac=-2))
    assert verdict(found, "ac") is Verdict.CO_RESIDENT
    assert not found.contradictions


def test_a_contradiction_stays_with_its_own_group() -> None:
    """A contradiction among three leaves the verdicts on others as they are."""
    found = verdicts(5, testimony("s", 5, ab=2, bc=2, ac=-2, de=2, ad=-2))
    assert verdict(found, "de") is Verdict.CO_RESIDENT
    assert verdict(found, "ad") is verdict(found, "ae") is Verdict.SEPARATE


def test_a_conflict_between_two_hosts_makes_them_unknown_to_each_other() -> None:
    """Where signals conflict over b and c, nobody on either's host is called separate."""
    found = verdicts(4, testimony("s", 4, ab=2, cd=2, bc=2, ad=-2), testimony("t", 4, bc=-2))
    assert [verdict(found, pair) for pair in ("ac", "ad", "bc", "bd")] == [Verdict.UNKNOWN] * 4
    assert verdict(found, "ab") is verdict(found, "cd") is Verdict.CO_RESIDENT


@st.composite
def evidence(draw: st.DrawFn, signals: int = 3) -> list[Weights]:
    """Draw what up to `signals` signals say of up to 7 instances: anything at all."""
    size = draw(st.integers(2, 7))
    weight = st.sampled_from([0, 0, 0, 0, 1, 2, 2, 3, -1, -2, -2, -3])
    drawn = []
    for _ in range(draw(st.integers(1, signals))):
        weights = np.zeros((size, size), np.int8)
        for i in range(size):
            for j in range(i):
                weights[i, j] = weights[j, i] = draw(weight)
        drawn.append(weights)
    return drawn


def decide(drawn: list[Weights], assurance: Strength = STRONG) -> PairJudgement:
    """Judge by signals that are only weights."""
    testimonies = [PairTestimony(f"s{n}", weights, lambda _i, _j: "…") for n, weights in enumerate(drawn)]
    return judge(NAMES[: len(drawn[0])], testimonies, assurance)


@st.composite
def pair_of(draw: st.DrawFn, drawn: list[Weights]) -> tuple[int, int]:
    """Draw two different instances."""
    i = draw(st.integers(1, len(drawn[0]) - 1))
    return i, draw(st.integers(0, i - 1))


@given(evidence())
def test_co_resident_is_always_an_equivalence(drawn: list[Weights]) -> None:
    """Whatever is said, co-resident is symmetric and transitive, and so are its groups."""
    found = decide(drawn)
    same = found.co_resident | np.eye(len(drawn[0]), dtype=bool)
    assert (same == (found.groups[:, None] == found.groups[None, :])).all()
    assert (found.weights == found.weights.T).all()


@given(evidence())
def test_separate_holds_for_whole_groups(drawn: list[Weights]) -> None:
    """Who is separate from one instance is separate from all that are co-resident with it, or unknown."""
    found = decide(drawn)
    for i, j in np.argwhere(found.separate):
        assert not (found.co_resident[i] & found.co_resident[j]).any()


@given(st.data())
def test_evidence_of_sameness_never_separates(data: st.DataObject) -> None:
    """A pair that isn't separate doesn't become so by evidence that it is the same."""
    drawn = data.draw(evidence())
    i, j = data.draw(pair_of(drawn))
    before = decide(drawn).separate[i, j]
    more = np.zeros_like(drawn[0])
    more[i, j] = more[j, i] = data.draw(st.sampled_from([1, 2, 3]))
    after = decide([*drawn, more]).separate[i, j]
    assert before or not after


@given(st.data())
def test_without_evidence_of_its_own_a_pair_is_separate_only_through_a_co_resident(
    data: st.DataObject,
) -> None:
    """Take away all that is said of a pair: it is separate only through a co-resident third."""
    drawn = data.draw(evidence())
    i, j = data.draw(pair_of(drawn))
    for weights in drawn:
        weights[i, j] = weights[j, i] = 0
    found = decide(drawn)
    if found.separate[i, j]:
        assert (found.co_resident[i] | found.co_resident[j]).any()


@given(st.data())
def test_weaker_evidence_never_overturns_a_stronger_verdict(data: st.DataObject) -> None:
    """What conclusive evidence settles stays, whatever strong and weak evidence is added anywhere."""
    drawn = data.draw(evidence())
    only = [np.where(np.abs(w) == CONCLUSIVE, w, np.int8(0)) for w in drawn]
    settled, found = decide(only).weights, decide(drawn).weights
    assert (found[settled != 0] == settled[settled != 0]).all()


@given(evidence())
def test_strong_evidence_never_overturns_a_conclusive_conflict(drawn: list[Weights]) -> None:
    """A pair that is both, conclusively, stays unknown, whatever else is said."""
    same = np.max(drawn, axis=0)
    different = -np.min(drawn, axis=0)
    torn = (same == CONCLUSIVE) & (different == CONCLUSIVE)
    assert decide(drawn).unknown[torn].all()


@given(st.data())
def test_the_order_of_signals_does_not_matter(data: st.DataObject) -> None:
    """Signals in any order give the same verdicts."""
    drawn = data.draw(evidence())
    shuffled = data.draw(st.permutations(drawn))
    assert (decide(drawn).weights == decide(list(shuffled)).weights).all()


@given(st.data())
def test_relabelling_instances_relabels_the_answer(data: st.DataObject) -> None:
    """Instances listed in another order get the same verdicts, in that order."""
    drawn = data.draw(evidence())
    order = data.draw(st.permutations(range(len(drawn[0]))))
    at = np.ix_(order, order)
    assert (decide([w[at] for w in drawn]).weights == decide(drawn).weights[at]).all()


@given(evidence())
@settings(max_examples=50)
def test_every_verdict_says_why(drawn: list[Weights]) -> None:
    """Every pair has a reason, and a verdict that isn't unknown rests on evidence as strong as it claims."""
    found = decide(drawn)
    size = len(drawn[0])
    for i in range(size):
        for j in range(i):
            pair = found.pair(i, j)
            assert pair.because
            if pair.verdict is not Verdict.UNKNOWN:
                assert max(e.strength for e in pair.evidence) >= (pair.strength or 0)
