"""How the Resource Manager is asked for single machines and to change them, and what its refusals mean."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from msgspec import Struct

from keepapart.clouds.azure.reading import COMPUTE, Group, Machine, codes
from keepapart.clouds.once import ExistsError
from keepapart.clouds.refusals import QUOTA, Changing, Row, meant
from keepapart.clouds.rest import Answer, Rest, RestError, permitted
from keepapart.errors import CapacityError, CloudError, NotFoundError, QuotaError

TAGS = "2021-04-01"  # version of the API that sets them
ASYNC = "Azure-AsyncOperation"
PAUSE = 2.0  # seconds between two looks at what was accepted
PART = re.compile(r"[\w.()-]+")  # of an id

ROWS: Sequence[Row] = (
    (
        re.compile(r"QuotaExceeded|exceeding \w* ?(approved|quota)|quota limit", re.IGNORECASE),
        QuotaError,
        QUOTA,
    ),
    (re.compile(r"AllocationFailed|Overconstrained\w*AllocationRequest|SkuNotAvailable"), CapacityError, ""),
    (re.compile(r"PreconditionFailed|\(412\)"), ExistsError, ""),
    (
        re.compile(r"AnotherOperationInProgress|RetryableError|OperationPreempted|CanceledDueTo"),
        CloudError,
        "",
    ),
)

T = TypeVar("T")


class Problem(Struct):
    """Why something came to nothing."""

    code: str = ""
    message: str = ""


class Progress(Struct):
    """How what was accepted stands."""

    status: str
    error: Problem | None = None


class Subscription:
    """One subscription, as it is asked for single things and to change them."""

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

    def compute(self, group: str, kind: str, name: str) -> str:
        """Return the id of a resource of Microsoft.Compute's in a resource group."""
        within = f"/subscriptions/{self.name}/resourceGroups/{group}"
        return f"{within}/providers/Microsoft.Compute/{kind}/{name}"

    def path(self, instance_id: str) -> str:
        """Return the whole id of a machine. Raises `NotFoundError` for what is the id of none."""
        parts = instance_id.split("/")
        if not all(map(PART.fullmatch, parts)) or len(parts) not in (2, 3):
            raise NotFoundError(f"Azure: there is no machine {instance_id}")
        if len(parts) == 2:
            return self.compute(parts[0], "virtualMachines", parts[1])
        return f"{self.compute(parts[0], 'virtualMachineScaleSets', parts[1])}/virtualMachines/{parts[2]}"

    def machine(self, path: str) -> Machine | None:
        """Return a machine with what it is doing; None where there is none."""
        return self._found(path, Machine, {"$expand": "instanceView"})

    def group(self, path: str) -> Group | None:
        """Return an availability set or a scale set; None where there is none."""
        return self._found(path, Group, {})

    def change(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        version: str = COMPUTE,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Have something changed. Raises what a refusal means."""
        return self._change(method, path, body, {"api-version": version}, headers)

    def done(self, answer: Answer, seconds: float) -> None:
        """Wait so long for what was accepted. Raises what it means where it comes to nothing."""
        link = answer.headers.get(ASYNC, "")
        deadline = self._clock() + seconds
        while link:
            progress = permitted(partial(self._rest.get, link, Progress))
            if progress is None:
                return
            if progress.status in ("Failed", "Canceled"):
                raise _failure(progress.error or Problem(progress.status))
            if progress.status == "Succeeded" or self._clock() >= deadline:
                return
            self._sleep(PAUSE)

    def _found(self, path: str, kind: type[T], query: Mapping[str, str]) -> T | None:
        try:
            return self._rest.get(path, kind, {"api-version": COMPUTE, **query})
        except RestError as error:
            if error.status == 404:
                return None
            raise


def failure_of(machine: Machine) -> CloudError | None:
    """Return why a machine couldn't be made; None where it could, or runs all the same."""
    view = machine.properties.instance_view
    if machine.properties.provisioning_state.lower() != "failed" or view is None:
        return None
    if codes(view).get("powerstate") == "running":
        return None
    for each in view.statuses:
        kind, _, word = each.code.partition("/")
        state, _, reason = word.partition("/")
        if (kind.lower(), state.lower()) == ("provisioningstate", "failed"):
            return _failure(Problem(reason, each.message or ""))
    return None


def _failure(problem: Problem) -> CloudError:
    said = ": ".join(filter(None, (problem.code, " ".join(problem.message.split())[:300])))
    return meant(CloudError(f"Azure: {said}"), ROWS)
