"""Random kills on platforms: whoever looks there afterwards finds out what is broken on purpose."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from faults.platforms.__main__ import OWN, PLATFORMS
from faults.platforms.rounds import Campaign
from keepapart.clouds.listed import Listed, ListedCloud

ROUNDS = 12  # of which the first builds the cluster, and a third moves a member

all_shown = ListedCloud._all

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(params=["fakepve", "vcsim", "libvirt"])
def campaign(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Campaign]:
    """Yield rounds on each platform that is there soon."""
    with pytest.MonkeyPatch.context() as patch, PLATFORMS[request.param](tmp_path) as platform:
        patch.setenv("HOME", str(tmp_path))
        path = tmp_path / "keepapart.toml"
        path.write_text(OWN.format(store=tmp_path / "keepapart.db") + platform.config)
        yield Campaign(platform, path, random.Random(1))


def states_a_host_for_each(cloud: ListedCloud) -> Sequence[Listed]:
    """List as ever, but each instance on a host of its own."""
    return [replace(one, place={"host": one.id}) for one in all_shown(cloud)]


def test_members_that_share_a_host_are_found_out(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the platform's own word, whatever keepapart says."""
    monkeypatch.setattr(ListedCloud, "_all", states_a_host_for_each)
    for number in range(1, ROUNDS + 1):
        campaign.round(number)
        if any("two share a host" in problem for problem in campaign.tally.problems):
            return
    pytest.fail(f"{ROUNDS} rounds found only {campaign.tally.problems}")
