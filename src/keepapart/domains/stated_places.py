"""Stated places: zones, partitions and fault domains, as one source states them of all. Pure.

1. Whoever states nothing at a level is in no domain of it.
2. Facts compare within one `project` only: what another calls its zones says nothing of these.
3. A `partition` is one of its `group` (of strategy "partition"), a `fault_domain` one of its `group` and
   `zone`, of which one must be stated. Equal ones in two zones are two.
4. A domain is called what it is stated to be, and what it is one of: zone "eu-1a", partition "2 of orders".
   Where two would have one name, what else tells them apart is added: zone "eu-1a of project-7".
5. Who isn't known to be elsewhere may be in a domain. Elsewhere is another zone of the same project, another
   partition of the same group, and another fault domain of the same group and zone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from keepapart.domains.fault_domains import Domain, StatedPlaces
from keepapart.domains.hop_levels import Zone
from keepapart.model import Fact

READ: tuple[Fact, ...] = ("project", "zone", "group", "group_strategy", "partition", "fault_domain")
Facts = Mapping[Fact, str]  # each of `READ`, empty where it isn't stated


@dataclass(frozen=True, slots=True)
class _Place:
    """A place at one level, in `zone`, which is empty where none is stated.

    Different values of one `scope` are different places. `words` name it, the first `least` of them always.
    """

    value: str
    zone: str
    scope: tuple[str, ...]
    words: tuple[str, ...]
    least: int

    def is_elsewhere(self, other: _Place) -> bool:
        """Whether another of the same scope is another place, though not known to be in another zone."""
        return self.value != other.value and (not self.zone or other.zone in ("", self.zone))


def stated_places(stated: Sequence[Mapping[str, str]], running: int | None = None) -> StatedPlaces:
    """Return where instances are by what is `stated` of each, by index; nothing of who doesn't run.

    `running` says how many of them run: by default all.
    """
    alike: defaultdict[tuple[str | None, ...], list[int]] = defaultdict(list)  # there are few, of a million
    for number, said in enumerate(stated):
        if said:
            alike[tuple(map(said.get, READ))].append(number)
    zones: list[Zone | None] = [None] * len(stated)
    sizes: Counter[Zone] = Counter()
    places: dict[str, defaultdict[_Place, list[int]]] = {level: defaultdict(list) for level in PLACES}
    for values, numbers in alike.items():
        facts = {key: (value or "").strip() for key, value in zip(READ, values, strict=True)}
        if facts["zone"]:
            zone = facts["project"], facts["zone"]
            sizes[zone] += len(numbers)
            for number in numbers:
                zones[number] = zone
        for level, place_of in PLACES.items():
            if place := place_of(facts):
                places[level][place] += numbers
    size = len(stated) if running is None else running
    at = {level: list(_domains(of, sizes, size)) for level, of in places.items() if of}
    return StatedPlaces(at, zones if sizes else ())


def _zone(facts: Facts) -> _Place | None:
    project, zone = facts["project"], facts["zone"]
    return _Place(zone, zone, (project,), (zone, project), 1) if zone else None


def _partition(facts: Facts) -> _Place | None:
    project, zone, group, partition = (facts["project"], facts["zone"], facts["group"], facts["partition"])
    if not partition or not group or facts["group_strategy"] != "partition":
        return None
    return _Place(partition, zone, (project, group), (partition, group, zone, project), 2)


def _fault_domain(facts: Facts) -> _Place | None:
    project, zone, group, value = (facts["project"], facts["zone"], facts["group"], facts["fault_domain"])
    if not value or not (group or zone):
        return None
    return _Place(value, zone, (project, group, zone), (value, group, zone, project), 3)


PLACES: Mapping[str, Callable[[Facts], _Place | None]] = {
    "zone": _zone,
    "partition": _partition,
    "fault_domain": _fault_domain,
}


def _domains(members: Mapping[_Place, list[int]], zones: Counter[Zone], size: int) -> Iterable[Domain]:
    """Yield the domains of one level in the order of their names.

    `zones` counts who states which zone, `size` who runs.
    """
    within: defaultdict[tuple[str, ...], list[_Place]] = defaultdict(list)
    for place in members:
        within[place.scope].append(place)
    in_project: Counter[str] = Counter()
    for (project, _), count in zones.items():
        in_project[project] += count
    for name, place in sorted(_names(members), key=itemgetter(0)):
        project = place.scope[0]
        elsewhere = in_project[project] - zones[project, place.zone] if place.zone else 0
        elsewhere += sum(len(members[other]) for other in within[place.scope] if place.is_elsewhere(other))
        yield Domain(name, tuple(sorted(members[place])), (), size - elsewhere)


def _names(places: Iterable[_Place]) -> list[tuple[str, _Place]]:
    """Name places, each with as few words as tell it from the others (rule 4)."""
    words = {place: place.least for place in places}
    while True:
        names = {p: " of ".join(word for word in p.words[:most] if word) for p, most in words.items()}
        claims = Counter(names.values())
        unclear = [p for p, name in names.items() if claims[name] > 1 and words[p] < len(p.words)]
        if not unclear:
            return [(name, place) for place, name in names.items()]
        for place in unclear:
            words[place] += 1
