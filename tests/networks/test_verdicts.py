"""The whole command on networks built by others: no false separate, no false co-resident, anywhere."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.networks import build
from tests.networks.build import Network

pytestmark = pytest.mark.skipif(bool(build.possible()), reason=build.possible())

Verdicts = dict[frozenset[str], str]


@pytest.fixture
def net() -> Iterator[Network]:
    """Return an empty network."""
    with build.network() as made:
        yield made


def keepapart(folder: Path, net: Network, *words: str, model: str = "routed-host") -> tuple[int, Any]:
    """Run keepapart over a network's inventory; return its exit code and JSON."""
    config = folder / "keepapart.toml"
    config.write_text(net.inventory(model=model))
    command = [sys.executable, "-m", "keepapart", "-c", str(config), *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    assert "error" not in document, document
    return done.returncode, document


def audit(folder: Path, net: Network, *, model: str = "routed-host") -> tuple[int, Any, Verdicts]:
    """Audit a network; return the exit code, the document and the verdict on every pair."""
    code, document = keepapart(folder, net, "audit", "--pairs", "all", model=model)
    found = {frozenset((p["a"], p["b"])): p["verdict"] for p in document["pairs"]}
    assert found.keys() == {frozenset(pair) for pair in build.pairs(net.guests)}
    return code, document, found


def truth(net: Network) -> Verdicts:
    """Return the verdict that is right of every pair."""
    return {
        frozenset((a, b)): "co-resident" if net.host_of[a] == net.host_of[b] else "separate"
        for a, b in build.pairs(net.guests)
    }


def together(document: Any, level: str) -> set[frozenset[str]]:
    """Return who is in one domain of a level with whom, by the document."""
    names = {i["id"]: i[level] for i in document["instances"]}
    return {frozenset(i for i in names if names[i] == name) for name in names.values()}


def truly(net: Network, place: Callable[[str], int]) -> set[frozenset[str]]:
    """Return who is in one place with whom in truth."""
    return {frozenset(b for b in net.guests if place(b) == place(a)) for a in net.guests}


def rack(name: str) -> int:
    """Return the number of a guest's rack."""
    found = re.search(r"-r(\d+)h\d+g\d+$", name)
    assert found
    return int(found[1])


def test_routed_hosts_are_all_right(net: Network, tmp_path: Path) -> None:
    """On routed hosts every pair gets its true verdict, and the racks are the racks."""
    build.routed(net, racks=2, hosts=2, guests=2)
    code, document, found = audit(tmp_path, net)
    assert found == truth(net)
    assert code == 1
    assert document["network"]["model"] == "routed-host"
    assert together(document, "rack") == truly(net, rack)


def test_racks_in_pods_are_all_right(net: Network, tmp_path: Path) -> None:
    """Behind pod routers too every verdict, every rack and every pod is right, and each loss is counted."""
    build.podded(net, pods=2, racks=2, hosts=2, guests=2)
    code, document, found = audit(tmp_path, net)
    assert (code, found) == (1, truth(net))
    assert together(document, "rack") == truly(net, rack)
    assert together(document, "pod") == truly(net, lambda name: rack(name) // 2)
    racks = {r["name"]: len(r["hosts"]) for r in document["racks"]}
    assert [sum(racks[r] for r in pod["racks"]) for pod in document["pods"]] == [4, 4]
    losses = {(d["level"], d["lost"], d["survives"]) for d in document["risk"]["domains"]}
    assert losses == {("host", 2, True), ("rack", 4, True), ("pod", 8, False)}


def test_racks_and_pods_keep_their_names_as_guests_go(net: Network, tmp_path: Path) -> None:
    """One guest after another leaves, till no two share a rack: all that is left is named as it was."""
    build.podded(net, pods=2, racks=2, hosts=2, guests=2)
    named = [{i["id"]: i for i in audit(tmp_path, net)[1]["instances"]}]
    for leaving in ("g1", "h1g0"):
        for name in [name for name in net.guests if name.endswith(leaving)]:
            del net.guests[name]
        named.append({i["id"]: i for i in audit(tmp_path, net)[1]["instances"]})
    assert [len(instances) for instances in named] == [16, 8, 4]
    for name in net.guests:
        for level in ("host", "rack", "pod"):
            assert len({instances[name][level] for instances in named}) == 1


def test_silent_routers_change_nothing(net: Network, tmp_path: Path) -> None:
    """Routers that never send an ICMP message are no obstacle: nothing depends on their answers."""
    build.silenced(build.routed(net, racks=2, hosts=2, guests=2))
    assert audit(tmp_path, net)[2] == truth(net)


@pytest.mark.parametrize(
    ("model", "verdict", "code"), [("auto", "unknown", 3), ("routed-host", "separate", 0)]
)
def test_everyone_alone_is_separate_only_on_the_operator_s_word(
    net: Network, tmp_path: Path, model: str, verdict: str, code: int
) -> None:
    """With one guest a host nothing shows that hosts are gateways; who knows it may say so."""
    build.routed(net, racks=2, hosts=2, guests=1)
    ended, _, found = audit(tmp_path, net, model=model)
    assert (ended, set(found.values())) == (code, {verdict})


@pytest.mark.parametrize("model", ["auto", "routed-host"])
def test_one_flat_segment_is_all_unknown(net: Network, tmp_path: Path, model: str) -> None:
    """On a shared link hops say nothing, even where the operator is mistaken about the network."""
    code, _, found = audit(tmp_path, build.flat(net, guests=4), model=model)
    assert (code, set(found.values())) == (3, {"unknown"})


@pytest.mark.parametrize("guests", [1, 2])
def test_vlans_behind_one_router_are_all_unknown(net: Network, tmp_path: Path, guests: int) -> None:
    """A router between segments is not a host, whether or not any two guests share a segment."""
    code, _, found = audit(tmp_path, build.vlans(net, segments=3, guests=guests), model="auto")
    assert (code, set(found.values())) == (3, {"unknown"})


def test_opaque_says_nothing(net: Network, tmp_path: Path) -> None:
    """Where the operator calls the network opaque, even true routed hosts are unknown."""
    build.routed(net, racks=1, hosts=2, guests=2)
    assert set(audit(tmp_path, net, model="opaque")[2].values()) == {"unknown"}


@pytest.mark.skipif(not shutil.which("tracepath"), reason="tracepath is not installed")
@pytest.mark.parametrize("kind", [lambda n: build.routed(n, 2, 2, 1), lambda n: build.vlans(n, 2, 2)])
def test_hops_agree_with_tracepath_on_every_pair(
    net: Network, tmp_path: Path, kind: Callable[[Network], Network]
) -> None:
    """The matrix counts as tracepath counts, from every instance to every other."""
    kind(net)
    _, document = keepapart(tmp_path, net, "hops")
    ids = document["ids"]
    for a, row in zip(ids, document["hops"], strict=True):
        for b, hops in zip(ids, row, strict=True):
            if a != b:
                assert hops == tracepath(a, net.guests[b]), (a, b)


def tracepath(namespace: str, address: str) -> int:
    """Return the hops that tracepath counts, asking again where a rate-limited router kept silent."""
    command = ["ip", "netns", "exec", namespace, "tracepath", "-n", address]
    for _ in range(5):
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        if found := re.search(r"hops (\d+)", out):
            return int(found[1])
    raise AssertionError(out)


def test_an_instance_that_is_not_there_is_unknown_alone(net: Network, tmp_path: Path) -> None:
    """A member without a namespace is unreached, with the reason; the others are judged as ever."""
    build.routed(net, racks=1, hosts=2, guests=2)
    expected = truth(net)
    net.guests["nowhere"] = "10.9.9.9"
    code, document, found = audit(tmp_path, net)
    assert {pair: v for pair, v in found.items() if "nowhere" not in pair} == expected
    assert {v for pair, v in found.items() if "nowhere" in pair} == {"unknown"}
    (lost,) = [i for i in document["instances"] if not i["reached"]]
    assert "no network namespace 'nowhere'" in lost["because"]
    assert code == 1


def test_an_instance_cut_off_is_unknown_alone(net: Network, tmp_path: Path) -> None:
    """A member whose link is down sends and hears nothing: the others are judged as ever."""
    build.routed(net, racks=1, hosts=2, guests=3)
    name = next(iter(net.guests))
    subprocess.run(["ip", "-n", name, "link", "set", "lo", "down"], check=True)
    ip_link = subprocess.run(
        ["ip", "-n", name, "-o", "link"], capture_output=True, text=True, check=True
    ).stdout
    device = re.findall(r"\d+: (l\d+b)@", ip_link)[0]
    build.ip(f"link set {device} down", namespace=name)
    _, document, found = audit(tmp_path, net)
    expected = truth(net)
    assert {p: v for p, v in found.items() if name not in p} == {
        p: v for p, v in expected.items() if name not in p
    }
    assert {v for p, v in found.items() if name in p} == {"unknown"}
    assert [i["id"] for i in document["instances"] if not i["reached"]] == [name]


def test_no_way_in_to_anybody_is_a_failure(net: Network, tmp_path: Path) -> None:
    """Where nobody can be reached the audit failed: exit code 4 and one line that says why."""
    net.guests.update(a="10.0.0.1", b="10.0.0.2")
    config = tmp_path / "keepapart.toml"
    config.write_text(net.inventory())
    command = [sys.executable, "-m", "keepapart", "-c", str(config), "audit"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert done.stderr.count("\n") == 1
    assert "no way in to any instance" in done.stderr


@pytest.mark.skipif(not shutil.which("nft"), reason="nftables is not installed")
@pytest.mark.parametrize("chooser", [build.BY_FLOW, build.BY_PACKET], ids=["by flow", "by packet"])
@pytest.mark.parametrize("most", [1, 3])
def test_behind_random_extra_gateways_co_residents_are_found(
    net: Network, tmp_path: Path, most: int, chooser: str
) -> None:
    """Every co-resident pair is found, and none is called separate, however paths vary."""
    build.detoured(build.routed(net, racks=2, hosts=2, guests=3), most, chooser)
    found, expected = audit(tmp_path, net)[2], truth(net)
    together = {pair for pair, verdict in expected.items() if verdict == "co-resident"}
    assert {found[pair] for pair in together} == {"co-resident"}
    assert {found[pair] for pair in expected.keys() - together} <= {"separate", "unknown"}


def by_other_means(net: Network, folder: Path, tcp_port: int = 7000) -> tuple[Verdicts, set[str]]:
    """Audit a network that datagrams don't pass; return the verdicts, and which means counted."""
    config = folder / "keepapart.toml"
    config.write_text(net.inventory().replace("[network]", f"[network]\ntcp_port = {tcp_port}"))
    command = [sys.executable, "-m", "keepapart", "-c", str(config), "audit", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    pairs = json.loads(done.stdout)["pairs"]
    means = {
        found[1] for p in pairs if (found := re.search(r"by (\w+), as no datagram passes", p["because"]))
    }
    return {frozenset((p["a"], p["b"])): p["verdict"] for p in pairs}, means


@contextmanager
def served(net: Network, backlog: int = 128, then: str = "time.sleep(99)") -> Iterator[None]:
    """Have something listen on port 7000 of every guest."""
    listens = (
        f"import socket, time\ns = socket.create_server(('', 7000), backlog={backlog})\nprint(flush=True)\n"
    )
    with ExitStack() as listeners:
        for guest in net.guests:
            command = ["ip", "netns", "exec", guest, sys.executable, "-c", listens + then]
            one = listeners.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE))
            listeners.callback(one.kill)
            assert one.stdout is not None
            one.stdout.readline()  # it listens
        yield


@pytest.mark.skipif(not shutil.which("nft"), reason="nftables is not installed")
@pytest.mark.parametrize("tcp_port", [7000, 0])
def test_where_udp_is_filtered_icmp_counts(net: Network, tmp_path: Path, tcp_port: int) -> None:
    """No datagram passes, nor a TCP connection that members could confirm: ICMP counts, and it is said so."""
    build.filtered(build.routed(net, racks=2, hosts=2, guests=2), "meta l4proto udp drop")
    assert by_other_means(net, tmp_path, tcp_port) == (truth(net), {"ICMP"})


@pytest.mark.skipif(not shutil.which("nft"), reason="nftables is not installed")
@pytest.mark.parametrize(
    ("backlog", "then"),
    [(1, "while 1: s.accept()[0].close()"), (128, "time.sleep(99)")],
    ids=["short backlog", "never accepted"],
)
def test_a_service_on_the_tcp_port_is_not_flooded(
    net: Network, tmp_path: Path, backlog: int, then: str
) -> None:
    """What listens on the port that counts are made by may have a short backlog, or be slow to accept."""
    build.filtered(build.routed(net, racks=2, hosts=2, guests=2), "meta l4proto udp drop")
    with served(net, backlog, then):
        assert by_other_means(net, tmp_path) == (truth(net), {"TCP"})


@pytest.mark.skipif(not shutil.which("nft"), reason="nftables is not installed")
def test_where_nothing_passes_all_is_unknown(net: Network, tmp_path: Path) -> None:
    """Every node ran and nothing arrived anywhere: that is no failure of the audit, but nothing known."""
    build.filtered(build.routed(net, racks=1, hosts=2, guests=2), "drop")
    code, document, found = audit(tmp_path, net)
    assert (code, set(found.values())) == (3, {"unknown"})
    assert all("nothing that it sent" in instance["because"] for instance in document["instances"])


@pytest.mark.skipif(not shutil.which("nft"), reason="nftables is not installed")
def test_what_a_router_refuses_did_not_get_through(net: Network, tmp_path: Path) -> None:
    """Routers refuse TCP in the target's name: ICMP counts, and nobody is two hops from everybody."""
    rule = "meta l4proto udp drop; tcp dport 7000 reject;"
    build.filtered(build.routed(net, racks=2, hosts=2, guests=2), rule)
    assert by_other_means(net, tmp_path) == (truth(net), {"ICMP"})


@pytest.mark.skipif(not shutil.which("nft"), reason="nftables is not installed")
@pytest.mark.parametrize("least", [2, 3, 6])
def test_who_drops_what_has_little_life_left_makes_no_path_longer(
    net: Network, tmp_path: Path, least: int
) -> None:
    """Hosts keep out what has a low time-to-live, as against traceroute: answers show it."""
    rule = f"meta l4proto {{udp, icmp}} drop; ip ttl < {least} drop;"
    build.filtered(build.routed(net, racks=1, hosts=2, guests=2), rule)
    with served(net):
        assert by_other_means(net, tmp_path) == (dict.fromkeys(truth(net), "unknown"), {"TCP"})


@pytest.mark.skipif(not shutil.which("nft"), reason="nftables is not installed")
@pytest.mark.parametrize("life", [128, 255])
def test_answers_that_begin_with_another_life_are_from_as_far(
    net: Network, tmp_path: Path, life: int
) -> None:
    """Half of the members send with another time-to-live than Linux gives: counts by TCP stay right."""
    build.filtered(build.routed(net, racks=1, hosts=2, guests=2), "meta l4proto udp drop")
    for guest in list(net.guests)[::2]:
        set_life = ["ip", "netns", "exec", guest, "sysctl", "-qw", f"net.ipv4.ip_default_ttl={life}"]
        subprocess.run(set_life, check=True)
    with served(net):
        assert by_other_means(net, tmp_path) == (truth(net), {"TCP"})


@pytest.mark.skipif(not shutil.which("nft"), reason="nftables is not installed")
def test_connections_lost_by_the_way_make_no_path_longer(net: Network, tmp_path: Path) -> None:
    """The spine drops one packet in five besides: rungs are tried again, or echoes count; all is right."""
    build.filtered(build.routed(net, racks=2, hosts=2, guests=2), "meta l4proto udp drop")
    lossy = "type filter hook forward priority 1; numgen random mod 5 == 0 drop"
    build.nft(net.namespaces[0], f"table ip loss {{\nchain forward {{\n{lossy}\n}}\n}}\n")
    with served(net):
        verdicts, means = by_other_means(net, tmp_path)
    assert verdicts == truth(net)
    assert means in ({"TCP"}, {"ICMP"})


@pytest.mark.skipif(not shutil.which("nft"), reason="nftables is not installed")
def test_a_fifth_of_all_packets_lost_changes_nothing(net: Network, tmp_path: Path) -> None:
    """Every router drops one packet in five: what is missing is asked for again until all is known."""
    build.filtered(build.routed(net, racks=2, hosts=2, guests=2), "numgen random mod 5 == 0 drop")
    assert audit(tmp_path, net)[2] == truth(net)


def test_ipv6_that_has_just_come_up_is_waited_for(tmp_path: Path, net: Network) -> None:
    """Addresses that are not usable yet, for up to two seconds, make no pair unknown."""
    build.just_up(net, hosts=3, guests=2)
    code, _, found = audit(tmp_path, net)
    assert found == truth(net)
    assert code == 1
