"""The documents of `admit`, `replace`, `move` and `gc`: what became of instances."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from keepapart.documents.base import Document, Entry, Reason
from keepapart.documents.error import ErrorEntry
from keepapart.model import Verdict


class BesideEntry(Entry, frozen=True):
    """Two members that share a host (`verdict` is "co-resident"), or may ("unknown")."""

    a: str
    b: str
    verdict: Verdict


class AdmitDocument(Document, frozen=True, tag="keepapart.admit/1"):
    """What became of an admission: ids let in, turned down, released and left there, and what it took.

    `code` is the exit code, `error` what failed, where something did. `not_apart`, where there are any, are
    members beside each other, since one of them was to go and didn't.
    """

    admitted: tuple[str, ...]
    rejected: tuple[Reason, ...]
    released: tuple[str, ...]
    left: tuple[Reason, ...]
    attempts: int
    seconds: float
    code: int
    error: ErrorEntry | None
    not_apart: tuple[BesideEntry, ...] | UnsetType = UNSET


class MoveDocument(Document, frozen=True, tag="keepapart.move/1"):
    """What became of a move: members moved, not moved (they run) and down (they don't), and what it took.

    `released` and `left` are throwaways that held slots. `stops` is how often a member was stopped, `code`
    the exit code, `error` what failed, where something did.
    """

    moved: tuple[str, ...]
    unmoved: tuple[Reason, ...]
    down: tuple[Reason, ...]
    released: tuple[str, ...]
    left: tuple[Reason, ...]
    stops: int
    seconds: float
    code: int
    error: ErrorEntry | None


class PlanDocument(Document, frozen=True, tag="keepapart.plan/1"):
    """What an admission or a move would do now, step by step in words."""

    members: tuple[str, ...]
    steps: tuple[str, ...]


class GcDocument(Document, frozen=True, tag="keepapart.gc/1"):
    """What interrupted runs left behind, what of it was released, and what is still there.

    `started` are members that a move had stopped.
    """

    cluster: str
    found: tuple[Reason, ...]
    released: tuple[str, ...]
    started: tuple[str, ...]
    left: tuple[Reason, ...]
    dry_run: bool
    code: int
    error: ErrorEntry | None
