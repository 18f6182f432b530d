"""An audit while an instance migrates: no verdict on it is wrong, whichever host is meant."""

from __future__ import annotations

import threading
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING

import pytest

from keepapart.auditing.assess import assess
from keepapart.settings import ClusterSettings
from keepapart.signals.hops import wanting
from tests.measuring import one_round

if TYPE_CHECKING:
    from .conftest import BringUp

WORLD = {
    "racks": [{"name": name, "hosts": 2, "capacity": 5} for name in ("a", "b")],
    "clusters": [{"name": "orders", "size": 8}],
    "scheduler": {"seed": 1},
}


@pytest.mark.parametrize("turn", range(3))
def test_no_verdict_is_wrong_while_an_instance_moves(real: BringUp, turn: int) -> None:
    """It is never separate from one that it was with all the time, nor co-resident with one it never met."""
    lab = real(WORLD)
    home = lab.truth()["i-0001"].host
    away = next(name for name in ("a-1", "a-2", "b-1", "b-2") if name != home)
    done = threading.Event()

    def move_about() -> None:
        for host in cycle((away, home)):
            if done.wait(0.01 * turn):
                return
            lab.move("i-0001", host)

    mover = threading.Thread(target=move_about)
    mover.start()
    try:
        measured = one_round(lab.instances(), wanting=partial(wanting, "auto"))
    finally:
        done.set()
        mover.join()
    found = assess(lab.instances(), measured, cluster=ClusterSettings(), model="auto")
    truth = lab.truth()
    for pair in (found.pair(a, b) for n, a in enumerate(measured.ids) for b in measured.ids[:n]):
        homes = [{home, away} if name == "i-0001" else {truth[name].host} for name in (pair.a, pair.b)]
        if pair.verdict.value == "separate":
            assert len(homes[0] | homes[1]) > 1, pair
        if pair.verdict.value == "co-resident":
            assert homes[0] & homes[1], pair
