"""Moving on libvirt as it runs: two daemons with QEMU, which emulates, and migrates live between them."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from keepapart.clouds import CLUSTER_TAG, LIVE
from keepapart.clouds import connect as connected
from keepapart.clouds.libvirt import library
from keepapart.errors import ConfigError, UnsettledError
from tests.platforms import killed

SCRIPT = Path(__file__).with_name("qemu_hosts.sh")
ALONE = ("unshare", "--net", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "bash")
NEEDED = ("unshare", "ip", "libvirtd", "qemu-system-x86_64")
MEND = "needs root, and apt-get install --no-install-recommends iproute2 libvirt-daemon qemu-system-x86"
UUIDS = [f"6695eb01-f6a4-8304-79aa-97f2502e190{number}" for number in (0, 1, 2)]
DOMAIN = """<domain type="qemu"><name>db-{number}</name><uuid>{uuid}</uuid><memory unit="MiB">32</memory>
<metadata><ka:tags xmlns:ka="urn:keepapart:1" cluster="orders" role="member"/></metadata>
<os><type arch="x86_64" machine="pc">hvm</type></os>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>{device}</devices></domain>"""
STAYS = """<shmem name="of-its-host"><model type="ivshmem-plain"/><size unit="M">4</size></shmem>"""

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def daemons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Yield the addresses of two hosts; skip the tests where there can't be any."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    if os.geteuid() or not all(shutil.which(each, path=path) for each in NEEDED):
        pytest.skip(MEND)
    try:
        library.load().registerErrorHandler(lambda *_: None, None)
    except ConfigError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("qemu")
    sockets = {host: folder / host / "libvirt-sock" for host in "ab"}
    with subprocess.Popen([*ALONE, str(SCRIPT), str(folder)], env={**os.environ, "PATH": path}) as child:
        try:
            while not all(socket.exists() for socket in sockets.values()):
                assert child.poll() is None
                logs = [(folder / host / "log") for host in "ab"]
                assert not any("initialization failed" in log.read_text() for log in logs if log.exists())
                time.sleep(0.05)
            yield {host: f"qemu+unix:///system?socket={socket}" for host, socket in sockets.items()}
        finally:
            child.kill()


@pytest.fixture
def hosts(daemons: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yield connections to both hosts, which have no domains."""
    with ExitStack() as stack:
        found = {host: library.load().open(uri) for host, uri in daemons.items()}
        for each in found.values():
            stack.callback(each.close)
            for domain in each.listAllDomains():
                if domain.isActive():
                    domain.destroy()
                with suppress(library.load().libvirtError):  # it goes by itself where another host gave it up
                    domain.undefine()
        yield found


def member(hosts: dict[str, Any], number: int, device: str = "") -> Any:
    """Run a member on the first host, and with it."""
    made = hosts["a"].defineXML(DOMAIN.format(number=number, uuid=UUIDS[number], device=device))
    made.create()
    made.setAutostart(1)
    return made


def there(hosts: dict[str, Any]) -> dict[str, list[str]]:
    """Name the domains that each host has, also those that only come to it."""
    return {host: sorted(one.name() for one in asked.listAllDomains()) for host, asked in hosts.items()}


@pytest.fixture
def configured(daemons: dict[str, str], tmp_path: Path) -> Path:
    """Return a configuration by which the host decides."""
    path = tmp_path / "keepapart.toml"
    own = f'[store]\nurl = "sqlite:///{tmp_path}/keepapart.db"\n[cluster]\nname = "orders"\n'
    listed = ", ".join(f'"{uri}"' for uri in daemons.values())
    cloud = f'assurance = "conclusive"\n[cloud]\nprovider = "libvirt"\nhosts = [{listed}]\n'
    path.write_text(own + cloud, encoding="utf-8")
    return path


def test_a_member_goes_to_a_free_host_as_it_runs(configured: Path, hosts: dict[str, Any]) -> None:
    """It is never stopped, is defined there alone, and is started with that host from now on."""
    member(hosts, 0)
    member(hosts, 1)
    outcome = killed.moved(configured, UUIDS[1])
    assert (outcome.code, outcome.moved, outcome.stops) == (0, (UUIDS[1],), 0)
    assert there(hosts) == {"a": ["db-0"], "b": ["db-1"]}
    moved = hosts["b"].lookupByUUIDString(UUIDS[1])
    assert (moved.isActive(), moved.isPersistent(), moved.autostart()) == (1, 1, 1)


def test_what_can_not_go_as_it_runs_is_stopped_for_that(
    configured: Path, hosts: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """libvirt says why: memory that it shares with its host stays there."""
    monkeypatch.setattr("keepapart.clouds.libvirt.cloud.SHUTDOWN_WITHIN", 0.0)  # nothing listens in it
    member(hosts, 0)
    member(hosts, 1, STAYS)
    member(hosts, 2)
    outcome = killed.moved(configured, UUIDS[1])
    assert (outcome.code, outcome.moved, outcome.stops) == (0, (UUIDS[1],), 1)
    assert there(hosts) == {"a": ["db-0", "db-2"], "b": ["db-1"]}


def test_whoever_dies_over_it_leaves_the_member_running_where_it_was(
    daemons: dict[str, str], hosts: dict[str, Any]
) -> None:
    """Its host gives the migration up; another process waits for that, and begins anew."""
    member(hosts, 0)
    moving = member(hosts, 1)
    moving.migrateSetMaxSpeed(1)  # MiB a second
    cloud: Any = connected("libvirt", {"hosts": list(daemons.values())}, ())
    said = cloud.placement(UUIDS[1], {CLUSTER_TAG: "orders"})
    assert LIVE in said
    place = partial(cloud.place, UUIDS[1], said)
    child = os.fork()
    if not child:
        settled(place)
        os._exit(0)
    while not there(hosts)["b"]:
        time.sleep(0.02)
    os.kill(child, 9)
    os.waitpid(child, 0)
    moving.migrateSetMaxSpeed(1000)
    assert moving.isActive()
    settled(place)
    assert there(hosts) == {"a": ["db-0"], "b": ["db-1"]}
    place()


def settled(place: Callable[[], None]) -> None:
    """Make the same call until it is sure what came of it."""
    while True:
        try:
            return place()
        except UnsettledError:
            time.sleep(0.1)
