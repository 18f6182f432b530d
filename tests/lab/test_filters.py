"""Filters between chosen pairs: what is sent that way doesn't arrive, and nothing else is lost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.audits import audit, truth
from tests.lab.packets import ids_of, measure

if TYPE_CHECKING:
    from .conftest import BringUp

FILTERS = [
    {"from": "i-0001", "to": "i-0002"},
    {"from": "i-0001", "to": "i-0003", "both": True},
    {"from": "i-0004", "to": "i-0001"},
]
CLOSED = {("i-0001", "i-0002"), ("i-0001", "i-0003"), ("i-0003", "i-0001"), ("i-0004", "i-0001")}


@pytest.mark.parametrize(
    "network",
    [{}, {"family": "ipv6"}, {"kind": "flat"}, {"kind": "vlans", "family": "ipv6"}, {"kind": "leaves"}],
    ids=str,
)
def test_what_is_filtered_stays_so_wherever_instances_go(
    real: BringUp, bring_up: BringUp, network: dict[str, Any]
) -> None:
    """At first, after a migration, and after all got each other's addresses: filters are of instances."""
    racks = [{"name": name, "hosts": 1, "capacity": 3} for name in "ab"]
    document = {
        "network": network,
        "filters": FILTERS,
        "racks": racks,
        "clusters": [{"name": "orders", "size": 5}],
    }
    lab, twin = real(document), bring_up(document, name="twin", simulated=True)
    ids = ids_of(lab)

    def counted() -> set[tuple[str, str]]:
        counts = measure(lab, ids, patience=1)
        assert counts.tolist() == twin.hops(ids, 1)[0].tolist()
        return {(a, b) for i, a in enumerate(ids) for j, b in enumerate(ids) if a != b and not counts[i, j]}

    assert counted() == CLOSED
    roomy = "a-1" if sum(one.rack == "a" for one in lab.truth().values()) < 3 else "b-1"
    moving = next(name for name in ids if lab.truth()[name].host != roomy)
    for one in (lab, twin):
        one.move(moving, roomy)
    assert counted() == CLOSED
    for one in (lab, twin):
        for name in ids:
            one.stop(name)
        for name in reversed(ids):
            one.start(name)
    assert counted() == CLOSED


@pytest.mark.parametrize("simulated", [False, True])
def test_filtered_pairs_make_no_verdict_false(bring_up: BringUp, tmp_path: Path, simulated: bool) -> None:
    """Hosts are the gateways and the lab vouches: what isn't measured is unknown at most."""
    lab = bring_up({"filters": FILTERS}, simulated=simulated)
    document, found = audit(tmp_path, lab)
    true = truth(lab)
    assert document["network"]["standing"] == "vouched"
    assert {verdict for pair, verdict in found.items() if verdict != true[pair]} <= {"unknown"}
    assert set(found.values()) >= {"separate", "co-resident"}
