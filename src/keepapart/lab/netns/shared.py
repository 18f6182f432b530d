"""Networks whose routers are no hosts: leaf switches, tenants' distributed routers, or one for all. Pure.

```
guest ─ leaf switch ─ spine ─ leaf switch ─ guest       a guest's cable passes its host, which is a bridge
guest ─ tenant's router ─ router above them ─ …         the router is on every host, and counts once
guest ─ fabric ─ guest
```

1. Every guest is in a subnet of its own. Its router is that of its group (`Topology.group`).
2. The router above groups has a route to each guest; where there is only one group, there is none above.
3. Packets are lost and filtered once, where they come from below into the sender's router.
"""

from __future__ import annotations

from keepapart.lab.netns.drawing import PORTS, Drawing, Route, Router
from keepapart.lab.netns.packet_rules import filters
from keepapart.lab.world.topology import Place, Topology

TOP = "the router above"


class Shared(Drawing):
    """A network whose routers are no hosts; see `Drawing`."""

    def __init__(self, topology: Topology) -> None:
        super().__init__(topology)
        groups = topology.groups()
        if len(groups) > 1:
            self._add(Router(TOP, topology.at(0, 0, 1)))
        for number, group in enumerate(groups, 1):
            name = _name(group)
            self._add(
                Router(name, topology.at(0, 1 + number // 250, 1 + number % 250), rules=filters(self.network))
            )
            if len(groups) > 1:
                self._join(name, TOP)
                self.routes.append(Route(name, (TOP,)))

    def door(self, place: Place) -> tuple[str, int]:
        """Return the router of the guest's group."""
        return _name(self.topology.group(place)), PORTS + self.topology.slot_number(place)

    def leading(self, place: Place) -> list[Route]:
        """List the route from above to the group."""
        to = (self.topology.address(place), self.topology.prefix("one"))
        return [Route(TOP, (self.door(place)[0],), to)] if TOP in self.routers else []


def _name(group: tuple[int, int]) -> str:
    return f"router {group[1]} of rack {group[0]}" if group[0] else f"router {group[1]}"
