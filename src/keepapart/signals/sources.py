"""Sources: who states the facts of an instance, how much each weighs, and where two of them differ.

1. `Instance.facts` is what the platform's API says now. What else is said stands in `Instance.said`, each
   with its source and its time. Nothing said of an instance that doesn't run is a fact.
2. What a source may claim at most, of two instances alike and of two that differ: the API both conclusively;
   metadata, which is unsigned, both strongly; a label *same* strongly and *different* weakly, since labels
   outlive migrations. What was read from an API or from metadata more than `FRESH` ago is a label; a label
   known to be older than `OLD`, or as far in the future, speaks weakly both ways. What keepapart wrote itself
   (`Source.OWN`) says nothing.
3. *Different* is said only by one source of both: names of two sources may be two names of one thing. *Same*
   is said across sources, at the weaker of the two.
4. Two sources differ on an instance where they state another host, partition, fault domain or zone of it and
   mean the same project, host kind and group as far as both say so. Metadata's zones are compared with
   nobody's: platforms spell a zone in two ways. A label that differs from what is said now counts for
   nothing. Of two that are both of now, or both labels, neither counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from keepapart.model import Fact, Instance, Source, Statement, Strength, timestamp

FRESH = 600.0  # seconds for which an answer of an API or of metadata counts as of now
OLD = 86_400.0  # seconds after which a label is too old to say anything strongly
PLATFORM = "the platform"  # who says `Instance.facts`

COMPARED: Mapping[Fact, Sequence[Fact]] = {  # facts that may differ, and within which others
    "host": ("project", "host_kind"),
    "partition": ("project", "group"),
    "fault_domain": ("project", "zone", "group"),
    "zone": ("project",),
}

Facts = Mapping[str, str]
NOTHING: Facts = {}


class Weight(NamedTuple):
    """The most that a source may claim of two instances: `same` where it says so of them, `different` so."""

    same: Strength
    different: Strength

    @property
    def of_now(self) -> bool:
        """Whether it is said of now, and no label of earlier."""
        return self.different > Strength.WEAK


API = Weight(Strength.CONCLUSIVE, Strength.CONCLUSIVE)
METADATA = Weight(Strength.STRONG, Strength.STRONG)
LABEL = Weight(Strength.STRONG, Strength.WEAK)
STALE = Weight(Strength.WEAK, Strength.WEAK)


def weight_of(statement: Statement, now: float) -> Weight:
    """Return how much a statement weighs at `now`, in seconds since the epoch (rule 2)."""
    age = None if statement.at is None else abs(now - statement.at)
    if statement.source in (Source.API, Source.METADATA) and (age is None or age <= FRESH):
        return API if statement.source is Source.API else METADATA
    return LABEL if age is None or age <= OLD else STALE


def statements_of(instance: Instance) -> Sequence[Statement]:
    """Return what others say of an instance, the platform's word first; nothing of one that doesn't run."""
    if not instance.running:
        return ()
    of_platform = (Statement(Source.API, PLATFORM, instance.facts),) if instance.facts else ()
    return (*of_platform, *(said for said in instance.said if said.source is not Source.OWN))


@dataclass(frozen=True)  # without slots, for columns to have a place
class View:
    """What one source says of all instances: `facts` are each one's, and empty of those it says nothing of.

    `times` is when that was read, by the instance's number, of what isn't of now.
    """

    by: str
    weight: Weight
    facts: list[Facts]
    times: dict[int, float] = field(default_factory=dict)
    _columns: dict[Fact, list[str]] = field(default_factory=dict)

    def column(self, name: Fact) -> list[str]:
        """Return one fact of every instance, stripped; empty where it isn't stated."""
        if name not in self._columns:
            self._columns[name] = [facts[name].strip() if name in facts else "" for facts in self.facts]
        return self._columns[name]

    def known(self, name: Fact) -> list[str | None]:
        """Return one fact of every instance, None where it isn't stated."""
        return [value or None for value in self.column(name)]

    @cached_property
    def states(self) -> frozenset[str]:
        """The names of all facts that it states of anybody."""
        return frozenset(name for facts in self.facts for name in facts)


@dataclass(frozen=True, slots=True)
class Said:
    """One side of a difference: who says what, read when (None: now, or nobody knows), and if it counts.

    `source` is None of what is measured.
    """

    by: str
    source: Source | None
    value: str
    at: float | None
    counts: bool

    def __str__(self) -> str:
        read = f" (read {timestamp(self.at)})" if self.at is not None else ""
        return f"{self.by} says {self.value}{read}"


@dataclass(frozen=True, slots=True)
class Difference:
    """Two sources state another value of one fact of one instance, or one does that is measured otherwise.

    What weighs more comes first; so does what is measured.
    """

    id: str
    fact: Fact
    first: Said
    second: Said

    def __str__(self) -> str:
        by = next((side.by for side in (self.first, self.second) if side.counts), "")
        outcome = f"{by} counts" if by else "neither counts"
        return f"{self.fact.replace('_', ' ')} of {self.id}: {self.second}, {self.first}: {outcome}"


@dataclass(frozen=True)
class Stated:
    """All that is stated of instances: `views` with what weighs most first, and where sources differ.

    `machines` are the ids by which platforms know them, with the platform's name, where they told it; `own`
    is what keepapart wrote itself.
    """

    views: Sequence[View]
    differences: Sequence[Difference]
    machines: Sequence[tuple[str, str] | None]
    own: Sequence[View] = ()

    @classmethod
    def of(cls, instances: Sequence[Instance], now: float) -> Stated:
        """Sort what is said of instances by who says it."""
        platform = View(PLATFORM, API, [i.facts if i.state == "running" else NOTHING for i in instances])
        views = {(PLATFORM, API): platform}
        own: dict[str, View] = {}
        differences: list[Difference] = []
        machines: list[tuple[str, str] | None] = [None] * len(instances)
        for number, instance in enumerate(instances):
            if not instance.said or not instance.running:
                continue
            for statement in instance.said:
                if statement.source is Source.OWN:
                    nobody = View(statement.by, STALE, [NOTHING] * len(instances))
                    own.setdefault(statement.by, nobody).facts[number] = statement.facts
            said = [each for each in instance.said if each.source is not Source.OWN]
            counting: Sequence[Statement] = said
            if not _agree(instance.facts, said):
                platform.facts[number] = NOTHING
                counting, differing = _counting(instance, now)
                differences += differing
            for statement in counting:
                key = statement.by, weight_of(statement, now)
                if (view := views.get(key)) is None:
                    view = views[key] = View(*key, [NOTHING] * len(instances))
                view.facts[number] = view.facts[number] or statement.facts
                if statement.at is not None and not view.weight.of_now:
                    view.times[number] = statement.at
            for statement in said:
                if statement.machine:
                    machines[number] = statement.facts.get("platform", ""), statement.machine
        ordered = sorted(views.values(), key=lambda view: (-view.weight.different, -view.weight.same))
        return cls(ordered, differences, machines, list(own.values()))

    def foremost(self, names: Iterable[Fact]) -> View:
        """Return the source that weighs most of those that state any of these facts now."""
        of_now = [view for view in self.views if view.weight.of_now]
        return next((view for view in of_now if not view.states.isdisjoint(names)), of_now[0])


def _agree(of_platform: Facts, said: Sequence[Statement]) -> bool:
    """Whether nobody states another value of a fact than others: so it is of nearly all, of a million."""
    for fact in COMPARED:
        told = of_platform.get(fact)
        for statement in said:
            value = statement.facts.get(fact, told)
            if told is not None and value != told:
                return False
            told = value
    return True


def _counting(instance: Instance, now: float) -> tuple[list[Statement], Sequence[Difference]]:
    """Return what counts of all that is said of an instance, weightiest first, and what differs (rule 4)."""
    weighed = [(each, weight_of(each, now)) for each in statements_of(instance)]
    weighed.sort(key=lambda each: (-each[1].different, -each[1].same))
    fallen: set[int] = set()
    found: list[tuple[Fact, int, int]] = []
    for later, (statement, weight) in enumerate(weighed):
        for earlier, (other, stronger) in enumerate(weighed[:later]):
            for fact in _differing(other, statement):
                found.append((fact, earlier, later))
                fallen |= {later} if stronger.of_now and not weight.of_now else {earlier, later}
    said = [statement for statement, _ in weighed]
    sides = [
        Difference(instance.id, fact, *(_side(said[n], fact, n not in fallen) for n in pair))
        for fact, *pair in found
    ]
    return [each for number, each in enumerate(said) if number not in fallen], sides


def _differing(one: Statement, other: Statement) -> list[Fact]:
    """Name the facts that two statements give other values of, in the same terms."""
    spelt = Source.METADATA in (one.source, other.source)

    def differs(fact: Fact) -> bool:
        values = {said.facts.get(fact, "").strip() for said in (one, other)}
        return len(values - {""}) == 2

    return [
        fact
        for fact, terms in COMPARED.items()
        if differs(fact) and not any(map(differs, terms)) and not (spelt and fact == "zone")
    ]


def _side(statement: Statement, fact: Fact, counts: bool) -> Said:
    return Said(statement.by, statement.source, statement.facts[fact].strip(), statement.at, counts)
