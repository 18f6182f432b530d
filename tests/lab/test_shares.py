"""Shares of a large lab's nodes: each sends in a process of its own, and nothing is lost by that."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from keepapart.lab.client import Lab
from keepapart.lab.transports import shares
from keepapart.node.node import Node, Want
from tests.lab.packets import ids_of
from tests.measuring import one_round

if TYPE_CHECKING:
    from .conftest import BringUp


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Split off shares of two nodes, for three processors; return which processes that were."""
    made: list[int] = []
    fork = os.fork

    def noted() -> int:
        made.append(fork())
        return made[-1]

    monkeypatch.setattr(shares, "MANY", 2)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    monkeypatch.setattr(os, "fork", noted)
    return made


def is_as_computed(lab: Lab, twin: Lab) -> bool:
    """Whether a round counts between all what the simulated twin computes."""
    way, computed = one_round(lab.instances()).tally.way, twin.hops(ids_of(lab), 1)[0]
    return bool(np.array_equal(way, computed))


@pytest.mark.parametrize("size", [0, 1, 255, 256, 500, 5_000])
@pytest.mark.parametrize("processors", [1, 2, 16])
def test_everybody_is_in_one_share_and_no_share_is_small(
    monkeypatch: pytest.MonkeyPatch, size: int, processors: int
) -> None:
    """A process takes as long to split off as few nodes take to send."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(processors)))
    names = [f"i-{number}" for number in range(size)]
    dealt = shares.shares(names)
    assert sorted(name for share in dealt for name in share) == sorted(names)
    assert 1 <= len(dealt) <= processors
    assert len(dealt) == 1 or all(len(share) >= shares.MANY for share in dealt)


def test_shares_count_what_one_process_counts(real: BringUp, bring_up: BringUp, forked: list[int]) -> None:
    """Also between nodes of two shares, and what arrives at one that has sent all and ended."""
    assert is_as_computed(real(), bring_up(name="twin", simulated=True))
    assert len(forked) >= 2


def test_what_a_share_that_dies_has_not_counted_is_asked_for_again(
    real: BringUp, bring_up: BringUp, forked: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing is filled in, and nothing of the round is lost."""
    died, parent, send = tmp_path / "died", os.getpid(), Node.send

    def dying(node: Node, wants: Iterable[Want]) -> Iterator[int]:
        if os.getpid() != parent and not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return send(node, wants)

    monkeypatch.setattr(Node, "send", dying)
    assert is_as_computed(real(), bring_up(name="twin", simulated=True))
    assert died.exists()
    assert len(forked) > 2


def test_a_share_ends_with_a_round_that_is_given_up(forked: list[int]) -> None:
    """Whoever interrupts waits for nothing, and nothing stays behind."""
    with pytest.raises(KeyboardInterrupt), shares.split_off(signal.pause, []):
        raise KeyboardInterrupt
    with pytest.raises(ChildProcessError):
        os.waitpid(forked[0], os.WNOHANG)
