"""Admission: launch, check, then join or release.

One candidate passes through these files in this order: `intent`, `launch`, `check` (with `rulings`),
`release`. `machine` decides which step is next from `state` (the fold of the journal's `events`) and
`inventory` (what the platform shows), within `budget`, after `reconcile`; `executor` performs it through
`guarded_cloud` and journals what came of it. `admission`, `gc` and `dry_run` are the use cases; `context` is
where they take place, under a `lease`.
"""

from keepapart.admit.admission import admit, replace
from keepapart.admit.context import AdmissionContext
from keepapart.admit.dry_run import Plan, plan
from keepapart.admit.gc import Collected, collect
from keepapart.admit.outcome import Outcome, Rejection
from keepapart.model import Checker

__all__ = [
    "AdmissionContext",
    "Checker",
    "Collected",
    "Outcome",
    "Plan",
    "Rejection",
    "admit",
    "collect",
    "plan",
    "replace",
]
