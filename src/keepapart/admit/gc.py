"""gc: find what earlier runs left behind, by the journals and by tag, and release it until it is gone.

Rules:
1. While an admission holds the lease, what its unfinished run owns is left alone; otherwise every
   unfinished run is closed first, the way it would have closed itself.
2. Then all that is `left_behind` is released, and a member that a move stopped and didn't start again is
   started, wherever that is.
3. One that can't be released or started is named, and holds up no other. What an earlier process left is told
   to go once more.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from keepapart.admit import events as e
from keepapart.admit import release
from keepapart.admit import state as admission
from keepapart.admit.check import no_checker
from keepapart.admit.context import AdmissionContext
from keepapart.admit.executor import Executor
from keepapart.admit.guarded_cloud import GuardedCloud
from keepapart.admit.holder import at_work
from keepapart.admit.inventory import Inventory
from keepapart.admit.journal import Journal, is_move
from keepapart.admit.lease import leased
from keepapart.admit.left_behind import LeftBehind
from keepapart.admit.moves.acts import bring_up
from keepapart.admit.moves.mover import Mover
from keepapart.admit.moves.state import Moving, Stage, apply, begun
from keepapart.admit.moves.steps import BringUp
from keepapart.admit.outcome import Rejection, left_of, told
from keepapart.admit.release import GONE_WITHIN
from keepapart.admit.runs import clean_up, opened
from keepapart.admit.state import State
from keepapart.admit.steps import AwaitGone, Release
from keepapart.documents.admission import GcDocument
from keepapart.documents.base import Reason
from keepapart.documents.error import error_entry
from keepapart.errors import ExitCode, InterruptionError, KeepapartError, LeaseError, OperationError
from keepapart.model import Instance
from keepapart.store import Lease


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
        found = LeftBehind(context, listed, None, alive).all()
        return Collected(context.cluster, found, (), (), dry_run=True)
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
    found = {f.id: f for f in LeftBehind(context, listed, lease, alive=lease is None).all()}
    done = _Done()
    error: KeepapartError | None = None
    try:
        if lease:
            _close_unfinished(context, lease, listed, done)
            listed = GuardedCloud(context, lease).look()
        behind = LeftBehind(context, listed, lease, alive=lease is None)
        if lease:
            _start_the_rest(behind, lease, done)
        _release_the_rest(behind, found, done)
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


def _start_the_rest(behind: LeftBehind, lease: Lease, done: _Done) -> None:
    """Start the members that finished moves left stopped."""
    for member, run in behind.known.down.items():
        event = bring_up(behind.guarded, BringUp(member, 0.0), GONE_WITHIN)
        if isinstance(event, e.Up):
            _journal(behind.context, lease, run).write(event)
            if not behind.runs(member):  # else somebody started it
                done.started.append(member)
                behind.context.tell(f"{member} runs")
        elif isinstance(event, e.Down):
            done.left[member] = f"it can't be started: {event.because}"


def _release_the_rest(behind: LeftBehind, found: dict[str, Rejection], done: _Done) -> None:
    for orphan, step in behind.orphans():
        if orphan.id in done.released or orphan.id in done.left.keys() - done.earlier:
            continue
        done.left.pop(orphan.id, None)
        event = _let_go(behind, step)
        if isinstance(event, e.LeftAlone):
            done.left[orphan.id] = event.because
        elif behind.is_there(orphan.id):
            done.released.append(orphan.id)
        else:
            continue  # it was gone already, and now that is journalled
        found.setdefault(orphan.id, orphan)


def _let_go(behind: LeftBehind, step: Release) -> e.Event:
    event = release.release(behind.guarded, step)
    if isinstance(event, e.Releasing):
        event = release.await_gone(behind.guarded, AwaitGone(step))
    settled = behind.known.unsettled.get(step.id)
    if settled and behind.lease and isinstance(event, e.Released):
        _journal(behind.context, behind.lease, settled.run).write(event)
    if behind.is_there(step.id):
        behind.context.tell(told(State(""), event))
    return event


def _journal(context: AdmissionContext, lease: Lease, run: str) -> Journal[State] | Journal[Moving]:
    if is_move(context.store, run):
        return Journal(context, lease, begun(run), apply)
    return Journal(context, lease, State(run), admission.apply)


def _admission_alive(context: AdmissionContext) -> bool:
    return at_work(context.store.leases.holder(context.cluster), context.of_day())
