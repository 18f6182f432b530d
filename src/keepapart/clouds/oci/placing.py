"""The fault domain that the next instance goes into, or that a member is to start in. Pure.

An availability domain has three, and instances of different ones are "not on the same physical hardware"; the
rules are those of `fault_domains`. A domain that the configuration names is asked for as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from keepapart import clouds
from keepapart.clouds import NOTE
from keepapart.clouds.fault_domains import Domains, said
from keepapart.clouds.oci.reading import STATES, Machine
from keepapart.clouds.oci.request import DOMAIN
from keepapart.clouds.oci.settings import AUTO
from keepapart.errors import CapacityError, CloudError

DOMAINS = tuple(f"FAULT-DOMAIN-{number}" for number in (1, 2, 3))  # that each availability domain has


class FaultDomains:
    """The fault domains of availability domains, as this process asks for them."""

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        self._domains = Domains()

    def parameters(
        self,
        zone: str,
        there: Sequence[Machine],
        members: Collection[str],
        *,
        make: bool,
        leaving: Machine | None = None,
    ) -> dict[str, str]:
        """Return what is said of the fault domain in the availability domain `zone`, with a note.

        `members` are ids of those `there`; `leaving` is the member that is to start in another domain.
        """
        if not self._wanted:
            return {}
        inside = [
            one
            for one in there
            if one.availability_domain == zone
            and not (leaving and one.id == leaving.id)
            and one.fault_domain
            and STATES.get(one.lifecycle_state) != clouds.TERMINATED
        ]
        held = Counter(one.fault_domain or "" for one in inside if one.id in members)
        beside = Counter(one.fault_domain or "" for one in inside if one.id not in members)
        wanted = DOMAINS if self._wanted == AUTO else (self._wanted,)
        now = (leaving.fault_domain or "") if leaving else ""
        chosen = self._domains.choose(zone, wanted, held, beside, leaving=now, make=make)
        return {DOMAIN: chosen, NOTE: said(chosen, held[chosen])}

    def refused(self, error: CloudError, zone: str, request: Mapping[str, str]) -> CloudError:
        """Say what it means that a launch or a start came to nothing, where its domain may be the reason."""
        domain = request.get(DOMAIN, "")
        if domain and self._wanted == AUTO and isinstance(error, CapacityError):
            return self._domains.no_room(zone, domain, error)
        return error
