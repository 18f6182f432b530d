"""gc: find by tag what interrupted runs left behind, and release it until it is gone.

Rules:
1. The list of instances comes before the journal, so that what a running admission has is known as its own.
2. While an admission holds the lease, what its unfinished run owns is left alone; otherwise every
   unfinished run is closed first, the way it would have closed itself.
3. Every candidate of the cluster that is left then is released, also one that no journal ever heard of.
4. A stopped spare, and a stopped instance that no run ever touched, is nothing left behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from keepapart.admit import events as e
from keepapart.admit import release
from keepapart.admit.admission import clean_up
from keepapart.admit.check import no_checker
from keepapart.admit.context import AdmissionContext
from keepapart.admit.executor import Executor
from keepapart.admit.guarded_cloud import GuardedCloud
from keepapart.admit.holder import is_dead
from keepapart.admit.inventory import Inventory, is_candidate, is_spare, may_be_started
from keepapart.admit.journal import state_of
from keepapart.admit.lease import leased
from keepapart.admit.outcome import Rejection, told
from keepapart.admit.state import State
from keepapart.admit.steps import AwaitGone, Release
from keepapart.clouds import RUN_TAG, STOPPED
from keepapart.documents.admission import GcDocument
from keepapart.documents.base import Reason
from keepapart.errors import ExitCode, LeaseError
from keepapart.model import Instance
from keepapart.store import Lease


@dataclass(frozen=True, slots=True)
class Collected:
    """What `gc` found, what it released, and what would not go."""

    cluster: str
    found: tuple[Rejection, ...]
    released: tuple[str, ...]
    left: tuple[Rejection, ...]
    dry_run: bool

    @property
    def code(self) -> ExitCode:
        """The exit code."""
        return ExitCode.FAILED if self.left else ExitCode.OK

    def document(self) -> GcDocument:
        """Return the JSON document of `keepapart gc --json`."""
        return GcDocument(
            cluster=self.cluster,
            found=tuple(Reason(f.id, f.because) for f in self.found),
            released=self.released,
            left=tuple(Reason(x.id, x.because) for x in self.left),
            dry_run=self.dry_run,
        )

    def lines(self) -> list[str]:
        """Say it to people."""
        if not self.found:
            return [f"nothing of {self.cluster!r} is left behind"]
        said = [f"{f.id}: {f.because}" for f in self.found]
        if self.released:
            said.append(f"released: {', '.join(self.released)}")
        return [*said, *(f"{x.id} is still there: {x.because}" for x in self.left)]


def collect(context: AdmissionContext, *, dry_run: bool = False) -> Collected:
    """Find what no running admission owns; release it, unless `dry_run`.

    Raises `CloudError` or `StoreError` where the platform or the store can't be asked.
    """
    if dry_run:
        alive = _admission_alive(context)
        inventory = GuardedCloud(context, None).look()
        found = _found(context, inventory, context.store.journals.unfinished(context.cluster), alive)
        return Collected(context.cluster, tuple(found), (), (), dry_run=True)
    try:
        with leased(context) as lease:
            return _collect(context, lease)
    except LeaseError as held:
        context.tell(f"{held}; what it owns is left alone")
        return _collect(context, None)


def _collect(context: AdmissionContext, lease: Lease | None) -> Collected:
    guarded = GuardedCloud(context, lease)
    inventory = guarded.look()
    unfinished = context.store.journals.unfinished(context.cluster)
    found = _found(context, inventory, unfinished, alive=lease is None)
    done: list[str] = []
    left: list[Rejection] = []
    if lease:
        for run in unfinished:
            executor = Executor(context, lease, run, no_checker)
            before = len(executor.journal.state.released)
            clean_up(executor, "ended by gc")
            done += executor.journal.state.released[before:]
            left += [Rejection(i, why) for i, why in executor.journal.state.left.items()]
        settled = {*done, *(x.id for x in left)}
        inventory = guarded.look()
        found += [f for f in _candidates(inventory, ()) if f.id not in {x.id for x in found}]
    else:
        settled = set()
    for orphan in found:
        instance = inventory.instances.get(orphan.id)
        if orphan.id in settled or instance is None or not is_candidate(instance):
            continue
        event = _let_go(guarded, context, Release(orphan.id, stop=is_spare(instance)))
        if isinstance(event, e.LeftAlone):
            left.append(Rejection(orphan.id, event.because))
        else:
            done.append(orphan.id)
    return Collected(context.cluster, tuple(found), tuple(done), tuple(left), dry_run=False)


def _let_go(guarded: GuardedCloud, context: AdmissionContext, step: Release) -> e.Event:
    event = release.release(guarded, step)
    if isinstance(event, e.Releasing):
        event = release.await_gone(guarded, AwaitGone(step))
    context.tell(told(State(""), event))
    return event


def _found(
    context: AdmissionContext, inventory: Inventory, unfinished: Sequence[str], alive: bool
) -> list[Rejection]:
    if alive:
        return _candidates(inventory, unfinished)
    found = _candidates(inventory, ())
    for run in unfinished:
        state = state_of(context.store, run)
        leaving = [i for i in state.replaced if i in inventory.instances and i not in state.released]
        found += [Rejection(i, f"its stand-in joined in {run}") for i in leaving]
    return found


def _candidates(inventory: Inventory, owned: Sequence[str]) -> list[Rejection]:
    return [
        Rejection(i.id, _why(i))
        for i in inventory.instances.values()
        if is_candidate(i) and i.tags.get(RUN_TAG) not in owned and not _at_rest(i)
    ]


def _at_rest(instance: Instance) -> bool:
    return may_be_started(instance) or (is_spare(instance) and instance.state == STOPPED)


def _why(instance: Instance) -> str:
    run = instance.tags.get(RUN_TAG)
    return f"{instance.state}, a candidate of {run or 'no run'} that nobody owns"


def _admission_alive(context: AdmissionContext) -> bool:
    holder = context.store.leases.holder(context.cluster)
    return holder is not None and holder.expires > context.clock() and not is_dead(holder.who)
