"""Labels: what n numbers say of n × n pairs."""

from __future__ import annotations

import tracemalloc

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from keepapart.judging.judge import judge
from keepapart.model import Strength, Verdict
from keepapart.signals import UNKNOWN, LabelTestimony, PairTestimony

weight = st.integers(-3, 3)


@st.composite
def labelled(draw: st.DrawFn) -> LabelTestimony:
    """Draw any labels of up to 6 instances in up to 3 scopes."""
    size = draw(st.integers(1, 6))
    values = draw(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=size, max_size=size))
    scopes = draw(st.lists(st.sampled_from("xyz"), min_size=size, max_size=size))
    return LabelTestimony.of(
        "s", values, lambda i, j: f"{i}{j}", if_equal=draw(weight), if_different=draw(weight), scopes=scopes
    )


@settings(deadline=None)
@given(labelled())
def test_the_dense_form_says_the_same(said: LabelTestimony) -> None:
    """Weights, pair by pair and all at once, are the same; symmetric, and nothing on the diagonal."""
    dense = said.weights
    size = range(len(said.labels))
    assert [[said.weight(i, j) for j in size] for i in size] == dense.tolist()
    assert (dense == dense.T).all()
    assert not dense.diagonal().any()
    assert said.speaks == dense.any()
    testimony = PairTestimony("s", dense, said.because)
    assert all(said.evidence(i, j) == testimony.evidence(i, j) for i in size for j in size)


@settings(deadline=None)
@given(labelled())
def test_nothing_is_said_across_scopes_or_of_the_unknown(said: LabelTestimony) -> None:
    """Two of different scopes, or one without a label, weigh nothing; equal labels share a scope."""
    for i, j in np.argwhere(said.weights):
        assert said.scopes[i] == said.scopes[j]
        assert UNKNOWN not in (said.labels[i], said.labels[j])
    for i, j in np.argwhere(said.labels[:, None] == said.labels[None, :]):
        assert said.labels[i] == UNKNOWN or said.scopes[i] == said.scopes[j]


def test_a_million_instances_cost_megabytes() -> None:
    """Labels of a million instances take memory as they are many, not as their pairs are."""
    hosts = [f"host-{i // 2}" for i in range(1_000_000)]
    tracemalloc.start()
    said = LabelTestimony.of("host", hosts, lambda _i, _j: "…", if_equal=3, if_different=-3)
    assert said.speaks
    assert said.weight(0, 1) == 3
    assert said.weight(0, 999_999) == -3
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 300e6


def test_the_judge_takes_labels_for_a_testimony() -> None:
    """Verdicts from labels are those from the weights that they stand for."""
    said = LabelTestimony.of(
        "host", ["x", "x", "y", None], lambda i, j: f"{i}{j}", if_equal=3, if_different=-3
    )
    found = judge("abcd", [said], Strength.STRONG)
    verdicts = [found.pair(0, j).verdict for j in (1, 2, 3)]
    assert verdicts == [Verdict.CO_RESIDENT, Verdict.SEPARATE, Verdict.UNKNOWN]
