"""Google Cloud, behind the protocol of every cloud.

Rules:
1. The client chooses the identity (`once`, IDENTITY): the name follows from the token, and a zone has it only
   once. The call carries an id as well, by which Google knows one that is repeated.
2. Google accepts first: a launch is settled once its instance has a place (STAGING), or its operation failed.
   A call that is made again after that has another id, since Google would answer with the same failure.
3. What a failed operation has left is deleted before the failure is said.
4. Start, stop and terminate may be repeated. A start is waited for, since it may find no room.
5. The disk is made with the instance, and goes with it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import NoReturn

from keepapart.clouds import LaunchRequest
from keepapart.clouds.fault_domains import ChoosingCloud
from keepapart.clouds.google import request as said
from keepapart.clouds.google.asking import CHANGED, DONE, Project, parts
from keepapart.clouds.google.placing import SpreadPolicies
from keepapart.clouds.google.reading import TAGS, listed, machines, path, read
from keepapart.clouds.google.request import DOMAIN, POLICY
from keepapart.clouds.google.settings import Settings
from keepapart.clouds.once import Kind, Namesake, carries, launched, name_of
from keepapart.clouds.refusals import of_launch
from keepapart.clouds.rest import Rest, RestError
from keepapart.clouds.user_data import UserData
from keepapart.errors import (
    CapacityError,
    CloudError,
    ConfigError,
    NotFoundError,
    RefusedError,
    UnsettledError,
)
from keepapart.model import Instance

WITHOUT_PLACE = frozenset({"PENDING", "PROVISIONING"})
STARTED_WITHIN = 90.0  # seconds until it is known whether there is room
CHANGED_WITHIN = 30.0  # seconds for labels, policies and scheduling
READINGS = 4  # of labels that somebody else changes meanwhile


class GoogleCloud(ChoosingCloud):
    """The instances of one project; see `clouds.Cloud`, `Chooser`, `Placer`, `Located`, `Booting`."""

    user_data = UserData(262_144, text=True)

    def __init__(
        self,
        rest: Rest,
        project: str,
        settings: Settings,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__("google", settings, partial(read, rest, project), rest.close)
        self._rest, self._chosen = rest, settings
        self._project = Project(rest, project, sleep, clock)
        self._policies = SpreadPolicies(self._project, settings.spread_policy)
        self._placed: dict[str, Mapping[str, str]] = {}  # by id: where it is to start
        self._making: dict[str, str] = {}  # by token: the operation that makes its instance
        self._failed: dict[str, CloudError] = {}  # by token: why its operation came to nothing
        self._nothing: Counter[str] = Counter()  # by token: how many did

    def launch(self, request: LaunchRequest) -> Instance:
        """Launch one instance, or return the one that this token launched before, by rules 1 to 3."""
        if not request.parameters:
            request = replace(request, parameters=self.parameters(request.tags))
        zone, name = request.parameters["zone"], name_of(request.token)
        self._see(request)
        launched(
            Kind.IDENTITY,
            request,
            lambda: self._namesakes(zone, name, request),
            lambda: self._sent(zone, request),
        )
        self._see(request)
        machine = self._project.machine(zone, name)
        if machine is None and request.token not in self._making:
            self._nothing[request.token] += 1  # it was made, and is gone again
        if machine is None or machine.status in WITHOUT_PLACE:
            raise UnsettledError(f"google: {name} is being made")
        return self._shown(listed(machine, self._project.name, {}))

    def start(self, instance_id: str) -> None:
        """Start a stopped instance; it may land on another host."""
        try:
            self._acted("POST", instance_id, "/start", STARTED_WITHIN)
        except CapacityError as error:
            raise self._policies.refused(error, self._placed.get(instance_id, {})) from error.__cause__

    def stop(self, instance_id: str) -> None:
        """Stop an instance: it keeps its disks and loses its host."""
        self._acted("POST", instance_id, "/stop")

    def terminate(self, instance_id: str) -> None:
        """End an instance for good, with its disk."""
        self._acted("DELETE", instance_id)

    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        """Set these labels, leaving others as they are."""
        new = said.labels(tags)
        for left in reversed(range(READINGS)):
            machine = self._project.known(instance_id)
            body = {"labels": {**machine.labels, **new}, "labelFingerprint": machine.label_fingerprint}
            try:
                self._acted("POST", instance_id, "/setLabels", CHANGED_WITHIN, body)
            except CloudError as error:
                stale = isinstance(error.__cause__, RestError) and error.__cause__.status == CHANGED
                if not (stale and left):
                    raise
            else:
                return

    def placement(
        self, instance_id: str, tags: Mapping[str, str], host: str = "", *, make: bool = True
    ) -> Mapping[str, str]:
        """Decide on the availability domain of a member that is to start."""
        if host:
            raise RefusedError(f"{host!r} can't be chosen: Google Cloud takes no host by name")
        machine = self._project.known(instance_id)
        there = machines(self._rest, self._project.name)
        try:
            return self._policies.of_member(tags, machine, there, self._members(tags), make=make)
        except ConfigError as error:  # a member that was stopped for it has to start all the same
            raise CloudError(error.cause, error.mend) from error

    def place(self, instance_id: str, parameters: Mapping[str, str]) -> None:
        """Have a stopped instance start in this domain, once it has the policy."""
        machine = self._project.known(instance_id)
        if path(parameters[POLICY]) not in map(path, machine.resource_policies):
            body = {"resourcePolicies": [parameters[POLICY]]}
            self._acted("POST", instance_id, "/addResourcePolicies", CHANGED_WITHIN, body)
        scheduling = {**machine.scheduling, "availabilityDomain": int(parameters[DOMAIN])}
        self._acted("POST", instance_id, "/setScheduling", CHANGED_WITHIN, scheduling)
        self._placed[instance_id] = parameters

    def where(self) -> Mapping[str, str]:
        """Tell the project."""
        return {"project": self._project.name}

    def _parameters(self, tags: Mapping[str, str], *, make: bool) -> dict[str, str]:
        chosen = said.parameters(self._chosen, tags)
        if not self._chosen.spread_policy:
            return chosen
        there = machines(self._rest, self._project.name)
        policy = self._policies.of_launch(tags, chosen["zone"], there, self._members(tags), make=make)
        return {**chosen, **policy}

    def _namesakes(self, zone: str, name: str, request: LaunchRequest) -> list[Namesake]:
        machine = self._project.machine(zone, name)
        return [Namesake(machine.id, carries(TAGS.of_labels(machine.labels), request))] if machine else []

    def _sent(self, zone: str, request: LaunchRequest) -> str:
        query = {"requestId": said.request_id(request.token, self._nothing[request.token])}
        try:
            operation = self._project.change("POST", f"zones/{zone}", "instances", said.call(request), query)
        except CloudError as error:
            raise of_launch(self._policies.refused(error, request.parameters)) from error
        self._making[request.token] = operation.name
        return f"{zone}/{name_of(request.token)}"

    def _see(self, request: LaunchRequest) -> None:
        """See what became of the operation that a launch has begun, by rules 2 and 3."""
        token, within = request.token, f"zones/{request.parameters['zone']}"
        if token in self._failed:
            self._cleared(request)
        if name := self._making.get(token):
            operation = self._project.operation(within, name)
            if failure := operation.failure():
                del self._making[token]
                self._failed[token] = failure
                self._nothing[token] += 1
                self._cleared(request)
            if operation.status == DONE:
                del self._making[token]

    def _cleared(self, request: LaunchRequest) -> NoReturn:
        """Delete what a failed operation has left, and say the failure once nothing is left."""
        zone, name = request.parameters["zone"], name_of(request.token)
        machine = self._project.machine(zone, name)
        if machine and carries(TAGS.of_labels(machine.labels), request):
            with suppress(NotFoundError):
                self.terminate(machine.id)
            raise UnsettledError(f"google: {name} couldn't be made, and is being deleted")
        failure = self._failed.pop(request.token)
        raise self._policies.refused(failure, request.parameters)

    def _acted(
        self, method: str, instance_id: str, what: str = "", seconds: float = 0.0, body: object = None
    ) -> None:
        """Have an instance changed, and wait so long for what comes of it."""
        zone, name = parts(instance_id)
        operation = self._project.change(method, f"zones/{zone}", f"instances/{name}{what}", body)
        self._project.done(operation, f"zones/{zone}", seconds)
