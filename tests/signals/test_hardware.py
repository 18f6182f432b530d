"""Hardware hardware: what may be read from it, whatever a guest makes of it."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepapart.model import Says, Strength
from keepapart.signals import hardware
from keepapart.signals.hardware import KEY, VALUE, Hardware, Processor, kvp

WEAK, STRONG, CONCLUSIVE = Strength
SAME, DIFFERENT = Says.SAME, Says.DIFFERENT
SKYLAKE = "Intel(R) Xeon(R) Platinum 8175M CPU @ 2.50GHz"
REAL = [
    SKYLAKE,
    "Intel(R) Xeon(R) CPU E5-2686 v4 @ 2.30GHz",
    "Intel(R) Xeon(R) CPU E7- 4870  @ 2.40GHz",
    "Intel(R) Xeon(R) CPU           X5650  @ 2.67GHz",
    "INTEL(R) XEON(R) PLATINUM 8581C CPU @ 2.60GHz",
    "Intel(R) Xeon(R) 6975P-C",
    "11th Gen Intel(R) Core(TM) i7-1185G7 @ 3.00GHz",
    "AMD EPYC 7571",
    "AMD EPYC 9R14",
    "AMD EPYC 7763 64-Core Processor",
    "AMD Ryzen 7 5800X 8-Core Processor",
]
MASKED = [
    "",
    "AMD EPYC",
    "AMD EPYC Processor",
    "AMD EPYC-Milan Processor",
    "AMD EPYC Processor (with IBPB)",
    "AMD Opteron 63xx class CPU",
    "Common KVM processor",
    "Common 32-bit KVM processor",
    "Intel Core Processor (Broadwell)",
    "Intel Core i7 9xx (Nehalem Class Core i7)",
    "Intel Xeon E312xx (Sandy Bridge)",
    "Intel Xeon Processor (Skylake, IBRS)",
    "Intel(R) Xeon(R) CPU @ 2.20GHz",
    "Intel(R) Xeon(R) CPU E5-26xx v4",
    "Intel(R) Xeon(R) Processor @ 2.90GHz",
    "QEMU Virtual CPU version 2.5+",
    "QEMU TCG CPU version 2.5+",
    "Virtual CPU a7769a6388d5",
]


def cpuinfo(
    name: str = SKYLAKE, *, family: int = 6, model: int = 85, stepping: int = 4, microcode: str = "0x2006e05"
) -> str:
    """Write the beginning of a /proc/cpuinfo."""
    return (
        f"processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: {family}\nmodel\t\t: {model}\n"
        f"model name\t: {name}\nstepping\t: {stepping}\nmicrocode\t: {microcode}\nflags\t\t: fpu\n\n"
        "processor\t: 1\nvendor_id\t: Nobody\n"
    )


def pool(**records: str) -> bytes:
    """Write a KVP pool."""
    return b"".join(k.encode().ljust(KEY, b"\0") + v.encode().ljust(VALUE, b"\0") for k, v in records.items())


def told(boot: str, **facts: object) -> dict[str, object]:
    """Return what a node tells, with a boot of its own."""
    return {
        "boot_id": boot,
        "cpuinfo": cpuinfo(),
        "booted": "1000",
        "kvp_written": "1001",
        "kvp_daemon": "running",
        **facts,
    }


def on_hyper_v(
    boot: str, host: str, machine: str = "", level: str = "0", domain: str = ".example", **facts: object
) -> dict[str, object]:
    """Return what a node in a Hyper-V guest tells."""
    raw = pool(
        HostName=host,
        HostingSystemNestedLevel=level,
        PhysicalHostName=host,
        PhysicalHostNameFullyQualified=f"{host}{domain}" if host else "",
        VirtualMachineId=machine or f"vm-{boot}",
    )
    return told(boot, kvp=base64.b64encode(raw).decode(), **facts)


def say(one: dict[str, object], other: dict[str, object]) -> dict[str, tuple[Says, Strength]]:
    """Return what is said of two guests, by signal."""
    said = (t.evidence(0, 1) for t in hardware.testimonies([Hardware.of(one), Hardware.of(other)]))
    return {e.signal: (e.says, e.strength) for e in said if e}


def test_like_guests_say_nothing() -> None:
    """Equal processors are no sign of one host."""
    assert say(told("a"), told("b")) == {}


@pytest.mark.parametrize(
    ("cpu", "expected"),
    [
        (cpuinfo(model=106), {"processor": (DIFFERENT, WEAK)}),
        (cpuinfo(family=7), {"processor": (DIFFERENT, WEAK)}),
        (cpuinfo(stepping=7), {"stepping": (DIFFERENT, WEAK)}),
        (cpuinfo(microcode="0x2006e06"), {"microcode": (DIFFERENT, WEAK)}),
        (cpuinfo(microcode="0x1"), {}),
        (cpuinfo(microcode="0xffffffff"), {}),
        (cpuinfo("Intel(R) Core(TM)2 Duo CPU     T7700  @ 2.40GHz", model=15, microcode="0x1"), {}),
        (cpuinfo("QEMU Virtual CPU version 2.5+", model=6), {}),
        ("", {}),
        ("processor\t: 0\nBogoMIPS\t: 243.75\nCPU implementer\t: 0x41\n", {}),
    ],
    ids=["model", "family", "stepping", "microcode", "KVM's", "Hyper-V's", "chosen", "masked", "none", "ARM"],
)
def test_processors(cpu: str, expected: dict[str, tuple[Says, Strength]]) -> None:
    """A guest is shown what its owner chose or what it booted on: other processors are weak evidence."""
    assert say(told("a"), told("b", cpuinfo=cpu)) == expected


def test_under_vmware_processors_say_nothing() -> None:
    """A cluster that levels its processors shows each guest one of its own making."""
    assert (
        say(told("a", maker="VMware, Inc."), told("b", cpuinfo=cpuinfo(model=106), maker="VMware, Inc."))
        == {}
    )


@pytest.mark.parametrize(("names", "real"), [(REAL, True), (MASKED, False)])
def test_names_of_products_and_masks(names: list[str], real: bool) -> None:
    """Only names with a product's model number are real."""
    seen = {name: Processor(name, "GenuineIntel", 6, 85, 4, None, made_up=False).real for name in names}
    assert seen == dict.fromkeys(names, real)


def test_guests_of_one_kernel_say_nothing() -> None:
    """Nodes of one boot see one machine: neither equal nor different facts say anything."""
    one = on_hyper_v("a", "host-1", "vm-1", domain="3")
    other = on_hyper_v("a", "host-2", "vm-2", domain="3", cpuinfo=cpuinfo(model=106))
    assert say(one, other) == {}
    assert say(one, one) == {}


def test_who_names_no_boot_says_nothing() -> None:
    """Facts without a boot id could be anybody's."""
    assert say(told(""), told("b", cpuinfo=cpuinfo(model=106))) == {}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("3", "3", (DIFFERENT, WEAK)),
        ("1", "1", None),
        ("1", "2", None),
        ("0", "0", None),
        ("3", "4", (SAME, WEAK)),
        ("3", "9", None),
        ("3", "", None),
        ("3", "x", None),
    ],
)
def test_xen_domains(one: str, other: str, expected: tuple[Says, Strength] | None) -> None:
    """Xen's own tools give an id once on a host, and close ones together; emulations give 1 to all."""
    assert say(told("a", domain=one), told("b", domain=other)).get("xen domain") == expected


def test_hyper_v_names_the_host() -> None:
    """The same host name, in whatever case, is the same host; another is another."""
    assert say(on_hyper_v("a", "HOST-1"), on_hyper_v("b", "host-1")) == {"hyper-v host": (SAME, STRONG)}
    assert say(on_hyper_v("a", "host-1"), on_hyper_v("b", "host-2")) == {"hyper-v host": (DIFFERENT, STRONG)}


def test_every_site_has_its_hv01() -> None:
    """One bare name of two domains is two hosts; without any domain it is weakly one."""
    here, there = on_hyper_v("a", "hv01", domain=".here"), on_hyper_v("b", "hv01", domain=".there")
    assert say(here, there) == {"hyper-v host": (DIFFERENT, STRONG)}
    bare = [on_hyper_v(boot, "hv01", domain="") for boot in "ab"]
    assert say(*bare) == {"hyper-v host": (SAME, WEAK)}


def test_a_host_that_is_a_guest_itself_tells_two_apart_from_nobody() -> None:
    """Two virtual hosts may be on one machine, and beside plain guests of it; one of them is one."""
    inner = [on_hyper_v(boot, f"inner-{boot}", level="1") for boot in "ab"]
    assert say(*inner) == {}
    assert say(inner[0], on_hyper_v("c", "hv07")) == {}
    again = on_hyper_v("d", "inner-a", level="1")
    assert say(inner[0], again) == {"hyper-v host": (SAME, STRONG)}


def test_a_name_that_nobody_keeps_up_to_date_is_weak() -> None:
    """Without a daemon the file may be from before a live migration."""
    one, other = (on_hyper_v(boot, f"host-{boot}", kvp_daemon="missing") for boot in "ab")
    assert say(one, other) == {"hyper-v host": (DIFFERENT, WEAK)}


@pytest.mark.parametrize(
    "stale",
    [
        on_hyper_v("b", "host-2", kvp_written="999"),
        on_hyper_v("b", "host-2", kvp_written="soon"),
        on_hyper_v("b", "host-2", "vm-a"),
        on_hyper_v("b", ""),
        told("b", kvp="no base64"),
        told("b", kvp=base64.b64encode(b"\0" * 99).decode()),
        told("b", kvp=7),
        told("b"),
    ],
    ids=[
        "older than the boot",
        "no time",
        "another machine's",
        "empty",
        "not base64",
        "cut",
        "no text",
        "absent",
    ],
)
def test_a_stale_or_broken_pool_says_nothing(stale: dict[str, object]) -> None:
    """A file that came with the image, or is not well-formed, names no host."""
    assert say(on_hyper_v("a", "host-1"), stale) == {}


key = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=40)
value = st.text(st.characters(categories=["L", "N", "P"]), max_size=200)


@settings(deadline=None)
@given(st.dictionaries(key, value, max_size=6))
def test_pools_read_as_they_were_written(records: dict[str, str]) -> None:
    """Every well-formed pool is read back whole, also with left-overs behind the texts."""
    raw = pool(**records)
    assert kvp(raw) == records
    rest = b"".join(
        k.encode().ljust(KEY - 1, b"\0") + b"x" + v.encode().ljust(VALUE - 1, b"\0") + b"x"
        for k, v in records.items()
    )
    assert kvp(rest) == records


@settings(deadline=None)
@given(st.binary(max_size=64), st.integers(0, 3 * (KEY + VALUE)), st.binary(max_size=64))
def test_no_bytes_upset_the_pool_s_reader(before: bytes, size: int, after: bytes) -> None:
    """Any bytes are read without an exception, and only printable text comes of them."""
    for raw in (
        before + after,
        (before + bytes(size) + after)[: KEY + VALUE],
        before.ljust(KEY + VALUE, b"\0"),
    ):
        assert all(k and (k + v).isprintable() for k, v in kvp(raw).items())


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=2 * (KEY + VALUE)))
def test_a_cut_pool_is_none(raw: bytes) -> None:
    """What is not whole records is not read in part."""
    if len(raw) % (KEY + VALUE):
        assert kvp(raw) == {}


def test_a_pool_that_contradicts_itself_is_none() -> None:
    """One key with two values says nothing; without a terminator, or not UTF-8, neither."""
    assert kvp(pool(A="1") + pool(A="2")) == {}
    assert kvp(pool(A="1") + pool(A="1")) == {"A": "1"}
    assert kvp(b"A" * KEY + bytes(VALUE)) == {}
    assert kvp(b"A".ljust(KEY, b"\0") + b"\xff".ljust(VALUE, b"\0")) == {}


anything = st.one_of(
    st.text(max_size=40), st.integers(), st.none(), st.just(cpuinfo()), st.lists(st.integers())
)
fields = st.sampled_from(["boot_id", "cpuinfo", "maker", "domain", "kvp", "kvp_written", "booted", "more"])


@settings(deadline=None)
@given(st.lists(st.dictionaries(fields, anything), min_size=2, max_size=4))
def test_whatever_nodes_tell_nothing_is_conclusive(drawn: list[dict[str, object]]) -> None:
    """No node upsets the reading, and hardware is never conclusive, nor *same* strongly but by Hyper-V."""
    for said in hardware.testimonies([Hardware.of(facts) for facts in drawn]):
        assert abs(said.weights).max() <= STRONG
        assert said.weights.max() <= WEAK or said.signal == "hyper-v host"
