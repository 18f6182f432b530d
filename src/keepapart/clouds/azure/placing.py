"""The set that the next machine goes into, and the fault domain in it.

Rules:
1. `scale_set = "auto"`: a flexible one of the cluster's own, `keepapart-NAME`, made where it is missing, with
   as many fault domains as the region has. A named set is used as it is and never made.
2. The fault domain of a scale set is chosen by the rules of `fault_domains`; that of an availability set is
   Azure's choice, in turn.
3. A scale set of the cluster's own that can't be had is done without, and so is any into which Azure refuses
   a launch, until the process ends: the launch's note says why.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

from keepapart.clouds import CLUSTER_TAG, NOTE
from keepapart.clouds.azure.asking import Subscription
from keepapart.clouds.azure.reading import Group, Machine
from keepapart.clouds.azure.request import AVAILABILITY_SET, DOMAIN, SCALE_SET
from keepapart.clouds.azure.settings import Settings
from keepapart.clouds.fault_domains import Domains, said
from keepapart.errors import CapacityError, CloudError, ConfigError, NotFoundError, RefusedError

AUTO = "auto"
COUNTS = (3, 2)  # of fault domains: what regions have
MADE_WITHIN = 60.0  # seconds
NAME = re.compile(r"\w[\w.-]{0,62}\w")


class Sets:
    """The sets of a resource group, as the next launch may use them."""

    def __init__(self, subscription: Subscription, settings: Settings) -> None:
        self._subscription, self._settings = subscription, settings
        self._domains = Domains()
        self._without: dict[str, str] = {}

    def parameters(
        self,
        tags: Mapping[str, str],
        there: Callable[[], Sequence[Machine]],
        members: Callable[[], Collection[str]],
        *,
        make: bool,
    ) -> dict[str, str]:
        """Return what the next launch says of its set, with a note; `members` are ids of those `there`."""
        chosen = self._settings
        if chosen.availability_set:
            return self._availability_set(chosen.availability_set)
        if not chosen.scale_set:
            return {}
        own = chosen.scale_set == AUTO
        name = f"keepapart-{tags.get(CLUSTER_TAG, '')}" if own else chosen.scale_set
        if not NAME.fullmatch(name):
            raise ConfigError(f"[cloud] scale_set: none can be called {name!r}", "name another one than auto")
        path = self._subscription.compute(chosen.resource_group, "virtualMachineScaleSets", name)
        if path in self._without:
            return {NOTE: f"without scale set {name}: {self._without[path]}"}
        try:
            group = self._subscription.group(path)
            if group is None and own:
                if not make:
                    return {NOTE: f"in scale set {name}, to be made"}
                group = self._made(path, tags)
        except CloudError as error:
            if not own:
                raise
            return {NOTE: f"without scale set {name}: {error}"}
        if group is None or group.properties.orchestration_mode.lower() != "flexible":
            raise ConfigError(
                f"[cloud] scale_set: there is no flexible one {name!r} in {chosen.resource_group}"
            )
        count = group.properties.platform_fault_domain_count
        if count < 2:
            raise ConfigError(
                f"[cloud] scale_set: {name} has one fault domain, which shows nothing",
                "name one with platformFaultDomainCount above 1, or auto",
            )
        inside = [one for one in there() if _is_in(one, path) and one.domain]
        ids = members()
        held = Counter(one.domain for one in inside if one.known_as in ids)
        beside = Counter(one.domain for one in inside if one.known_as not in ids)
        number = self._domains.choose(path, [str(n) for n in range(count)], held, beside, make=make)
        return {SCALE_SET: path, DOMAIN: number, NOTE: said(f"fault domain {number} of {name}", held[number])}

    def refused(self, error: CloudError, request: Mapping[str, str]) -> CloudError:
        """Say what it means that a launch came to nothing, where its set may be the reason."""
        path = request.get(SCALE_SET, "")
        if not path:
            return error
        if isinstance(error, CapacityError):
            return self._domains.no_room(path, request[DOMAIN], error)
        named = re.search(r"scale ?set|fault ?domain", error.cause, re.IGNORECASE)
        if named and isinstance(error, (RefusedError, NotFoundError)):
            self._without[path] = "Azure refused a launch into it"
            return RefusedError(f"{error.cause}; the next launch is without the scale set")
        return error

    def _availability_set(self, name: str) -> dict[str, str]:
        group = self._settings.resource_group
        path = self._subscription.compute(group, "availabilitySets", name)
        if self._subscription.group(path) is None:
            raise ConfigError(f"[cloud] availability_set: there is no {name!r} in {group}")
        return {
            AVAILABILITY_SET: path,
            NOTE: f"in availability set {name}, where Azure chooses the fault domain",
        }

    def _made(self, path: str, tags: Mapping[str, str]) -> Group | None:
        for count in COUNTS:
            body = {
                "location": self._settings.location,
                "tags": {CLUSTER_TAG: tags.get(CLUSTER_TAG, "")},
                "properties": {
                    "orchestrationMode": "Flexible",
                    "platformFaultDomainCount": count,
                    "singlePlacementGroup": False,
                },
            }
            try:
                answer = self._subscription.change("PUT", path, body)
            except RefusedError as error:
                if count == COUNTS[-1] or not re.search(r"fault ?domain", error.cause, re.IGNORECASE):
                    raise
            else:
                self._subscription.done(answer, MADE_WITHIN)
                break
        return self._subscription.group(path)


def _is_in(one: Machine, path: str) -> bool:
    group = one.properties.virtual_machine_scale_set
    return bool(group and group.id.lower() == path.lower())
