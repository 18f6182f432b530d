"""The schema: an old database is brought forward, and ends up like a fresh one."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import pytest
import sqlalchemy as sa

from keepapart.errors import StoreError
from keepapart.store import Store, migrations
from tests.postgresql import serving

MADE_BEFORE = Path(__file__).parents[1] / "fixtures" / "store-1.db"  # by a keepapart of schema version 1


def schema_of(url: str) -> dict[str, object]:
    """Describe a database's tables: columns, keys and indexes."""
    engine = sa.create_engine(url)
    inspector = sa.inspect(engine)
    found: dict[str, object] = {
        table: (
            [(c["name"], str(c["type"]), c["nullable"], c["default"]) for c in inspector.get_columns(table)],
            inspector.get_pk_constraint(table)["constrained_columns"],
            sorted((str(i["name"]), i["column_names"], i["unique"]) for i in inspector.get_indexes(table)),
        )
        for table in inspector.get_table_names()
    }
    engine.dispose()
    return found


@pytest.fixture
def old(tmp_path: Path) -> str:
    """A database made at schema version 1."""
    return f"sqlite:///{shutil.copy(MADE_BEFORE, tmp_path / 'old.db')}"


def test_a_database_made_at_version_1_opens(old: str) -> None:
    """What it kept is all there: journals, leases and audits."""
    with Store(old) as store:
        assert store.journals.unfinished("unfinished") == ["run-unfinished"]
        events = store.journals.events("run-03d1d9e4511e")
        assert [kind for _, kind, _ in events[:5]] == ["asked", "intended", "launched", "running", "judged"]
        holder = store.leases.holder("orders")
        assert holder is not None
        assert holder.expires == 0.0
        assert store.audits.count("orders") == len(list(store.audits.newest("orders"))) == 4


def test_a_migrated_database_is_like_a_fresh_one(old: str, url: str) -> None:
    """Both ran through the same statements, so tables, columns, keys and indexes are the same."""
    for each in (old, url):
        Store(each).close()
    assert schema_of(old) == schema_of(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def each_url(request: pytest.FixtureRequest, url: str) -> Iterator[str]:
    """A database of each kind that isn't there yet."""
    with nullcontext(url) if request.param == "sqlite" else serving() as made:
        yield made


def test_what_is_remembered_moves_out_of_the_newest_audit(
    each_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each cluster the newest audit's memory is its baseline; an audit without any leaves none."""
    url = each_url
    monkeypatch.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:1])
    Store(url).close()
    monkeypatch.undo()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for cluster, document in (
            ("a", {"memory": {"hosts": 1}}),
            ("a", {"memory": {"hosts": {"of": {"ü": "host-2"}}}}),
            ("b", {"memory": {"hosts": 3}}),
            ("c", {}),
        ):
            row = {"cluster": cluster, "document": json.dumps(document, ensure_ascii=False)}
            connection.execute(
                sa.text("insert into audits (cluster, at, document) values (:cluster, 0, :document)"), row
            )
    engine.dispose()
    with Store(url) as store:
        found = [store.audits.baseline(cluster) for cluster in "abcd"]
        assert [kept and json.loads(kept) for kept in found] == [
            {"hosts": {"of": {"ü": "host-2"}}},
            {"hosts": 3},
            None,
            None,
        ]
        assert len(list(store.audits.newest("a"))) == 2


def test_a_later_migration_reaches_old_and_fresh_alike(
    old: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change of the schema is made once in each, whether the database is there already or not."""
    later = (*migrations.MIGRATIONS, ("ALTER TABLE audits ADD COLUMN purpose VARCHAR(32)",))
    monkeypatch.setattr(migrations, "MIGRATIONS", later)
    for each in (old, old, url, url):
        Store(each).close()
    assert schema_of(old) == schema_of(url)
    assert "purpose" in str(schema_of(old)["audits"])


def test_a_newer_schema_is_refused(url: str, tmp_path: Path) -> None:
    """An older keepapart doesn't touch what a newer one made."""
    Store(url).close()
    with closing(sqlite3.connect(tmp_path / "keepapart.db")) as connection, connection:
        connection.execute("update schema_version set version = 99")
    with pytest.raises(StoreError, match="newer keepapart"):
        Store(url)
