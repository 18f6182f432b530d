"""What a platform's refusal means: an answer's status and words as one of keepapart's own errors.

A platform gives a table of the words that it has for each; the first row that fits decides. Rules:
1. What fits no row is what its status says: 404 and 410 of a call that names an instance are "not found", 401
   and 403 are denied, any other 4xx but those that pass is refused for good.
2. A quota is not room: no wait frees it, but what the operator releases. A higher one is the mend.
3. What says neither, such as a 5xx or a broken connection, stays as it is: it isn't known what came of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keepapart.clouds.rest import PASSING, Answer, Rest, RestError
from keepapart.errors import CapacityError, CloudError, DeniedError, NotFoundError, RefusedError

QUOTA = "ask for a higher quota, or release instances"
GONE = frozenset({404, 410})
DENIED = frozenset({401, 403})
TOO_MANY = frozenset({403, 429})  # the first is Google's limit of calls: else it is denied

Row = tuple[re.Pattern[str], Callable[[str, str], CloudError], str]


def meant(error: CloudError, rows: Sequence[Row], *, status: int | None = None) -> CloudError:
    """Return keepapart's error for what a platform says; `status` is HTTP's, where the error has none."""
    for words, kind, mend in rows:
        if words.search(error.cause):
            return kind(error.cause, mend or error.mend)
    status = error.status if isinstance(error, RestError) else status or 0
    if status in GONE:
        return NotFoundError(error.cause)
    passing = isinstance(error, RestError) and error.again is not None  # Google's limit of calls is a 403
    if status in DENIED and not passing:
        return DeniedError(error.cause, error.mend)
    if 400 <= status < 500 and status not in PASSING and not passing:
        return RefusedError(error.cause, error.mend)
    return error


class Changing:
    """An API as it is asked to change something: each refusal is raised as what it means."""

    def __init__(self, rest: Rest, rows: Sequence[Row]) -> None:
        self._rest, self._rows = rest, rows

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make the call, once."""
        try:
            return self._rest.ask(method, path, query, body, headers)
        except RestError as error:
            raise meant(error, self._rows) from error


def of_launch(error: CloudError) -> CloudError:
    """Return what the refusal of a launch means: what it names may be missing, and no instance is.

    Too many calls are no refusal: nothing was launched, and later there may be room.
    """
    if isinstance(error, NotFoundError):
        return RefusedError(error.cause, error.mend)
    if isinstance(error, RestError) and error.status in TOO_MANY:
        return CapacityError(error.cause, error.mend)
    return error
