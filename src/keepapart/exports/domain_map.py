"""The map that every format translates: an audit's domains, by the rules of `domains.apart`. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set

from msgspec.structs import replace

from keepapart.auditing.assessment import Assessment
from keepapart.auditing.document import audit_document
from keepapart.documents.audit import AuditDocument, InstanceEntry
from keepapart.documents.base import Reason
from keepapart.documents.domains import DomainEntry, DomainsDocument, PlacedEntry
from keepapart.domains.apart import Ties, left_out, merged, tied_by_level, ties
from keepapart.errors import UnknownError, UsageError
from keepapart.model import CHOICES, MAP_LEVELS, Choice, MapLevel

PLACES = ("domain", *MAP_LEVELS)
NAMED = 8  # instances that an error names


def mapped(
    audit: AuditDocument,
    hosts: Ties,
    level: MapLevel = "host",
    unknown: Choice = "refuse",
    choices: Sequence[Choice] = CHOICES,
) -> DomainsDocument:
    """Return the map of an audit's document and its ties; arguments and errors are those of `map_of`."""
    places = [getattr(instance, level) or None for instance in audit.instances]
    tied = hosts if level == "host" else tied_by_level(hosts, places)
    without = left_out(tied, places) if unknown in ("refuse", "leave-out") else []
    if without and (unknown == "refuse" or len(without) == len(places)):
        raise _refusal(audit, tied, without, level, choices)
    gone = set(without)
    labels = (merged(tied) if unknown == "merge" else tied.groups).tolist()
    members: dict[int, list[int]] = {}
    for i, label in enumerate(labels):
        if i not in gone:
            members.setdefault(label, []).append(i)
    names = _names([[audit.instances[i] for i in some] for some in members.values()], level)
    domain_of = {i: name for name, some in zip(names, members.values(), strict=True) for i in some}
    return DomainsDocument(
        cluster=audit.cluster,
        at=audit.at,
        level=level,
        unknown=unknown,
        unknown_pairs=audit.verdicts.unknown,
        instances=tuple(_placed(one, domain_of.get(i)) for i, one in enumerate(audit.instances)),
        domains=tuple(
            DomainEntry(name, tuple(audit.instances[i].id for i in some))
            for name, some in zip(names, members.values(), strict=True)
        ),
        left_out=tuple(Reason(audit.instances[i].id, _why(audit.instances[i], level)) for i in without),
    )


def map_of(
    audit: Assessment,
    level: MapLevel = "host",
    unknown: Choice = "refuse",
    choices: Sequence[Choice] = CHOICES,
) -> DomainsDocument:
    """Return the map of an audit at a level; `unknown` says what is to be done where pairs are unknown.

    Raises `UnknownError` where there are some and that is to refuse; `choices` are what it then proposes.
    """
    return mapped(audit_document(audit), ties(audit.judgement), level, unknown, choices)


def renamed(found: DomainsDocument, domains: Mapping[str, str], ids: Mapping[str, str]) -> DomainsDocument:
    """Return the map with other names of domains, at whatever level, and of instances.

    Raises `UsageError` for one that there isn't, and where two would have one name.
    """
    _hold_renaming(
        "--rename", domains, [{getattr(one, level) for one in found.instances} for level in PLACES]
    )
    _hold_renaming("--rename-id", ids, [{one.id for one in found.instances}])

    def place(one: PlacedEntry) -> PlacedEntry:
        names = {level: domains.get(name, name) for level in PLACES if (name := getattr(one, level))}
        return replace(one, id=ids.get(one.id, one.id), **names)

    return replace(
        found,
        instances=tuple(map(place, found.instances)),
        domains=tuple(
            DomainEntry(domains.get(one.name, one.name), tuple(ids.get(i, i) for i in one.instances))
            for one in found.domains
        ),
        left_out=tuple(Reason(ids.get(one.id, one.id), one.because) for one in found.left_out),
    )


def _hold_renaming(flag: str, names: Mapping[str, str], kinds: Sequence[Set[str | None]]) -> None:
    for old, new in names.items():
        having = [kind for kind in kinds if old in kind]
        if not having:
            raise UsageError(f"{flag}: nothing is called {old!r}", "`keepapart export json` has the names")
        if any(names.get(other, other) == new for kind in having for other in kind - {old} if other):
            raise UsageError(f"{flag}: two would be called {new!r}", "each needs a name of its own")


def _placed(one: InstanceEntry, domain: str | None) -> PlacedEntry:
    return PlacedEntry(
        id=one.id,
        address=one.address,
        domain=domain,
        host=one.host,
        rack=one.rack,
        pod=one.pod or None,
        site=one.site or None,
        zone=one.zone or None,
    )


def _names(domains: Sequence[Sequence[InstanceEntry]], level: MapLevel) -> list[str]:
    """Name each domain as most of its members' place is called, or after the first where none has one."""
    names: list[str] = []
    for members in domains:
        called = Counter(place for one in members if (place := getattr(one, level)))
        names.append(called.most_common(1)[0][0] if called else "")
    taken = set(names)
    for number, members in enumerate(domains):
        if not names[number]:
            name = f"{level}-of-{members[0].id}"
            while name in taken:
                name += "-alone"
            taken.add(name)
            names[number] = name
    return names


def _why(one: InstanceEntry, level: MapLevel) -> str:
    if one.because:
        return one.because
    return "" if getattr(one, level) else f"its {level} is unknown"


def _refusal(
    audit: AuditDocument, tied: Ties, without: Sequence[int], level: MapLevel, choices: Sequence[Choice]
) -> UnknownError:
    offered = " or ".join(f"--unknown {choice}" for choice in choices if choice != "refuse")
    mend = f"{offered} writes a map all the same: `keepapart export --help`"
    ids = [one.id for one in audit.instances]
    if len(without) == len(ids):
        names = ", ".join(ids[:NAMED]) + (f" and {len(ids) - NAMED} more" if len(ids) > NAMED else "")
        return UnknownError(f"no {level} is known for sure, of {names}", "`keepapart audit` says why")
    told = []
    for i in without[:NAMED]:
        others = [ids[j] for j in tied.not_separate(i).tolist() if tied.groups[j] != tied.groups[i]]
        why = f" ({why})" if (why := _why(audit.instances[i], level)) else ""
        told.append(f"{ids[i]}{why} with {_some(others, len(ids) - 1)}")
    more = f"; and {len(without) - NAMED} more" if len(without) > NAMED else ""
    return UnknownError(f"these may share a {level}: {'; '.join(told)}{more}", mend)


def _some(others: Sequence[str], all_others: int) -> str:
    if len(others) == all_others > 4:
        return "any other"
    return ", ".join(others) if len(others) <= 4 else f"{', '.join(others[:3])} and {len(others) - 3} more"
