"""A database that an earlier keepapart made: its journals and its audits are read as they were then."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from keepapart.admit import AdmissionContext, collect
from keepapart.admit import events as e
from keepapart.admit.state import Phase, State, fold
from keepapart.cli import main
from keepapart.clouds import CANDIDATE, CLUSTER_TAG, RUN_TAG
from keepapart.settings import LaunchSettings
from keepapart.store import Store
from keepapart.testing import ManualClock, ProgrammableCloud

FIXTURE = Path(__file__).parents[1] / "fixtures" / "store-1.db"
LATER = {
    "migrating",
    "notlive",
    "placed",
    "keptold",
    "standsin",
    "welcomed",
    "lost",
    "joining",
    "unjoined",
    "sized",
    "overquota",
    *("move", "looked", "ready", "stopping", "stopped", "chosen", "placedanew", "starting", "noroom", "up"),
    *("compared", "moved", "unmoved", "down"),
}  # words that came after it
EVERY_KIND, UNFINISHED = "run-every-kind", "run-unfinished"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration of the cluster `orders` whose store is a copy of the old one."""
    shutil.copy(FIXTURE, tmp_path / "keepapart.db")
    path = tmp_path / "keepapart.toml"
    path.write_text('[cluster]\nname = "orders"\n')
    return path


@pytest.fixture
def store(config: Path) -> Iterator[Store]:
    """The copy, opened."""
    with Store(f"sqlite:///{config.parent}/keepapart.db") as store:
        yield store


def folded(store: Store, run: str) -> State:
    """Return the state that a run's events lead to."""
    return fold(run, [(at, e.decode(kind, data)) for at, kind, data in store.journals.events(run)])


def test_every_event_is_read(store: Store, config: Path) -> None:
    """Each event of every run decodes to the value that is stored again in the same words, and folds."""
    with sa.create_engine(f"sqlite:///{config.parent}/keepapart.db").connect() as connection:
        runs = list(connection.execute(sa.text("select run from runs")).scalars())
    kinds = set()
    for run in runs:
        for _, kind, data in store.journals.events(run):
            assert json.loads(json.dumps(e.encode(e.decode(kind, data)))) == [kind, data]
            kinds.add(kind)
        assert folded(store, run).attempts
    assert kinds == {kind.__struct_config__.tag for kind in e.Event.__subclasses__()} - LATER
    assert len(runs) == 5


def test_runs_end_as_they_ended(store: Store) -> None:
    """A replacement of three is over with three stand-ins in; the unfinished run still has its instance."""
    replaced = folded(store, "run-03d1d9e4511e")
    assert replaced.finished
    assert [a.id for a in replaced.joined] == ["i-0009", "i-0013", "i-0017"]
    assert replaced.replaced == ("i-0002", "i-0003", "i-0004")
    assert folded(store, EVERY_KIND).unmeasured
    (left,) = folded(store, UNFINISHED).in_phase(Phase.LAUNCHED)
    assert store.journals.unfinished("unfinished") == [UNFINISHED]
    assert left.id


def test_gc_finds_what_the_unfinished_run_left(store: Store) -> None:
    """The instance that the old journal says was launched is named by `gc`, and released by it."""
    (left,) = folded(store, UNFINISHED).attempts
    cloud = ProgrammableCloud()
    cloud.add(left.id, 0, role=CANDIDATE, **{CLUSTER_TAG: "unfinished", RUN_TAG: UNFINISHED})
    clock = ManualClock()
    context = AdmissionContext(cloud, store, "unfinished", LaunchSettings(), clock=clock, sleep=clock.sleep)
    found = collect(context, dry_run=True).found
    assert [orphan.id for orphan in found] == [left.id]
    assert UNFINISHED in found[0].because
    assert collect(context).released == (left.id,)
    assert store.journals.unfinished("unfinished") == []


def test_history_prints_the_old_audits(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All that was kept is listed, for people and as JSON."""
    assert main(["-c", str(config), "history", "--limit", "100"]) == 0
    assert "2026-11-28T15:12:15Z  audit" in capsys.readouterr().out
    assert main(["-c", str(config), "history", "--verb", "all", "--limit", "100", "--json"]) == 0
    audits = json.loads(capsys.readouterr().out)["audits"]
    assert {audit["verb"] for audit in audits} == {"audit", "admit"}
    assert audits[0]["verdicts"] == {"separate": 10, "co-resident": 0, "unknown": 0}


def test_explain_prints_the_old_evidence(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A pair is explained from the old audits, with their evidence and what was thought of the network."""
    assert main(["-c", str(config), "explain", "i-0001", "i-0005"]) == 0
    assert "hops says different, strong: 4 hops in all 16 flows" in capsys.readouterr().out
    assert main(["-c", str(config), "explain", "i-0001", "i-0005", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["said"]
    assert said[0]["network"]["standing"] == "remembered"
    assert said[0]["evidence"][0]["signal"] == "hops"
