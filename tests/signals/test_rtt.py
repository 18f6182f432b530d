"""Round-trip times: silent until the network itself has shown what near is."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from keepapart.model import Says, Strength
from keepapart.probe.measured import Times
from keepapart.signals import PairTestimony, Weights, rtt
from keepapart.signals.rtt import KNOWN, MARGIN

WEAK, STRONG = int(Strength.WEAK), int(Strength.STRONG)
US = 1e-6
SIZE = 12  # 66 pairs


def times(values: list[float]) -> Times:
    """Return a matrix of times, its upper triangle filled row by row."""
    matrix = np.zeros((SIZE, SIZE), np.float32)
    a, b = np.triu_indices(SIZE, 1)
    matrix[a, b] = np.resize(np.array(values, np.float32), len(a))
    return matrix + matrix.T


def known(values: list[int]) -> Weights:
    """Return a matrix of weights, filled as `times` is; the rest is 0."""
    a, b = np.triu_indices(SIZE, 1)
    matrix = np.zeros((SIZE, SIZE), np.int8)
    matrix[a[: len(values)], b[: len(values)]] = values
    return matrix + matrix.T


def learnt(
    *more: float, near: float = 50 * US, far: float = 200 * US, count: int = KNOWN
) -> list[PairTestimony]:
    """Let `count` pairs of each kind be known, of these times, and ask about `more`, which follow them."""
    measured = times([near] * count + [far] * count + [*more] + [0.0] * (66 - 2 * count - len(more)))
    return rtt.testimonies(measured, known([STRONG] * count + [-STRONG] * count))


def asked(said: PairTestimony, number: int) -> int:
    """Return what is said of the n-th pair asked about."""
    a, b = np.triu_indices(SIZE, 1)
    place = 2 * KNOWN + number
    return int(said.weights[a[place], b[place]])


def test_near_and_far_are_learnt_from_pairs_already_known() -> None:
    """As quick as the co-resident is the same, as slow as the apart is different, between is nothing."""
    (said,) = learnt(40 * US, 50 * US, 51 * US, 199 * US, 200 * US, 900 * US, 0.0)
    assert [asked(said, n) for n in range(7)] == [WEAK, WEAK, 0, 0, -WEAK, -WEAK, 0]
    a, b = np.triu_indices(SIZE, 1)
    place = 2 * KNOWN
    evidence = said.evidence(int(a[place]), int(b[place]))
    assert evidence
    assert (evidence.says, evidence.strength) == (Says.SAME, Strength.WEAK)
    assert evidence.because == (
        "their least round trip takes 40 µs, no more than on one host here (up to 50 µs in 9 pairs)"
    )


def test_too_few_known_pairs_say_nothing() -> None:
    """One pair fewer of each kind than the bound on a wrong call takes: silent."""
    assert learnt(40 * US, count=KNOWN - 1) == []


def test_overlapping_times_say_nothing() -> None:
    """Where pairs apart are nearly as quick as the co-resident, there is no threshold."""
    assert learnt(40 * US, near=50 * US, far=50 * US * MARGIN * 0.99) == []


def test_a_single_quick_pair_between_hosts_silences_it() -> None:
    """One known pair out of line is enough to show that time tells nothing here."""
    measured = times([50 * US] * KNOWN + [200 * US] * KNOWN + [50 * US])
    assert rtt.testimonies(measured, known([STRONG] * KNOWN + [-STRONG] * (KNOWN + 1))) == []


duration = st.floats(0, 2**-10, width=32)
weight = st.sampled_from([-3, -2, -1, 0, 1, 2, 3])


@settings(deadline=None)
@given(st.lists(duration, min_size=66, max_size=66), st.lists(weight, min_size=66, max_size=66))
def test_it_speaks_weakly_and_only_where_both_kinds_are_known(drawn: list[float], weights: list[int]) -> None:
    """Never strongly, never of a pair not measured, never without enough of both kinds that don't overlap."""
    measured, settled = times(drawn), known(weights)
    for said in rtt.testimonies(measured, settled):
        assert (np.abs(said.weights) <= WEAK).all()
        assert not said.weights[measured == 0].any()
        upper = np.triu(measured > 0, 1)
        assert (upper & (settled >= STRONG)).sum() >= KNOWN
        assert (upper & (settled <= -STRONG)).sum() >= KNOWN
        assert not ((said.weights > 0) & (settled <= -STRONG)).any()


def test_a_wrong_call_has_the_chance_that_is_claimed() -> None:
    """Among like pairs, the next one apart is quicker than all known ones in one case of ten at most."""
    random = np.random.default_rng(1)
    drawn = random.exponential(size=(20_000, KNOWN + 1))
    assert (drawn[:, -1] < drawn[:, :-1].min(axis=1)).mean() < 0.11
