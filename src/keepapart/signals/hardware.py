"""Hardware: what each guest sees of the machine under it.

1. A guest's facts count only with its kernel's boot id. Instances that share one share a kernel (containers,
   namespaces) or were resumed from one snapshot: their facts are one machine's, and say nothing.
2. Processor vendor, family or model differ: different hosts, weakly, where both guests are shown what may be
   the real processor: its name is a product's own, with a model number (`QEMU Virtual CPU`, `AMD EPYC` or
   `Xeon(R) CPU @ 2.20GHz` are masks), and its microcode is none that hypervisors make up. Never strongly: a
   guest is shown what its owner chose (QEMU's `core2duo`, `model-id=`, VirtualBox's profiles), what it booted
   on before a live migration, or what levels a cluster; under VMware nothing is said.
3. Only the stepping differs: different, weakly, since makers allow two steppings in one machine.
4. Only the microcode differs: different, weakly; revisions that hypervisors make up are no revisions.
5. Xen domain ids are unique on a host, where Xen's own tools gave them: equal ones are different hosts,
   weakly. Ids up to `CLOSE` apart were started one soon after the other: same, weakly. 0 and 1 say nothing:
   whatever emulates Xen (QEMU on KVM, Amazon's Vixen) gives 1 to every guest.
6. Hyper-V tells its guests the host's name (KVP). Two names are two hosts, strongly, and one name that is
   fully qualified is one host, strongly; a bare one weakly, as every site may have its HV01. Where the host
   is itself a guest (`HostingSystemNestedLevel`), one name is one host, and two say nothing. Where no
   hv_kvp_daemon is known to run, the file may be from before a migration: weak. Nothing is said where it
   is older than the guest's boot, or where two instances' files name the same virtual machine: such a file
   came with the image.

Equal processors, microcode, or serial numbers say nothing. The host's boot time is not available: computing
it needs the CPU's time-stamp counter, which Python can't read.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from keepapart.model import Strength
from keepapart.signals.observed import Observed, Stage
from keepapart.signals.testimony import LabelTestimony, PairTestimony, Testimony, Weights

WEAK, STRONG = int(Strength.WEAK), int(Strength.STRONG)
EMULATED = 1  # the domain id that emulations of Xen give to every guest; 0 is the host's own
CLOSE = 2  # domains apart; farther ones are as likely to be neighbours by chance
KEY, VALUE = 512, 2048  # bytes of a KVP record's two fields
MADE_UP = frozenset({0x0, 0x1, 0x1000065, 0xFFFFFFFF})  # microcode of KVM (Intel, AMD) and Hyper-V
REAL = re.compile(
    r"^(?:\d+th Gen )?(?i:Intel\(R\)) [^@]*\b(?:[A-Za-z]\d?-? ?)?\d{4,5}[A-Z0-9]{0,3}\b"
    r"|^AMD (?:EPYC|Ryzen|Opteron)\b[^@]* \d[0-9A-Z]{3,5}\b"
)


@dataclass(frozen=True, slots=True)
class Processor:
    """What /proc/cpuinfo says of the first processor."""

    name: str
    vendor: str
    family: int
    model: int
    stepping: int
    microcode: int | None
    made_up: bool

    @classmethod
    def of(cls, text: str) -> Processor | None:
        """Read it; None where it is no x86 processor or not all there."""
        lines = (line.partition(":") for line in text.split("\n\n", 1)[0].splitlines())
        found = {key.strip(): value.strip() for key, _, value in lines}
        try:
            family, model, stepping = (int(found[key]) for key in ("cpu family", "model", "stepping"))
            name, vendor = found["model name"], found["vendor_id"]
        except (KeyError, ValueError):
            return None
        if not (name + vendor).isprintable():
            return None
        microcode = found.get("microcode", "")
        known = int(microcode, 16) if re.fullmatch("0x[0-9a-f]{1,16}", microcode) else None
        made_up = known in MADE_UP
        return cls(name, vendor, family, model, stepping, None if made_up else known, made_up)

    @property
    def real(self) -> bool:
        """Whether it may be one that a maker sells, not one that a hypervisor shows instead."""
        return bool(REAL.search(self.name)) and not self.made_up


@dataclass(frozen=True, slots=True)
class Hardware:
    """What one node says of the machine that it sees; an empty field is not known.

    `host_name` is what Hyper-V tells, `qualified` whether it has its domain, `nested` whether that host is a
    guest itself, and `current` whether somebody keeps it up to date.
    """

    boot_id: str = ""
    processor: Processor | None = None
    maker: str = ""
    domain: int | None = None
    host_name: str = ""
    qualified: bool = False
    nested: bool = False
    current: bool = False
    machine_id: str = ""

    @classmethod
    def of(cls, told: Mapping[str, object]) -> Hardware:
        """Read what a node tells, all of it text; what is malformed is as if untold."""
        text = {key: value for key, value in told.items() if isinstance(value, str)}
        domain = text.get("domain", "")
        try:
            pool = kvp(base64.b64decode(text.get("kvp", ""), validate=True))
            fresh = float(text["kvp_written"]) >= float(text["booted"])
        except (KeyError, ValueError, binascii.Error):
            pool, fresh = {}, False
        bare = pool.get("PhysicalHostName", "").strip().casefold()
        host = pool.get("PhysicalHostNameFullyQualified", "").strip().casefold() or bare
        return cls(
            boot_id=text.get("boot_id", "").strip(),
            processor=Processor.of(text.get("cpuinfo", "")),
            maker=text.get("maker", "").strip(),
            domain=int(domain) if re.fullmatch("[0-9]{1,5}", domain) else None,
            host_name=host if fresh else "",
            qualified="." in host,
            nested=pool.get("HostingSystemNestedLevel", "0").strip() != "0",
            current=text.get("kvp_daemon") == "running",
            machine_id=pool.get("VirtualMachineId", "").strip().casefold(),
        )


def kvp(raw: bytes) -> dict[str, str]:
    """Parse a Hyper-V KVP pool file; empty where it is not wholly well-formed, or contradicts itself.

    A record is a key and a value, NUL-terminated in fields of 512 and 2048 bytes; what follows the NUL is
    left from longer texts before.
    """
    if len(raw) % (KEY + VALUE):
        return {}
    found: dict[str, str] = {}
    for start in range(0, len(raw), KEY + VALUE):
        fields = raw[start : start + KEY], raw[start + KEY : start + KEY + VALUE]
        if any(b"\0" not in field for field in fields):
            return {}
        try:
            key, value = (field.partition(b"\0")[0].decode() for field in fields)
        except UnicodeDecodeError:
            return {}
        if not key or not (key + value).isprintable() or found.get(key, value) != value:
            return {}
        found[key] = value
    return found


name = "hardware"
stage = Stage.FACTS


def testify(seen: Observed) -> Sequence[Testimony]:
    """Say what the guests' own sight of their hardware says, where any of them told of it."""
    extras = seen.round.extras
    return testimonies([Hardware.of(told) for told in extras.guests]) if extras else []


def testimonies(guests: Sequence[Hardware]) -> list[Testimony]:
    """Say what the guests' own sight of their hardware says of every pair."""
    boots = Counter(guest.boot_id for guest in guests)
    heard = [guest if guest.boot_id and boots[guest.boot_id] == 1 else Hardware() for guest in guests]
    rules = (_processor, _stepping, _microcode)
    said: list[Testimony] = [
        found for found in (*(r(heard) for r in rules), *_host_names(heard)) if found.speaks
    ]
    xen = _domain(heard)
    return [*said, xen] if xen.weights.any() else said


def _processor(guests: Sequence[Hardware]) -> LabelTestimony:
    seen = [_real(guest) for guest in guests]

    def because(i: int, j: int) -> str:
        one, other = (f"{p.name} (family {p.family}, model {p.model})" for p in (seen[i], seen[j]) if p)
        return f"the guests see different processors: {one} and {other}"

    values = [(p.vendor, p.family, p.model) if p else None for p in seen]
    return LabelTestimony.of("processor", values, because, if_different=-WEAK)


def _stepping(guests: Sequence[Hardware]) -> LabelTestimony:
    seen = [_real(guest) for guest in guests]

    def because(i: int, j: int) -> str:
        one, other = (p.stepping for p in (seen[i], seen[j]) if p)
        return f"the guests see steppings {one} and {other} of the same processor"

    values = [p.stepping if p else None for p in seen]
    scopes = [(p.vendor, p.family, p.model) if p else None for p in seen]
    return LabelTestimony.of("stepping", values, because, if_different=-WEAK, scopes=scopes)


def _microcode(guests: Sequence[Hardware]) -> LabelTestimony:
    seen = [_real(guest) for guest in guests]

    def because(i: int, j: int) -> str:
        one, other = (f"{p.microcode:#x}" for p in (seen[i], seen[j]) if p)
        return f"the guests see microcode {one} and {other}"

    values = [p.microcode if p else None for p in seen]
    scopes = [(p.vendor, p.family, p.model, p.stepping) if p else None for p in seen]
    return LabelTestimony.of("microcode", values, because, if_different=-WEAK, scopes=scopes)


def _host_names(guests: Sequence[Hardware]) -> Iterator[LabelTestimony]:
    """Yield what names of one kind say of each other; names of two kinds aren't compared."""
    machines = Counter(guest.machine_id for guest in guests if guest.machine_id)
    names = [guest.host_name if machines[guest.machine_id] < 2 else "" for guest in guests]
    kinds: tuple[tuple[Callable[[Hardware], bool], int, int], ...] = (
        (lambda g: g.current and not g.nested and g.qualified, STRONG, -STRONG),
        (lambda g: g.current and not g.nested and not g.qualified, WEAK, -STRONG),
        (lambda g: g.current and g.nested, STRONG, 0),
        (lambda g: not g.current and not g.nested, WEAK, -WEAK),
    )

    def because(i: int, j: int) -> str:
        if names[i] == names[j]:
            return f"Hyper-V tells both guests that their host is {names[i]}"
        return f"Hyper-V tells the guests that their hosts are {names[i]} and {names[j]}"

    for of_kind, same, different in kinds:
        values = [name if name and of_kind(g) else None for name, g in zip(names, guests, strict=True)]
        yield LabelTestimony.of("hyper-v host", values, because, if_equal=same, if_different=different)


def _domain(guests: Sequence[Hardware]) -> PairTestimony:
    known = np.array([(guest.domain or 0) > EMULATED for guest in guests], np.bool_)
    domains = np.array([guest.domain or 0 for guest in guests], np.int32)
    weights: Weights = np.zeros((len(guests), len(guests)), np.int8)
    if known.any():
        apart = np.abs(domains[:, None] - domains[None, :])
        weights[apart <= CLOSE] = WEAK
        weights[apart == 0] = -WEAK
        weights[~known] = weights[:, ~known] = 0
        np.fill_diagonal(weights, 0)

    def because(i: int, j: int) -> str:
        if domains[i] == domains[j]:
            return f"both guests are Xen domain {domains[i]}, and no host has two of them"
        return f"the guests are Xen domains {domains[i]} and {domains[j]}, started soon after each other"

    return PairTestimony("xen domain", weights, because)


def _real(guest: Hardware) -> Processor | None:
    processor = guest.processor
    masked = processor is None or not processor.real or guest.maker.startswith("VMware")
    return None if masked else processor
