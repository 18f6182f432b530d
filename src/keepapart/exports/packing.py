"""Domains packed into so many racks, for consumers that want as many racks as copies.

1. A domain is in one rack as a whole: what is in two racks is separate.
2. An instance stays in the rack that it was told, whatever comes later: Cassandra and ScyllaDB refuse to
   start in another. Where two that were told two racks share a domain, nothing is right, and it is said.
3. New domains go, the largest first, to the rack that has the fewest instances. Racks that were told count,
   whatever they are called; others are made only where there are too few.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import count, islice
from pathlib import Path

from msgspec.structs import replace

from keepapart.documents.domains import DomainEntry, DomainsDocument
from keepapart.errors import SharedError, UsageError
from keepapart.model import silent
from keepapart.store import Store

NOBODY: Mapping[str, str] = {}


def packed(found: DomainsDocument, racks: str, told: Mapping[str, str]) -> DomainsDocument:
    """Return the map with racks for its domains.

    `racks` is how many, and `told` the rack that each instance was told before. Raises `SharedError` where
    those tell one domain apart, or there are too few domains; `UsageError` where `racks` is no number.
    """
    if not re.fullmatch(r"[1-9][0-9]{0,3}", racks):
        raise UsageError(f"racks: a whole number from 1 is wanted, not {racks!r}")
    rack_of: dict[str, str] = {}
    for domain in found.domains:
        of = {told[name]: name for name in domain.instances if name in told}
        if len(of) > 1:
            (a, x), (b, y), *_ = ((name, rack) for rack, name in of.items())
            raise SharedError(
                f"{a} was told {x} and {b} {y}, and they share {domain.name}: no rack is right for both",
                f"`keepapart replace {b}`, or move it: a node's rack can't be changed",
            )
        if of:
            rack_of[domain.name] = next(iter(of))
    names = sorted(set(told.values()))
    spare = (name for number in count(1) if (name := f"rack{number}") not in told.values())
    names += islice(spare, max(0, int(racks) - len(names)))
    size = dict.fromkeys(names, 0)
    for domain in found.domains:
        if domain.name in rack_of:
            size[rack_of[domain.name]] += len(domain.instances)
    for domain in sorted(found.domains, key=lambda domain: -len(domain.instances)):
        if domain.name not in rack_of:
            rack_of[domain.name] = min(names, key=size.__getitem__)
            size[rack_of[domain.name]] += len(domain.instances)
    if sum(map(bool, size.values())) < int(racks):
        raise SharedError(
            f"{racks} racks need {racks} domains apart, and there are {len(found.domains)}",
            "--set racks=N asks for fewer",
        )
    members: dict[str, list[str]] = {}
    for domain in found.domains:
        members.setdefault(rack_of[domain.name], []).extend(domain.instances)
    return replace(
        found,
        instances=tuple(
            replace(one, domain=rack_of[one.domain] if one.domain else None) for one in found.instances
        ),
        domains=tuple(DomainEntry(name, tuple(members[name])) for name in sorted(members)),
    )


def give_racks(
    store: Store,
    form: str,
    found: DomainsDocument,
    racks: str,
    *,
    known: Mapping[str, str] = NOBODY,
    anew: bool = False,
    hold: Callable[[DomainsDocument], object] = silent,
) -> DomainsDocument:
    """Return what `packed` does, and keep for good the racks that instances have by it, under the format.

    `known` are those that instances have already; `anew` forgets what was given before. One gives at a time,
    whoever asks this store. Raises as `packed` does, and as `hold`, which is shown the racks before they are
    kept, and nothing is given then.
    """
    given: list[DomainsDocument] = []

    def give(told: Mapping[str, str]) -> Mapping[str, str]:
        given.append(packed(found, racks, {**told, **known}))
        hold(given[0])
        return {one.id: one.domain for one in given[0].instances if one.domain}

    store.told.settle(found.cluster, form, give, anew=anew)
    return given[0]


def read_racks(path: str) -> dict[str, str]:
    """Read the racks that instances have, a line of id and rack each. Raises `UsageError` naming the file."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{path}: can't be read: {error}") from None
    racks: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        words = line.split()
        if len(words) not in (0, 2):
            raise UsageError(f"{path}: line {number}: an id and a rack are wanted, not {line!r}")
        if words:
            racks[words[0]] = words[1]
    return racks
