"""The executor: performs one step after another and journals what came of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf

from keepapart.admit import budget, check, events, intent, launch, reconcile, release, steps
from keepapart.admit.check import Checker
from keepapart.admit.hands import Hands
from keepapart.admit.journal import Journal
from keepapart.admit.machine import decide
from keepapart.admit.outcome import told
from keepapart.admit.view import View
from keepapart.clouds import CLUSTER_TAG, Chooser
from keepapart.config import Launch


class Executor:
    """One run, taken on from wherever its journal stands.

    `gone_within` is how many seconds to wait for each instance that is let go.
    """

    def __init__(
        self,
        journal: Journal,
        hands: Hands,
        policy: Launch,
        checker: Checker,
        tokens: Callable[[], str],
        parameters: Mapping[str, str],
        progress: Callable[[str], None],
    ) -> None:
        self.journal = journal
        self.gone_within = release.GONE_WITHIN
        self._hands = hands
        self._policy = policy
        self._checker = checker
        self._tokens = tokens
        self._parameters = parameters
        self._progress = progress
        self._began = hands.clock()

    def resume(self) -> None:
        """Void what an interruption made doubtful."""
        for event in reconcile.voided(self.journal.state, self.look()):
            self.write(event)

    def go_on(self) -> None:
        """Go on until the run is finished."""
        while not self.journal.state.finished:
            view, now = self.look(), self._hands.clock()
            state = self.journal.state
            step = decide(state, view, self._policy, now - self._began, now)
            self._hands.until = inf if state.closing else budget.lasts(state, self._policy, now)
            self.write(self.perform(step))

    def look(self) -> View:
        """See what the platform shows of the cluster now."""
        state = self.journal.state
        return self._hands.look([*(a.id for a in state.attempts if a.id), *state.replaces])

    def write(self, event: events.Event) -> None:
        """Journal an event, then tell it."""
        self.journal.write(event)
        if message := told(self.journal.state, event):
            self._progress(message)

    def _chosen(self, step: steps.Intend) -> dict[str, str]:
        """Return what the launch call will say beside token and tags; a start says nothing."""
        cloud, tags = self._hands.cloud, {CLUSTER_TAG: self.journal.state.cluster}
        if step.source or not isinstance(cloud, Chooser):
            return dict(self._parameters)
        return {**self._parameters, **self._hands.retried(lambda: cloud.parameters(tags))}

    def perform(self, step: steps.Step) -> events.Event:
        """Do what the step says, and return what came of it."""
        hands = self._hands
        match step:
            case steps.Note(event):
                return event
            case steps.Intend():
                return intent.intended(self.journal.state, step, self._tokens(), self._chosen(step))
            case steps.Launch():
                return launch.launch(hands, step)
            case steps.StartStopped():
                return launch.start_stopped(hands, step)
            case steps.AwaitRunning():
                return launch.await_running(hands, step)
            case steps.Check():
                return check.check(hands, step, self._checker)
            case steps.Join():
                return check.let_in(hands, step)
            case steps.Release():
                return release.release(hands, step)
            case steps.AwaitGone():
                return release.await_gone(hands, step, self.gone_within)
            case steps.Settle():
                return release.settle(hands, self.journal.run, step)
            case steps.Finish():
                return events.Finished()
            case _:
                raise TypeError(f"no way to perform {step!r}")
