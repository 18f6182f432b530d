"""The store: durable, fenced, and only ever forward."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from keepapart.admit.lease import holder_id, is_dead
from keepapart.errors import ConfigError, LeaseError, StoreError
from keepapart.store import Store


def nobody_is_dead(_: str) -> bool:
    """Take every holder for alive."""
    return False


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database that isn't there yet."""
    return f"sqlite:///{tmp_path / 'keepapart.db'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An open store."""
    with Store(url) as opened:
        yield opened


def test_journal_survives_reopening(url: str) -> None:
    """What was appended is there, in order, for whoever opens the store next."""
    with Store(url) as store:
        lease = store.acquire("c", "me", 0.0, 10.0, nobody_is_dead)
        store.open_run(lease, "r", 1.0, "asked", {"count": 1})
        store.append(lease, "r", 1, 2.0, "intended", {"ids": ["é"]})
    with Store(url) as store:
        assert store.events("r") == [(1.0, "asked", {"count": 1}), (2.0, "intended", {"ids": ["é"]})]
        assert store.unfinished("c") == ["r"]
        assert store.unfinished("other") == []


def test_closing_event_closes_the_run(store: Store) -> None:
    """A run is unfinished until the event that closes it is written, with it or not at all."""
    lease = store.acquire("c", "me", 0.0, 10.0, nobody_is_dead)
    store.open_run(lease, "r", 1.0, "asked", {})
    store.append(lease, "r", 1, 2.0, "finished", {}, closes=True)
    assert store.unfinished("c") == []


def test_an_event_is_never_overwritten(store: Store) -> None:
    """Two writes of one number can't both be: the second is refused."""
    lease = store.acquire("c", "me", 0.0, 10.0, nobody_is_dead)
    store.open_run(lease, "r", 1.0, "asked", {})
    with pytest.raises(StoreError):
        store.append(lease, "r", 0, 2.0, "other", {})
    assert store.events("r") == [(1.0, "asked", {})]


def test_sqlite_is_durable(store: Store) -> None:
    """The journal is written ahead and synced in full."""
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_second_admission_is_told_who_and_until_when(store: Store) -> None:
    """A held lease isn't given twice; the refusal is one line with the holder and the time."""
    store.acquire("c", "pid 7 on host-a [boot ns 7 1]", 1000.0, 300.0, nobody_is_dead)
    with pytest.raises(LeaseError) as refused:
        store.acquire("c", "pid 8", 1299.0, 300.0, nobody_is_dead)
    assert "pid 7 on host-a holds it until 1970-01-01T00:21:40Z" in str(refused.value)
    assert "boot" not in str(refused.value)


def test_clusters_have_leases_of_their_own(store: Store) -> None:
    """One cluster's admission doesn't hold up another's."""
    store.acquire("a", "me", 0.0, 10.0, nobody_is_dead)
    store.acquire("b", "me", 0.0, 10.0, nobody_is_dead)


@pytest.mark.parametrize("how", ["expired", "dead", "given back"])
def test_a_free_lease_is_taken_with_a_greater_token(store: Store, how: str) -> None:
    """Whoever takes a lease over fences off its last holder."""
    first = store.acquire("c", "one", 0.0, 10.0, nobody_is_dead)
    if how == "given back":
        store.give_back(first)
    now = 10.0 if how == "expired" else 1.0
    second = store.acquire("c", "two", now, 10.0, lambda who: how == "dead" and who == "one")
    assert second.token > first.token
    with pytest.raises(LeaseError):
        store.renew(first, now)
    with pytest.raises(LeaseError):
        store.open_run(first, "r", now, "asked", {})
    assert store.unfinished("c") == []
    store.give_back(first)  # frees nothing that isn't its own
    with pytest.raises(LeaseError):
        store.acquire("c", "three", now, 10.0, nobody_is_dead)


def test_every_write_renews_the_lease(store: Store) -> None:
    """A run that goes on writing keeps its lease."""
    lease = store.acquire("c", "me", 0.0, 10.0, nobody_is_dead)
    store.open_run(lease, "r", 8.0, "asked", {})
    holder = store.holder("c")
    assert holder is not None
    assert holder.expires == 18.0
    store.append(lease, "r", 1, 16.0, "closing", {})
    with pytest.raises(LeaseError):
        store.acquire("c", "other", 25.0, 10.0, nobody_is_dead)


def test_audits_come_newest_first(store: Store) -> None:
    """The last audits of this cluster, and no other's."""
    for at in (1.0, 3.0, 2.0):
        store.add_audit("c", at, f'{{"at": {at}}}')
    store.add_audit("d", 9.0, "{}")
    assert store.audits("c", 2) == ['{"at": 3.0}', '{"at": 2.0}']


def test_a_newer_schema_is_refused(url: str, tmp_path: Path) -> None:
    """An older keepapart doesn't touch what a newer one made."""
    Store(url).close()
    with closing(sqlite3.connect(tmp_path / "keepapart.db")) as database, database:
        database.execute("update schema_version set version = 99")
    with pytest.raises(StoreError, match="newer keepapart"):
        Store(url)


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all/x.db", "not a url", "postgresql+nosuch://u:hush@h/d"]
)
def test_unopenable_store_is_one_clear_line(url: str) -> None:
    """What can't be opened is named, without a password."""
    with pytest.raises((StoreError, ConfigError)) as refused:
        Store(url)
    assert "\n" not in str(refused.value)
    assert "hush" not in str(refused.value)


def test_a_living_process_is_not_dead() -> None:
    """Neither this process nor one of another machine may be taken for dead."""
    assert not is_dead(holder_id())
    assert not is_dead("pid 1 on elsewhere [other-boot pid:[1] 1 99]")
    assert not is_dead("a text from who knows where")


@pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="needs /proc to tell the dead")
def test_an_ended_process_is_dead() -> None:
    """A process that ended is known to be dead at once, also as a zombie or when its number is used again."""
    child = subprocess.Popen(
        [sys.executable, "-c", "from keepapart.admit.lease import holder_id; print(holder_id())"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        who = child.stdout.read().strip()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert is_dead(who), "a zombie"
    assert is_dead(who)
    reused = who.replace(f" {child.pid} ", f" {os.getpid()} ")
    assert is_dead(reused)


def test_version_loads_no_database() -> None:
    """`keepapart --version` stays quick: it doesn't load SQLAlchemy."""
    code = (
        "import sys; from keepapart.cli import main; main(['--version']); print('sqlalchemy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
