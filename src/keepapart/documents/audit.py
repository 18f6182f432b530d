"""The documents of `audit`, `check` and `hops`: what one round showed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from keepapart.documents.base import Document, Entry, StrengthLabel
from keepapart.documents.changes import ChangesEntry
from keepapart.model import LEVELS, STATED_LEVELS, Says, Source, Verdict

Level = Annotated[str, Meta(extra_json_schema={"enum": [*LEVELS, *STATED_LEVELS]})]


class EvidenceEntry(Entry, frozen=True):
    """What one signal says of a pair, and why in words that can be checked by hand."""

    signal: str
    says: Says
    strength: StrengthLabel
    because: str


class PairEntry(Entry, frozen=True):
    """Two instances, the verdict on them and what it rests on; `strength` is null where it is unknown."""

    a: str
    b: str
    verdict: Verdict
    strength: StrengthLabel | None
    because: str
    evidence: tuple[EvidenceEntry, ...]


class VerdictCounts(Entry, frozen=True):
    """How many pairs there are of each verdict."""

    separate: int
    co_resident: int = field(name="co-resident")
    unknown: int


class IfVouchedEntry(Entry, frozen=True):
    """Who would share a host, did the operator vouch, and how many pairs there would be of each verdict."""

    suspected: tuple[tuple[str, ...], ...]
    verdicts: VerdictCounts


class NetworkEntry(Entry, frozen=True, kw_only=True):
    """What kind of network it is, whether hop counts speak strongly there (`established`), and why.

    `by` is who vouches for it, null where nobody does; audits kept by earlier versions don't say.
    `if_vouched` is there only where the operator's word would change something.
    """

    model: Literal["routed-host", "opaque"]
    established: bool
    standing: str
    by: str | UnsetType | None = UNSET
    because: str
    if_vouched: IfVouchedEntry | UnsetType = UNSET


class StatementEntry(Entry, frozen=True):
    """What one source states of an instance: who, of which kind, and when that was read; null: just now, or,
    of a label, nobody knows.
    """

    by: str
    source: Source
    at: str | None
    facts: Mapping[str, str]


class InstanceEntry(Entry, frozen=True, kw_only=True):
    """An instance and its fault domains, null where they aren't known; `because`: why nothing is known of it.

    Where stated facts alone are judged, nobody is `reached`. `state` is the platform's word: "running",
    "stopped", … `stated` is what is stated of where it is, by each source.
    """

    id: str
    address: str
    state: str | UnsetType = UNSET
    host: str | None
    rack: str | None
    pod: str | None
    site: str | None
    zone: str | None
    partition: str | UnsetType | None = UNSET
    fault_domain: str | UnsetType | None = UNSET
    reached: bool
    because: str | UnsetType = UNSET
    stated: tuple[StatementEntry, ...] | UnsetType = UNSET


class HostEntry(Entry, frozen=True):
    """A host and the ids of the instances on it."""

    name: str
    instances: tuple[str, ...]


class RackEntry(Entry, frozen=True):
    """A rack and the names of its hosts."""

    name: str
    hosts: tuple[str, ...]


class PodEntry(Entry, frozen=True):
    """A pod and the names of its racks."""

    name: str
    racks: tuple[str, ...]


class SiteEntry(Entry, frozen=True):
    """A site and the names of its pods."""

    name: str
    pods: tuple[str, ...]


class StatedEntry(Entry, frozen=True):
    """A zone, partition or fault domain as the platform states it, and the ids of those of whom it does."""

    name: str
    instances: tuple[str, ...]


class MissingLevelEntry(Entry, frozen=True):
    """A level at which hop counts would join instances that can't be together, so that it has no domains."""

    level: Level
    because: str


class SaidEntry(Entry, frozen=True):
    """What one source says where two differ, when that was read (see `StatementEntry`), and if it counts.

    `source` is null of what is measured.
    """

    by: str
    source: Source | None
    value: str
    at: str | None
    counts: bool


class FactsDifferEntry(Entry, frozen=True):
    """Two that say two things of one instance, what weighs more, or is measured, first, and in words."""

    id: str
    fact: str
    said: tuple[SaidEntry, SaidEntry]
    because: str


class LeftOutEntry(Entry, frozen=True):
    """How many pairs of a kind aren't listed; `because` is what the reasons of all of them have in common."""

    verdict: Verdict
    strength: StrengthLabel | None
    because: str
    pairs: int


class LossEntry(Entry, frozen=True, kw_only=True):
    """How many members the failure of a whole domain takes, and whether the cluster survives it.

    It takes `lost` at least and `most` at the most; `survives` is null where it hangs on which.
    """

    level: Level
    name: str
    lost: int
    most: int | UnsetType = UNSET
    survives: bool | None


class YearlyEntry(Entry, frozen=True):
    """The chance, 0 to 1, that within a year too few members are up at some moment.

    `now` is as the members are placed, null where it isn't known which share a host; then it is `most` at the
    most. Both are null of more than 10,000 members. `spread` is with a host each.
    """

    now: float | None
    spread: float
    most: float | UnsetType | None = UNSET


class RiskEntry(Entry, frozen=True, kw_only=True):
    """What a failure takes down; `survives_any_host` is null where unknown pairs leave it open.

    `running` members run, `down` are the ids of the others, and `quorate` says whether the `need` of the
    cluster run. `lost` are the ids on `worst_host`; `most` is how many one host may take, known or not, at
    the most. `replace` are the fewest ids to replace or to move so that any known host may fail, `spread`
    those that leave one on each.
    """

    need: int | UnsetType = UNSET
    running: int | UnsetType = UNSET
    down: tuple[str, ...] | UnsetType = UNSET
    quorate: bool | UnsetType = UNSET
    survives_any_host: bool | None
    worst_host: str | None
    lost: tuple[str, ...]
    most: int | UnsetType = UNSET
    replace: tuple[str, ...]
    spread: tuple[str, ...] | UnsetType = UNSET
    domains: tuple[LossEntry, ...]
    yearly: YearlyEntry


class StepEntry(Entry, frozen=True):
    """One thing to do: a command line, empty where it is none, and what it is for."""

    command: str
    purpose: str


class AuditDocument(Document, frozen=True, kw_only=True, tag="keepapart.audit/1"):
    """A cluster at one time: instances, fault domains, verdicts, and what one failure takes down.

    `pairs` holds every pair of up to 64 instances or where all were asked for. Of more instances it holds the
    co-resident ones, up to 10,000, and of the unknown ones 2,000, some of every kind; `pairs_left_out` counts
    all others by kind. `hosts`, `racks`, `pods` and `sites` are found; `zones`, `partitions` and
    `fault_domains` are stated by the platform. `facts_differ` is where two sources state two things of one
    instance, or one states what is measured otherwise; audits kept by earlier versions don't say. `next` is
    what to do, step by step. `changes` is what changed since the audit before, null where there is none.
    """

    cluster: str
    at: str
    instances: tuple[InstanceEntry, ...]
    hosts: tuple[HostEntry, ...]
    racks: tuple[RackEntry, ...]
    pods: tuple[PodEntry, ...]
    sites: tuple[SiteEntry, ...]
    levels_missing: tuple[MissingLevelEntry, ...] | UnsetType = UNSET
    zones: tuple[StatedEntry, ...] | UnsetType = UNSET
    partitions: tuple[StatedEntry, ...] | UnsetType = UNSET
    fault_domains: tuple[StatedEntry, ...] | UnsetType = UNSET
    facts_differ: tuple[FactsDifferEntry, ...] | UnsetType = UNSET
    verdicts: VerdictCounts
    pairs: tuple[PairEntry, ...]
    pairs_left_out: tuple[LeftOutEntry, ...] | UnsetType = UNSET
    network: NetworkEntry
    risk: RiskEntry
    changes: ChangesEntry | UnsetType | None = UNSET
    next: tuple[StepEntry, ...] | UnsetType = UNSET


class CheckDocument(Document, PairEntry, frozen=True, tag="keepapart.check/1"):
    """One pair, and the network that it was judged in."""

    network: NetworkEntry


class HopsDocument(Document, frozen=True, tag="keepapart.hops/1"):
    """The hop matrix: row = from, column = to, both in the order of `ids`; null = not measured."""

    ids: tuple[str, ...]
    hops: tuple[tuple[int | None, ...], ...]
