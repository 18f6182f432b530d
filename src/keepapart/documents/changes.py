"""What changed between two audits, as documents have it."""

from __future__ import annotations

from keepapart.documents.base import Entry


class MoveEntry(Entry, frozen=True, rename={"came_from": "from", "went_to": "to"}):
    """A member that is on another host than where it was last known to be, and the names of both."""

    id: str
    came_from: str
    went_to: str


class ChangesEntry(Entry, frozen=True):
    """What changed since the audit of the whole cluster that was made at `since`.

    Ids, but for `moved`; `verdicts` is how many more pairs there are of each verdict, negative where fewer.
    """

    since: str
    moved: tuple[MoveEntry, ...]
    joined: tuple[str, ...]
    left: tuple[str, ...]
    stopped: tuple[str, ...]
    started: tuple[str, ...]
    verdicts: dict[str, int]
