"""A dry run: what an admission would do, with nothing launched, started, made or journalled."""

from __future__ import annotations

from dataclasses import dataclass

from keepapart.admit import budget
from keepapart.admit.context import AdmissionContext
from keepapart.admit.guarded_cloud import GuardedCloud
from keepapart.admit.holder import is_dead
from keepapart.admit.intent import next_source
from keepapart.admit.inventory import Inventory
from keepapart.admit.state import State
from keepapart.clouds import CLUSTER_TAG, Chooser
from keepapart.config import LaunchSettings
from keepapart.documents.admission import PlanDocument
from keepapart.errors import ExitCode

REJECTS = {
    "hold": "hold it until all are in, then terminate it",
    "stop": "stop it and keep it",
    "terminate": "terminate it",
    "restart": "stop it and start it again",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen; `code` is the exit code where it is certain already, else `OK`."""

    code: ExitCode
    members: tuple[str, ...]
    steps: tuple[str, ...]

    def document(self) -> PlanDocument:
        """Return the JSON document of `keepapart admit --dry-run --json`."""
        return PlanDocument(self.members, self.steps)

    def lines(self) -> list[str]:
        """Say it to people."""
        return [f"members now: {', '.join(self.members) or 'none'}", *self.steps]


def plan(context: AdmissionContext, count: int) -> Plan:
    """Say what `admit` would do now. Raises `CloudError` or `StoreError`."""
    inventory, policy, now = GuardedCloud(context, None).look(), context.policy, context.clock()
    state = State("", context.cluster, count)
    members = tuple(sorted(m.id for m in inventory.members(state)))
    steps: list[str] = []
    holder = context.store.leases.holder(context.cluster)
    if holder and holder.expires > now and not is_dead(holder.who):
        steps.append(f"wait for {holder.who.split(' [')[0]}, which is admitting now")
    for run in context.store.journals.unfinished(context.cluster):
        steps.append(f"go on with {run} or clean it up, since it was interrupted")
    ending = budget.ending(state, inventory, policy, 0.0, now)
    if ending:
        return Plan(ExitCode(ending.code), members, (*steps, ending.because))
    steps += _candidates(context, state, inventory, budget.together(state, policy, now))
    among = " and with each other; keep the largest set on different hosts" if policy.at_once != 1 else ""
    steps.append(f"check with {len(members)} members{among}")
    kept = "stop it again" if policy.source == "stopped" and policy.on_reject != "restart" else ""
    steps.append(f"if it is turned down: {kept or REJECTS[policy.on_reject]}")
    steps.append(f"repeat until {count} are in, or a budget is used up: {', '.join(_budgets(policy, count))}")
    return Plan(ExitCode.OK, members, tuple(steps))


def _candidates(context: AdmissionContext, state: State, inventory: Inventory, size: int) -> list[str]:
    startable = sorted(i.id for i in inventory.startable()) if context.policy.source != "launch" else []
    first = next_source(state, inventory, context.policy)
    steps = []
    if first:
        steps.append(f"start {', '.join(startable[:size])} of {len(startable)} that are stopped")
    if len(startable) < size and context.policy.source != "stopped":
        more = size - len(startable)
        where = _placement(context, state)
        what = "a candidate" if more == 1 else f"{more} candidates at once"
        steps.append(f"launch {what}{f', {where}' if where else ''}")
    return steps


def _placement(context: AdmissionContext, state: State) -> str:
    if isinstance(context.cloud, Chooser):
        return context.cloud.foresee({CLUSTER_TAG: state.cluster})
    return ""


def _budgets(policy: LaunchSettings, count: int) -> list[str]:
    told = [f"{policy.max_attempts * count} attempts ({policy.max_attempts} for each)"]
    if policy.max_held:
        told.append(f"{policy.max_held} held at once")
    if policy.max_minutes:
        told.append(f"{policy.max_minutes} minutes")
    if policy.max_money:
        each = budget.least_charge(policy)
        told.append(f"{policy.max_money:g} of money ({each:.4g} kept ready for each candidate)")
    return told
