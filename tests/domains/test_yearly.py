"""The yearly chance of losing quorum, held against chains worked out exactly and against simulated years."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from keepapart.config import parse
from keepapart.domains.yearly import HOURS, fraction_down, losses_per_year, lost, yearly
from keepapart.errors import ConfigError
from keepapart.settings import RiskSettings

ERROR = 1e-9  # the chance that a test which rests on chance fails though all is well

SPREAD, TOGETHER = (1, 1, 1), (2, 1)

placements = st.lists(st.integers(1, 4), min_size=1, max_size=6)


def enumerated(groups: Sequence[int], need: int, down: float) -> float:
    """Return the chance that fewer than `need` are up, by every combination of hosts being down."""
    return math.fsum(
        math.prod(1 - down if up else down for up in ups)
        for ups in itertools.product((True, False), repeat=len(groups))
        if sum(g for g, up in zip(groups, ups, strict=True) if up) < need
    )


def chain(groups: Sequence[int], need: int, failures: float, hours: float) -> float:
    """Return the chance that quorum is lost within a year, all hosts up at first, by a Markov chain.

    Its states are which hosts are up; where quorum is lost it stays. Repair takes exponential times.
    """
    states = [
        ups
        for ups in itertools.product((True, False), repeat=len(groups))
        if sum(g for g, up in zip(groups, ups, strict=True) if up) >= need
    ]
    number = {ups: n for n, ups in enumerate(states)}
    rates = np.zeros((len(states) + 1, len(states) + 1))
    for ups, n in number.items():
        for host, up in enumerate(ups):
            after = (*ups[:host], not up, *ups[host + 1 :])
            rate = failures if up else HOURS / hours
            rates[n, number.get(after, len(states))] += rate
            rates[n, n] -= rate
    return float(expm(rates)[number[(True,) * len(groups)], -1])


@given(groups=placements, down=st.floats(0, 1), data=st.data())
def test_the_chance_at_a_moment_is_exact(groups: list[int], down: float, data: st.DataObject) -> None:
    """It is the sum over every combination of hosts being down."""
    need = data.draw(st.integers(1, sum(groups)))
    assert lost(groups, need, down) == pytest.approx(enumerated(groups, need, down), rel=1e-9, abs=1e-12)


def test_the_example_of_three_nodes() -> None:
    """Apart 3q² − 2q³, two together q: at q = 0.001 the latter is some 330 times as likely."""
    q = 0.001
    assert lost(SPREAD, 2, q) == pytest.approx(3 * q**2 - 2 * q**3)
    assert lost(TOGETHER, 2, q) == pytest.approx(q)
    assert lost(TOGETHER, 2, q) / lost(SPREAD, 2, q) == pytest.approx(333.6, abs=0.1)


def test_one_host_that_decides_fails_as_a_poisson_process() -> None:
    """Where one host alone brings quorum down the chance is 1 − e^−rate, however long repair takes."""
    for hours in (0.0, 1.0, 1000.0):
        for groups in ((3,), TOGETHER):
            assert yearly(groups, 2, 0.08, hours) == pytest.approx(-math.expm1(-0.08))


@pytest.mark.parametrize("groups", [SPREAD, (1,) * 5, (2, 2, 1), (3, 2, 2), (1,) * 6])
@pytest.mark.parametrize(
    ("failures", "hours", "over"), [(0.08, 24.0, 0.005), (1.0, 24.0, 0.01), (0.08, 720.0, 0.16)]
)
def test_the_year_is_that_of_the_exact_chain(
    groups: tuple[int, ...], failures: float, hours: float, over: float
) -> None:
    """The chance errs to the high side only, and by less than half a percent at the default figures."""
    need = sum(groups) // 2 + 1
    exact = chain(groups, need, failures, hours)
    assert exact * (1 - 1e-9) <= yearly(groups, need, failures, hours) <= exact * (1 + over)


@pytest.mark.parametrize("groups", [SPREAD, (2, 2, 1), (1,) * 5])
@pytest.mark.parametrize("steady", [True, False])
def test_simulated_years_lose_quorum_as_often(groups: tuple[int, ...], steady: bool) -> None:
    """Event by event, with repairs of one length or exponential, losses come at the calculated frequency.

    Counted in independent stretches of years, so that the empirical Bernstein bound (Maurer and Pontil,
    2009) holds for their mean; a stretch has no more losses than hosts have failures.
    """
    failures, hours, stretch, stretches = 4.0, 400.0, 25.0, 800
    need = sum(groups) // 2 + 1
    chance = np.random.default_rng(20261123)
    counts = np.array(
        [_losses(groups, need, failures, hours, stretch, chance, steady=steady) for _ in range(stretches)]
    )
    log = math.log(4 / ERROR)
    bound = math.sqrt(2 * counts.var(ddof=1) * log / stretches)
    bound += 7 * float(counts.max()) * log / (3 * (stretches - 1))
    expected = losses_per_year(groups, need, failures, hours) * stretch
    assert bound < expected / 5
    assert counts.mean() == pytest.approx(expected, abs=bound)


def _losses(
    groups: Sequence[int],
    need: int,
    failures: float,
    hours: float,
    years: float,
    chance: np.random.Generator,
    *,
    steady: bool,
) -> int:
    """Count the losses of quorum in `years` after a first one, which begins with all up."""
    repair = hours / HOURS
    events: list[tuple[float, int]] = []
    for members in groups:
        clock = 0.0
        while clock < years + 1:
            clock += chance.exponential(1 / failures)
            events.append((clock, -members))
            clock += repair if steady else chance.exponential(repair)
            events.append((clock, members))
    up, losses = sum(groups), 0
    for when, change in sorted(events):
        losses += up >= need > up + change and 1 <= when < years + 1
        up += change
    return losses


@given(
    groups=placements,
    failures=st.floats(0, 50),
    hours=st.floats(0, 8766),
    more=st.floats(1, 3),
    data=st.data(),
)
def test_what_always_holds_of_a_year(
    groups: list[int], failures: float, hours: float, more: float, data: st.DataObject
) -> None:
    """A chance; never less where more is needed; the order of hosts says nothing."""
    need = data.draw(st.integers(1, sum(groups)))
    one = yearly(groups, need, failures, hours)
    assert 0 <= one <= 1
    assert yearly(groups[::-1], need, failures, hours) == pytest.approx(one)
    assert (
        lost(groups, need, fraction_down(failures, hours))
        <= lost(groups, need, fraction_down(failures * more, hours)) + 1e-12
    )
    assert lost(groups, need, fraction_down(failures, hours)) <= (
        lost(groups, min(need + 1, sum(groups)), fraction_down(failures, hours)) + 1e-12
    )


def test_the_edges() -> None:
    """No failures, no loss; too few members are a loss already; a loss that is next to impossible is no 0."""
    assert yearly(SPREAD, 2, 0.0, 24.0) == 0.0
    assert yearly(SPREAD, 2, 1.0, 0.0) == 0.0
    assert yearly((1,), 2, 0.0, 0.0) == 1.0
    assert yearly((), 1, 0.08, 24.0) == 1.0
    assert 0 < yearly((1,) * 31, 16, 0.08, 24.0) < 1e-40


def test_spreading_is_worth_what_it_is_worth() -> None:
    """At the default figures two of three nodes on one host are 7.7 % a year, three hosts 0.01 %."""
    default = RiskSettings()
    settings = (default.host_failures_per_year, default.hours_to_replace)
    assert yearly(TOGETHER, 2, *settings) == pytest.approx(0.0769, abs=1e-4)
    assert yearly(SPREAD, 2, *settings) == pytest.approx(1.05e-4, rel=0.01)


def test_large_clusters_have_a_figure() -> None:
    """Nothing overflows with ten thousand members on hosts of three sizes."""
    assert yearly([1, 2, 3] * 1500, 4501, 0.08, 24.0) == 0.0
    assert 0 < yearly([1] * 10_000, 9_900, 1.0, 24.0) < 1e-9


def test_the_settings_are_numbers_in_range() -> None:
    """[risk] takes whole numbers and others; what is negative, no number or misspelt is an error."""
    path = Path("keepapart.toml")
    assert parse({}, path).risk == RiskSettings(0.08, 24.0)
    given = {"host_failures_per_year": 1, "hours_to_replace": 0.5}
    assert parse({"risk": given}, path).risk == RiskSettings(1, 0.5)
    for wrong, says in (
        ({"hours_to_replace": -1}, "not within 0 to 8766"),
        ({"hours_to_replace": math.nan}, "not within 0 to 8766"),
        ({"hours_to_replace": "a day"}, "a number is wanted"),
        ({"hours_to_replace": True}, "a number is wanted"),
        ({"host_failure_per_year": 1}, "did you mean 'host_failures_per_year'"),
    ):
        with pytest.raises(ConfigError, match=says):
            parse({"risk": wrong}, path)
