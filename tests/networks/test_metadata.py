"""Metadata services beside real instances in namespaces: who is asked, who isn't, and what comes of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from keepapart.cli import main
from tests.networks import build
from tests.networks.build import Network

pytestmark = pytest.mark.skipif(bool(build.possible()), reason=build.possible())

LINODE = "/v1/instance"
COUNTING = """
table inet seen {
    counter sent { }
    chain out {
        type filter hook output priority 0;
        ip daddr { 169.254.0.0/16, 100.100.100.200 } counter name sent
    }
}
"""
HOSTS = ("3a3ddd59", "3a3ddd59", "b0f6ac21")


@pytest.fixture
def net() -> Iterator[Network]:
    """Return three guests of three hosts behind one router."""
    with build.network() as made:
        core = made.add("core", router=True)
        for h in range(3):
            host = made.add(f"h{h}", router=True)
            made.route(core, host, f"10.254.{h}", behind_b=f"10.0.{h}.0/24")
            made.guest(host, f"g{h}", f"10.0.{h}.0")
        yield made


class Services:
    """The metadata services of all guests, and what each was asked."""

    def __init__(self) -> None:
        self._running: dict[str, subprocess.Popen[str]] = {}

    def start(self, namespace: str, answers: Mapping[str, str], token: str) -> None:
        """Serve on the link-local address in a guest's namespace."""
        build.ip("addr add 169.254.169.254/32 dev lo", namespace=namespace)
        command = [sys.executable, "-m", "tests.metadata_service", "169.254.169.254"]
        process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._running[namespace] = process
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps({"answers": answers, "token": token}))
        process.stdin.close()
        assert process.stdout.readline() == "ready\n"

    def end(self) -> list[str]:
        """End all; return what they were asked."""
        heard: list[str] = []
        for process in self._running.values():
            process.kill()
            assert process.stdout
            heard += process.stdout.read().splitlines()
            process.stdout.close()
            process.wait()
        self._running.clear()
        return heard


@contextmanager
def services(net: Network, hosts: tuple[str, ...] = HOSTS) -> Iterator[Services]:
    """Give every guest a service as Linode has it."""
    running = Services()
    with ExitStack() as stack:
        stack.callback(running.end)
        for number, (guest, host) in enumerate(zip(net.guests, hosts, strict=True)):
            told = {"id": number + 1, "host_uuid": host, "region": "us-ord", "tags": ["secret"]}
            running.start(guest, {LINODE: json.dumps(told)}, "Metadata-Token")
        yield running


def audit(
    net: Network, folder: Path, capsys: pytest.CaptureFixture[str], *, maker: str, more: str = ""
) -> tuple[dict[frozenset[str], tuple[str, str | None]], str]:
    """Audit the guests, whose firmware shows this maker; return the verdicts and all that was printed."""
    for guest in net.guests:
        shown = folder / "machines" / guest / "sys/class/dmi/id/sys_vendor"
        shown.parent.mkdir(parents=True, exist_ok=True)
        shown.write_text(f"{maker}\n")
    config = folder / "keepapart.toml"
    config.write_text(net.inventory(model="auto") + more)
    with patch.dict(os.environ, KEEPAPART_ROOT=str(folder / "machines")):
        main(["-c", str(config), "audit", "--json", "--pairs", "all"])
    out = capsys.readouterr()
    document: dict[str, Any] = json.loads(out.out)
    short = {name: name.removeprefix(net.prefix) for name in net.guests}
    verdicts = {
        frozenset((short[p["a"]], short[p["b"]])): (p["verdict"], p["strength"]) for p in document["pairs"]
    }
    return verdicts, out.out + out.err


def test_the_host_that_a_service_tells_decides(
    net: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two guests are told one host, strongly, on a network that nobody vouches for; no secret comes home."""
    with services(net) as running:
        verdicts, printed = audit(net, tmp_path, capsys, maker="Linode")
        heard = running.end()
    assert verdicts == {
        frozenset(("g0", "g1")): ("co-resident", "strong"),
        frozenset(("g0", "g2")): ("separate", "strong"),
        frozenset(("g1", "g2")): ("separate", "strong"),
    }
    assert heard.count(f"GET {LINODE}") == 6  # of three, at the beginning and at the end
    assert {line.split()[1] for line in heard} == {"/v1/token", LINODE}
    assert "t0ken" not in printed
    assert "secret" not in printed


@pytest.mark.parametrize(
    ("maker", "more"), [("Acme", ""), ("QEMU", ""), ("Linode", "\n[reach]\nmetadata = false\n")]
)
def test_nothing_is_sent_where_the_platform_is_not_known_or_it_is_switched_off(
    net: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str], maker: str, more: str
) -> None:
    """A listener on the address hears nothing, and a counter in the kernel sees no packet to it."""
    with services(net) as running:
        for guest in net.guests:
            command = ["ip", "netns", "exec", guest, "nft", "-f", "-"]
            subprocess.run(command, input=COUNTING, text=True, check=True)
        verdicts, _ = audit(net, tmp_path, capsys, maker=maker, more=more)
        for guest in net.guests:
            listed = ["ip", "netns", "exec", guest, "nft", "list", "counters"]
            counted = subprocess.run(listed, capture_output=True, text=True, check=True).stdout
            assert "packets 0 " in counted
        assert running.end() == []
    assert set(verdicts.values()) == {("unknown", None)}


def test_equal_ids_are_one_machine(net: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever hosts they tell: two that are told one id of their own are one machine."""
    running = Services()
    with ExitStack() as stack:
        stack.callback(running.end)
        for number, guest in enumerate(net.guests):
            told = {"id": min(number, 1), "host_uuid": f"h{number}", "region": "us-ord"}
            running.start(guest, {LINODE: json.dumps(told)}, "Metadata-Token")
        verdicts, _ = audit(net, tmp_path, capsys, maker="Akamai")
    assert verdicts[frozenset(("g1", "g2"))][0] == "co-resident"
