"""What every JSON document is made of."""

from __future__ import annotations

import json
from typing import Annotated, Any

from msgspec import Meta, Struct, to_builtins

from keepapart.model import Strength

StrengthLabel = Annotated[str, Meta(extra_json_schema={"enum": [strength.label for strength in Strength]})]


class Document(Struct, frozen=True, tag_field="schema"):
    """Base of every document: its tag, the first key, names its kind and version."""


class Entry(Struct, frozen=True):
    """Base of every object within a document."""


class Reason(Entry, frozen=True):
    """An instance, and why it is listed here."""

    id: str
    because: str


def plain(document: Document) -> dict[str, Any]:
    """Return a document as dictionaries, tuples, texts and numbers, ready for JSON."""
    found: dict[str, Any] = to_builtins(document)
    return found


def text(document: Document, *, escaped: bool = False) -> str:
    """Return a document as JSON on one line; `escaped` in ASCII."""
    written = json.dumps(plain(document), ensure_ascii=escaped)
    return written.encode("utf-8", "backslashreplace").decode()  # a name that is no UTF-8: as JSON escapes it


def yaml(document: Document) -> str:
    """Return a document as YAML."""
    from yaml import SafeDumper, dump

    written: str = dump(json.loads(text(document)), Dumper=SafeDumper, sort_keys=False, allow_unicode=True)
    return written
