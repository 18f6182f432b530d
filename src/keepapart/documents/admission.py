"""The documents of `admit`, `replace` and `gc`: what became of instances."""

from __future__ import annotations

from keepapart.documents.base import Document, Reason


class AdmitDocument(Document, frozen=True, tag="keepapart.admit/1"):
    """What became of an admission: ids let in, turned down and released, and what it took."""

    admitted: tuple[str, ...]
    rejected: tuple[Reason, ...]
    released: tuple[str, ...]
    attempts: int
    seconds: float


class PlanDocument(Document, frozen=True, tag="keepapart.plan/1"):
    """What an admission would do now, step by step in words."""

    members: tuple[str, ...]
    steps: tuple[str, ...]


class GcDocument(Document, frozen=True, tag="keepapart.gc/1"):
    """What interrupted admissions left behind, what of it was released, and what is still there."""

    cluster: str
    found: tuple[Reason, ...]
    released: tuple[str, ...]
    left: tuple[Reason, ...]
    dry_run: bool
