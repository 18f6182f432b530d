"""The worst case and what is survived, held against every placement of small clusters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepapart.domains.fault_domains import domains
from keepapart.domains.risk import risk
from keepapart.domains.worst_case import most_together
from keepapart.judging.judge import PairJudgement, judge
from keepapart.model import Strength
from keepapart.signals import PairTestimony

Placement = list[list[int]]  # who is on each host


def judged(weights: np.ndarray[tuple[int, int], np.dtype[np.int8]], assurance: Strength) -> PairJudgement:
    """Judge instances by what one signal says of every pair."""
    ids = [f"web-{k}" for k in range(len(weights))]
    return judge(ids, [PairTestimony("s", weights, lambda _i, _j: "…")], assurance)


@st.composite
def judgements(draw: st.DrawFn) -> PairJudgement:
    """Draw what is said of every pair of up to seven instances, mostly nothing or that they are apart."""
    size = draw(st.integers(1, 7))
    said = draw(st.lists(st.sampled_from([0, 0, 0, -3, -2, -2, 1, 2, 3]), min_size=21, max_size=21))
    weights = np.zeros((size, size), np.int8)
    above = np.triu_indices(size, 1)
    weights[above] = said[: len(above[0])]
    return judged(weights + weights.T, draw(st.sampled_from([Strength.STRONG, Strength.CONCLUSIVE])))


def placements(judgement: PairJudgement, number: int, down: Sequence[int] = ()) -> Iterator[Placement]:
    """Yield every placement of the first `number` instances, but those `down`, that the verdicts allow."""
    if number == 0:
        yield []
        return
    last = number - 1
    for hosts in placements(judgement, last, down):
        if last in down:
            yield hosts
            continue
        for chosen in range(len(hosts) + 1):
            there = hosts[chosen] if chosen < len(hosts) else []
            others = [i for host in hosts if host is not there for i in host]
            if judgement.separate[last, there].any() or judgement.co_resident[last, others].any():
                continue
            yield [*(host for host in hosts if host is not there), [*there, last]]


@settings(max_examples=200, deadline=None)
@given(judgements(), st.data())
def test_survives_is_what_every_placement_says(judgement: PairJudgement, data: st.DataObject) -> None:
    """True where all placements survive the worst host's loss, False where none does, else not known.

    Who is down is on no host in any of them, and lost already.
    """
    size = len(judgement.ids)
    survive = data.draw(st.one_of(st.just("majority"), st.integers(1, size)))
    down = sorted(data.draw(st.sets(st.integers(0, size - 1))))
    answered = data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
    reached = [yes and i not in down for i, yes in enumerate(answered)]
    found = risk(judgement.ids, domains(judgement, None, reached, down=down), reached, survive)
    worst = [max(map(len, hosts), default=0) for hosts in placements(judgement, size, down)]
    told = {size - len(down) - lost >= found.need for lost in worst}
    assert found.most == max(worst)
    assert found.quorate is (size - len(down) >= found.need)
    assert found.quorate or found.survives is False
    assert not {judgement.ids[i] for i in down} & {*found.lost, *found.replace, *found.spread}
    assert found.survives is (told.pop() if len(told) == 1 else None)


@settings(max_examples=200, deadline=None)
@given(judgements(), st.integers(0, 30), st.sets(st.integers(0, 6)))
def test_the_worst_case_is_never_called_less_than_it_may_be(
    judgement: PairJudgement, work: int, some: set[int]
) -> None:
    """With all work done it is exact for each instance, with less it is a bound."""
    size = len(judgement.ids)
    down = sorted(i for i in some if i < size)
    true = [0] * size
    for hosts in placements(judgement, size, down):
        for host in hosts:
            for i in host:
                true[i] = max(true[i], len(host))
    assert most_together(judgement, down).tolist() == true
    assert (most_together(judgement, down, work) >= true).all()
    assert (most_together(judgement, down, work) <= judgement.possible).all()


def test_who_may_be_with_one_may_not_be_with_each_other() -> None:
    """a may share a host with b or with c, which are apart: of five, no host's loss takes the majority."""
    weights = np.full((5, 5), -2, np.int8)
    weights[0, 1:3] = weights[1:3, 0] = 0
    np.fill_diagonal(weights, 0)
    judgement = judged(weights, Strength.STRONG)
    found = risk(judgement.ids, domains(judgement, None, [True] * 5), [True] * 5, "majority")
    assert (found.survives, found.most) == (True, 2)


@pytest.mark.parametrize("open_share", [0.02, 0.5])
def test_hundreds_of_instances_are_within_what_is_possible(open_share: float) -> None:
    """Where pairs are unknown at random, the work is bounded, and what comes of it is possible."""
    above = np.triu(np.random.default_rng(3).random((600, 600)) < open_share, 1)
    weights = np.where(above | above.T | np.eye(600, dtype=np.bool_), 0, -2).astype(np.int8)
    judgement = judged(weights, Strength.STRONG)
    found = most_together(judgement)
    assert (found <= judgement.possible).all()
