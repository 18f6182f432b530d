"""The lab in its real form: whether it can be had here, and which kind of network a world wants."""

from __future__ import annotations

import os

from keepapart.lab.netns import linux, rtnl
from keepapart.lab.netns.namespaces import Namespaces as Namespaces
from keepapart.lab.netns.packet_rules import UPLINK
from keepapart.lab.netns.routed import Routed
from keepapart.lab.netns.segments import Segments
from keepapart.lab.world.network import SEGMENTS
from keepapart.lab.world.topology import Topology


def rehearse() -> None:
    """Try out all that a lab needs, in namespaces that are gone again at once.

    Raises `OSError` or `LabError` where something of it can't be had.
    """
    first = linux.new_network()
    second = linux.new_network()
    try:
        linux.sysctl("ipv4/conf/all/forwarding", 1)
        pair = rtnl.veth("a", UPLINK, "02:00:00:00:00:01", ("b", UPLINK, "02:00:00:00:00:02"), first)
        rtnl.send([rtnl.up(rtnl.LOOPBACK), pair], "joining two namespaces")
    finally:
        os.close(first)
        os.close(second)


def build(topology: Topology, user: int | None) -> Namespaces:
    """Build the network of a world, without instances yet. Raises `LabError`."""
    kind = Segments if topology.world.network.kind in SEGMENTS else Routed
    return kind(topology, user)
