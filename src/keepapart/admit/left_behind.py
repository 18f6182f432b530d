"""What earlier runs left behind: found by the journals and by tag, and not touched here.

Rules:
1. The list of instances comes before the journals, so that what a running admission has is known as its own.
2. What a run launched and nobody saw the end of is asked for by id, though no tag shows yet; then every other
   candidate of the cluster counts, also one that no journal ever heard of. Whoever joined by any journal is
   none.
3. A member that a move stopped and didn't start again is left behind too.
4. A stopped spare, and a stopped instance that no run ever touched, is not.
"""

from __future__ import annotations

from collections.abc import Collection

from keepapart.admit import ledger, release
from keepapart.admit import state as admission
from keepapart.admit.context import AdmissionContext
from keepapart.admit.guarded_cloud import SHOWN_WITHIN, GuardedCloud
from keepapart.admit.inventory import Inventory, claimed, is_candidate, is_spare, may_be_started
from keepapart.admit.journal import is_move, state_of
from keepapart.admit.ledger import SETTLED_AFTER, Ledger, Unsettled
from keepapart.admit.moves.state import apply, begun
from keepapart.admit.outcome import Rejection
from keepapart.admit.state import State
from keepapart.admit.steps import Release
from keepapart.clouds import RUN_TAG, STOPPED
from keepapart.model import Instance
from keepapart.store import Lease, Store


class LeftBehind:
    """What is left behind, by what was `listed` and then by the journals.

    Where an admission is `alive`, what it owns is not. A run that begins or ends while the journals are read
    is taken for unfinished, whatever is read first.
    """

    def __init__(
        self, context: AdmissionContext, listed: Inventory, lease: Lease | None, alive: bool
    ) -> None:
        self.context, self.lease = context, lease
        before = context.store.journals.unfinished(context.cluster)
        self.known: Ledger = ledger.read(context)
        self.unfinished = list(dict.fromkeys((*before, *context.store.journals.unfinished(context.cluster))))
        self.guarded = GuardedCloud(context, lease, self.known)
        self.inventory = self.guarded.look(self.known.unsettled)
        self._listed = listed
        self._alive = alive

    def all(self) -> tuple[Rejection, ...]:
        """Everything that is left behind and shown, with the reason."""
        found = [orphan for orphan, _ in self.orphans() if orphan.id in self.inventory.instances]
        if not self._alive:
            for run in self.unfinished:
                found += _members_due(self.context.store, run)
            found += [
                Rejection(member, f"{run} stopped it to move it, and couldn't start it again")
                for member, run in self.known.down.items()
                if not self.runs(member)
            ]
            found = [f for f in found if f.id in self.inventory.instances]
        return tuple(found)

    def runs(self, instance_id: str) -> bool:
        """Say whether it is shown, and runs."""
        shown = self.inventory.instances.get(instance_id)
        return shown is not None and shown.running

    def is_there(self, instance_id: str) -> bool:
        """Say whether it is shown, or was launched so lately that it may not show yet."""
        if instance_id in self.inventory.instances or instance_id not in self.known.unsettled:
            return True
        lately = self.context.clock() - self.known.unsettled[instance_id].at < SETTLED_AFTER
        return lately and instance_id not in self.inventory.gone

    def _is_settled(self, shown: Instance, launched: Unsettled) -> bool:
        claim = claimed(shown, self.context.cluster)
        at_rest = _at_rest(shown) and self.context.clock() - launched.at >= SHOWN_WITHIN  # or before it began
        return bool(claim) or at_rest or self.inventory.is_member(shown)

    def orphans(self) -> list[tuple[Rejection, Release]]:
        """The candidates that nobody owns, and how each is released."""
        owned: Collection[str] = self.unfinished if self._alive else ()
        found: dict[str, tuple[Rejection, Release]] = {}
        for instance_id, launched in self.known.unsettled.items():
            shown = self.inventory.instances.get(instance_id)
            if launched.run in owned or (shown and self._is_settled(shown, launched)):
                continue
            lately = self.context.clock() - launched.at < SETTLED_AFTER  # or its tags were taken away
            state = shown.state if shown else "not shown"
            because = f"{state}, launched by {launched.run}, and nobody saw it end"
            step = Release(instance_id, launched.spare, known=lately or shown is None, seen=False)
            found[instance_id] = Rejection(instance_id, because), step
        for each in self._listed.instances.values():
            theirs = each.tags.get(RUN_TAG) in owned or self.inventory.is_member(each)
            if is_candidate(each) and not theirs and not _at_rest(each) and each.id not in found:
                found[each.id] = Rejection(each.id, _why(each)), Release(each.id, stop=is_spare(each))
        return list(found.values())


def _members_due(store: Store, run: str) -> list[Rejection]:
    """Name the members that an unfinished run has still to do something with, and why."""
    if is_move(store, run):
        off = state_of(store, begun(run), apply).off
        return [Rejection(off.id, f"{run} stopped it to move it, or was about to")] if off else []
    due = release.due(state_of(store, State(run), admission.apply))
    return [Rejection(i, f"its stand-in joined in {run}") for i in due]


def _at_rest(instance: Instance) -> bool:
    return may_be_started(instance) or (is_spare(instance) and instance.state == STOPPED)


def _why(instance: Instance) -> str:
    run = instance.tags.get(RUN_TAG)
    return f"{instance.state}, a candidate of {run or 'no run'} that nobody owns"
