"""Arrivals: what a machine can confirm of others' climbing, and what it can't, in real namespaces."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepapart.lab.transports.children import ChildrenInside
from keepapart.node import arrivals
from keepapart.node.ladder import ECHOES
from tests.networks import build
from tests.networks.build import Network

namespaces = pytest.mark.skipif(bool(build.possible()), reason=build.possible())

PORT, PROXY = 7000, 7001
TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1B58 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0200000A:1B58 0300000A:9C40 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 0200000A:1B59 0400000A:9C40 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 100 0 0 10 0
"""
SIX = """  sl  local_address                         remote_address                        st tx_queue rx
   0: 0000000000000000FFFF00000200000A:1B58 0000000000000000FFFF00000500000A:9C41 06 00000000:00000000 00
   1: 000000FD000000000000000002000000:1B58 000000FD000000000000000003000000:9C42 03 00000000:00000000 00
"""
SNMP = """Ip: Forwarding DefaultTTL
Ip: 1 64
Icmp: InMsgs InErrors InEchos InEchoReps
Icmp: 20 0 {} 7
"""


@pytest.fixture
def net() -> Iterator[Network]:
    """Return an empty network."""
    with build.network() as made:
        yield made


@pytest.fixture
def pair(net: Network) -> tuple[str, str]:
    """Return two guests of one host."""
    build.routed(net, racks=1, hosts=1, guests=2)
    climber, target = net.guests
    return climber, target


def confirm(net: Network, by: str, climber: str, target: str, to: str = "") -> tuple[int, list[bool]]:
    """Let one climb to another, or to the address `to`; return the count and what the target confirms."""

    async def both() -> tuple[int, list[bool]]:
        children = ChildrenInside(net.guests)
        await children.enter({name: name for name in (climber, target)})
        try:
            await children.watch(by, [target])
            climbed = await children.climb(by, PORT, {climber: [to or net.guests[target]]})
            ((count, token),) = climbed[climber]
            arrived = await children.arrived(PORT, {target: [token]}) if token else {target: []}
            await children.leave()
            return count, list(arrived[target])
        finally:
            await children.close()

    return asyncio.run(both())


@contextmanager
def running(namespace: str, *argv: str) -> Iterator[None]:
    """Run a command in a namespace meanwhile, from its first line on."""
    command = ["ip", "netns", "exec", namespace, *argv]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            process.stdout.readline()
            yield
        finally:
            process.kill()


def listening() -> Sequence[str]:
    """Return a command that listens and accepts nobody."""
    served = f"import socket, time\ns = socket.create_server(('', {PORT}))\nprint(flush=True)\ntime.sleep(99)"
    return [sys.executable, "-c", served]


def pinging(address: str) -> Sequence[str]:
    """Return a command that pings, twenty times a second."""
    pings = (
        "import time\nfrom keepapart.node.ladder import IcmpLadder\n"
        f"ladder = IcmpLadder('{address}')\nprint(flush=True)\nwhile 1: ladder.send(9); time.sleep(0.05)"
    )
    return [sys.executable, "-c", pings]


@namespaces
@pytest.mark.parametrize("by", ["tcp", "icmp"])
def test_what_arrived_is_confirmed(net: Network, pair: tuple[str, str], by: str) -> None:
    """A connection that a service of the target's has, and echo requests that its kernel got."""
    with running(pair[1], *listening()):
        assert confirm(net, by, *pair) == (2, [True])


@namespaces
def test_a_refusal_is_not_confirmed(net: Network, pair: tuple[str, str]) -> None:
    """It leaves no trace at the target, and may be anybody's."""
    assert confirm(net, "tcp", *pair) == (2, [])


@namespaces
@pytest.mark.parametrize("by", ["tcp", "icmp"])
def test_what_another_machine_answered_is_not_confirmed(net: Network, by: str) -> None:
    """Where the address leads to another machine, that one counts, and the target has seen nothing."""
    build.routed(net, racks=1, hosts=2, guests=1)
    climber, target = net.guests
    host = net.host_of[climber]
    net.inside(host, f"addr add {net.guests[target]}/32 dev lo")
    with running(host, *listening()):
        assert confirm(net, by, climber, target) == (1, [False])


RAISING = "type filter hook forward priority 0; ip ttl < 64 ip ttl set 64"
RAISING_LITTLE = "type filter hook forward priority 0; ip ttl < 6 ip ttl set 6"


@namespaces
@pytest.mark.parametrize("by", ["tcp", "icmp"])
@pytest.mark.parametrize("rule", [RAISING, RAISING_LITTLE])
def test_what_should_have_run_out_is_not_confirmed(net: Network, by: str, rule: str) -> None:
    """Hosts raise a low time-to-live: two hops get through to another host, and answers count otherwise."""
    build.routed(net, racks=1, hosts=2, guests=1)
    climber, target = net.guests
    for host in net.host_of.values():
        build.nft(host, f"table ip raising {{\nchain on {{\n{rule}\n}}\n}}\n")
    with running(target, *listening()):
        assert confirm(net, by, climber, target) == (2, [])


@namespaces
def test_a_connection_that_a_router_accepts_first_is_not_confirmed(net: Network) -> None:
    """A firewall on the climber's host shakes hands before it hands on: the target has the connection."""
    build.routed(net, racks=1, hosts=2, guests=1)
    climber, target = net.guests
    early = f"type filter hook prerouting priority raw; tcp dport {PORT} tcp flags syn notrack"
    answers = (
        f"type filter hook forward priority 0; tcp dport {PORT} ct state invalid,untracked"
        " synproxy mss 1460 wscale 7 timestamp sack-perm"
    )
    chains = f"chain early {{\n{early}\n}}\nchain answers {{\n{answers}\n}}\n"
    build.nft(net.host_of[climber], f"table ip shaking {{\n{chains}}}\n")
    build.sysctl(net.host_of[climber], "netfilter.nf_conntrack_tcp_loose", "0")
    with running(target, *listening()):
        assert confirm(net, "tcp", climber, target) == (2, [])


@namespaces
def test_a_connection_that_a_proxy_has_made_is_not_confirmed(net: Network) -> None:
    """A firewall on the climber's host is both ends at once, with the addresses and ports of both."""
    build.routed(net, racks=1, hosts=2, guests=1)
    climber, target = net.guests
    host = net.host_of[climber]
    rules = (
        f"tcp dport {PORT} tproxy to :{PROXY} meta mark set 1 accept",
        "meta l4proto tcp socket transparent 1 meta mark set 1 accept",
    )
    chain = "\n".join(("type filter hook prerouting priority mangle;", *rules))
    build.nft(host, f"table ip proxy {{\nchain in {{\n{chain}\n}}\n}}\n")
    net.inside(host, "route add local 0.0.0.0/0 dev lo table 50", "rule add fwmark 1 lookup 50")
    proxy = [sys.executable, str(Path(__file__).with_name("transparent_proxy.py")), str(PROXY)]
    with running(target, *listening()), running(host, *proxy):
        assert confirm(net, "tcp", climber, target) == (1, [False])


@namespaces
def test_a_translated_address_is_confirmed(net: Network, pair: tuple[str, str]) -> None:
    """It is for others to say that the address is not the machine's; what was sent to it did arrive."""
    climber, target = pair
    rule = "type nat hook prerouting priority dstnat; ip daddr 192.0.2.1 dnat to " + net.guests[target]
    build.nft(net.host_of[target], f"table ip floating {{\nchain in {{\n{rule}\n}}\n}}\n")
    with running(target, *listening()):
        assert confirm(net, "tcp", climber, target, "192.0.2.1") == (2, [True])
    assert confirm(net, "icmp", climber, target, "192.0.2.1") == (2, [True])


@namespaces
def test_a_translated_sender_is_not_confirmed_by_its_connection(net: Network, pair: tuple[str, str]) -> None:
    """The target sees another end of the connection than the climber has."""
    climber, target = pair
    rule = "type nat hook postrouting priority srcnat; masquerade"
    build.nft(net.host_of[target], f"table ip hidden {{\nchain out {{\n{rule}\n}}\n}}\n")
    with running(target, *listening()):
        assert confirm(net, "tcp", climber, target) == (2, [False])
    assert confirm(net, "icmp", climber, target) == (2, [True])


@namespaces
def test_on_a_machine_that_others_ping_echoes_confirm_nothing(net: Network, pair: tuple[str, str]) -> None:
    """Requests that come anyway would make up for those that another machine answered."""
    with running(net.host_of[pair[1]], *pinging(net.guests[pair[1]])):
        assert confirm(net, "icmp", *pair) == (2, [False])


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have the kernel's files in a folder."""
    for name in ("CONNECTIONS", "COUNTERS"):
        paths = [tmp_path / Path(path).name for path in getattr(arrivals, name)]
        monkeypatch.setattr(arrivals, name, tuple(map(str, paths)))
    monkeypatch.setattr(arrivals, "QUIET", 0.0)
    return tmp_path


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("10.0.0.3 40000 1000", True),
        ("10.0.0.3 40001 1000", False),
        ("10.0.0.4 40000 1000", False),
        ("10.0.0.5 40001 1000", True),
        ("fd00::3 40002 1000", True),
        ("fd00::2 40002 1000", False),
        ("", False),
    ],
)
def test_a_connection_is_known_by_its_far_end(files: Path, token: str, expected: bool) -> None:
    """By address and port, of connections to that port alone, in either of the kernel's lists."""
    if sys.byteorder == "big":
        pytest.skip("the lists are written as this machine's kernel writes them")
    (files / "tcp").write_text(TCP)
    (files / "tcp6").write_text(SIX)
    assert arrivals.Arrivals("tcp").confirmed(PORT, [token]) == [expected]


@pytest.mark.parametrize(
    ("grew", "answered", "expected"),
    [
        (ECHOES, [ECHOES], [True]),
        (ECHOES - 1, [ECHOES], [False]),
        (30, [10, 20], [True, True]),
        (29, [10, 20], [False, False]),
        (99, [ECHOES - 1, 20], [False, True]),
        (0, [0], [False]),
    ],
)
def test_all_echoes_arrived_or_none_is_confirmed(
    files: Path, grew: int, answered: list[int], expected: list[bool]
) -> None:
    """The count must have grown by all that were answered; and a few prove nothing."""
    (files / "snmp").write_text(SNMP.format(100))
    (files / "snmp6").write_text("Icmp6InMsgs 9\nIcmp6InEchos 5\nIcmp6InEchoReplies 99\n")
    watching = arrivals.Arrivals("icmp")
    (files / "snmp").write_text(SNMP.format(100 + grew))
    assert watching.confirmed(0, list(map(str, answered))) == expected


def test_echoes_of_an_earlier_turn_make_up_for_none_of_a_later(files: Path) -> None:
    """What was counted once is not counted again."""
    (files / "snmp").write_text(SNMP.format(0))
    watching = arrivals.Arrivals("icmp")
    (files / "snmp").write_text(SNMP.format(40))
    assert watching.confirmed(0, ["20"]) == [True]
    assert watching.confirmed(0, ["20"]) == [False]
    (files / "snmp").write_text(SNMP.format(60))
    assert watching.confirmed(0, ["20"]) == [True]


@pytest.mark.parametrize("content", [None, "", "Icmp: InMsgs\nIcmp: 3\n", "Icmp: InEchos\nIcmp: many\n"])
def test_where_nothing_is_counted_nothing_is_confirmed(files: Path, content: str | None) -> None:
    """A kernel without these files, or with others, confirms nothing by them."""
    if content is not None:
        (files / "snmp").write_text(content)
    assert arrivals.Arrivals("icmp").confirmed(0, [str(ECHOES)]) == [False]
    assert arrivals.Arrivals("tcp").confirmed(PORT, ["10.0.0.3 40000 1000"]) == [False]


@given(st.text(max_size=400))
def test_lists_of_any_form_are_read(content: str) -> None:
    """Whatever a file says, no connection comes of it that it doesn't name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.open", lambda _path: Opened(content))
        assert all(isinstance(end, str) for end in arrivals.far_ends(PORT))
        assert isinstance(arrivals.echo_requests(), int)


class Opened:
    """A file that is open."""

    def __init__(self, content: str) -> None:
        self._content = content

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def __iter__(self) -> Iterator[str]:
        return iter(self._content.splitlines(keepends=True))

    def read(self, size: int) -> str:
        return self._content[:size]
