"""Where instances are, as it is drawn: hosts in racks, racks in pods, and what is in none. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from keepapart.auditing.assessment import Assessment
from keepapart.domains.fault_domains import Domain
from keepapart.model import many


@dataclass(frozen=True, slots=True)
class Branch:
    """A fault domain as it is drawn, or what is in none that is known of its level: `name` is None then.

    `inner` are the places of the level below; `hosts` all hosts in it, a host itself for one.
    """

    level: str
    name: str | None
    hosts: Sequence[Domain]
    inner: Sequence[Branch] = ()

    @property
    def title(self) -> str:
        """Its name, or that none is known."""
        return self.name or f"no {self.level} known"

    @property
    def holds(self) -> str:
        """What it holds, counted: "2 racks, 4 hosts, 5 members"."""
        counted = [many(len(self.inner), place.level) for place in self.inner[:1] if place.level != "host"]
        members = sum(len(host.members) for host in self.hosts)
        return ", ".join([*counted, many(len(self.hosts), "host"), many(members, "member")])


def places(audit: Assessment) -> list[Branch]:
    """Nest all hosts in racks, racks in pods and so on; what is in none comes last, level by level."""
    at = audit.domains.at
    found = [Branch("host", host.name, [host]) for host in at["host"]]
    rest: list[Branch] = []
    for level in list(at)[1:] or ["rack"]:
        made = at.get(level, ())
        inside = {part for domain in made for part in domain.parts}
        if left := [place for number, place in enumerate(found) if number not in inside]:
            rest.insert(0, _holding(level, None, left))
        found = [_holding(level, domain.name, [found[part] for part in domain.parts]) for domain in made]
    return found + rest


def _holding(level: str, name: str | None, inner: Sequence[Branch]) -> Branch:
    return Branch(level, name, [host for place in inner for host in place.hosts], inner)


def unplaced(audit: Assessment) -> list[int]:
    """List the instances that run and that no verdict places on a host, by index."""
    there, gone = audit.domains.of("host"), set(audit.domains.down)
    return [i for i, host in enumerate(there) if host is None and i not in gone]
