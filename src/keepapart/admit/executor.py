"""The executor: performs one step after another and journals what came of each."""

from __future__ import annotations

from math import inf

from msgspec import UNSET

from keepapart.admit import budget, check, events, intent, launch, reconcile, release, steps
from keepapart.admit.context import AdmissionContext
from keepapart.admit.guarded_cloud import PATIENCE, GuardedCloud
from keepapart.admit.inventory import Inventory
from keepapart.admit.journal import Journal
from keepapart.admit.ledger import Ledger
from keepapart.admit.machine import decide
from keepapart.admit.outcome import not_released, told
from keepapart.admit.state import State, apply
from keepapart.clouds import CLUSTER_TAG, Chooser
from keepapart.errors import ExitCode
from keepapart.model import Checker
from keepapart.store import Lease


class Executor:
    """One run, taken on from wherever its journal stands.

    `gone_within` is how many seconds to wait for each instance that is released.
    """

    def __init__(
        self, context: AdmissionContext, lease: Lease, run: str, checker: Checker, ledger: Ledger
    ) -> None:
        self.journal = Journal(context, lease, State(run), apply)
        self.gone_within = release.GONE_WITHIN
        self._context = context
        self._guarded = GuardedCloud(context, lease, ledger)
        self._checker = checker
        self._began = context.clock()
        self._unsent: set[int] = set()  # attempts of which this process knows that no call is open

    def resume(self) -> None:
        """Void what an interruption made doubtful."""
        for event in reconcile.voided(self.journal.state, self.look()):
            self.write(event)

    def go_on(self) -> None:
        """Go on until the run is finished."""
        while not self.journal.state.finished:
            self._guarded.patience = min(PATIENCE, self.gone_within)
            inventory, now = self.look(), self._context.clock()
            state, policy = self.journal.state, self._context.policy
            step = decide(state, inventory, policy, now - self._began, now)
            self._guarded.until = inf if state.closing else self._until(now)
            self.write(self.perform(step))

    def _until(self, now: float) -> float:
        """Say when waits end: where the time is over, or nothing is left but what pays for releasing."""
        minutes = self._context.policy.max_minutes
        over = self._began + minutes * 60 if minutes else inf
        return min(over, budget.lasts(self.journal.state, self._context.policy, now))

    def done(self) -> events.Closing | None:
        """Say how the run ends where all is done that was asked for, and only candidates are left."""
        state = self.journal.state
        done = budget.all_in(state) and not release.due(state)
        return events.Closing(ExitCode.OK, check.ALL_IN) if done else None

    def left(self) -> str:
        """Say what the run has yet to let go of, and how."""
        return not_released(self.journal.happened)

    def look(self) -> Inventory:
        """See what the platform shows of the cluster now."""
        state = self.journal.state
        own = (a.id for a in state.attempts if a.id)
        known = [*own, *state.replaces, *state.beside, *state.carried.values()]
        return self._guarded.look(known, joined={a.id: a.until or 0.0 for a in state.joined})

    def write(self, event: events.Event) -> None:
        """Journal an event, then tell it."""
        self.journal.write(event)
        if isinstance(event, (events.Intended, events.Postponed, events.OverQuota)):
            self._unsent.add(event.attempt)
        if message := told(self.journal.state, event):
            self._context.tell(message)

    def _chosen(self, step: steps.Intend) -> dict[str, str]:
        """Return what the launch call will say beside token and tags; a start says nothing."""
        cloud, tags = self._context.cloud, {CLUSTER_TAG: self.journal.state.cluster}
        if step.source or not isinstance(cloud, Chooser):
            return dict(self._context.parameters)
        return {**self._context.parameters, **self._guarded.retried(lambda: cloud.parameters(tags))}

    def _hook_seconds(self) -> float | None:
        """Say how long a command of the operator's may take; None: as long as it likes."""
        now, minutes = self._context.clock(), self._context.policy.max_minutes
        over = min(self._began + minutes * 60 if minutes else inf, self._guarded.until)
        return None if over == inf else max(over - now, 1.0)

    def perform(self, step: steps.Step) -> events.Event:
        """Do what the step says, and return what came of it."""
        guarded = self._guarded
        match step:
            case steps.Note(event):
                return event
            case steps.Intend():
                return intent.intended(self.journal.state, step, self._context.tokens(), self._chosen(step))
            case steps.Launch():
                unsent = step.attempt in self._unsent
                self._unsent.discard(step.attempt)
                return launch.launch(guarded, step, unsent=unsent, user_data=self._context.user_data)
            case steps.StartStopped():
                return launch.start_stopped(guarded, step)
            case steps.AwaitRunning():
                return launch.await_running(guarded, step)
            case steps.Check():
                return check.check(guarded, step, self._checker)
            case steps.Join():
                return check.let_in(guarded, step)
            case steps.Settle():
                return check.settle(guarded, step)
            case steps.Release():
                return release.release(guarded, step, self._hook_seconds())
            case steps.AwaitGone():
                return release.await_gone(guarded, step, self.gone_within)
            case steps.FindUnanswered():
                return release.find_unanswered(guarded, self.journal.run, step, self.gone_within)
            case steps.Welcome():
                return check.welcome(guarded, step, self._hook_seconds())
            case steps.Confirm():
                return check.confirm(guarded, step)
            case steps.Finish():
                return events.Finished(self.journal.state.not_apart or UNSET)
            case _:
                raise TypeError(f"no way to perform {step!r}")
