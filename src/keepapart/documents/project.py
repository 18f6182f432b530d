"""The document of `audit --stated --each`: a whole project, group by group."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from keepapart.documents.audit import FactsDifferEntry, HostEntry, VerdictCounts
from keepapart.documents.base import Document, Entry


class GroupEntry(Entry, frozen=True, kw_only=True):
    """One group, judged by itself: its verdicts, and the hosts that more than one of it is on.

    `most` is how many one host may take, known or not; `survives_any_host` whether the cluster's quorum
    outlives that, null where unknown pairs leave it open. `down` are the ids of those that don't run, and
    `quorate` says whether a majority runs.
    """

    name: str
    instances: tuple[str, ...]
    verdicts: VerdictCounts
    shared: tuple[HostEntry, ...]
    survives_any_host: bool | None
    most: int
    down: tuple[str, ...] | UnsetType = UNSET
    quorate: bool | UnsetType = UNSET


class GroupsDocument(Document, frozen=True, kw_only=True, tag="keepapart.groups/1"):
    """All groups of a project, what is worst first.

    `by` is what they are made by: "group", "tag" or "tag:KEY"; `ungrouped` is how many of the `instances` are
    in none.
    """

    project: str
    at: str
    by: str
    instances: int
    ungrouped: int
    groups: tuple[GroupEntry, ...]
    facts_differ: tuple[FactsDifferEntry, ...]
