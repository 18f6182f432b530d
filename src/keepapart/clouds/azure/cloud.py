"""Azure, behind the protocol of every cloud.

Rules:
1. The client chooses the identity (`once`, IDENTITY): a machine is made by its name, which follows from the
   token, and only where nothing has that name.
2. Azure accepts first: a launch is settled once the machine is made, or has failed. A machine that failed for
   want of room or of a quota stays there and is deleted before that is said; what failed otherwise is shown
   as it is, and admission turns it down.
3. Disk and interface are made by Azure for the machine, in the same call, and go with it.
4. `stop` deallocates: a machine that is merely off keeps its host, and what it costs.
5. Start, stop and terminate may be repeated. A start is waited for, since it may find no room.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import NoReturn

from keepapart.clouds import LaunchRequest
from keepapart.clouds.azure import request as said
from keepapart.clouds.azure.asking import TAGS, Subscription, failure_of
from keepapart.clouds.azure.placing import Sets
from keepapart.clouds.azure.prices import per_hour
from keepapart.clouds.azure.reading import listed, machines, read, tags_of
from keepapart.clouds.azure.settings import Settings
from keepapart.clouds.fault_domains import ChoosingCloud
from keepapart.clouds.once import Kind, Namesake, carries, launched, name_of
from keepapart.clouds.refusals import of_launch
from keepapart.clouds.rest import Rest
from keepapart.clouds.user_data import UserData
from keepapart.errors import CapacityError, CloudError, DeniedError, NotFoundError, UnsettledError
from keepapart.model import Instance

STARTED_WITHIN = 120.0  # seconds until it is known whether there is room
NEW = {"If-None-Match": "*"}
BEING_MADE = frozenset({"creating", "deleting"})


class AzureCloud(ChoosingCloud):
    """The machines of one subscription; see `clouds.Cloud`, `Chooser`, `Located`, `Priced`, `Booting`."""

    user_data = UserData(65_535)

    def __init__(
        self,
        rest: Rest,
        prices: Rest,
        subscription: str,
        settings: Settings,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__("azure", settings, partial(read, rest, subscription), self._closed)
        self._rest, self._prices, self._chosen = rest, prices, settings
        self._subscription = Subscription(rest, subscription, sleep, clock)
        self._sets = Sets(self._subscription, settings)
        self._failed: dict[str, CloudError] = {}  # by token: why its machine couldn't be made

    def launch(self, request: LaunchRequest) -> Instance:
        """Launch one machine, or return the one that this token launched before, by rules 1 to 3."""
        if not request.parameters:
            request = replace(request, parameters=self.parameters(request.tags))
        path = self._path(request)
        if request.token in self._failed:
            self._cleared(path, request)
        launched(
            Kind.IDENTITY, request, lambda: self._namesakes(path, request), lambda: self._sent(path, request)
        )
        machine = self._subscription.machine(path)
        if machine is None or machine.properties.provisioning_state.lower() in BEING_MADE:
            raise UnsettledError(f"azure: {name_of(request.token)} is being made")
        if isinstance(failure := failure_of(machine), (CapacityError, DeniedError)):
            self._failed[request.token] = failure
            self._cleared(path, request)
        return self._shown(listed(machine, self._subscription.name, {}, {}))

    def start(self, instance_id: str) -> None:
        """Start a stopped machine; it may land on another host."""
        answer = self._subscription.change("POST", f"{self._subscription.path(instance_id)}/start")
        self._subscription.done(answer, STARTED_WITHIN)

    def stop(self, instance_id: str) -> None:
        """Deallocate a machine: it keeps its disks and loses its host."""
        self._subscription.change("POST", f"{self._subscription.path(instance_id)}/deallocate")

    def terminate(self, instance_id: str) -> None:
        """End a machine for good, with its disk and interface."""
        path = self._subscription.path(instance_id)
        if self._subscription.machine(path) is None:  # a DELETE of what isn't there is no error of Azure's
            raise NotFoundError(f"Azure: there is no machine {instance_id}")
        self._subscription.change("DELETE", path)

    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        """Set these tags, leaving others as they are."""
        path = f"{self._subscription.path(instance_id)}/providers/Microsoft.Resources/tags/default"
        body = {"operation": "Merge", "properties": {"tags": dict(tags)}}
        self._subscription.change("PATCH", path, body, version=TAGS)

    def where(self) -> Mapping[str, str]:
        """Tell the subscription."""
        return {"subscription": self._subscription.name}

    def price_per_hour(self) -> float:
        """Tell what a machine of the size costs an hour in the location, in US dollars; see `prices`."""
        return per_hour(self._prices, self._chosen)

    def _closed(self) -> None:
        self._rest.close()
        self._prices.close()

    def _parameters(self, tags: Mapping[str, str], *, make: bool) -> dict[str, str]:
        chosen = said.parameters(self._chosen)
        there = partial(machines, self._rest, self._subscription.name)
        return {
            **chosen,
            **self._sets.parameters(tags, lambda: there()[1], lambda: self._members(tags), make=make),
        }

    def _path(self, request: LaunchRequest) -> str:
        group = request.parameters["resource_group"]
        return self._subscription.compute(group, "virtualMachines", name_of(request.token))

    def _namesakes(self, path: str, request: LaunchRequest) -> list[Namesake]:
        machine = self._subscription.machine(path)
        return [Namesake(machine.known_as, carries(tags_of(machine), request))] if machine else []

    def _sent(self, path: str, request: LaunchRequest) -> str:
        try:
            self._subscription.change("PUT", path, said.call(request), headers=NEW)
        except CloudError as error:
            raise of_launch(self._sets.refused(error, request.parameters)) from error
        return f"{request.parameters['resource_group']}/{name_of(request.token)}".lower()

    def _cleared(self, path: str, request: LaunchRequest) -> NoReturn:
        """Delete a machine that failed, and say so once it is gone (rule 2)."""
        machine = self._subscription.machine(path)
        if machine and carries(tags_of(machine), request):
            if machine.properties.provisioning_state.lower() != "deleting":
                with suppress(NotFoundError):
                    self._subscription.change("DELETE", path)
            raise UnsettledError(f"azure: {machine.name} couldn't be made, and is being deleted")
        raise self._sets.refused(self._failed.pop(request.token), request.parameters)
