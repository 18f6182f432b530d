"""The spread policy that the next instance goes into, and the availability domain in it.

Rules:
1. `spread_policy = "auto"`: one of the cluster's own, `keepapart-NAME`, of `MOST` domains, made where it is
   missing. A named policy is used as it is and never made.
2. The domain is chosen by the rules of `fault_domains`, among all instances that have the policy.
3. A policy of the cluster's own that can't be had is done without, and so is any into which Google refuses a
   launch, until the process ends: the launch's note says why.
4. A member that is moved stays in the spread policy that it has; else it goes into the one configured, else
   into the cluster's own. It can be added to one only while it is stopped.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from keepapart.clouds import CLUSTER_TAG, NOTE
from keepapart.clouds.fault_domains import Domains, said
from keepapart.clouds.google.asking import Project
from keepapart.clouds.google.reading import Machine, Policy, path
from keepapart.clouds.google.request import DOMAIN, POLICY
from keepapart.clouds.once import ExistsError
from keepapart.errors import CapacityError, CloudError, ConfigError, NotFoundError, RefusedError

AUTO = "auto"
MOST = 8  # availability domains that Google allows in one policy
MADE_WITHIN = 60.0  # seconds
NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")


class SpreadPolicies:
    """The spread policies of a project, as the next launch may use them."""

    def __init__(self, project: Project, wanted: str) -> None:
        self._project, self._wanted = project, wanted
        self._domains = Domains()
        self._without: dict[str, str] = {}

    def of_launch(
        self,
        tags: Mapping[str, str],
        zone: str,
        there: Sequence[Machine],
        members: Collection[str],
        *,
        make: bool,
    ) -> dict[str, str]:
        """Return what the next launch says of its policy, with a note; `members` are ids of those `there`."""
        if not self._wanted:
            return {}
        return self._chosen(
            self._path(self._wanted, tags, zone), self._wanted == AUTO, there, members, make=make
        )

    def of_member(
        self,
        tags: Mapping[str, str],
        machine: Machine,
        there: Sequence[Machine],
        members: Collection[str],
        *,
        make: bool,
    ) -> dict[str, str]:
        """Return what a stopped member is to be told, with a note; that alone where it is well placed."""
        zone = machine.zone.rpartition("/")[2]
        now = next((link for link in map(path, machine.resource_policies) if self._spreads(link)), "")
        wanted = self._wanted or AUTO
        others = [one for one in there if one.id != machine.id]
        chosen = self._chosen(
            now or self._path(wanted, tags, zone),
            not now and wanted == AUTO,
            others,
            members,
            leaving=machine.domain,
            make=make,
        )
        if now and chosen.get(DOMAIN) == machine.domain:
            return {NOTE: chosen[NOTE]}
        return chosen

    def refused(self, error: CloudError, request: Mapping[str, str]) -> CloudError:
        """Say what it means that a launch came to nothing, where its policy may be the reason."""
        link = path(request.get(POLICY, ""))
        if not link:
            return error
        if isinstance(error, CapacityError):
            return self._domains.no_room(link, request[DOMAIN], error)
        named = re.search("polic|availability ?domain", error.cause, re.IGNORECASE)
        if named and isinstance(error, (RefusedError, NotFoundError)):
            self._without[link] = "Google refused a launch into it"
            return RefusedError(f"{error.cause}; the next launch is without the spread policy")
        return error

    def _path(self, wanted: str, tags: Mapping[str, str], zone: str) -> str:
        name = f"keepapart-{tags.get(CLUSTER_TAG, '')}" if wanted == AUTO else wanted
        if not NAME.fullmatch(name):
            raise ConfigError(
                f"[cloud] spread_policy: no policy can be called {name!r}",
                "small letters, digits and - can be in its name; name another one than auto",
            )
        return f"{self._project.name}/regions/{zone.rpartition('-')[0]}/resourcePolicies/{name}"

    def _spreads(self, link: str) -> bool:
        found = self._project.policy(link)
        return bool(found and found.spreads)

    def _chosen(
        self,
        link: str,
        own: bool,
        there: Sequence[Machine],
        members: Collection[str],
        *,
        leaving: str = "",
        make: bool,
    ) -> dict[str, str]:
        name = link.rpartition("/")[2]
        if link in self._without:
            return {NOTE: f"without spread policy {name}: {self._without[link]}"}
        try:
            policy = self._project.policy(link)
            if policy is None and own:
                if not make:
                    return {NOTE: f"in spread policy {name}, to be made"}
                policy = self._made(link, name)
        except CloudError as error:
            if not own:
                raise
            return {NOTE: f"without spread policy {name}: {error}"}
        if policy is None or not policy.spreads or not policy.group_placement_policy:
            region = link.split("/")[2]
            raise ConfigError(f"[cloud] spread_policy: there is no spread policy {name!r} in {region}")
        inside = [one for one in there if link in map(path, one.resource_policies) and one.domain]
        held = Counter(one.domain for one in inside if one.id in members)
        beside = Counter(one.domain for one in inside if one.id not in members)
        numbers = [str(n + 1) for n in range(policy.group_placement_policy.availability_domain_count)]
        number = self._domains.choose(link, numbers, held, beside, leaving=leaving, make=make)
        note = said(f"availability domain {number} of spread policy {name}", held[number])
        return {POLICY: f"projects/{link}", DOMAIN: number, NOTE: note}

    def _made(self, link: str, name: str) -> Policy | None:
        within = "/".join(link.split("/")[1:3])
        body = {"name": name, "groupPlacementPolicy": {"availabilityDomainCount": MOST}}
        try:
            operation = self._project.change("POST", within, "resourcePolicies", body)
            self._project.done(operation, within, MADE_WITHIN)
        except ExistsError:  # made meanwhile, or an answer was lost
            pass
        return self._project.policy(link)
