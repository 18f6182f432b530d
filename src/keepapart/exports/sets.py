"""Sets that must not lose too many at once, of systems without a notion of racks: which lie on one domain.

=========  =================================================================================
etcd       all members are one set; more than half must live
redis      a master with its replicas is a set, of which one must live; the masters are another, of which more
           than half must live to choose a replica
mongodb    each shard's members, and the config servers, are a set; more than half must live
=========  =================================================================================

Sets are read as their systems list them, or as lines of `NAME: MEMBER MEMBER …`. A member is an instance by
its id, its address, or its host name; ports don't count.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from keepapart.documents.domains import DomainsDocument
from keepapart.domains.risk import majority
from keepapart.errors import UsageError
from keepapart.exports.format import Format
from keepapart.exports.row import Row


@dataclass(frozen=True, slots=True)
class MemberSet:
    """A set of a system's: its name, its members as the system names them, and how many must live."""

    name: str
    members: Sequence[str]
    need: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What the worst domain takes of a set: `lost` are its members in `domain`, or of no known one."""

    of: MemberSet
    domain: str
    lost: Sequence[str]

    @property
    def survives(self) -> bool:
        """Whether the set lives on without that domain."""
        return len(self.of.members) - len(self.lost) >= self.of.need


def findings(found: DomainsDocument, sets: Sequence[MemberSet]) -> Iterator[Finding]:
    """Yield what the worst domain takes of each set. Raises `UsageError` for a member that is no instance."""
    instances = {name: one for one in found.instances for name in (one.id, one.address) if name}
    for each in sets:
        by_domain: dict[str, list[str]] = {}
        anywhere: list[str] = []
        for member in each.members:
            one = next((instances[name] for name in _spellings(member) if name in instances), None)
            if one is None:
                raise UsageError(f"{each.name}: {member!r} is no instance", "--rename-id tells the name")
            (by_domain.setdefault(one.domain, []) if one.domain else anywhere).append(one.id)
        name, lost = max(by_domain.items(), key=lambda item: len(item[1]), default=("any domain", []))
        yield Finding(each, name, [*lost, *anywhere])


def read_sets(text: str) -> list[MemberSet]:
    """Read what `redis-cli cluster nodes` or listShards says, or lines. Raises `UsageError`."""
    if text.lstrip().startswith("{"):
        return list(_shards(text))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if lines and all(re.match(r"[0-9a-f]{40}( \S+){3}", line) for line in lines):
        return list(_redis(lines))
    return [_line(number, line) for number, line in enumerate(lines, 1)]


def _line(number: int, line: str) -> MemberSet:
    name, colon, members = line.partition(": ")
    if not (name and colon and members.split()):
        raise UsageError(f"line {number} of the sets: NAME: MEMBER MEMBER … is wanted, not {line!r}")
    return MemberSet(name, members.split(), majority(len(members.split())))


def _redis(lines: Sequence[str]) -> Iterator[MemberSet]:
    """Yield a set for each master of `CLUSTER NODES`: id, address, flags, master's id, …"""
    nodes = [line.split() for line in lines]
    alive = [words for words in nodes if not {"fail", "handshake", "noaddr"} & set(words[2].split(","))]
    address = {words[0]: words[1].partition("@")[0] for words in alive}
    masters = [words[0] for words in alive if "master" in words[2].split(",")]
    for master in masters:
        replicas = [address[words[0]] for words in alive if words[3] == master]
        yield MemberSet(f"master {address[master]}", [address[master], *replicas], 1)
    if masters:
        of = [address[master] for master in masters]
        yield MemberSet("masters", of, majority(len(of)))


def _shards(text: str) -> Iterator[MemberSet]:
    """Yield a set for each shard of `listShards`: "host" is NAME/HOST:PORT,HOST:PORT."""
    try:
        shards = json.loads(text)["shards"]
        hosts = [(str(shard["_id"]), str(shard["host"]).partition("/")[2].split(",")) for shard in shards]
    except (ValueError, KeyError, TypeError):
        wanted = "`shards`, each with `_id` and `host`"
        raise UsageError(f"the sets are no answer of listShards: {wanted}, is wanted") from None
    for name, members in hosts:
        yield MemberSet(f"shard {name}", members, majority(len(members)))


def _spellings(member: str) -> tuple[str, ...]:
    """Return what the member may be called as an instance: as it is, without its port, by its short name."""
    bare = member.rpartition(":")[0].strip("[]") if ":" in member else member
    return member.strip("[]"), bare, bare.partition(".")[0]


def report(found: DomainsDocument, sets: Sequence[MemberSet] = ()) -> tuple[str, bool]:
    """Return a table of the sets, those that don't survive first, and whether all do.

    Without `sets` all instances are one, of which more than half must live.
    """
    ids = [one.id for one in found.instances]
    told = list(findings(found, sets or [MemberSet(found.cluster, ids, majority(len(ids)))]))
    lines = [f"{_line_of(each)}\n" for each in sorted(told, key=lambda each: each.survives)]
    return "".join(lines), all(each.survives for each in told)


def _line_of(each: Finding) -> str:
    mark = "survives" if each.survives else "LOST"
    return (
        f"{mark:8}  {each.of.name}: {each.domain} takes {len(each.lost)} of {len(each.of.members)}"
        f" ({', '.join(each.lost)}); {each.of.need} must live"
    )


FORMATS = (
    Format(
        "sets",
        Row(
            title="etcd, Redis, MongoDB: which quorum or shard one domain takes (--sets FILE); 1 if any",
            also=("etcd", "redis", "mongodb-sets"),
            file="sets.txt",
            no_value="it may be on any host, with any of its set",
            apply="--sets takes the output of `redis-cli cluster nodes`, of listShards as JSON, or lines of"
            " NAME: MEMBER …; without it, all instances are one set, as in etcd",
            later="run it again",
        ),
        lambda found, _: {"": report(found)[0]},
    ),
)
