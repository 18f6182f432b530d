"""Networks of which platforms and machines tell something, truly, by halves, or falsely."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace

from campaign.kinds import elsewhere, hidden, inside, parts
from campaign.kinds.kind import Chance, Draw, Word, kind
from campaign.world import Cloud, Mask, World
from keepapart.reach import Way
from keepapart.signals.hardware import KEY, VALUE

CALICO: Way = ("169.254.1.1", "ee:ee:ee:ee:ee:ee", "eth0", 1, "")
CPU = (
    "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: {model}\nmodel name\t: {name}\n"
    "stepping\t: 7\nmicrocode\t: {microcode}\nflags\t\t: fpu sse hypervisor\n"
)
PROCESSORS = [
    CPU.format(model=85, name="Intel(R) Xeon(R) Platinum 8175M CPU @ 2.50GHz", microcode="0x5003604"),
    CPU.format(model=106, name="Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz", microcode="0xd0003b9"),
]


@parts.twist(Word.SOUND)
def stated(chance: Chance, world: World) -> World:
    """The platform states hosts or zones, truly, of some or all."""
    return _stated(chance, world)


@kind(Word.FALSE)
def stated_elsewhere(chance: Chance, size: int) -> World:
    """The platform states hosts or zones, truly, of some or all, and routers are no hosts."""
    kinds: list[Draw] = [elsewhere.flat, elsewhere.vlans, elsewhere.leaves]
    return _stated(chance, kinds[int(chance.integers(len(kinds)))](chance, size))


@kind(Word.ASTRAY)
def stated_hidden(chance: Chance, size: int) -> World:
    """The platform states hosts or zones, truly, of some or all, and instances hide behind gateways."""
    kinds: list[Draw] = [hidden.hides_all, hidden.mixed]
    return _stated(chance, kinds[int(chance.integers(len(kinds)))](chance, size))


@kind(Word.SOUND)
def stated_coarsely(chance: Chance, size: int) -> World:
    """What the platform states as hosts are clusters of them, and it says so."""
    world = parts.plain(chance, size)
    told = [{"host": f"rack-{rack}", "host_kind": "cluster"} for rack in world.cloud.rack.tolist()]
    return replace(world, told=told)


@kind(Word.ASTRAY, lies=True)
def lying(chance: Chance, size: int) -> World:
    """The platform states another host of some instances than they are on."""
    world = parts.plain(chance, size)
    facts = [dict(fact) for fact in _facts(chance, world.cloud, whole=True)]
    for who in chance.choice(size, max(1, size // 6), replace=False).tolist():
        facts[who] = dict(facts[int(chance.integers(size))])
    return replace(world, told=facts)


@kind(Word.SOUND)
def calico(chance: Chance, size: int) -> World:
    """OpenStack's machines see Calico's first router and have own kernels: auto finds that hosts route."""
    return _behind_calico(parts.plain(chance, size), product="OpenStack Nova")


@kind(Word.SOUND)
def calico_unmarked(chance: Chance, size: int) -> World:
    """The same, and nothing says that those routers are no machines themselves."""
    return _behind_calico(parts.plain(chance, size))


@kind(Word.FALSE)
def calico_nodes(chance: Chance, size: int) -> World:
    """Those routers are machines on hosts (KubeVirt or Kata on nodes of Kubernetes), several on some."""
    return _behind_calico(inside.nested_alone(chance, size))


@kind(Word.FALSE)
def calico_in_machines(chance: Chance, size: int) -> World:
    """Leaves, and containers that all see Calico's first router, which is a machine's."""
    told = [{"boot_id": f"boot-{n}", "kernel": "shared"} for n in range(size)]
    return replace(elsewhere.leaves(chance, size), guests=told, ways=[[CALICO]] * size)


@kind(Word.SOUND)
def emulated_xen(chance: Chance, size: int) -> World:
    """Every guest is told that it is Xen domain 1 (QEMU, Vixen), some that they are domain 0."""
    return _told(
        parts.plain(chance, size), [{"hypervisor": "xen", "domain": "1"}] * (size - 1) + [{"domain": "0"}]
    )


@kind(Word.SOUND)
def xen(chance: Chance, size: int) -> World:
    """Guests of nested Xen: ids are of an inner one, and say nothing of the host."""
    ids = chance.integers(1, 12, size).tolist()
    return _told(parts.plain(chance, size), [{"hypervisor": "xen", "domain": str(number)} for number in ids])


@kind(Word.SOUND)
def hyper_v_bare(chance: Chance, size: int) -> World:
    """Hyper-V tells hosts' bare names, and every site has its HV01."""
    world = parts.plain(chance, size)
    names = [f"HV{host // 2:02}" for host in world.cloud.host.tolist()]
    return _told(world, [_pool(n, PhysicalHostName=name) for n, name in enumerate(names)])


@kind(Word.SOUND)
def hyper_v_nested(chance: Chance, size: int) -> World:
    """Hyper-V in Hyper-V: what it names is a guest itself, and a host has several."""
    world = parts.plain(chance, size)
    inner = [f"v{host}-{chance.integers(2)}.example" for host in world.cloud.host.tolist()]
    pools = [
        _pool(n, PhysicalHostNameFullyQualified=name, HostingSystemNestedLevel="1")
        for n, name in enumerate(inner)
    ]
    return _told(world, pools)


@kind(Word.SOUND)
def hyper_v(chance: Chance, size: int) -> World:
    """Hyper-V tells fully qualified names, truly, of some or all."""
    world = parts.plain(chance, size)
    return _told(world, _named(chance, world.cloud))


@kind(Word.FALSE)
def contradicted(chance: Chance, size: int) -> World:
    """Leaves route, and Hyper-V tells true names of hosts that contradict the counts."""
    world = elsewhere.leaves(chance, size)
    return _told(world, _named(chance, world.cloud))


@kind(Word.SOUND)
def processors(chance: Chance, size: int) -> World:
    """Owners chose what processors their guests are shown, on one host two of them."""
    chosen = chance.integers(len(PROCESSORS), size=size).tolist()
    return _told(parts.plain(chance, size), [{"cpuinfo": PROCESSORS[number]} for number in chosen])


def _told(world: World, guests: list[dict[str, str]]) -> World:
    """Let each tell this of its machine, with a kernel of its own."""
    return replace(
        world, guests=[{"boot_id": f"boot-{n}", "kernel": "own", **told} for n, told in enumerate(guests)]
    )


def _named(chance: Chance, cloud: Cloud) -> list[dict[str, str]]:
    share = float(chance.choice([1.0, 0.5]))
    return [
        _pool(n, PhysicalHostNameFullyQualified=f"hv{host}.example") if chance.random() < share else {}
        for n, host in enumerate(cloud.host.tolist())
    ]


def _pool(number: int, **told: str) -> dict[str, str]:
    """Write what Hyper-V's daemon keeps for a guest, up to date."""
    records = {"VirtualMachineId": f"vm-{number}", **told}
    raw = b"".join(k.encode().ljust(KEY, b"\0") + v.encode().ljust(VALUE, b"\0") for k, v in records.items())
    kvp = base64.b64encode(raw).decode()
    return {"kvp": kvp, "kvp_written": "2000.0", "booted": "1000", "kvp_daemon": "running"}


def _behind_calico(world: World, **shown: str) -> World:
    """Let everybody have a kernel of its own and Calico's first router, and show these texts."""
    size = len(world.cloud.host)
    told = [{"boot_id": f"boot-{n}", "kernel": "own", **shown} for n in range(size)]
    return replace(world, guests=told, ways=[[CALICO]] * size)


def _stated(chance: Chance, world: World) -> World:
    return replace(world, told=_facts(chance, world.cloud))


def _facts(chance: Chance, cloud: Cloud, *, whole: bool = False) -> list[Mapping[str, str]]:
    """State a host or a zone of everybody, or of some."""
    name, where = ("host", cloud.host) if whole or chance.random() < 0.6 else ("zone", cloud.zone)
    said: Mask = chance.random(cloud.size) < (1.0 if whole else chance.choice([1.0, 0.5]))
    return [{name: f"{name}-{at}"} if known else {} for at, known in zip(where.tolist(), said, strict=True)]
