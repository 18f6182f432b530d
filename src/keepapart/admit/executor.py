"""The executor: performs one step after another and journals what came of each."""

from __future__ import annotations

from math import inf

from keepapart.admit import budget, check, events, intent, launch, reconcile, release, steps
from keepapart.admit.context import AdmissionContext
from keepapart.admit.guarded_cloud import GuardedCloud
from keepapart.admit.inventory import Inventory
from keepapart.admit.journal import Journal
from keepapart.admit.machine import decide
from keepapart.admit.outcome import told
from keepapart.clouds import CLUSTER_TAG, Chooser
from keepapart.model import Checker
from keepapart.store import Lease


class Executor:
    """One run, taken on from wherever its journal stands.

    `gone_within` is how many seconds to wait for each instance that is released.
    """

    def __init__(self, context: AdmissionContext, lease: Lease, run: str, checker: Checker) -> None:
        self.journal = Journal(context, lease, run)
        self.gone_within = release.GONE_WITHIN
        self._context = context
        self._guarded = GuardedCloud(context, lease)
        self._checker = checker
        self._began = context.clock()

    def resume(self) -> None:
        """Void what an interruption made doubtful."""
        for event in reconcile.voided(self.journal.state, self.look()):
            self.write(event)

    def go_on(self) -> None:
        """Go on until the run is finished."""
        while not self.journal.state.finished:
            inventory, now = self.look(), self._context.clock()
            state, policy = self.journal.state, self._context.policy
            step = decide(state, inventory, policy, now - self._began, now)
            self._guarded.until = inf if state.closing else budget.lasts(state, policy, now)
            self.write(self.perform(step))

    def look(self) -> Inventory:
        """See what the platform shows of the cluster now."""
        state = self.journal.state
        return self._guarded.look([*(a.id for a in state.attempts if a.id), *state.replaces])

    def write(self, event: events.Event) -> None:
        """Journal an event, then tell it."""
        self.journal.write(event)
        if message := told(self.journal.state, event):
            self._context.tell(message)

    def _chosen(self, step: steps.Intend) -> dict[str, str]:
        """Return what the launch call will say beside token and tags; a start says nothing."""
        cloud, tags = self._context.cloud, {CLUSTER_TAG: self.journal.state.cluster}
        if step.source or not isinstance(cloud, Chooser):
            return dict(self._context.parameters)
        return {**self._context.parameters, **self._guarded.retried(lambda: cloud.parameters(tags))}

    def perform(self, step: steps.Step) -> events.Event:
        """Do what the step says, and return what came of it."""
        guarded = self._guarded
        match step:
            case steps.Note(event):
                return event
            case steps.Intend():
                return intent.intended(self.journal.state, step, self._context.tokens(), self._chosen(step))
            case steps.Launch():
                return launch.launch(guarded, step)
            case steps.StartStopped():
                return launch.start_stopped(guarded, step)
            case steps.AwaitRunning():
                return launch.await_running(guarded, step)
            case steps.Check():
                return check.check(guarded, step, self._checker)
            case steps.Join():
                return check.let_in(guarded, step)
            case steps.Release():
                return release.release(guarded, step)
            case steps.AwaitGone():
                return release.await_gone(guarded, step, self.gone_within)
            case steps.FindUnanswered():
                return release.find_unanswered(guarded, self.journal.run, step)
            case steps.Finish():
                return events.Finished()
            case _:
                raise TypeError(f"no way to perform {step!r}")
