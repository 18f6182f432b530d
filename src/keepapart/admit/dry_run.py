"""A dry run: what an admission would do, with nothing launched, started, made or journalled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from keepapart.admit import budget, ledger, release
from keepapart.admit.admission import Asked, already, beside_each_other, requested, restarts_move
from keepapart.admit.context import AdmissionContext
from keepapart.admit.guarded_cloud import GuardedCloud
from keepapart.admit.holder import at_work
from keepapart.admit.intent import next_source
from keepapart.admit.inventory import Inventory
from keepapart.admit.outcome import beside
from keepapart.admit.state import State
from keepapart.clouds import CLUSTER_TAG, Chooser
from keepapart.documents.admission import PlanDocument
from keepapart.errors import ExitCode
from keepapart.model import many
from keepapart.settings import LaunchSettings

REJECTS = {
    "hold": "hold it until all are in, then terminate it",
    "stop": "stop it and keep it",
    "terminate": "terminate it",
    "restart": "stop it and start it again",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen; `code` is the exit code where it is certain already, else `OK`.

    `ends` says in words which instances with data would be terminated or stopped; nothing where none would.
    """

    code: ExitCode
    members: tuple[str, ...]
    steps: tuple[str, ...]
    ends: str = ""

    def document(self) -> PlanDocument:
        """Return the JSON document of `keepapart admit --dry-run --json`."""
        return PlanDocument(self.members, self.steps)

    def lines(self) -> list[str]:
        """Say it to people."""
        return [f"members now: {', '.join(self.members) or 'none'}", *self.steps]


def plan(context: AdmissionContext, count: int, *, to: int = 0) -> Plan:
    """Say what `admit` would do now. Raises `CloudError`, `StoreError` or `UsageError`."""
    restarts_move(context)
    known = ledger.read(context)
    inventory = GuardedCloud(context, None, known).look(closely=True)
    request = requested(context, Asked(0 if to else count, to), known, inventory)
    if request.count:
        code, steps = _search(context, State("", context.cluster, request.count), inventory)
    else:
        code, said = already(inventory, ())
        steps = [said]
    if not_apart := beside_each_other(known, inventory):
        steps.append(f"members now{beside(not_apart)}")
        code = ExitCode.UNKNOWN if to and code == ExitCode.OK else code
    return Plan(code, _members(inventory), (*before(context), *steps))


def plan_replacing(context: AdmissionContext, ids: Sequence[str], *, keep_old: bool = False) -> Plan:
    """Say what `replace` would do now, and what it would end.

    Raises as `plan` does; an id that is no member's, and was not replaced before, is a `UsageError`.
    """
    restarts_move(context)
    asked = Asked(replaces=tuple(dict.fromkeys(ids)), keeps_old=keep_old)
    known = ledger.read(context)
    guarded = GuardedCloud(context, None, known)
    inventory = guarded.look(asked.replaces, closely=True)
    members = _members(inventory)
    request = requested(context, asked, known, inventory)
    served = {old: known.stand_ins[old] for old in request.replaces if known.stand_ins.get(old) in members}
    state = State("", context.cluster, request.count - len(served), request.replaces, keeps_old=keep_old)
    code, steps = _search(context, state, inventory) if state.count else (ExitCode.OK, [])
    steps += [f"{new} stands in for {old} already" for old, new in served.items()]
    if not request.replaces:
        return Plan(ExitCode.OK, members, (*before(context), "all of it was done before"))
    if keep_old:
        return Plan(code, members, (*before(context), *steps, f"keep {', '.join(request.replaces)}"))
    ends = []
    for old in request.replaces:
        spare = release.is_kept(guarded, old, inventory.instances.get(old))
        ends.append(f"{'stops' if spare else 'terminates'} {old}")
        how = f"stop {old}, which is a spare again" if spare else f"terminate {old}, for good"
        steps.append(f"once its stand-in is in and runs: {how}")
    return Plan(code, members, (*before(context), *steps), ", ".join(ends))


def before(context: AdmissionContext) -> list[str]:
    """Say what comes before anything that is asked for."""
    steps = []
    holder = context.store.leases.holder(context.cluster)
    if holder and at_work(holder, context.of_day()):
        steps.append(f"wait for {holder.who.split(' [')[0]}, which is at work on the cluster now")
    for run in context.store.journals.unfinished(context.cluster):
        steps.append(f"go on with {run} or clean it up, since it was interrupted")
    return steps


def _members(inventory: Inventory) -> tuple[str, ...]:
    return tuple(sorted(m.id for m in inventory.members(State(""))))


def _search(context: AdmissionContext, state: State, inventory: Inventory) -> tuple[ExitCode, list[str]]:
    """Say how as many new members as are wanted are found, and the exit code where none can be."""
    policy, now, count = context.policy, context.clock(), state.count
    ending = budget.ending(state, inventory, policy, 0.0, now)
    if ending:
        return ExitCode(ending.code), [ending.because]
    steps = _candidates(context, state, inventory, budget.together(state, policy, now))
    among = " and with each other; keep the largest set on different hosts" if policy.at_once != 1 else ""
    steps.append(f"check with {many(len(_members(inventory)), 'member')}{among}")
    kept = "stop it again" if policy.source == "stopped" and policy.on_reject != "restart" else ""
    steps.append(f"if it is turned down: {kept or REJECTS[policy.on_reject] + _at_rest(policy)}")
    enough = f"{count} {'is' if count == 1 else 'are'} in"
    steps.append(f"repeat until {enough}, or a budget is used up: {', '.join(_budgets(policy, count))}")
    return ExitCode.OK, steps


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


def _at_rest(policy: LaunchSettings) -> str:
    """Say what those that are stopped cost on, or that it isn't known."""
    if policy.on_reject != "stop" or not policy.max_money:
        return ""
    if policy.stopped_price_per_hour:
        return f", at {policy.stopped_price_per_hour:g} an hour"
    return ", and what it costs then isn't counted: say it as stopped_price_per_hour"


def _budgets(policy: LaunchSettings, count: int) -> list[str]:
    told = [f"{many(policy.max_attempts * count, 'attempt')} ({policy.max_attempts} for each)"]
    if policy.max_held:
        told.append(f"{policy.max_held} held at once")
    if policy.max_minutes:
        told.append(f"{policy.max_minutes} minutes")
    if policy.max_money:
        each = budget.least_charge(policy)
        told.append(f"{policy.max_money:g} of money ({each:.4g} kept ready for each candidate)")
    return told
