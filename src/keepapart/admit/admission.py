"""The use cases `admit` and `replace`: take the lease, clear up what was left, run, and leave nothing behind.

Rules:
1. One admission a cluster at a time: the lease is taken first and given back last.
2. The platform is listed before the journal is read, so that whatever the list shows was journalled.
3. An unfinished run of the same request is gone on with, unless it was already ending without success; any
   other unfinished run is cleaned up first, and that is said.
4. Interrupted or failing, the run releases what it holds, waiting only briefly; what it can't release is
   named for `gc`.
5. A run that lost its lease touches nothing any more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from keepapart.admit import events as e
from keepapart.admit.context import AdmissionContext
from keepapart.admit.executor import Executor
from keepapart.admit.guarded_cloud import GuardedCloud
from keepapart.admit.inventory import Inventory, is_member
from keepapart.admit.lease import leased
from keepapart.admit.outcome import Outcome, outcome
from keepapart.admit.state import HELD, IN_FLIGHT, Phase, State
from keepapart.errors import ExitCode, KeepapartError, LeaseError, OperationError, UsageError
from keepapart.model import Checker
from keepapart.store import Lease

BRIEFLY = 20.0  # seconds to wait for an instance to go when interrupted: a person is waiting


def admit(context: AdmissionContext, checker: Checker, count: int = 1, excuse: Sequence[str] = ()) -> Outcome:
    """Launch candidates and check them until `count` more are members.

    Raises `UsageError` for what can't be meant, `LeaseError` where another admission of the cluster is
    running, `OperationError` where it failed and something is left for `gc`.
    """
    return _run(context, checker, e.Requested(context.cluster, count), tuple(excuse))


def replace(
    context: AdmissionContext, checker: Checker, ids: Sequence[str], excuse: Sequence[str] = ()
) -> Outcome:
    """Admit a stand-in for each of these members, then release those whose stand-in is in.

    Raises as `admit` does; an id that is no member's is a `UsageError`.
    """
    going = tuple(dict.fromkeys(ids))
    return _run(context, checker, e.Requested(context.cluster, len(going), going), tuple(excuse))


def clean_up(executor: Executor, because: str) -> None:
    """End an unfinished run without going on with it: what isn't a member is released."""
    if not executor.journal.state.closing:
        executor.write(e.Closing(ExitCode.NO, because))
    executor.go_on()


def held(state: State) -> tuple[str, ...]:
    """Name the instances that the run still has and that aren't members."""
    return tuple(a.id for a in state.in_phase(*IN_FLIGHT, *HELD, Phase.RELEASING) if a.id)


def _run(context: AdmissionContext, checker: Checker, asked: e.Requested, excuse: tuple[str, ...]) -> Outcome:
    began = context.clock()
    if asked.count < 1:
        raise UsageError(f"{asked.count} new members can't be asked for; 1 is the least")
    with leased(context) as lease:
        inventory = GuardedCloud(context, lease).look(asked.replaces)
        try:
            executor = _unfinished(context, lease, checker, asked)
        except BaseException:
            context.tell("an earlier run is not cleaned up yet; `keepapart gc` finds what it left")
            raise
        if executor is None:
            _known(asked.replaces, inventory)
            executor = Executor(context, lease, f"run-{context.tokens()[:12]}", checker)
            _known(excuse, inventory)
            executor.write(asked)
        new = tuple(i for i in excuse if i not in executor.journal.state.excused)
        if new:
            _known(new, inventory)
            executor.write(e.Excused(new))
        return _finish(context, executor, began)


def _unfinished(
    context: AdmissionContext, lease: Lease, checker: Checker, asked: e.Requested
) -> Executor | None:
    same: Executor | None = None
    for run in context.store.journals.unfinished(context.cluster):
        executor = Executor(context, lease, run, checker)
        state = executor.journal.state
        alike = (state.count, sorted(state.replaces)) == (asked.count, sorted(asked.replaces))
        succeeding = state.closing is None or state.closing.code == ExitCode.OK
        if alike and succeeding and same is None:
            context.tell(f"going on with {run}, which was interrupted")
            same = executor
        else:
            context.tell(f"cleaning up after {run}, which was interrupted")
            clean_up(executor, "another admission was asked for")
    if same:
        same.resume()
    return same


def _known(ids: Sequence[str], inventory: Inventory) -> None:
    members = sorted(i.id for i in inventory.instances.values() if is_member(i))
    for instance_id in ids:
        if instance_id not in members:
            names = ", ".join(members) or "none yet"
            raise UsageError(f"{instance_id}: no such member", f"the members are {names}")


def _finish(context: AdmissionContext, executor: Executor, began: float) -> Outcome:
    code = None
    try:
        executor.go_on()
    except LeaseError:
        raise
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
        _let_go(context, executor, e.Closing(code, "interrupted"))
    except OperationError as error:
        _let_go(context, executor, e.Closing(ExitCode.FAILED, str(error)), cause=error)
    except BaseException as error:
        _let_go(context, executor, e.Closing(ExitCode.FAILED, f"{type(error).__name__}: {error}"))
        raise
    result = outcome(executor.journal.state, context.clock() - began)
    return result if code is None else _interrupted(result)


def _let_go(
    context: AdmissionContext, executor: Executor, closing: e.Closing, cause: KeepapartError | None = None
) -> None:
    """Let go of what the run holds, briefly; where that fails too, say what is left for `gc` to find."""
    executor.gone_within = BRIEFLY
    try:
        executor.journal.read()
        if not executor.journal.state.closing:
            executor.write(closing)
        executor.go_on()
    except LeaseError:
        raise
    except BaseException as error:
        left = ", ".join(held(executor.journal.state)) or "nothing that is known"
        context.tell(f"not released: {left}; `keepapart gc` finds and releases what is left")
        if isinstance(error, OperationError):
            raise OperationError(f"{cause or error} (not released: {left}; see `keepapart gc`)") from error
        raise


def _interrupted(result: Outcome) -> Outcome:
    return dataclasses.replace(result, code=ExitCode.INTERRUPTED, because="interrupted")
