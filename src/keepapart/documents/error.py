"""The document of a failure."""

from __future__ import annotations

from keepapart.documents.base import Document, Entry
from keepapart.errors import KeepapartError


class ErrorEntry(Entry, frozen=True):
    """What went wrong: a stable word, the line that people read, and the part of it that says what to do."""

    kind: str
    text: str
    mend: str | None


class ErrorDocument(Document, frozen=True, tag="keepapart.error/1"):
    """Why a command failed. The exit code says the same as without JSON."""

    error: ErrorEntry


def error_document(error: KeepapartError) -> ErrorDocument:
    """Return the document of an error."""
    return ErrorDocument(error_entry(error))


def error_entry(error: KeepapartError) -> ErrorEntry:
    """Return an error as documents have it."""
    return ErrorEntry(error.kind, str(error), error.mend or None)
