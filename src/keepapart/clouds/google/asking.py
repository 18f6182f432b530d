"""How Compute Engine is asked to change something: it accepts, and an operation tells what came of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from keepapart.clouds.google.reading import Machine, Policy
from keepapart.clouds.once import ExistsError
from keepapart.clouds.refusals import QUOTA, Changing, Row, meant
from keepapart.clouds.rest import Rest, RestError
from keepapart.errors import CapacityError, CloudError, NotFoundError, QuotaError

ROWS: Sequence[Row] = (
    (
        re.compile(r"RESOURCE_POOL_EXHAUSTED|not have enough resources|OPERATION_RATE_EXCEEDED"),
        CapacityError,
        "",
    ),
    (re.compile(r"QUOTA_EXCEEDED|quotaExceeded|Quota '[^']*' exceeded"), QuotaError, QUOTA),
    (re.compile(r"alreadyExists|ALREADY_EXISTS|already exists"), ExistsError, ""),
)
CHANGED = 412  # a fingerprint is not the newest
DONE = "DONE"
PAUSE = 0.5  # seconds between two looks at an operation

T = TypeVar("T")


class Problem(Struct):
    """One of an operation's errors."""

    code: str = ""
    message: str = ""


class Problems(Struct):
    """Why an operation came to nothing."""

    errors: list[Problem] = []


class Operation(Struct, rename="camel"):
    """What is known of a change that was accepted."""

    name: str
    status: str = ""
    error: Problems | None = None
    http_error_status_code: int = 0

    def failure(self) -> CloudError | None:
        """Return why it came to nothing; None where it is going on, or has ended well."""
        if self.error is None:
            return None
        said = "; ".join(f"{each.code}: {' '.join(each.message.split())}" for each in self.error.errors[:2])
        return meant(CloudError(f"Google Cloud: {said}"), ROWS, status=self.http_error_status_code)


class Project:
    """One project, as it is asked for single things and to change them."""

    def __init__(
        self,
        rest: Rest,
        name: str,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._rest, self._sleep, self._clock = rest, sleep, clock
        self._change = Changing(rest, ROWS)

    def change(
        self, method: str, within: str, path: str, body: Any = None, query: Mapping[str, str] | None = None
    ) -> Operation:
        """Have something changed `within` a zone or region. Raises what a refusal means."""
        answer = self._change(method, f"/projects/{self.name}/{within}/{path}", body, query)
        return self._rest.read(answer, Operation)

    def operation(self, within: str, name: str) -> Operation:
        """Tell how an operation stands; one that isn't known any more has ended."""
        try:
            return self._rest.get(f"/projects/{self.name}/{within}/operations/{name}", Operation)
        except RestError as error:
            if error.status == 404:
                return Operation(name, DONE)
            raise

    def done(self, operation: Operation, within: str, seconds: float) -> None:
        """Wait so long for an operation. Raises what it means where it comes to nothing."""
        deadline = self._clock() + seconds
        while operation.status != DONE and self._clock() < deadline:
            self._sleep(PAUSE)
            operation = self.operation(within, operation.name)
        if failure := operation.failure():
            raise failure

    def machine(self, zone: str, name: str) -> Machine | None:
        """Return an instance as it is now; None where there is none."""
        return self._found(f"zones/{zone}/instances/{name}", Machine)

    def policy(self, path: str) -> Policy | None:
        """Return a resource policy; `path` begins with its project."""
        return self._found(path.partition("/")[2], Policy)

    def known(self, instance_id: str) -> Machine:
        """Return an instance. Raises `NotFoundError`."""
        found = self.machine(*parts(instance_id))
        if found is None:
            raise NotFoundError(f"Google Cloud: there is no instance {instance_id}")
        return found

    def _found(self, path: str, kind: type[T]) -> T | None:
        try:
            return self._rest.get(f"/projects/{self.name}/{path}", kind)
        except RestError as error:
            if error.status == 404:
                return None
            raise


def parts(instance_id: str) -> tuple[str, str]:
    """Return the zone and the name of an instance. Raises `NotFoundError` for what is the id of none."""
    if not (found := re.fullmatch(r"([a-z0-9-]+)/([a-z0-9-]+)", instance_id)):
        raise NotFoundError(f"Google Cloud: there is no instance {instance_id}")
    return found[1], found[2]
