"""Runs that exist already, admissions and moves: what goes on with one, or ends it without going on.

1. An unfinished run of the same request is gone on with, unless it was already ending without success; any
   other is cleaned up first, and that is said. A run of a cloud that has begun anew is over.
2. Interrupted or failing, a run lets go of what it holds, waiting only briefly; what it can't is named for
   `gc`. Once all that was asked for is done, that is what it ends with.
3. A run that lost its lease touches nothing any more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from keepapart.admit import events as e
from keepapart.admit import ledger
from keepapart.admit.context import AdmissionContext
from keepapart.admit.executor import Executor
from keepapart.admit.journal import is_move
from keepapart.admit.moves.mover import Mover
from keepapart.clouds import BOOT, where
from keepapart.errors import ExitCode, KeepapartError, LeaseError, OperationError
from keepapart.model import Checker
from keepapart.store import Lease

BRIEFLY = 20.0  # seconds to wait for an instance to go when interrupted: a person is waiting

Run = Executor | Mover
R = TypeVar("R", Executor, Mover)


def opened(context: AdmissionContext, lease: Lease, run: str, checker: Checker) -> Run | None:
    """Return what goes on with an unfinished run; None where it is over.

    So it is where its cloud has begun anew: nothing of it is there any more, whatever has its ids now.
    """
    known = ledger.read(context)
    kind = Mover if is_move(context.store, run) else Executor
    going = kind(context, lease, run, checker, known)
    if run not in known.over:
        return going
    if not going.journal.state.closing:
        going.write(e.Closing(ExitCode.FAILED, "the cloud that it took place in is no more"))
    going.write(e.Finished())
    return None


def clean_up(run: Run, because: str) -> None:
    """End an unfinished run without going on with it."""
    if not run.journal.state.closing:
        run.write(e.Closing(ExitCode.NO, because))
    run.go_on()


def taken_on(
    context: AdmissionContext, lease: Lease, checker: Checker, kind: type[R], is_same: Callable[[R], bool]
) -> R | None:
    """Return what goes on with the unfinished run that was asked for the same; clean up after all others."""
    try:
        return _taken_on(context, lease, checker, kind, is_same)
    except BaseException:
        context.tell("an earlier run is not cleaned up yet; `keepapart gc` finds what it left")
        raise


def _taken_on(
    context: AdmissionContext, lease: Lease, checker: Checker, kind: type[R], is_same: Callable[[R], bool]
) -> R | None:
    same: R | None = None
    for name in context.store.journals.unfinished(context.cluster):
        run = opened(context, lease, name, checker)
        if run is None:
            continue
        closing = run.journal.state.closing
        succeeding = closing is None or closing.code == ExitCode.OK
        if isinstance(run, kind) and is_same(run) and succeeding and not same:
            context.tell(f"going on with {name}, which was interrupted")
            same = run
        else:
            context.tell(f"cleaning up after {name}, which was interrupted")
            clean_up(run, "something else was asked for")
    if same is None:
        return None
    run = opened(context, lease, same.journal.run, checker)  # what was cleaned up may be in the ledger
    assert isinstance(run, kind)
    here = where(context.cloud)
    if ledger.read(context).place != {key: said for key, said in here.items() if key != BOOT}:
        run.write(e.Placed(here))  # cut short before it said so, or elsewhere by the operator's word
    run.resume()
    return run


def ended(context: AdmissionContext, run: Run) -> KeepapartError | None:
    """Go on until the run is finished, whatever happens; return what failed."""
    try:
        run.go_on()
    except LeaseError as lost:
        return lost
    except KeyboardInterrupt:
        return _let_go(context, run, e.Closing(ExitCode.INTERRUPTED, "interrupted"))
    except OperationError as failed:
        _let_go(context, run, e.Closing(ExitCode.FAILED, str(failed)))
        return failed
    except BaseException as unforeseen:
        _let_go(context, run, e.Closing(ExitCode.FAILED, f"{type(unforeseen).__name__}: {unforeseen}"))
        raise
    return None


def _let_go(context: AdmissionContext, run: Run, closing: e.Closing) -> KeepapartError | None:
    """Let go of what the run holds, briefly; where that fails too, say what is left for `gc` to find."""
    run.gone_within = BRIEFLY
    try:
        run.journal.read()
        if not run.journal.state.closing:
            run.write(run.done() or closing)
        run.go_on()
    except LeaseError as lost:
        return lost
    except (OperationError, KeyboardInterrupt) as error:
        context.tell(run.left())
        return error if isinstance(error, OperationError) else None
    return None
