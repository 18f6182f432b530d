"""How OCI is asked for single instances and to change them, and what its refusals mean.

No room is HTTP's 500, as an internal error with these words; it may also show later, in a work request.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from msgspec import Struct

from keepapart.clouds.oci.reading import Machine, pages
from keepapart.clouds.refusals import QUOTA, Changing, Row, meant
from keepapart.clouds.rest import Answer, Rest, RestError, permitted
from keepapart.errors import CapacityError, CloudError, NotFoundError, QuotaError

WORK = "opc-work-request-id"
ENDED = frozenset({"SUCCEEDED", "FAILED", "CANCELED"})
PAUSE = 2.0  # seconds between two looks at a work request
ROWS: Sequence[Row] = (
    (
        re.compile(r"out of (host )?capacity|OutOfHostCapacity|OutOfCapacity", re.IGNORECASE),
        CapacityError,
        "",
    ),
    (re.compile(r"LimitExceeded|QuotaExceeded"), QuotaError, QUOTA),
    (re.compile(r"IncorrectState|ConflictingOperation|currently being modified|\(409\)"), CloudError, ""),
)


class Work(Struct):
    """A work request."""

    id: str
    status: str


class Problem(Struct):
    """Why a work request failed."""

    code: str = ""
    message: str = ""


class Known(NamedTuple):
    """An instance, and the mark by which OCI knows that it is as it was read."""

    machine: Machine
    etag: str


class Compute:
    """The compute API of one region, as it is asked for single things and to change them."""

    def __init__(
        self,
        rest: Rest,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rest, self._sleep, self._clock = rest, sleep, clock
        self.change = Changing(rest, ROWS)

    def known(self, instance_id: str) -> Known:
        """Return an instance as it is now. Raises `NotFoundError`."""
        if not re.fullmatch(r"[\w.:-]+", instance_id):
            raise NotFoundError(f"OCI: there is no instance {instance_id}")
        try:
            answer = self.rest.ask("GET", f"/instances/{instance_id}")
        except RestError as error:
            if error.status == 404:
                raise NotFoundError(error.cause) from error
            raise
        return Known(self.rest.read(answer, Machine), answer.headers.get("etag", ""))

    def done(self, answer: Answer, seconds: float) -> None:
        """Wait so long for what was accepted. Raises what it means where it comes to nothing."""
        work = answer.headers.get(WORK, "")
        deadline = self._clock() + seconds
        while work and self._clock() < deadline:
            found = permitted(partial(self.rest.get, f"/workRequests/{work}", Work))
            if found is None or found.status in ENDED:
                if found and found.status == "FAILED":
                    raise self._why([found])
                return
            self._sleep(PAUSE)

    def failure_of(self, machine: Machine) -> CloudError:
        """Return why an instance was ended while it was made, as its work requests tell."""
        asked = {"compartmentId": machine.compartment_id, "resourceId": machine.id}
        return self._why(permitted(lambda: pages(self.rest, "/workRequests", Work, **asked)) or [])

    def _why(self, works: Sequence[Work]) -> CloudError:
        said = [
            f"{each.code}: {' '.join(each.message.split())[:300]}"
            for work in works
            if work.status == "FAILED"
            for each in permitted(partial(pages, self.rest, f"/workRequests/{work.id}/errors", Problem)) or ()
        ]
        return meant(CloudError(f"OCI: {said[0] if said else 'it was ended while it was made'}"), ROWS)
