"""Admission: launch, check, then join or release.

One candidate passes through these files in this order: `intent`, `launch`, `check` (with `rulings`),
`release`. `machine` decides which step is next from `state` (the fold of the journal's `events`), `inventory`
(what the platform shows) and `ledger` (who joined in any run), within `budget`, after `reconcile`; `executor`
performs it through `guarded_cloud` and `hooks`, and journals what came of it. `moves/` is the same of a
member that moves; `runs` goes on with either. `admission`, `moving`, `gc` (of what is `left_behind`)
and `dry_run` are the use cases; `context` is where they take place, under a `lease`.
"""

from keepapart.admit.admission import admit, replace
from keepapart.admit.context import AdmissionContext
from keepapart.admit.dry_run import Plan, plan, plan_replacing
from keepapart.admit.events import NotApart
from keepapart.admit.gc import Collected, collect
from keepapart.admit.hooks import Hooks
from keepapart.admit.moves.outcome import MoveOutcome
from keepapart.admit.moving import move, plan_moving
from keepapart.admit.outcome import Outcome, Rejection
from keepapart.model import Checked, Checker

__all__ = [
    "AdmissionContext",
    "Checked",
    "Checker",
    "Collected",
    "Hooks",
    "MoveOutcome",
    "NotApart",
    "Outcome",
    "Plan",
    "Rejection",
    "admit",
    "collect",
    "move",
    "plan",
    "plan_moving",
    "plan_replacing",
    "replace",
]
