"""The list of all signals that come with keepapart, in the order in which their evidence is shown."""

from __future__ import annotations

from keepapart.signals import gateway, hardware, hops, named_host, operator, rtt, stated
from keepapart.signals.observed import Signal

SIGNALS: tuple[Signal, ...] = (hops, operator, stated, named_host, hardware, gateway, rtt)
