"""When the next audit begins: a pure function of how long, how much by chance, and what failed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from keepapart.watch.schedule import FIRST, pause

shares = st.floats(0, 1)


@given(st.floats(3, 1e6), st.floats(0, 0.9), st.integers(0, 10_000), shares)
def test_a_pause_is_never_longer_than_the_interval_and_its_jitter(
    interval: float, jitter: float, failures: int, draw: float
) -> None:
    """Nor is it ever none: whatever fails, there is time between two audits."""
    seconds = pause(interval, jitter, failures, draw)
    assert 0.09 * min(interval, FIRST) <= seconds <= interval * (1 + jitter) + 1e-6


@given(st.floats(3, 1e6), st.floats(0, 0.9), shares)
def test_where_nothing_failed_it_is_the_interval_more_or_less(
    interval: float, jitter: float, draw: float
) -> None:
    """Chance takes or adds up to the jitter, the same share both ways."""
    assert abs(pause(interval, jitter, 0, draw) - interval) <= interval * jitter + 1e-6


def test_what_failed_is_tried_again_soon_and_then_less_often() -> None:
    """Half a minute, a minute, two, and so on up to the interval."""
    assert [pause(3600, 0, failures, 0.5) for failures in range(1, 9)] == [
        30, 60, 120, 240, 480, 960, 1920, 3600,
    ]  # fmt: skip
