"""The campaign's real packets: random worlds of the lab, audited over their own network namespaces."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from campaign.score import NOBODY, PLATFORM, Result, Score
from keepapart.auditing.assess import assess
from keepapart.auditing.survey import audit
from keepapart.config import Config, load
from keepapart.errors import KeepapartError, OperationError
from keepapart.lab import client
from keepapart.lab.client import Lab
from keepapart.lab.world import world

Chance = np.random.Generator
VRRP = "00:00:5e:00:01:0a"

CONFIG = """[cluster]
name = "orders"
[network]
tcp_port = {port}
[cloud]
provider = "lab"
lab = "{lab}"
"""

SAYS: Mapping[str, str] = {
    "routed": "nothing that misleads, IPv4 or IPv6",
    "loss": "5 to 40 % of all packets are lost, others come twice or are overtaken",
    "extra by flow": "0 to 4 gateways more, as each flow has it",
    "extra by packet": "0 to 4 gateways more, as each packet has it",
    "extra always": "1 to 4 gateways more between every instance and its host",
    "extra in one rack": "one rack's instances are behind gateways always, the others' are not",
    "spines": "2 to 6 paths of unlike length between racks",
    "detour": "2 to 4 routers more there than back",
    "nat": "hosts or racks translate the sender's address",
    "rewritten": "hosts, racks or the spine set the time-to-live",
    "filtered": "no UDP; TCP to one port, or ICMP alone",
    "silent": "routers never send anything of their own",
    "flat": "one segment for all",
    "vlans": "segments behind one router, across the hosts",
    "lies": "the platform states another host of one instance",
    "floating": "some or all are listed by addresses that their rack's router translates",
    "one floats": "one slot of each rack has such an address",
    "filters": "nothing passes between some pairs, both ways or only one",
    "port": "one port of each rack ends at the rack's router, past its host",
    "ports": "several do",
    "ports at the spine": "ports end at the spine, past racks too",
    "pods": "virtual machines on hosts route for containers, and their kernels see a hypervisor",
    "pods silent": "they do, and tell nothing of their kernels",
    "fronts": "each host has an inner and an outer router, and public addresses",
    "bridged rack": "in one rack hosts are bridges, and its router is the gateway",
    "virtual router": "the gateways of one rack show a virtual router's hardware address",
    "virtual routers": "all do",
    "tenants": "what goes from one tenant to another goes by the rack's firewall, within one host too",
    "leaves": "leaf switches route, one or several a rack",
    "distributed": "a router for each tenant, the same on every host",
    "fabric": "one router for all",
}
ASTRAY = ("extra always", "extra in one rack", "ports at the spine")  # nothing shows how counts lie there
LIES = "lies"


def errs(kind: str, by: str, score: Score) -> bool:
    """Whether a verdict is false that must not be: where the platform vouches, a false separate is."""
    if by == NOBODY:
        return score.wrong > 0 and kind != LIES
    return score.false_separate > 0 and kind not in (*ASTRAY, LIES)


def campaign(labs: int, seed: int) -> Iterator[Result]:
    """Bring up so many labs, the kinds taking turns; yield each kind's result."""
    found = {kind: Result(kind) for kind in SAYS}
    for number in range(labs):
        kind = list(SAYS)[number % len(SAYS)]
        found[kind] += Result.of(kind, number, one(kind, np.random.default_rng([seed, number])))
    yield from (result for result in found.values() if result.scores)


def one(kind: str, chance: Chance) -> dict[str, Score]:
    """Bring up one random lab, audit it and hold the verdicts against the truth, by who vouched.

    The lab's cloud vouches for its network where its hosts are gateways; the round is judged without, too.
    """
    document = draw(kind, chance)
    with tempfile.TemporaryDirectory() as folder, running(document, Path(folder)) as (lab, config):
        try:
            found = audit(config)
        except OperationError:  # nobody could be measured, and it is said so: nothing was judged
            return {}
        where, vouches = lab.truth(), lab.vouches
    hosts = np.array([where[name].host for name in found.round.ids])
    together = np.equal.outer(hosts, hosts) & ~np.eye(len(hosts), dtype=np.bool_)
    judged = {NOBODY: assess(found.instances, found.round, cluster=config.cluster, model="auto")}
    if vouches:
        judged[PLATFORM] = found
    return {by: Score.of(one, together=together, ever=together) for by, one in judged.items()}


@contextmanager
def running(document: Mapping[str, Any], folder: Path, port: int = 7000) -> Iterator[tuple[Lab, Config]]:
    """Yield a lab of real packets and the configuration that leads there. Raises `KeepapartError`."""
    with client.running(world.parse(document, "campaign"), name=f"campaign-{os.getpid()}") as lab:
        if lab.kind != "netns":
            raise KeepapartError(f"no real packets here: {lab.because}")
        file = folder / "keepapart.toml"
        file.write_text(CONFIG.format(lab=lab.name, port=port), encoding="utf-8")
        yield lab, load(str(file))


def draw(kind: str, chance: Chance) -> dict[str, Any]:
    """Draw a world file of one kind."""
    racks: list[dict[str, Any]] = [
        {"name": name, "hosts": int(chance.integers(1, 5)), "capacity": int(chance.integers(1, 5))}
        for name in "abcd"[: int(chance.integers(2, 5))]
    ]
    room = sum(rack["hosts"] * rack["capacity"] for rack in racks)
    size = int(chance.integers(2, min(room, 24) + 1))
    network: dict[str, Any] = {"family": str(chance.choice(["ipv4", "ipv6"])), **_network(kind, chance)}
    racks[0] |= of_one_rack(kind, chance)
    document: dict[str, Any] = {
        "name": "campaign",
        "network": network,
        "racks": racks,
        "scheduler": {
            "habit": str(chance.choice(["random", "packing", "sticky"])),
            "seed": int(chance.integers(1000)),
        },
        "clusters": [{"name": "orders", "size": size}],
    }
    if kind == "lies":
        document["placement"] = {"states": ["host"], "lies": 1}
    if kind == "pods":
        document["guests"] = {"vendor": "QEMU"}
    if kind == "filters":
        document["filters"] = _filters(size, chance)
    return document


def of_one_rack(kind: str, chance: Chance) -> dict[str, Any]:
    """Draw the keys of [[racks]] that make a kind what it is."""
    keys: dict[str, dict[str, Any]] = {
        "extra in one rack": {"extra_gateways": int(chance.integers(1, 4))},
        "bridged rack": {"kind": "bridged"},
        "virtual router": {"gateway_mac": VRRP},
    }
    return keys.get(kind, {})


def _filters(size: int, chance: Chance) -> list[dict[str, Any]]:
    """Draw up to as many pairs as there are instances between which nothing passes."""
    ids = [f"i-{number:04}" for number in range(1, size + 1)]
    pairs = {
        tuple(chance.choice(ids, 2, replace=False).tolist()) for _ in range(chance.integers(1, size + 1))
    }
    return [{"from": a, "to": b, "both": bool(chance.integers(2))} for a, b in sorted(pairs)]


def _network(kind: str, chance: Chance) -> dict[str, Any]:
    """Draw the keys of [network] that make a kind what it is."""
    few = int(chance.integers(2, 5))
    keys: dict[str, Callable[[], dict[str, Any]]] = {
        "loss": lambda: {"loss": float(chance.uniform(0.05, 0.4)), "duplicates": 0.2, "reordered": 0.1},
        "extra by flow": lambda: {"extra_gateways": few, "extra_by": "flow"},
        "extra by packet": lambda: {"extra_gateways": few, "extra_by": "packet"},
        "extra always": lambda: {"extra_gateways": few - 1},
        "spines": lambda: {"spines": int(chance.integers(2, 7))},
        "detour": lambda: {"detour": few},
        "nat": lambda: {"nat": str(chance.choice(["host", "rack"]))},
        "rewritten": lambda: {
            "rewrite_ttl": int(chance.choice([60, 64, 65, 128, 255])),
            "rewrite_at": str(chance.choice(["host", "rack", "spine"])),
        },
        "filtered": lambda: {"udp": False, **({"tcp_port": 7000} if few % 2 else {"tcp": False})},
        "silent": lambda: {"silent": True},
        "flat": lambda: {"kind": "flat"},
        "vlans": lambda: {"kind": "vlans"},
        "floating": lambda: {"floating": int(chance.integers(2, 20))},
        "one floats": lambda: {"floating": 1},
        "port": lambda: {"bypass": 1},
        "ports": lambda: {"bypass": few},
        "ports at the spine": lambda: {"bypass": few - 1, "bypass_to": "spine"},
        "pods": lambda: {"machines": few - 1},
        "pods silent": lambda: {"machines": few - 1},
        "fronts": lambda: {
            "family": "ipv4",
            "front": "172.31.1.1",
            "turn": str(chance.choice(["inner", "outer", "straight"])),
        },
        "virtual routers": lambda: {"gateway_mac": VRRP},
        "tenants": lambda: {"firewalled": few},
        "leaves": lambda: {"kind": "leaves", "leaves": few - 1},
        "distributed": lambda: {"kind": "distributed", "tenants": few},
        "fabric": lambda: {"kind": "fabric"},
    }
    return keys[kind]() if kind in keys else {}
