"""The lab without a kernel: the same cloud, distances computed from the world instead of measured.

For platforms without namespaces and for sizes beyond one machine's. No packets, so no sockets and nothing to
enter: both are errors that say so.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping

from keepapart.errors import LabError
from keepapart.lab.world.topology import Host, Place


class Simulated:
    """A network that is only computed: there is nothing to build, so nothing can go wrong."""

    kind = "simulated"

    def attach(self, places: Mapping[str, Place]) -> None:
        """Nothing to build."""

    def detach(self, ids: Iterable[str]) -> None:
        """Nothing to take away."""

    def move(self, guest_id: str, place: Place) -> None:
        """Nothing to join elsewhere."""

    def fail(self, host: Host) -> None:
        """Nothing to cut off: the fleet knows which instances are impaired."""

    def sockets(self, guest_id: str, count: int, netlink: bool) -> list[socket.socket]:  # noqa: ARG002  # as in namespaces
        """Raise `LabError`: there is no network to make sockets in."""
        raise LabError("this lab is simulated: its instances can't send packets")

    def descriptors(self, guest_id: str) -> list[int]:  # noqa: ARG002  # as in namespaces
        """Raise `LabError`: there is nothing to enter."""
        raise LabError("this lab is simulated: its instances can't run commands")
