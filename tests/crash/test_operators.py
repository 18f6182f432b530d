"""Several operators at one cluster through one PostgreSQL: one works, the others wait, whoever dies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faults.scenarios import CLUSTER
from keepapart.admit import AdmissionContext, collect
from keepapart.errors import LeaseError
from keepapart.store import Store
from keepapart.testing import ProgrammableCloud
from tests.crash.racing import LEASE, THERE
from tests.postgresql import serving

ROOT = Path(__file__).parents[2]
Operator = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """One PostgreSQL for all of them."""
    with serving() as url:
        yield url


@pytest.fixture
def url(server: str) -> str:
    """The url of an empty database."""
    import psycopg

    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")
    return server


@pytest.fixture
def cloud(tmp_path: Path) -> ProgrammableCloud:
    """Two members, and a cloud that packs."""
    there = ProgrammableCloud(tmp_path / "cloud.json", hosts=6)
    there.add("m-1", 0)
    there.add("m-2", 1)
    return there


@pytest.fixture
def operator(url: str, tmp_path: Path) -> Iterator[Operator]:
    """Start an operator's process."""
    started: list[subprocess.Popen[str]] = []

    def start(count: int, wait: float, arrow: str = "") -> subprocess.Popen[str]:
        words = [url, str(tmp_path), str(count), str(wait), *([arrow] if arrow else [])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
        command = [sys.executable, "-m", "tests.crash.racing", *words]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        with process:
            pass


def until(process: subprocess.Popen[str], words: str) -> str:
    """Return the first line with these words in it."""
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return line
    raise AssertionError(f"it ended without saying {words!r}")


def sound(url: str, cloud: ProgrammableCloud, members: int) -> None:
    """Nothing lost, nothing doubled, nobody beside another, and as many as were asked for."""
    with Store(url) as store:
        assert store.journals.unfinished(CLUSTER) == []
        assert collect(AdmissionContext(cloud, store, CLUSTER), dry_run=True).found == ()
    assert sorted(cloud.alive()) == sorted(cloud.members())
    assert len({cloud.host(m) for m in cloud.members()}) == len(cloud.members()) == members
    assert len(set(cloud.tokens())) == len(cloud.tokens())


def test_many_make_the_schema_at_once(url: str) -> None:
    """Whoever comes first makes the tables; the others find them."""
    code = f"from keepapart.store import Store; Store({url!r}).close()"
    started = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]
    assert [process.wait() for process in started] == [0] * 4


def test_a_lease_is_given_once(url: str) -> None:
    """Of many who take a free lease at the same time one gets it; later ones get a greater token."""
    with Store(url) as store:
        first = store.leases.acquire("c", "one", 0.0, 10.0, lambda _: False)
        with pytest.raises(LeaseError, match="one holds it until"):
            store.leases.acquire("c", "two", 9.0, 10.0, lambda _: False)
        second = store.leases.acquire("c", "two", 10.0, 10.0, lambda _: False)
        assert second.token > first.token
        with pytest.raises(LeaseError):
            store.journals.open(first, "r", 11.0, "asked", {})
        store.journals.open(second, "r", 11.0, "asked", {"n": 1})
        assert store.journals.events("r") == [(11.0, "asked", {"n": 1})]


def test_second_operator_is_told_who_works(cloud: ProgrammableCloud, operator: Operator) -> None:
    """While one admits, another ends with 4 and names the holder; nothing is launched twice."""
    first = operator(1, 0, "before launch")
    until(first, THERE)
    second = operator(1, 0)
    assert f"pid {first.pid} on elsewhere holds it until" in second.communicate()[0]
    assert second.returncode == 4
    assert cloud.tokens() == []


def test_second_operator_waits_its_turn(url: str, cloud: ProgrammableCloud, operator: Operator) -> None:
    """With `wait` both get what they asked for, one after the other, each on a host of its own."""
    both = [operator(1, 60), operator(1, 60)]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    admitted = [json.loads(text.splitlines()[-1])["admitted"] for text in said]
    assert sum(map(len, admitted)) == 2
    sound(url, cloud, 4)


@pytest.mark.parametrize("arrow", ["after journal intended", "after launch", "after tag", "after terminate"])
def test_second_operator_takes_over(
    url: str, cloud: ProgrammableCloud, operator: Operator, arrow: str
) -> None:
    """Killed with the lease in hand on another machine, one is succeeded when the lease runs out."""
    first = operator(2, 0, arrow)
    until(first, THERE)
    second = operator(2, 20 * LEASE)
    until(second, "waiting: ")
    first.kill()
    until(second, "going on with")
    document = json.loads(until(second, "keepapart.admit/1"))
    assert len(document["admitted"]) == 2
    sound(url, cloud, 4)


@pytest.mark.usefixtures("cloud")
def test_a_living_holder_keeps_its_lease(operator: Operator) -> None:
    """Whatever takes its time, the lease is renewed meanwhile: nobody takes over from the living."""
    first = operator(1, 0, "before launch")
    until(first, THERE)
    second = operator(1, 2 * LEASE)
    assert f"pid {first.pid} on elsewhere holds it until" in second.communicate()[0]
    assert second.returncode == 4
