"""The values that everything else passes around: instances, evidence, verdicts.

The words are the field's own: an *instance* lives on a *host*; two instances on one host are
*co-resident*; a *fault domain* is what fails together (host ⊂ rack ⊂ zone). *Evidence* is what one
signal says of one pair; a *verdict* is what all of it together allows to be said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum, IntEnum
from typing import Literal, Protocol, get_args

Progress = Callable[[str, float], None]  # hears what is being done, and the share of it that is, 0 to 1


def silent(*_: object) -> None:
    """Hear nothing: the progress of whoever shows none."""


def many(number: int, thing: str) -> str:
    """Count things: "1 host", "2 hosts"."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def timestamp(at: float) -> str:
    """Write seconds since the epoch as UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Verdict(Enum):
    """What may be said of a pair. Unknown is never separate."""

    CO_RESIDENT = "co-resident"
    SEPARATE = "separate"
    UNKNOWN = "unknown"


class Says(Enum):
    """What one signal says of one pair."""

    SAME = "same"
    DIFFERENT = "different"


class Strength(IntEnum):
    """How much a piece of evidence weighs: the highest strength at which any signal speaks decides."""

    WEAK = 1
    STRONG = 2
    CONCLUSIVE = 3

    @property
    def label(self) -> str:
        """The word for it, as configuration and JSON spell it."""
        return self.name.lower()


# Levels of fault domains, from the innermost out: those that are measured, in the words of those who build
# Clos networks (racks under one row of aggregation switches are a pod, pods under one spine a site; what is
# beyond has no name, and makes no level), and those that platforms state.
LEVELS = ("host", "rack", "pod", "site")
STATED_LEVELS = ("zone", "partition", "fault_domain")

# At what a map may have its domains, and what may be chosen where pairs are unknown (`domains/apart.py`).
MapLevel = Literal["host", "rack", "pod", "site", "zone"]
Choice = Literal["refuse", "merge", "leave-out", "apart"]
MAP_LEVELS: tuple[MapLevel, ...] = get_args(MapLevel)
CHOICES: tuple[Choice, ...] = get_args(Choice)

# All that a platform may state of an instance's placement. Facts are compared within one project only; what
# each of them proves of two instances is said in `signals/stated.py`.
Fact = Literal[
    "platform",  # whose machine it is: "ec2", "openstack", "hetzner", …; see `signals/platform.py`
    "project",  # the account, subscription or tenant: names mean something only within it
    "zone",  # buildings don't share machines
    "host",  # a name or hash of the physical machine
    "host_kind",  # from what `host` was taken, where that needs telling: "dedicated", "cluster", "coarse", …
    "group",  # a placement group
    "group_strategy",  # what the group promises: "spread", "partition", or another word for no promise
    "partition",  # of a group of the strategy "partition"
    "fault_domain",  # racks of their own, within a zone or a group
    "topology",  # network nodes above the instance, from the top down with commas between
    "neighbors",  # the ids of all instances on its host, itself among them, with commas between
    "whole_host",  # "true": nothing else is on its host
]
FACTS: tuple[Fact, ...] = get_args(Fact)


class Source(Enum):
    """Where facts come from. How much those of each weigh, and for how long, says `signals/sources.py`."""

    API = "api"  # the platform's API, whoever asked it
    METADATA = "metadata"  # the platform's metadata service, asked from inside the instance
    LABEL = "label"  # a label or a list that was written earlier
    OWN = "own"  # what keepapart wrote itself: never evidence, and held against what is measured


@dataclass(frozen=True, slots=True)
class Statement:
    """What one source says of one instance's placement at one time.

    `by` names the source as the subject of a sentence, the same for all that it says: "the metadata service",
    "the node's label", "facts.json". Names of hosts, zones and so on are taken to mean the same thing only
    within one `by`. `at` is when it was read, in seconds since the epoch; None: just now, or, of a label,
    nobody knows. `machine` is the id by which the platform knows the machine that answered, where it told it:
    who tells the same one is the same machine.
    """

    source: Source
    by: str
    facts: Mapping[str, str]
    at: float | None = None
    machine: str = ""


@dataclass(frozen=True, slots=True)
class Instance:
    """A machine of the operator's.

    `address` is what other members send to (IPv4 or IPv6); `reach` is the way in, as the configuration
    writes it (`netns:NAME`, `ssh://…`), or empty for the default one. `facts` is what the platform's API
    states of its placement (`host`, `zone`, `group`, …) now, never what was measured; `said` is what other
    sources say of it. `public` is its public IPv4 address, where one is told beside `address`.
    """

    id: str
    address: str = ""
    reach: str = ""
    state: str = "running"
    tags: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    said: Sequence[Statement] = ()
    public: str = ""

    def fact(self, name: Fact) -> str:
        """Return what the platform states, stripped; empty where nothing is, and of one that doesn't run."""
        return self.facts.get(name, "").strip() if self.running else ""

    def with_statement(self, statement: Statement) -> Instance:
        """Return it with what another source says of it."""
        return replace(self, said=(*self.said, statement))

    @property
    def running(self) -> bool:
        """Whether it runs: one that doesn't is on no host, and no fact of its placement holds."""
        return self.state == "running"


@dataclass(frozen=True, slots=True)
class Service:
    """What to ask a platform's metadata service, which tells an instance about itself.

    `asks` are paths, each with the one name by which its answer is told, or with the fields that are taken
    out of the document that it is, as "field" or "field.field". `headers` go with each. `token` is had first,
    where there is one: the path of a PUT, its headers, and the header by which it is shown. `shows` is a
    header that every answer must have.
    """

    addresses: Sequence[str]
    asks: Sequence[tuple[str, str | tuple[str, ...]]]
    headers: Sequence[tuple[str, str]] = ()
    token: tuple[str, tuple[tuple[str, str], ...], str] | None = None
    shows: tuple[str, str] | None = None
    port: int = 80


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one signal says of one pair, how strongly, and why in words that can be checked by hand."""

    signal: str
    says: Says
    strength: Strength
    because: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two instances, the verdict on them and every piece of evidence behind it.

    `strength` is that of the verdict, None where it is unknown. `because` is the verdict's own reason
    in one sentence; `evidence` is what it rests on, strongest first.
    """

    a: str
    b: str
    verdict: Verdict
    strength: Strength | None
    because: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Controls:
    """Pairs of ids that the operator knows to share a host, and pairs known not to."""

    same: Sequence[tuple[str, str]] = ()
    separate: Sequence[tuple[str, str]] = ()


NOTHING_KNOWN = Controls()


@dataclass(frozen=True, slots=True)
class Checked:
    """What a round showed of candidates: the pairs asked for, and who couldn't be reached, with the reason.

    Of those there is no way in, or none yet; what a platform states of them may decide their pairs all the
    same.
    """

    pairs: Sequence[Pair] = ()
    unreached: Mapping[str, str] = field(default_factory=dict)


class Checker(Protocol):
    """What an admission asks of an audit: who shares a host with whom."""

    def __call__(
        self,
        candidates: Sequence[Instance],
        against: Sequence[Instance],
        witnesses: Sequence[Instance],
        /,
    ) -> Checked:
        """Return the pairs of each candidate with each other candidate and with each of `against`.

        The witnesses take part in the measurement only, and help to establish what kind of network it is.
        Asked of one candidate alone, it finds out no more than whether there is a way in to it.
        """
