"""Audits of a lab whose racks stand in pods, while instances come and go: domains are the true ones."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from keepapart.auditing import survey
from keepapart.auditing.assess import Audit
from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG, LaunchRequest
from keepapart.config import Config, parse
from keepapart.lab.client import Lab
from keepapart.model import LEVELS
from keepapart.store import Store

if TYPE_CHECKING:
    from .conftest import BringUp

RACKS = [
    {"name": name, "pod": pod, "hosts": 3, "capacity": 2} for name, pod in zip("abcd", "nnss", strict=True)
]
TAGS = {CLUSTER_TAG: "orders", ROLE_TAG: MEMBER}


def world(network: dict[str, Any]) -> dict[str, Any]:
    """Return two pods of two racks of three hosts, and sixteen members at random."""
    return {
        "network": network,
        "racks": RACKS,
        "clusters": [{"name": "orders", "size": 16}],
        "scheduler": {"seed": 3},
    }


def config_in(folder: Path) -> Config:
    """Return a configuration of the lab's cluster."""
    return parse({"cluster": {"name": "orders"}, "cloud": {"provider": "lab"}}, folder / "keepapart.toml")


def places(found: Audit, level: str) -> dict[str, str | None]:
    """Return where an audit places each instance at a level."""
    return dict(zip(found.round.ids, found.domains.of(level), strict=True))


def holds(found: Audit, lab: Lab) -> None:
    """Assert that two instances have one name at a level if, and only if, they are in one place in truth.

    Of one that is unknown to another nothing is named.
    """
    truth = lab.truth()
    for level in LEVELS[:3]:
        names = {name: place for name, place in places(found, level).items() if place}
        for a, b in combinations(names, 2):
            together = getattr(truth[a], level) == getattr(truth[b], level)
            assert (names[a] == names[b]) == together, (level, a, b)


@pytest.mark.parametrize(
    "network",
    [{}, {"family": "ipv6"}, {"loss": 0.2}, {"udp": False}, {"spines": 3}, {"detour": 2, "silent": True}],
    ids=str,
)
def test_hosts_racks_and_pods_are_the_true_ones(
    real: BringUp, tmp_path: Path, network: dict[str, Any]
) -> None:
    """By real packets each instance is on its host, in its rack, in its pod, whatever the network does.

    Where paths vary, chance decides whether the flows of a pair are enough: one audit of three names all.
    """
    lab = real(world(network))
    for _ in range(3):
        found = survey.audit(config_in(tmp_path))
        holds(found, lab)
        if all(None not in found.domains.of(level) for level in LEVELS[:3]):
            break
    assert all(None not in found.domains.of(level) for level in LEVELS[:3])
    assert found.domains.at.keys() == set(LEVELS[:3])


@pytest.mark.parametrize("simulated", [False, True])
def test_names_stay_as_instances_come_and_go(
    real: BringUp, bring_up: BringUp, tmp_path: Path, simulated: bool
) -> None:
    """Some end, others are launched, at last one of each rack is left: who is named has the name it had."""
    document = {**world({}), "guests": {"vendor": "QEMU"}}  # who was attached is remembered of machines
    lab = bring_up(document, simulated=True) if simulated else real(document)
    config = config_in(tmp_path)
    with Store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        before = survey.audit(config, store=store)
        holds(before, lab)
        for number, leaving in enumerate(before.round.ids[::5]):
            lab.terminate(leaving)
            lab.launch(LaunchRequest(f"t{number}", TAGS))
        after = survey.audit(config, store=store)
        holds(after, lab)
        truth = lab.truth()
        last = {truth[name].rack: name for name in after.round.ids if name in before.round.ids}
        for name in after.round.ids:
            if name not in last.values():
                lab.terminate(name)
        alone = survey.audit(config, store=store)
    holds(alone, lab)
    assert len([name for name in alone.round.ids if name not in alone.down]) == 4
    for level in LEVELS[:3]:
        was, then, now = (places(found, level) for found in (before, after, alone))
        assert None not in was.values()
        for later in (then, now):  # without machine ids not all doubts of then are cleared now
            assert all(later[name] in (was[name], None) for name in was if name in later)
