"""gc: find what earlier runs left behind, by the journals and by tag, and release it until it is gone.

Rules:
1. The list of instances comes before the journals, so that what a running admission has is known as its own.
2. While an admission holds the lease, what its unfinished run owns is left alone; otherwise every
   unfinished run is closed first, the way it would have closed itself.
3. What a run launched and nobody saw the end of is asked for by id, and released though no tag shows yet;
   then every other candidate of the cluster is released, also one that no journal ever heard of. Whoever
   joined by any journal is none.
4. A member that a move stopped and didn't start again is started, wherever that is.
5. A stopped spare, and a stopped instance that no run ever touched, is nothing left behind.
6. One that can't be released or started is named, and holds up no other. What an earlier process left is told
   to go once more.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from keepapart.admit import events as e
from keepapart.admit import ledger, release
from keepapart.admit import state as admission
from keepapart.admit.check import no_checker
from keepapart.admit.context import AdmissionContext
from keepapart.admit.executor import Executor
from keepapart.admit.guarded_cloud import SHOWN_WITHIN, GuardedCloud
from keepapart.admit.holder import at_work
from keepapart.admit.inventory import Inventory, claimed, is_candidate, is_spare, may_be_started
from keepapart.admit.journal import Journal, is_move, state_of
from keepapart.admit.lease import leased
from keepapart.admit.ledger import SETTLED_AFTER, Ledger, Unsettled
from keepapart.admit.moves.acts import bring_up
from keepapart.admit.moves.mover import Mover
from keepapart.admit.moves.state import Moving, Stage, apply, begun
from keepapart.admit.moves.steps import BringUp
from keepapart.admit.outcome import Rejection, left_of, told
from keepapart.admit.release import GONE_WITHIN
from keepapart.admit.runs import clean_up, opened
from keepapart.admit.state import State
from keepapart.admit.steps import AwaitGone, Release
from keepapart.clouds import RUN_TAG, STOPPED
from keepapart.documents.admission import GcDocument
from keepapart.documents.base import Reason
from keepapart.documents.error import error_entry
from keepapart.errors import ExitCode, InterruptionError, KeepapartError, LeaseError, OperationError
from keepapart.model import Instance
from keepapart.store import Lease, Store


@dataclass(frozen=True, slots=True)
class Collected:
    """What `gc` found, what it released, what would not go, and what kept it from going on.

    `started` are members that a move had stopped.
    """

    cluster: str
    found: tuple[Rejection, ...]
    released: tuple[str, ...]
    left: tuple[Rejection, ...]
    dry_run: bool
    started: tuple[str, ...] = ()
    error: KeepapartError | None = None

    @property
    def code(self) -> ExitCode:
        """The exit code."""
        if self.error:
            return self.error.exit_code
        return ExitCode.FAILED if self.left else ExitCode.OK

    def document(self) -> GcDocument:
        """Return the JSON document of `keepapart gc --json`."""
        return GcDocument(
            cluster=self.cluster,
            found=tuple(Reason(f.id, f.because) for f in self.found),
            released=self.released,
            started=self.started,
            left=tuple(Reason(x.id, x.because) for x in self.left),
            dry_run=self.dry_run,
            code=self.code,
            error=error_entry(self.error) if self.error else None,
        )

    def lines(self) -> list[str]:
        """Say it to people."""
        if not (self.found or self.left or self.error):
            return [f"nothing of {self.cluster!r} is left behind"]
        said = [f"{f.id}: {f.because}" for f in self.found]
        if self.released:
            said.append(f"released: {', '.join(self.released)}")
        if self.started:
            said.append(f"started: {', '.join(self.started)}")
        return [*said, *(f"{x.id} is still there: {x.because}" for x in self.left)]


def collect(context: AdmissionContext, *, dry_run: bool = False) -> Collected:
    """Find what no running admission owns; release it, unless `dry_run`.

    Raises `CloudError` or `StoreError` where the platform or the store can't be asked, `UsageError` where the
    journal is of another place.
    """
    if dry_run:
        alive = _admission_alive(context)
        listed = GuardedCloud(context, None).look()
        return Collected(context.cluster, _Found(context, listed, None, alive).all(), (), (), dry_run=True)
    try:
        with leased(context) as lease:
            return _collect(context, lease)
    except LeaseError as held:
        context.tell(f"{held}; what it owns is left alone")
        return _collect(context, None)


@dataclass(slots=True)
class _Done:
    """What was done so far; `earlier` is what was left already when this process began."""

    released: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    earlier: set[str] = field(default_factory=set)


def _collect(context: AdmissionContext, lease: Lease | None) -> Collected:
    listed = GuardedCloud(context, lease).look()
    found = {f.id: f for f in _Found(context, listed, lease, alive=lease is None).all()}
    done = _Done()
    error: KeepapartError | None = None
    try:
        if lease:
            _close_unfinished(context, lease, listed, done)
            listed = GuardedCloud(context, lease).look()
        remaining = _Found(context, listed, lease, alive=lease is None)
        if lease:
            _start_the_rest(remaining, lease, done)
        _release_the_rest(remaining, found, done)
    except OperationError as failed:
        error = failed
    except KeyboardInterrupt:
        error = InterruptionError()
    left = tuple(Rejection(i, because) for i, because in done.left.items())
    return Collected(
        context.cluster,
        tuple(found.values()),
        tuple(done.released),
        left,
        False,
        tuple(done.started),
        error,
    )


def _close_unfinished(context: AdmissionContext, lease: Lease, listed: Inventory, done: _Done) -> None:
    for run in context.store.journals.unfinished(context.cluster):
        executor = opened(context, lease, run, no_checker)
        if executor is None:
            continue
        before = _candidates(executor)
        off = executor.journal.state.off if isinstance(executor, Mover) else None
        stopped = off and not listed.instances.get(off.id, Instance(off.id)).running
        try:
            clean_up(executor, "ended by gc")
        finally:
            state = _candidates(executor)
            done.released += [i for i in state.released if i not in before.released]
            done.left.update(left_of(state))
            done.earlier |= before.left.keys()
            if isinstance(executor, Mover) and off and stopped:
                done.started += [i for i in executor.journal.state.of(Stage.UP) if i == off.id]


def _candidates(run: Executor | Mover) -> State:
    """Return what the journal says of the candidates, or throwaways, of a run."""
    return run.journal.state.throwaways if isinstance(run, Mover) else run.journal.state


def _start_the_rest(all_: _Found, lease: Lease, done: _Done) -> None:
    """Start the members that finished moves left stopped."""
    for member, run in all_.known.down.items():
        event = bring_up(all_.guarded, BringUp(member, 0.0), GONE_WITHIN)
        if isinstance(event, e.Up):
            _journal(all_.context, lease, run).write(event)
            if not all_.runs(member):  # else somebody started it
                done.started.append(member)
                all_.context.tell(f"{member} runs")
        elif isinstance(event, e.Down):
            done.left[member] = f"it can't be started: {event.because}"


def _release_the_rest(all_: _Found, found: dict[str, Rejection], done: _Done) -> None:
    for orphan, step in all_.orphans():
        if orphan.id in done.released or orphan.id in done.left.keys() - done.earlier:
            continue
        done.left.pop(orphan.id, None)
        event = _let_go(all_, step)
        if isinstance(event, e.LeftAlone):
            done.left[orphan.id] = event.because
        elif all_.is_there(orphan.id):
            done.released.append(orphan.id)
        else:
            continue  # it was gone already, and now that is journalled
        found.setdefault(orphan.id, orphan)


def _let_go(all_: _Found, step: Release) -> e.Event:
    event = release.release(all_.guarded, step)
    if isinstance(event, e.Releasing):
        event = release.await_gone(all_.guarded, AwaitGone(step))
    settled = all_.known.unsettled.get(step.id)
    if settled and all_.lease and isinstance(event, e.Released):
        _journal(all_.context, all_.lease, settled.run).write(event)
    if all_.is_there(step.id):
        all_.context.tell(told(State(""), event))
    return event


def _journal(context: AdmissionContext, lease: Lease, run: str) -> Journal[State] | Journal[Moving]:
    if is_move(context.store, run):
        return Journal(context, lease, begun(run), apply)
    return Journal(context, lease, State(run), admission.apply)


class _Found:
    """What is left behind: by what was listed, and then by the journals.

    A run that begins or ends while the journals are read is taken for unfinished, whatever is read first.
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


def _admission_alive(context: AdmissionContext) -> bool:
    return at_work(context.store.leases.holder(context.cluster), context.of_day())
