"""Doubles and conformance suites for whoever writes a plug-in, or tests something that stands on keepapart.

`ProgrammableCloud` is a cloud whose next errors are armed and whose calls are recorded. `testing.clouds` and
`testing.reach` have what a cloud and a way in must keep: a plug-in's author runs that with a few lines.
"""

from __future__ import annotations

from keepapart.testing.checker import Platform, TruthfulChecker
from keepapart.testing.clock import ManualClock
from keepapart.testing.cloud import Lag, ProgrammableCloud
from keepapart.testing.faults import Fault
from keepapart.testing.record import Call

__all__ = ["Call", "Fault", "Lag", "ManualClock", "Platform", "ProgrammableCloud", "TruthfulChecker"]
