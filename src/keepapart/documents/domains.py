"""The document of `export json`: the map of fault domains that templates read."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from keepapart.documents.base import Document, Entry, Reason
from keepapart.model import Choice, MapLevel


class PlacedEntry(Entry, frozen=True, kw_only=True):
    """An instance and its domain, null where it is left out; `host`, `rack` and so on are as in an audit."""

    id: str
    address: str
    domain: str | None
    host: str | None
    rack: str | None
    pod: str | None
    site: str | None
    zone: str | None


class DomainEntry(Entry, frozen=True):
    """A domain and the ids of the instances in it."""

    name: str
    instances: tuple[str, ...]


class DomainsDocument(Document, frozen=True, kw_only=True, tag="keepapart.domains/1"):
    """A cluster's domains at one level, as of the audit of `at`: instances in two of them are separate.

    `unknown` is what was chosen for unknown pairs, of which there were `unknown_pairs`; only where it is
    "apart" does anything rest on it that no verdict says. `left_out` are the instances that have no domain.
    """

    cluster: str
    at: str
    level: MapLevel
    unknown: Choice
    unknown_pairs: Annotated[int, Meta(ge=0)]
    instances: tuple[PlacedEntry, ...]
    domains: tuple[DomainEntry, ...]
    left_out: tuple[Reason, ...]
