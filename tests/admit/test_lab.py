"""Admission on a lab, with real packets where they can be had, where nothing is known of the network yet."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from keepapart import clouds
from keepapart.admit import AdmissionContext, admit
from keepapart.auditing import survey
from keepapart.clouds import MEMBER, ROLE_TAG
from keepapart.config import parse
from keepapart.lab import client
from keepapart.lab.world import world
from keepapart.store import Store


@pytest.fixture
def lifeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Keep the lab apart from others, and let it end with the test."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    read, write = os.pipe()
    yield read
    os.close(write)
    os.close(read)


@pytest.mark.parametrize(("habit", "at_once"), [("packing", 0), ("random", 1)])
def test_five_from_nothing(habit: str, at_once: int, tmp_path: Path, lifeline: int) -> None:
    """Candidates that nothing could be said of at first are let in once the hops show what network it is."""
    racks = [{"name": name, "hosts": 6, "capacity": 3} for name in "ab"]
    document = {"name": "lab", "scheduler": {"habit": habit, "seed": 1}, "racks": racks}
    lab = client.up(world.parse(document, "test"), lifeline=lifeline)
    config = parse(
        {"cloud": {"provider": "lab"}, "launch": {"at_once": at_once}}, tmp_path / "keepapart.toml"
    )
    cloud = clouds.launching(clouds.connect("lab", {}, ()))
    with Store(f"sqlite:///{tmp_path / 'store.db'}") as store, survey.checker(config, store=store) as checker:
        outcome = admit(AdmissionContext(cloud, store, config.cluster.name, config.launch), checker, count=5)
    assert outcome.code == 0, outcome.because
    members = [i.id for i in lab.instances() if i.tags.get(ROLE_TAG) == MEMBER]
    assert len(members) == len(lab.instances()) == 5
    truth = lab.truth()
    assert len({truth[member].host for member in members}) == 5
