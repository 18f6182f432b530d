"""Labels alone: held against the judge of all pairs on small cases, and to linear size on a large one."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keepapart.domains.fault_domains import domains_by_label
from keepapart.domains.risk import risk
from keepapart.judging import by_label
from keepapart.judging.by_label import judge_by_label
from keepapart.judging.judge import judge
from keepapart.model import Strength, Verdict
from keepapart.signals import LabelTestimony

STRONG, CONCLUSIVE = Strength.STRONG, Strength.CONCLUSIVE
NAMES = "abcdefg"
ASSURANCES = st.sampled_from([STRONG, CONCLUSIVE])


def signal(
    name: str, values: str, same: int = 0, different: int = 0, scopes: str | None = None
) -> LabelTestimony:
    """Return what a signal says that gives each instance a letter; a blank is unknown."""
    return LabelTestimony.of(
        name,
        [None if value == " " else value for value in values],
        lambda i, j: f"{name} of {NAMES[i]}{NAMES[j]}",
        if_equal=same,
        if_different=-different,
        scopes=scopes,
    )


@st.composite
def signals(draw: st.DrawFn, most: int = 4) -> list[LabelTestimony]:
    """Draw what up to `most` signals say of up to 7 instances: any labels, scopes and strengths."""
    size = draw(st.integers(1, len(NAMES)))
    strength = st.sampled_from([0, 1, 2, 2, 3, 3])
    return [
        signal(
            f"s{number}",
            draw(st.text("  pqrs", min_size=size, max_size=size)),
            draw(strength),
            draw(strength),
            draw(st.text("xxxy", min_size=size, max_size=size)),
        )
        for number in range(draw(st.integers(1, most)))
    ]


@st.composite
def hosts_in_zones(draw: st.DrawFn) -> list[LabelTestimony]:
    """Draw hosts that join and separate and zones that separate, as strongly as hosts join; some unknown."""
    size = draw(st.integers(1, len(NAMES)))
    same, zone = sorted(draw(st.tuples(*[st.sampled_from([2, 3])] * 2)))
    hosts, zones = (draw(st.text(letters, min_size=size, max_size=size)) for letters in (" pqrs", " xyz"))
    return [signal("host", hosts, same, 3), signal("zone", zones, 0, zone)]


def verdicts(said: list[LabelTestimony], assurance: Strength) -> tuple[list[Verdict], list[Verdict]]:
    """Return the verdicts on all pairs by labels alone, held against its own counts; and pair by pair."""
    size = len(said[0].labels)
    pairs = [(i, j) for i in range(size) for j in range(size) if i < j]
    found, dense = judge_by_label(NAMES[:size], said, assurance), judge(NAMES[:size], said, assurance)
    ours = [found.pair(i, j).verdict for i, j in pairs]
    theirs = [
        Verdict.SEPARATE
        if dense.separate[pair]
        else Verdict.CO_RESIDENT
        if dense.co_resident[pair]
        else Verdict.UNKNOWN
        for pair in pairs
    ]
    assert found.counts == {verdict.value: ours.count(verdict) for verdict in Verdict}
    near = np.eye(size, dtype=bool)
    for (i, j), verdict in zip(pairs, ours, strict=True):
        near[i, j] = near[j, i] = verdict is not Verdict.SEPARATE
        assert (verdict is Verdict.CO_RESIDENT) == (found.groups[i] == found.groups[j])
    assert (found.possible == near.sum(axis=1)).all()
    assert [found.not_separate(i).tolist() for i in range(size)] == [
        np.flatnonzero(row).tolist() for row in near
    ]
    return ours, theirs


@pytest.mark.parametrize("limit", [0, 1024])
@given(signals(), ASSURANCES)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_decided_is_what_the_judge_decides(
    limit: int, monkeypatch: pytest.MonkeyPatch, said: list[LabelTestimony], assurance: Strength
) -> None:
    """Every pair is as the judge of all pairs has it, or unknown; and the counts are those of the pairs."""
    monkeypatch.setattr(by_label, "LIMIT", limit)
    for ours, theirs in zip(*verdicts(said, assurance), strict=True):
        assert ours in (theirs, Verdict.UNKNOWN)


@given(hosts_in_zones(), ASSURANCES)
@settings(deadline=None)
def test_hosts_in_zones_are_judged_in_full(said: list[LabelTestimony], assurance: Strength) -> None:
    """With one label of hosts and one of zones, all is decided that the judge of all pairs decides."""
    ours, theirs = verdicts(said, assurance)
    assert ours == theirs


@pytest.mark.parametrize("limit", [0, 1024])
@given(signals(), ASSURANCES)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_verdict_rests_on_evidence_as_strong(
    limit: int, monkeypatch: pytest.MonkeyPatch, said: list[LabelTestimony], assurance: Strength
) -> None:
    """Every pair has a reason, and a decided one evidence that says so as strongly as claimed."""
    monkeypatch.setattr(by_label, "LIMIT", limit)
    size = len(said[0].labels)
    found = judge_by_label(NAMES[:size], said, assurance)
    for i in range(size):
        for j in range(i):
            pair = found.pair(i, j)
            assert pair.because
            if pair.verdict is not Verdict.UNKNOWN:
                assert pair.because in {e.because for e in pair.evidence if e.strength == pair.strength}


def test_a_chain_of_labels_is_told() -> None:
    """Two whom different signals join through a third are co-resident, and the chain is named."""
    found = judge_by_label("abc", [signal("s", "pp ", 3), signal("t", " qq", 2)], STRONG)
    pair = found.pair(0, 2)
    assert (pair.verdict, pair.strength) == (Verdict.CO_RESIDENT, STRONG)
    assert "a and b and c" in pair.because


def test_a_label_is_carried_over_to_who_is_co_resident() -> None:
    """Who is on a host of which one instance's zone is known, is apart from other zones; it is told how."""
    said = [signal("host", "pp ", 2), signal("zone", " xy", 0, 3)]
    pair = judge_by_label("abc", said, STRONG).pair(0, 2)
    assert (pair.verdict, pair.strength) == (Verdict.SEPARATE, STRONG)
    assert "a is co-resident with b, and b and c are on different hosts" in pair.because


@pytest.mark.parametrize("limit", [0, 1024])
def test_a_contradiction_is_reported(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels that join a and b, and b and c, while a third holds a and c apart, are reported."""
    monkeypatch.setattr(by_label, "LIMIT", limit)
    said = [signal("s", "pp  ", 2), signal("t", " qq ", 2), signal("zone", "x yz", 0, 2)]
    found = judge_by_label("abcd", said, STRONG)
    (contradiction,) = found.contradictions
    assert {contradiction.i, contradiction.j} == {0, 2}
    assert contradiction.members == {0, 1, 2}
    assert found.pair(0, 1).verdict is Verdict.UNKNOWN
    assert "can't be trusted" in found.pair(0, 1).because


def test_hosts_are_named_where_labels_place_everyone() -> None:
    """Groups are hosts, and so is who is apart from all others; who may be anywhere is on none."""
    said = [signal("host", "ppq ", 3, 3), signal("zone", "xxyx", 0, 3)]
    found = judge_by_label("abcd", said, STRONG)
    placed = domains_by_label(found, np.array([True, True, True, True]))
    assert [host.members for host in placed.hosts] == [(0, 1), (2,)]
    assert placed.of("host") == ["host-1", "host-1", "host-2", None]
    assert risk(found.ids, placed, [True] * 4, 2).survives is None


def test_of_whom_nothing_is_known_leaves_the_others_on_their_hosts() -> None:
    """Who is apart from all of whom anything is known has a host; the others may be on it as well."""
    found = judge_by_label("abcd", [signal("host", "pqq ", 3, 3)], STRONG)
    placed = domains_by_label(found, np.array([True, True, True, False]))
    assert [(host.members, host.most) for host in placed.hosts] == [((0,), 2), ((1, 2), 3)]


def test_labels_that_speak_against_their_kind_are_refused() -> None:
    """Equal labels that say different break what label chains rest on."""
    with pytest.raises(ValueError, match="equal labels that say different"):
        judge_by_label("ab", [signal("s", "pp", -3)], STRONG)


@pytest.mark.parametrize("lies", [0.0, 0.02])
def test_many_instances_are_counted_without_their_pairs(lies: float) -> None:
    """A billion pairs are counted, conflicts and all, in less than a fiftieth of a byte for each."""
    size = 48_000
    rng = np.random.default_rng(1)
    hosts = np.arange(size, dtype=np.int32) // 4
    zones = np.where(rng.random(size) < lies, 0, hosts % 3).astype(np.int32)
    whole = np.zeros(size, np.int32)
    said = [
        LabelTestimony("host", hosts, whole, 3, -3, lambda _i, _j: "…"),
        LabelTestimony("zone", zones, whole, 0, -3, lambda _i, _j: "…"),
    ]
    tracemalloc.start()
    found = judge_by_label(range(size), said, STRONG)  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < size * size // 100
    assert found.counts["separate"] == size * (size - 4) // 2
    assert found.counts["co-resident"] + found.counts["unknown"] == size // 4 * 6
    assert (found.counts["unknown"] == 0) == (lies == 0)
