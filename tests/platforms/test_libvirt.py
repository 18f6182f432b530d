"""libvirt, by its own test driver: each file is a host with domains, in a world of its own."""

from __future__ import annotations

import importlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG, STOPPED, Listing, connect
from keepapart.clouds.libvirt import library
from keepapart.errors import CloudError, ConfigError
from keepapart.testing.clouds import LISTING_RULES, CloudRule, CloudUnderTest
from tests.platforms.conftest import Audit

if TYPE_CHECKING:
    from keepapart.clouds.libvirt.host import Domain, Host

ORDERS = {CLUSTER_TAG: "orders", ROLE_TAG: MEMBER}
IDS = [f"6695eb01-f6a4-8304-79aa-97f2502e19{n:02}" for n in range(10)]
RUNNING, PAUSED, SHUTOFF, CRASHED = 1, 3, 5, 6  # as the test driver's files have them
NODE = """<node>
  <cpu><mhz>1400</mhz><model>i386</model><active>8</active><nodes>1</nodes><sockets>2</sockets><cores>4</cores>
  <threads>1</threads></cpu><memory>8388608</memory>
{domains}</node>"""
DOMAIN = """<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
  <name>{name}</name><uuid>{id}</uuid><memory>1024</memory><vcpu>1</vcpu>
  <os><type arch='i686'>hvm</type></os>
  <test:runstate>{state}</test:runstate>
  <metadata><ka:tags xmlns:ka='urn:keepapart:1' {tags}/>
    <other xmlns='urn:other' cluster='another'/></metadata>
</domain>
"""
OURS = "cluster='orders' role='member'"


@pytest.fixture(autouse=True, scope="session")
def binding() -> None:
    """Skip these tests where the binding can't be had."""
    try:
        library.load()
    except ConfigError as error:
        pytest.skip(str(error))


def domain(number: int, state: int = RUNNING, tags: str = OURS) -> str:
    """Return a domain as the test driver's files have it."""
    return DOMAIN.format(name=f"db-{number}", id=IDS[number], state=state, tags=tags)


@pytest.fixture
def host(tmp_path: Path) -> Callable[..., str]:
    """Return what writes a host with domains, and returns its address."""

    def write(name: str, *domains: str) -> str:
        path = tmp_path / f"{name}.xml"
        path.write_text(NODE.format(domains="".join(domains)), encoding="utf-8")
        return f"test://{path}"

    return write


@pytest.mark.parametrize("rule", LISTING_RULES, ids=lambda rule: rule.__name__)
def test_conformance(rule: CloudRule, host: Callable[..., str], tmp_path: Path) -> None:
    """libvirt is a listing like any other, of several hosts; one that can't be asked is no empty one."""
    hosts = [host("a", domain(0), domain(1)), host("b", domain(2), domain(3, tags="cluster='another'"))]

    @contextmanager
    def without_b(_: Listing) -> Iterator[None]:
        (tmp_path / "b.xml").rename(tmp_path / "gone")
        yield
        (tmp_path / "gone").rename(tmp_path / "b.xml")

    with CloudUnderTest(
        lambda: connect("libvirt", {"hosts": hosts, "tries": 1}, ()),
        listed=IDS[:3],
        tags={CLUSTER_TAG: "orders"},
        unknown=IDS[9],
        failing=without_b,
        cut_short=without_b,
    ) as it:
        rule(it)


def test_verdicts_are_the_placement(host: Callable[..., str], audit: Audit) -> None:
    """The connection is the host, conclusively both ways."""
    hosts = [host("a", domain(0), domain(2)), host("b", domain(1)), host("c", domain(3))]
    on = dict(zip(IDS[:4], "abac", strict=True))
    code, verdicts, document = audit(f'provider = "libvirt"\nhosts = {hosts}\n')
    assert code == 1
    assert verdicts == {
        (a, b): "co-resident" if on[a] == on[b] else "separate" for a, b in combinations(sorted(on), 2)
    }
    assert {pair["strength"] for pair in document["pairs"]} == {"conclusive"}


def test_the_default_address_is_taken(
    host: Callable[..., str], audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LIBVIRT_DEFAULT_URI is what virsh asks as well."""
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", host("a", domain(0), domain(1)))
    assert audit('provider = "libvirt"\n')[1] == {(IDS[0], IDS[1]): "co-resident"}


@pytest.mark.parametrize("state", [PAUSED, SHUTOFF, CRASHED])
def test_what_does_not_run_has_no_host(host: Callable[..., str], state: int) -> None:
    """It may be started on another, where the disk is shared."""
    shown = connect("libvirt", {"hosts": [host("a", domain(0, state))]}, ()).describe(IDS[:1])[IDS[0]]
    assert (shown.state, "host" in shown.facts) == (STOPPED, False)


def test_a_domain_defined_on_two_hosts_is_where_it_runs(host: Callable[..., str], audit: Audit) -> None:
    """Shared storage: the other definition is a spare one."""
    hosts = [host("a", domain(0, SHUTOFF), domain(1)), host("b", domain(0), domain(2))]
    _, verdicts, _ = audit(f'provider = "libvirt"\nhosts = {hosts}\n')
    assert verdicts[IDS[0], IDS[2]] == "co-resident"
    assert verdicts[IDS[0], IDS[1]] == "separate"


@pytest.mark.parametrize("there", [PAUSED, RUNNING])
def test_a_domain_that_is_active_on_two_hosts_is_unknown(
    host: Callable[..., str], audit: Audit, there: int
) -> None:
    """It migrates: it runs on one and is paused on the other, and for a moment nobody can say which."""
    hosts = [host("a", domain(0), domain(1)), host("b", domain(0, there), domain(2))]
    _, verdicts, _ = audit(f'provider = "libvirt"\nhosts = {hosts}\n')
    assert verdicts == {
        (IDS[0], IDS[1]): "unknown",
        (IDS[0], IDS[2]): "unknown",
        (IDS[1], IDS[2]): "separate",
    }


def test_members_are_named_by_name(host: Callable[..., str]) -> None:
    """Domains that carry no tags."""
    plain = connect("libvirt", {"hosts": [host("a", domain(0, tags=""), domain(1, tags=""))],
                                "members": ["db-1"]}, ())  # fmt: skip
    assert [one.id for one in plain.instances(ORDERS)] == [IDS[1]]


def machine(uri: str, uuid: str, hostname: str, *domains: Domain) -> Host:
    """Return what a real host would say."""
    from keepapart.clouds.libvirt.host import Host

    return Host(uri, "QEMU", uuid, hostname, domains)


def running(number: int, *, busy: bool = False) -> Domain:
    """Return a domain that runs."""
    from keepapart.clouds.libvirt.host import Domain

    return Domain(IDS[number], f"db-{number}", "running", active=True, busy=busy)


def hosts_of(*hosts: Host) -> list[str]:
    """Return the host that is stated of each domain, in the order of their ids."""
    from keepapart.clouds.libvirt.places import listed

    found = sorted(listed(hosts), key=lambda one: one.id)
    return [one.place["host"] if one.settled else "" for one in found]


A, B = "4c4c4544-0042-3510-8057-b4c04f4d3232", "4c4c4544-0042-3510-8057-b4c04f4d3333"


def test_two_addresses_of_one_machine_are_one_host() -> None:
    """By address and by name, or two drivers of it: hosts are told by their machine's id."""
    by_name = machine("qemu+ssh://pve-1/system", A, "pve-1", running(0))
    by_address = machine("lxc+ssh://10.0.0.1/", A, "pve-1", running(1))
    assert hosts_of(by_name, by_address) == ["pve-1", "pve-1"]
    again = machine("qemu+ssh://10.0.0.1/system", A, "pve-1", running(0))
    assert hosts_of(by_name, again) == ["pve-1"]


def test_machines_of_one_name_are_told_by_their_ids() -> None:
    """Two that are both called localhost are two hosts."""
    assert hosts_of(machine("a", A, "localhost", running(0)), machine("b", B, "localhost", running(1))) == [
        f"localhost {A}",
        f"localhost {B}",
    ]


@pytest.mark.parametrize("uuid", ["", "03000200-0400-0500-0006-000700080009", A])
def test_what_is_not_one_machines_alone_names_no_host(uuid: str) -> None:
    """Boards without an id, boards that all have the same, and copies of a machine with another name."""
    assert hosts_of(machine("a", uuid, "pve-1", running(0)), machine("b", uuid, "pve-2", running(1))) == [
        "",
        "",
    ]


def test_a_domain_with_a_job_is_not_settled() -> None:
    """A migration to a host that isn't listed shows by its job alone."""
    assert hosts_of(machine("a", A, "pve-1", running(0, busy=True), running(1))) == ["", "pve-1"]


def test_a_host_that_hangs_is_an_error_in_time() -> None:
    """A call into libvirt can't be broken off, so it is left behind."""
    from keepapart.clouds.libvirt.host import ask

    released = threading.Event()

    def look(uri: str) -> Host:
        if uri == "test://hangs":
            released.wait()
        return machine(uri, A, "pve-1")

    with pytest.raises(CloudError, match=r"test://hangs doesn't answer within 0.05 s; `virsh -r -c"):
        ask(["test://a", "test://hangs"], timeout=0.05, tries=2, look=look)
    released.set()


def test_a_host_that_answers_the_second_time_has_answered() -> None:
    """A connection may fail once."""
    from keepapart.clouds.libvirt.host import ask

    asked: list[str] = []

    def look(uri: str) -> Host:
        asked.append(uri)
        if len(asked) == 1:
            raise OSError("broken pipe")
        return machine(uri, A, "pve-1")

    assert len(ask(["test://a"], timeout=30, tries=2, look=look)) == 1


@pytest.mark.parametrize(
    ("uri", "asked"),
    [
        ("qemu+ssh://root@h1/system", "qemu+ssh://root@h1/system?no_tty=1"),
        ("qemu+ssh://h1/system?keyfile=/k", "qemu+ssh://h1/system?keyfile=/k&no_tty=1"),
        ("qemu+ssh://h1/system?no_tty=0", "qemu+ssh://h1/system?no_tty=0"),
        ("qemu+tls://h1/system", "qemu+tls://h1/system"),
    ],
)
def test_ssh_asks_no_questions(uri: str, asked: str) -> None:
    """A question for a password would wait for ever, in a thread that nobody sees."""
    host = importlib.import_module("keepapart.clouds.libvirt.host")
    assert host.without_questions(uri) == asked


@pytest.mark.parametrize(
    ("hosts", "says"),
    [
        (["qemu+tcp://127.0.0.1:1/system"], "`virsh -r -c 'qemu+tcp://127.0.0.1:1/system' list` shows more"),
        (["qemu+nothing://h1/system"], "no driver of libvirt's here takes this address"),
    ],
)
def test_errors_name_the_host_and_the_mend(hosts: list[str], says: str, capfd: Any) -> None:
    """In one line, and libvirt itself writes nothing to the terminal."""
    with pytest.raises(CloudError) as wrong:
        connect("libvirt", {"hosts": hosts, "tries": 1}, ()).instances({})
    assert says in str(wrong.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "set LIBVIRT_DEFAULT_URI"),
        ({"hosts": ["h1"]}, "is no address such as qemu+ssh"),
        ({"hosts": ["test:///a", "test:///a"]}, "stands twice"),
        ({"host": ["test:///a"]}, "did you mean 'hosts'?"),
    ],
)
def test_a_wrong_key_or_value_names_the_mend(settings: dict[str, Any], says: str) -> None:
    """Each mistake is one line that names the key and what would be right."""
    with pytest.raises(ConfigError) as wrong:
        connect("libvirt", settings, ())
    assert says in str(wrong.value)


def test_without_the_binding_one_line_says_which_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The distribution's, which is found from within a virtual environment too."""
    monkeypatch.setitem(sys.modules, "libvirt", None)
    monkeypatch.setattr(library, "FOLDERS", (str(tmp_path),))
    with pytest.raises(ConfigError, match="apt-get install python3-libvirt"):
        library.load()


def test_the_binding_is_loaded_only_where_it_is_used() -> None:
    """The keys of [cloud] don't need it."""
    code = "import sys, keepapart.clouds.libvirt; sys.exit('libvirt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
