"""OCI, behind the protocol of every cloud.

Rules:
1. The call carries the token (`once`, TOKEN), which OCI remembers for a day; the instance has the token's
   name too, by which it is found again after that, and by another process.
2. OCI accepts first: a launch is settled once the instance is made, or has ended instead. The call that is
   made after that carries another token, since OCI would answer with the ended one.
3. The boot volume is made with the instance, and goes with it. Data volumes of members that somebody else
   launched are left, as OCI leaves them.
4. What is missing and what isn't allowed are one answer of OCI's: of a launch, it is taken for a missing
   right, since waiting helps in neither case.
5. Start, stop and terminate may be repeated: what is so already is left alone. A start is waited for, since
   it may find no room.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from keepapart import clouds
from keepapart.clouds import NOTE, LaunchRequest
from keepapart.clouds.fault_domains import ChoosingCloud
from keepapart.clouds.oci import request as said
from keepapart.clouds.oci.asking import Compute
from keepapart.clouds.oci.placing import FaultDomains
from keepapart.clouds.oci.reading import STATES, Machine, Tenancy, everywhere, listed, machines, read
from keepapart.clouds.oci.request import DOMAIN
from keepapart.clouds.oci.settings import Settings
from keepapart.clouds.once import Kind, Namesake, carries, launched, name_of, renewed
from keepapart.clouds.refusals import of_launch
from keepapart.clouds.rest import Answer, RestError
from keepapart.clouds.user_data import UserData
from keepapart.errors import (
    CapacityError,
    CloudError,
    DeniedError,
    NotFoundError,
    RefusedError,
    UnsettledError,
)
from keepapart.model import Instance

BEING_MADE = "PROVISIONING"
ENDING = frozenset({"TERMINATING", "TERMINATED"})
STARTED_WITHIN = 120.0  # seconds until it is known whether there is room
CHANGED = 412  # an etag is not the newest
READINGS = 4  # of tags that somebody else changes meanwhile
MISSING = "a right is missing, or something that is named is not there: docs/platforms/oci.md"


class OciCloud(ChoosingCloud):
    """The instances of one tenancy in one region; see `clouds.Cloud` and what a cloud may be beside it."""

    user_data = UserData(23_000)  # of 32,000 for all metadata in base64, the keys of ssh among them

    def __init__(
        self,
        tenancy: Tenancy,
        settings: Settings,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__("oci", settings, lambda: read(tenancy, settings), tenancy.close)
        self._tenancy, self._chosen = tenancy, settings
        self._compute = Compute(tenancy.compute, sleep, clock)
        self._domains = FaultDomains(settings.fault_domain)
        self._made: dict[str, str] = {}  # ids by token, of launches that were answered
        self._placed: dict[str, tuple[str, Mapping[str, str]]] = {}  # by id: where it is to start
        self._ended: dict[str, set[str]] = {}  # ids by token, of those that ended while they were made

    def launch(self, request: LaunchRequest) -> Instance:
        """Launch one instance, or return the one that this token launched before, by rules 1 and 2."""
        if not request.parameters:
            request = replace(request, parameters=self.parameters(request.tags))
        token, there = request.token, self._of_token(request)
        found = launched(
            Kind.TOKEN, request, lambda: self._namesakes(there, request), lambda: self._sent(there, request)
        )
        try:
            machine = self._compute.known(found).machine
        except NotFoundError as error:
            raise UnsettledError(f"oci: {found} isn't shown yet") from error
        if machine.lifecycle_state == BEING_MADE:
            raise UnsettledError(f"oci: {name_of(token)} is being made")
        if machine.lifecycle_state in ENDING:
            self._made.pop(token, None)
            self._ended.setdefault(token, set()).add(machine.id)
            failure = self._compute.failure_of(machine)
            meaning = self._domains.refused(failure, machine.availability_domain, request.parameters)
            raise meaning if type(meaning) is not CloudError else RefusedError(meaning.cause)
        return self._shown(listed(machine, self._tenancy.id, {}))

    def start(self, instance_id: str) -> None:
        """Start a stopped instance; it may land on another host."""
        if self._state(instance_id) in (clouds.RUNNING, clouds.PENDING):
            return
        try:
            self._compute.done(self._act(instance_id, "START"), STARTED_WITHIN)
        except CapacityError as error:
            zone, parameters = self._placed.get(instance_id, ("", {}))
            raise self._domains.refused(error, zone, parameters) from error.__cause__

    def stop(self, instance_id: str) -> None:
        """Ask an instance to shut down; OCI pulls the plug a quarter of an hour later."""
        if self._state(instance_id) not in (clouds.STOPPED, clouds.STOPPING):
            self._act(instance_id, "SOFTSTOP")

    def terminate(self, instance_id: str) -> None:
        """End an instance for good, with its boot volume."""
        if self._compute.known(instance_id).machine.lifecycle_state not in ENDING:
            self._compute.change("DELETE", f"/instances/{instance_id}", query={"preserveBootVolume": "false"})

    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        """Set these tags, leaving others as they are."""
        new = said.labels(tags)
        for left in reversed(range(READINGS)):
            machine, etag = self._compute.known(instance_id)
            body = {"freeformTags": {**(machine.freeform_tags or {}), **new}}
            try:
                self._compute.change("PUT", f"/instances/{instance_id}", body, headers={"if-match": etag})
            except CloudError as error:
                stale = isinstance(error.__cause__, RestError) and error.__cause__.status == CHANGED
                if not (stale and left):
                    raise
            else:
                return

    def placement(
        self, instance_id: str, tags: Mapping[str, str], host: str = "", *, make: bool = True
    ) -> Mapping[str, str]:
        """Decide on the fault domain of a member that is to start."""
        if host:
            raise RefusedError(f"{host!r} can't be chosen: OCI takes no host by name")
        machine = self._compute.known(instance_id).machine
        there = everywhere(self._tenancy, self._chosen)
        chosen = self._domains.parameters(
            machine.availability_domain, there, self._members(tags), make=make, leaving=machine
        )
        if chosen.get(DOMAIN) == machine.fault_domain:
            return {NOTE: chosen[NOTE]}
        return chosen

    def place(self, instance_id: str, parameters: Mapping[str, str]) -> None:
        """Have a stopped instance start in this fault domain."""
        zone = self._compute.known(instance_id).machine.availability_domain
        self._compute.change("PUT", f"/instances/{instance_id}", {"faultDomain": parameters[DOMAIN]})
        self._placed[instance_id] = zone, parameters

    def where(self) -> Mapping[str, str]:
        """Tell the tenancy and the region."""
        return {"tenancy": self._tenancy.id, "region": self._tenancy.region}

    def _parameters(self, tags: Mapping[str, str], *, make: bool) -> dict[str, str]:
        chosen = said.parameters(self._chosen)
        if not self._chosen.fault_domain:
            return chosen
        there = everywhere(self._tenancy, self._chosen)
        zone = chosen["availability_domain"]
        return {**chosen, **self._domains.parameters(zone, there, self._members(tags), make=make)}

    def _of_token(self, request: LaunchRequest) -> list[Machine]:
        """List what has the token's name and the request's tags, ended ones too: OCI shows them for hours."""
        compartment, name = request.parameters["compartment"], name_of(request.token)
        there = machines(self._tenancy.compute, compartment, displayName=name)
        return [one for one in there if one.display_name == name and carries(one.tags, request)]

    def _namesakes(self, there: list[Machine], request: LaunchRequest) -> list[Namesake]:
        if known := self._made.get(request.token):
            return [Namesake(known, ours=True)]
        return [
            Namesake(one.id, ours=True, born=one.time_created)
            for one in there
            if one.lifecycle_state not in ENDING
        ]

    def _sent(self, there: list[Machine], request: LaunchRequest) -> str:
        ended = {one.id for one in there} | self._ended.get(request.token, set())
        headers = {"opc-retry-token": renewed(request.token, len(ended))}
        try:
            answer = self._compute.change("POST", "/instances", said.call(request), headers=headers)
        except NotFoundError as error:
            raise DeniedError(error.cause, MISSING) from error
        except CloudError as error:
            if "InvalidatedRetryToken" in error.cause:
                raise UnsettledError(f"{error.cause}: what it launched has ended, and isn't shown") from error
            zone = request.parameters["availability_domain"]
            raise of_launch(self._domains.refused(error, zone, request.parameters)) from error
        made = self._compute.rest.read(answer, Machine).id
        self._made[request.token] = made
        return made

    def _state(self, instance_id: str) -> str:
        state = self._compute.known(instance_id).machine.lifecycle_state
        return STATES.get(state, state)

    def _act(self, instance_id: str, action: str) -> Answer:
        return self._compute.change("POST", f"/instances/{instance_id}", query={"action": action})
