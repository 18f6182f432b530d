"""`keepapart watch` as a process: audits a real lab, answers, and ends as it is told to, whatever happens."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from keepapart.lab import client
from keepapart.lab.client import Lab
from keepapart.lab.world import world
from keepapart.store import Store

WORLD = {
    "name": "watched",
    "racks": [{"name": "a", "hosts": 3, "capacity": 3}],
    "clusters": [{"name": "orders", "size": 4}],
}
ORDERS = "/v1/clusters/orders"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the configuration of a cluster in a simulated lab that runs."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)
    with client.running(world.parse(WORLD, "test"), simulated=True):
        configure(tmp_path)
        yield tmp_path


def configure(folder: Path, minutes: float = 60, rest: str = "") -> None:
    """Write the configuration."""
    (folder / "keepapart.toml").write_text(
        '[cluster]\nname = "orders"\n[cloud]\nprovider = "lab"\nlab = "watched"\n'
        f'[watch]\nminutes = {minutes}\nlisten = "127.0.0.1:0"\n{rest}'
    )


@contextmanager
def watching(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `keepapart watch`; yield the process and its address, once it listens."""
    command = [sys.executable, "-m", "keepapart", "-c", str(folder / "keepapart.toml"), "watch"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        try:
            line = process.stderr.readline()
            found = re.search(r"http://[^/]+", line)
            assert found, line
            yield process, found[0]
        finally:
            process.kill()


def until(url: str, path: str, holds: Callable[[httpx.Response], bool]) -> httpx.Response:
    """Ask, with every event that the watch tells, until it holds."""
    with httpx.stream("GET", f"{url}/v1/events", timeout=60) as events:
        for line in events.iter_lines():
            if line.startswith("data") and holds(answer := httpx.get(url + path)):
                return answer
    raise AssertionError(path)


def history(url: str) -> list[dict[str, object]]:
    """List the audits that were kept."""
    audits: list[dict[str, object]] = httpx.get(f"{url}{ORDERS}/history").json()["audits"]
    return audits


def ready(url: str) -> None:
    """Wait for the first audit."""
    until(url, "/readyz", lambda answer: answer.status_code == 200)


def test_it_audits_and_answers(folder: Path) -> None:
    """What it says is what `keepapart history` has; the rest is tested on made-up audits."""
    with watching(folder) as (_, url):
        ready(url)
        audit = httpx.get(f"{url}{ORDERS}/audit").json()
        assert len(audit["instances"]) == 4
        assert audit["next"]
        assert httpx.get(f"{url}{ORDERS}/survives").status_code in (200, 409)
        metrics = httpx.get(f"{url}/metrics").text
        assert 'keepapart_audits_total{cluster="orders"' in metrics
        (sent,) = re.findall(r'^keepapart_datagrams_sent_total\{cluster="orders"\} (\S+)$', metrics, re.M)
        assert float(sent) >= 8 * 4 * 3  # eight flows each way of six pairs


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_cleanly(folder: Path, number: signal.Signals, code: int) -> None:
    """Also while somebody listens to events; nothing of it is left running, and nothing is complained of."""
    with watching(folder) as (process, url):
        ready(url)
        with httpx.stream("GET", f"{url}/v1/events", timeout=60) as events:
            next(lines := events.iter_lines())
            process.send_signal(number)
            assert process.wait(30) == code
            del lines
        assert process.stderr
        assert "Traceback" not in process.stderr.read()


def test_a_signal_in_the_middle_of_an_audit_ends_that_too(folder: Path) -> None:
    """The process that audits is told, and ends before the watch does."""
    with watching(folder) as (process, _):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while not (child := children.read_text().split()):
            assert process.poll() is None
        process.terminate()
        assert process.wait(30) == 0
        assert not Path(f"/proc/{child[0]}").exists()


def test_killed_in_the_middle_it_starts_again(folder: Path) -> None:
    """Whoever was killed holds up nobody: the next one audits at once."""
    with watching(folder) as (process, url):
        until(url, ORDERS, lambda answer: answer.json()["auditing"] or answer.json()["at"])
        process.kill()
        process.wait()
    with watching(folder) as (_, url):
        ready(url)
        assert httpx.get(url + ORDERS).json()["failures"] == 0


def test_news_that_were_told_are_not_told_again_by_the_next_watch(folder: Path) -> None:
    """Whoever was killed after an audit has told it; the next one begins from there."""

    def news() -> list[tuple[int, str]]:
        with Store(f"sqlite:///{folder / 'keepapart.db'}") as store:
            return store.watches.news("orders", 0, 1000)

    lab = Lab.find("watched")
    first, second = lab.instances()[:2]
    if lab.truth()[first.id].host != lab.truth()[second.id].host:
        lab.move(second.id, lab.truth()[first.id].host)
    for _ in range(2):
        with watching(folder) as (process, url):
            until(url, "/readyz", lambda answer: answer.status_code == 200 and bool(news()))
            process.kill()
            process.wait()
        told = [json.loads(document) for _, document in news()]
        shared = [one["id"] for one in told if one["kind"] == "shared"]
        assert {first.id, second.id} <= set(shared)
        assert len(set(shared)) == len(shared)


def test_starved_of_its_store_it_goes_on(folder: Path) -> None:
    """It lives, isn't ready, and says why; when the store is there again, so are audits and what was kept."""
    store = folder / "keepapart.db"
    with watching(folder) as (process, url):
        ready(url)
        files = list(folder.glob("keepapart.db*"))
        for file in files:
            file.rename(folder / f"away-{file.name}")
        store.mkdir()
        process.send_signal(signal.SIGHUP)
        failed = until(url, ORDERS, lambda answer: answer.json()["failures"] > 0).json()
        assert "keepapart.db" in failed["because"]
        assert (httpx.get(f"{url}/livez").status_code, httpx.get(f"{url}/readyz").status_code) == (200, 503)
        assert httpx.get(f"{url}{ORDERS}/audit").status_code == 200
        store.rmdir()
        for file in files:
            (folder / f"away-{file.name}").rename(file)
        process.send_signal(signal.SIGHUP)
        until(url, ORDERS, lambda answer: answer.json()["failures"] == 0 and not answer.json()["auditing"])
        assert len(history(url)) == 2
        assert process.poll() is None


def test_sighup_reads_the_configuration_again(folder: Path) -> None:
    """And audits at once; where it is wrong the one before stays, and the reason is said."""
    with watching(folder) as (process, url):
        ready(url)
        first = httpx.get(url + ORDERS).json()["at"]
        configure(folder, minutes=30)
        process.send_signal(signal.SIGHUP)
        until(url, f"{ORDERS}/history", lambda answer: len(answer.json()["audits"]) == 2)
        configure(folder, rest='nonsense = "x"\n')
        process.send_signal(signal.SIGHUP)
        assert process.stderr
        line = process.stderr.readline()
        while "nonsense" not in line:
            line = process.stderr.readline()
        assert "what was read before stays" in line
        assert httpx.get(url + ORDERS).json()["at"] >= first
        assert process.poll() is None


def test_an_audit_that_fails_does_not_end_it(folder: Path) -> None:
    """The lab is gone: it says so, and goes on."""
    Lab.find("watched").down()
    with watching(folder) as (process, url):
        answer = until(url, ORDERS, lambda answer: answer.json()["failures"] > 0)
        assert answer.json()["outcome"] == "failed"
        assert httpx.get(f"{url}{ORDERS}/survives").status_code == 503
        assert httpx.get(f"{url}/livez").status_code == 200
        assert process.poll() is None


def test_audits_of_their_own_process_leave_nothing_behind(folder: Path) -> None:
    """Neither descriptors nor processes, however many there were."""
    with watching(folder) as (process, url):
        descriptors = Path(f"/proc/{process.pid}/fd")
        counts = []
        for number in range(1, 6):

            def enough(answer: httpx.Response, number: int = number) -> bool:
                return not answer.json()["auditing"] and len(history(url)) >= number

            until(url, ORDERS, enough)
            counts.append(len(list(descriptors.iterdir())))
            process.send_signal(signal.SIGHUP)  # the next one at once
        assert counts[4] <= counts[1] + 3  # connections of this test may be about to end


def test_systemd_is_told(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """READY, STATUS, WATCHDOG from the loop, RELOADING and STOPPING."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "500000")

        def hear(word: str) -> str:
            while word not in (said := told.recv(4096).decode()):
                pass
            return said

        with watching(folder) as (process, url):
            hear("READY=1")
            ready(url)
            assert "WATCHDOG=1" in hear("members")
            process.send_signal(signal.SIGHUP)
            hear("RELOADING=1")
            hear("READY=1")
            process.terminate()
            hear("STOPPING=1")
            assert process.wait(30) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--listen", "0.0.0.0:0"], 2, "has no token"),
        (["--listen", "nowhere"], 2, "an address and a port are wanted"),
        (["--every", "0"], 2, "a number from 0.05"),
    ],
)
def test_what_cannot_be_meant_is_one_line(folder: Path, arguments: list[str], code: int, said: str) -> None:
    """And nothing is begun."""
    command = [sys.executable, "-m", "keepapart", "-c", str(folder / "keepapart.toml"), "watch", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr.count("\n")) == (code, 1)
    assert said in done.stderr


def test_an_address_that_is_taken_is_one_line(folder: Path) -> None:
    """It names the key."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [sys.executable, "-m", "keepapart", "-c", str(folder / "keepapart.toml"), "watch"]
        done = subprocess.run(
            [*command, "--listen", where], capture_output=True, text=True, check=False, timeout=60
        )
    assert done.returncode == 4
    assert "[watch] listen" in done.stderr
    assert "in use" in done.stderr
