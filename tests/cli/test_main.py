"""The command line as a whole: help, and what is written behind options."""

from __future__ import annotations

import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepapart.cli import VERBS, main
from keepapart.cli._options import number, pair, whole
from keepapart.errors import ExitCode


def test_alone_it_prints_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    """`keepapart` without a verb shows every verb, and nothing is wrong with that."""
    assert main([]) == ExitCode.OK
    told = capsys.readouterr()
    assert told.err == ""
    assert all(f"    {verb} " in told.out for verb in VERBS)


def test_a_verb_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    """A configuration without a verb is a usage error in one line."""
    with pytest.raises(SystemExit) as ended:
        main(["-c", "keepapart.toml"])
    assert ended.value.code == ExitCode.USAGE
    assert capsys.readouterr().err.count("\n") == 1


@given(text=st.text() | st.integers().map(str), low=st.integers(0, 9), high=st.none() | st.integers(10, 99))
def test_a_whole_number_is_within_its_bounds(text: str, low: int, high: int | None) -> None:
    """What is read is a whole number within the bounds, and anything else is refused."""
    try:
        value = whole(low, high)(text)
    except argparse.ArgumentTypeError:
        return
    assert value >= low
    assert high is None or value <= high


@given(text=st.text() | st.floats().map(str))
def test_a_number_is_within_its_bounds(text: str) -> None:
    """What is read is a number within the bounds, and anything else is refused, `nan` too."""
    try:
        value = number(0, 1e6)(text)
    except argparse.ArgumentTypeError as error:
        assert "a number from 0 to 1,000,000 is wanted" in str(error)
    else:
        assert 0 <= value <= 1e6


@pytest.mark.parametrize("text", ["a", "a,", ",b", "a,b,c", ""])
def test_what_is_no_pair_is_refused(text: str) -> None:
    """A pair is two ids with a comma between them."""
    assert pair("a,b") == ("a", "b")
    with pytest.raises(argparse.ArgumentTypeError, match="two ids"):
        pair(text)
