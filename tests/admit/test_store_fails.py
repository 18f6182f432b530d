"""A store that fails right after a launch was answered: the id is known, used and named all the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from keepapart.admit import admit, collect, move
from keepapart.admit.lease import leased
from keepapart.documents.base import text
from keepapart.errors import BusyError, StoreError
from keepapart.store import Store
from keepapart.testing import Lag
from tests.admit.conftest import Bench

FULL = "keepapart.db: database or disk is full"


def failing(bench: Bench, kind: str, times: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Have the store take no more from an event of this kind on, `times` times; return what mends it."""
    append, left, begun = bench.store.journals.append, times, False

    def full(lease: Any, run: str, seq: int, at: float, word: str, *more: Any, **named: Any) -> None:
        nonlocal left, begun
        begun = begun or word == kind
        if begun and left:
            left -= 1
            raise StoreError(FULL)
        append(lease, run, seq, at, word, *more, **named)

    def mend() -> None:
        nonlocal left
        left = 0

    monkeypatch.setattr(bench.store.journals, "append", full)
    return mend


def test_what_was_launched_is_named_where_nothing_can_be_written(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the error's line and among `left`; once the store works again `gc` finds it by its tag."""
    mend = failing(bench, "launched", 1_000, monkeypatch)
    outcome = admit(bench.context(), bench.truth)
    assert outcome.code == 4
    assert str(outcome.error) == f"{FULL}; not released: i-0003"
    assert [x["id"] for x in json.loads(text(outcome.document()))["left"]] == ["i-0003"]
    assert any("i-0003" in line and "keepapart gc" in line for line in bench.told)
    mend()
    assert collect(bench.context()).released == ("i-0003",)
    bench.sound()


def test_another_store_goes_by_tags_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where the disk stays full, `gc` with another store finds it too, and ends no member."""
    failing(bench, "launched", 1_000, monkeypatch)
    admit(bench.context(), bench.truth)
    with Store(f"sqlite:///{tmp_path / 'another.db'}") as another:
        assert collect(bench.context(store=another)).released == ("i-0003",)
    assert bench.cloud.members() == ["m-1", "m-2"]


def test_what_was_launched_is_released_by_its_id_once_it_can_be_written(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that fails for a moment: the run ends, and lets go of what no list shows yet."""
    bench.cloud.listed_after = bench.cloud.tags_after = Lag(seconds=10_000.0)
    failing(bench, "launched", 1, monkeypatch)
    outcome = admit(bench.context(), bench.truth)
    assert (outcome.code, outcome.released, outcome.left) == (4, ("i-0003",), ())


def test_throwaway_of_a_move_is_named_too(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was launched into a slot, and its id could not be written."""
    bench.cloud.add("m-3", 0)
    mend = failing(bench, "launched", 1_000, monkeypatch)
    outcome = move(bench.context(), bench.truth, ["m-3"], hold=True)
    assert [x.id for x in outcome.left] == ["i-0004"]
    assert str(outcome.error) == f"{FULL}; not released: i-0004"
    mend()
    assert collect(bench.context()).code == 0
    assert set(bench.cloud.alive()) == {"m-1", "m-2", "m-3"}


def test_a_locked_file_is_waited_for_no_longer_than_was_asked(bench: Bench, tmp_path: Path) -> None:
    """`--wait` is the whole of it: neither opening the store nor taking the lease goes beyond."""

    url = f"sqlite:///{tmp_path / 'store.db'}"
    with Store(url) as opened, sa.create_engine(url).connect() as other:
        other.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(BusyError):
            Store(url, 0.3)
        context = bench.context(wait=0.5, store=opened)
        with pytest.raises(BusyError), leased(context):
            pass
