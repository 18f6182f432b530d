"""The documents that `watch` answers with, and the news that it tells."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from keepapart.documents.base import Document

Kind = Literal[
    "joined",
    "left",
    "started",
    "stopped",
    "moved",
    "shared",
    "separate",
    "unknown",
    "facts-differ",
    "facts-agree",
]


class NewsDocument(
    Document,
    frozen=True,
    kw_only=True,
    tag="keepapart.news/1",
    rename={"came_from": "from", "went_to": "to", "mates": "with"},
):
    """What is new of one member, in words too.

    `with` are those on its host, `from` and `to` are hosts by name; of a `fact` that differs they are what is
    stated, and what is measured, or stated by whom weighs more.
    """

    cluster: str
    at: str
    kind: Kind
    id: str
    text: str
    came_from: str | UnsetType = UNSET
    went_to: str | UnsetType = UNSET
    mates: tuple[str, ...] | UnsetType = UNSET
    fact: str | UnsetType = UNSET


class SurvivesDocument(Document, frozen=True, kw_only=True, tag="keepapart.survives/1"):
    """Whether the cluster survives the loss of any one host; null where that isn't known, or not any more.

    `at` is when it was last audited, null where it never was since the watch began.
    """

    cluster: str
    at: str | None
    survives: bool | None
    because: str


class WatchDocument(Document, frozen=True, kw_only=True, tag="keepapart.watch/1"):
    """How the watch of a cluster goes: `at` is that of the last audit that succeeded, `next` of the next one.

    `survives` is as `keepapart.survives/1` has it; `outcome` is of the last audit, `failures` how many have
    failed since, and `because` why.
    """

    cluster: str
    auditing: bool
    at: str | None
    next: str | None
    survives: bool | None
    outcome: str | None
    failures: int
    because: str | None
