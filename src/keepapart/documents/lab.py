"""The document of `lab ls` and `lab truth`."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from keepapart.documents.base import Document, Entry


class LabInstanceEntry(Entry, frozen=True):
    """An instance of the lab; only `lab truth` has the host, rack and pod that the lab gave it."""

    id: str
    address: str | None
    state: str
    health: str
    cluster: str | None
    host: str | UnsetType | None = UNSET
    rack: str | UnsetType | None = UNSET
    pod: str | UnsetType | None = UNSET


class LabDocument(Document, frozen=True, tag="keepapart.lab/1"):
    """The instances of a running lab; `kind` says whether its packets are real ("netns") or simulated."""

    lab: str
    kind: str
    instances: tuple[LabInstanceEntry, ...]
