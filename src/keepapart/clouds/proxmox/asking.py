"""How a cluster is asked: by any of its nodes, with what it refuses as one of keepapart's own errors.

Proxmox VE says most of what it refuses with status 500 and words; those of `REFUSALS` are its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from keepapart.clouds.once import ExistsError
from keepapart.clouds.rest import Answer, Rest, RestError
from keepapart.errors import CapacityError, CloudError, DeniedError, NotFoundError, RefusedError

NO_ROOM = re.compile(
    r"no space left|not enough (free )?(space|memory)|out of (space|memory)|cannot allocate memory"
    r"|insufficient (free space|memory)|free space .*exceed",
    re.IGNORECASE,
)
REFUSALS: Sequence[tuple[re.Pattern[str], type[CloudError], str]] = (
    (re.compile(r"already exists"), ExistsError, ""),
    (NO_ROOM, CapacityError, ""),
    (
        re.compile(r"non-shared storage|uses local storage"),
        RefusedError,
        "have the template on shared storage, or one of this name on each node",
    ),
    (re.compile(r"no such cluster node"), RefusedError, "look at [cloud] nodes"),
    (re.compile(r"not allowed for linked clones|[Ll]inked clone"), RefusedError, "set [cloud] full = true"),
    (re.compile(r"pool '.*' does not exist"), RefusedError, "look at [cloud] pool"),
    (re.compile(r"storage '.*' (does not exist|does not support)"), RefusedError, "look at [cloud] storage"),
    (re.compile(r"does not exist|no such (VM|CT)"), NotFoundError, ""),
)
DENIED = frozenset({401, 403})
INVALID = 400

T = TypeVar("T")


class Task(Struct):
    """The answer of a call that begins a task: its UPID."""

    data: str


class Progress(Struct):
    """How a task stands."""

    status: str
    exitstatus: str = ""


class Told(Struct):
    """The answer of …/tasks/UPID/status."""

    data: Progress


class Nodes:
    """The nodes of one cluster that may be asked."""

    def __init__(self, asked: Sequence[Rest]) -> None:
        self._asked = asked

    def first(self, call: Callable[[Rest], T]) -> T:
        """Return what the first node says that answers at all."""
        for rest in self._asked[:-1]:
            try:
                return call(rest)
            except RestError as error:
                if error.again is None:  # it did answer
                    raise
        return call(self._asked[-1])

    def change(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str | int] | None = None
    ) -> Answer:
        """Make a call that changes something. Raises what it means where it is refused."""
        try:
            return self.first(lambda rest: rest.ask(method, path, query, body))
        except RestError as error:
            raise meant(error) from error

    def task(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str | int] | None = None
    ) -> str:
        """Begin a task, and return its UPID."""
        answer = self.change(method, path, body, query)
        return self.first(lambda rest: rest.read(answer, Task)).data

    def is_over(self, upid: str) -> bool:
        """Say whether a task has ended well. Raises what it means where it has not."""
        node = upid.split(":")[1]
        told = self.first(lambda rest: rest.get(f"/nodes/{node}/tasks/{upid}/status", Told)).data
        if told.status != "stopped":
            return False
        if told.exitstatus == "OK" or told.exitstatus.startswith("WARNINGS"):
            return True
        raise meant(CloudError(f"Proxmox VE: {kind_of(upid)}: {told.exitstatus}"))

    def close(self) -> None:
        """Close what is open."""
        for rest in self._asked:
            rest.close()


def kind_of(upid: str) -> str:
    """Return what kind of task this is: qmclone, qmstart, …"""
    return upid.split(":")[5]


def meant(error: CloudError) -> CloudError:
    """Return keepapart's error for what Proxmox VE says."""
    status = error.status if isinstance(error, RestError) else 0
    if status in DENIED:
        return DeniedError(error.cause, error.mend)
    for words, kind, mend in REFUSALS:
        if words.search(error.cause):
            return kind(error.cause, mend)
    return RefusedError(error.cause) if status == INVALID else error
