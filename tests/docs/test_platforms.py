"""docs/platforms: the table is made of its data, and the data says what the code does."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from keepapart.clouds.ec2 import facts as ec2
from keepapart.model import FACTS
from keepapart.plugins import CLOUDS, installed
from keepapart.signals.platform import MARKS, Level

FOLDER = Path(__file__).parents[2] / "docs" / "platforms"
OWN = {"static", "lab", "example"}  # no platforms: a list, the lab, and what a plug-in's test installed


def render() -> Any:
    """Return the module that makes the table."""
    spec = importlib.util.spec_from_file_location("render", FOLDER / "render.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ROWS: list[Mapping[str, Any]] = render().platforms()


def test_the_table_is_made_of_the_data() -> None:
    """Whoever changes a row makes the page anew: `make platforms`."""
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert render().rendered(page) == page


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_a_row_is_whole(row: Mapping[str, Any]) -> None:
    """Every row says all there is to say, in facts that keepapart has, and what is stated has its fact."""
    assert row.keys() == ROWS[0].keys()
    assert set(row["facts"]) <= set(FACTS)
    if row["facts"]:
        stated = {"host", "neighbors", "whole_host"} & set(row["facts"])
        assert bool(row["host"]) <= bool(stated)
        assert row["zone"] == ("zone" in row["facts"])
    assert row["adds"]


def test_every_cloud_that_is_installed_has_a_row() -> None:
    """A provider that isn't in the table would be found by nobody."""
    assert set(installed(CLOUDS)) - OWN <= {row["provider"] for row in ROWS}


def test_every_cloud_that_a_guest_is_recognised_on_has_a_row() -> None:
    """What `signals/platform.py` names is here, and nothing is here by a name that it doesn't have."""
    named = {name for row in ROWS for name in row["dmi"].split(", ") if name}
    assert {mark.platform for mark in MARKS if mark.level is Level.CLOUD} <= named
    assert named <= {mark.platform for mark in MARKS}


def test_the_row_of_ec2_has_the_facts_that_its_cloud_states() -> None:
    """The facts are those of the table in `clouds/ec2/facts.py`."""
    (row,) = (row for row in ROWS if row["provider"] == "ec2")
    assert all(fact in (ec2.__doc__ or "") for fact in row["facts"])
