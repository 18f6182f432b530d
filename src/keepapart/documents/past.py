"""The documents of `history` and `explain`: what kept audits said."""

from __future__ import annotations

from keepapart.documents.audit import EvidenceEntry, FactsDifferEntry, NetworkEntry, VerdictCounts
from keepapart.documents.base import Document, Entry, StrengthLabel
from keepapart.documents.changes import MoveEntry
from keepapart.model import Verdict


class HistoryEntry(Entry, frozen=True):
    """One kept audit, summed up; `moved` are the ids of those that moved since, and `moves` says where.

    `facts_differ` is what has come to differ since, as in the audit. Only audits of the whole cluster say so.
    """

    number: int
    at: str
    verb: str
    members: int
    reached: int
    hosts: int
    verdicts: VerdictCounts
    moved: tuple[str, ...]
    moves: tuple[MoveEntry, ...]
    facts_differ: tuple[FactsDifferEntry, ...]


class HistoryDocument(Document, frozen=True, tag="keepapart.history/1"):
    """The kept audits of a cluster, newest first."""

    cluster: str
    audits: tuple[HistoryEntry, ...]


class SayingEntry(Entry, frozen=True):
    """What one kept audit said of a pair, and the network that it was judged in."""

    number: int
    at: str
    verb: str
    verdict: Verdict
    strength: StrengthLabel | None
    because: str
    evidence: tuple[EvidenceEntry, ...]
    network: NetworkEntry


class ExplainDocument(Document, frozen=True, tag="keepapart.explain/1"):
    """What the kept audits said of a pair, newest first."""

    a: str
    b: str
    said: tuple[SayingEntry, ...]
