"""The use cases `admit` and `replace`: take the lease, settle what was left, run, and leave nothing behind.

Rules:
1. One admission a cluster at a time: the lease is taken first and given back last. Where another admission
   has it, this one ends, or waits for `wait` seconds: until that one is done, or its lease runs out.
2. The platform is listed before the journal is read, so that whatever the list shows was journalled.
3. An unfinished run of the same request is gone on with, unless it was already ending without success; any
   other unfinished run is cleaned up first, and that is said.
4. Interrupted or failing, the run lets go of what it holds, briefly; what it can't is named for `gc`.
5. A run that lost its lease touches nothing any more.
"""

from __future__ import annotations

import dataclasses
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from keepapart.admit import events as e
from keepapart.admit.check import Checker
from keepapart.admit.executor import Executor
from keepapart.admit.guarded_cloud import Arrow, GuardedCloud
from keepapart.admit.inventory import Inventory, is_member
from keepapart.admit.journal import Journal
from keepapart.admit.lease import SECONDS, holder_id, is_dead, renewed
from keepapart.admit.outcome import Outcome, outcome
from keepapart.admit.state import HELD, IN_FLIGHT, Phase, State
from keepapart.clouds import Cloud
from keepapart.config import LaunchSettings
from keepapart.errors import ExitCode, KeepapartError, LeaseError, OperationError, StoreError, UsageError
from keepapart.model import silent
from keepapart.store import Lease, Store

WAITING = 1.0  # seconds between two looks at a lease that another admission holds
BRIEFLY = 20.0  # seconds to wait for an instance to go when interrupted: a person is waiting


@dataclass(frozen=True, slots=True)
class AdmissionContext:
    """Where an admission takes place, and the world as it sees it: all that is not pure is handed in.

    `policy` is the configuration's `[launch]`; `parameters` go into every launch call as they are.
    `clock` gives seconds since the epoch; `tokens` gives a new token of at most 64 ASCII characters each
    time; `tell` hears one line for each thing that happened; `on_arrow` is called before and after each
    effect and each journal write. `wait` are seconds to wait for another admission of the cluster to end;
    `lease_seconds` is how long a lease outlives its holder where nobody can tell that it is dead, and
    `holder` names this process so that others can.
    """

    cloud: Cloud
    store: Store
    cluster: str
    policy: LaunchSettings = field(default_factory=LaunchSettings)
    parameters: Mapping[str, str] = field(default_factory=dict)
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    tokens: Callable[[], str] = lambda: secrets.token_hex(16)
    tell: Callable[[str], None] = silent
    on_arrow: Arrow = silent
    wait: float = 0.0
    lease_seconds: float = SECONDS
    holder: Callable[[], str] = holder_id

    def guarded(self, lease: Lease | None) -> GuardedCloud:
        """Return the way to the platform, fenced by the lease."""

        def renew() -> None:
            if lease:
                self.store.leases.renew(lease, self.clock())

        return GuardedCloud(self.cloud, self.cluster, self.clock, self.sleep, renew, self.on_arrow)

    def executor(self, lease: Lease, run: str, checker: Checker) -> Executor:
        """Return what performs this run's steps."""
        return Executor(
            Journal(self.store, lease, run, self.clock, self.on_arrow),
            self.guarded(lease),
            self.policy,
            checker,
            self.tokens,
            self.parameters,
            self.tell,
        )

    @contextmanager
    def lease(self) -> Iterator[Lease]:
        """Hold the cluster's lease. Raises `LeaseError` where another admission does."""
        lease = self._acquired()
        try:
            with renewed(self.store, lease, self.clock):
                yield lease
        finally:
            with suppress(StoreError):  # it runs out by itself
                self.store.leases.give_back(lease)

    def _acquired(self) -> Lease:
        deadline = self.clock() + self.wait
        told = ""
        while True:
            now = self.clock()
            try:
                return self.store.leases.acquire(
                    self.cluster, self.holder(), now, self.lease_seconds, is_dead
                )
            except LeaseError as held:
                if now >= deadline:
                    raise
                waiting = str(held).partition(" holds it until")[0]
                if waiting != told:
                    self.tell(f"waiting: {waiting}")
                told = waiting
                self.sleep(min(WAITING, deadline - now))


def admit(context: AdmissionContext, checker: Checker, count: int = 1, excuse: Sequence[str] = ()) -> Outcome:
    """Come by candidates and check them until `count` more are members.

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
    """End an unfinished run without going on with it: what isn't a member is let go."""
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
    with context.lease() as lease:
        inventory = context.guarded(lease).look(asked.replaces)
        try:
            executor = _unfinished(context, lease, checker, asked)
        except BaseException:
            context.tell("an earlier run is not cleaned up yet; `keepapart gc` finds what it left")
            raise
        if executor is None:
            _known(asked.replaces, inventory)
            executor = context.executor(lease, f"run-{context.tokens()[:12]}", checker)
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
        executor = context.executor(lease, run, checker)
        state = executor.journal.state
        alike = (state.count, sorted(state.replaces)) == (asked.count, sorted(asked.replaces))
        succeeding = state.closing is None or state.closing.code == ExitCode.OK
        if alike and succeeding and same is None:
            context.tell(f"going on with {run}, which was interrupted")
            same = executor
        else:
            context.tell(f"cleaning up after {run}, which was interrupted")
            clean_up(executor, "another request came")
    if same:
        same.resume()
    return same


def _known(ids: Sequence[str], inventory: Inventory) -> None:
    members = sorted(i.id for i in inventory.instances.values() if is_member(i))
    for instance_id in ids:
        if instance_id not in members:
            names = ", ".join(members) or "none yet"
            raise UsageError(f"{instance_id}: no such member; the members are {names}")


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
        left = ", ".join(held(executor.journal.state)) or "nothing that is known of"
        context.tell(f"not let go of: {left}; `keepapart gc` finds and releases what is left")
        if isinstance(error, OperationError):
            raise OperationError(f"{cause or error} (not let go of: {left}; see `keepapart gc`)") from error
        raise


def _interrupted(result: Outcome) -> Outcome:
    return dataclasses.replace(result, code=ExitCode.INTERRUPTED, because="interrupted")
