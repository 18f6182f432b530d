"""The mover: performs one step of a move after another and journals what came of each."""

from __future__ import annotations

from math import inf

from keepapart.admit import events, intent, launch, release
from keepapart.admit import steps as common
from keepapart.admit.context import AdmissionContext
from keepapart.admit.guarded_cloud import PATIENCE, GuardedCloud
from keepapart.admit.inventory import Inventory
from keepapart.admit.journal import Journal
from keepapart.admit.ledger import Ledger
from keepapart.admit.moves import acts, steps
from keepapart.admit.moves.machine import DONE, decide
from keepapart.admit.moves.outcome import told
from keepapart.admit.moves.state import Stage, apply, begun
from keepapart.admit.outcome import held, not_released
from keepapart.admit.state import State
from keepapart.clouds import Placer, Staying
from keepapart.domains.risk import needed
from keepapart.errors import ExitCode
from keepapart.model import Checker
from keepapart.store import Lease


class Mover:
    """One move, taken on from wherever its journal stands.

    `gone_within` is how many seconds to wait for the member to be up again and for each throwaway to go, once
    the move is ending.
    """

    def __init__(
        self, context: AdmissionContext, lease: Lease, run: str, checker: Checker, ledger: Ledger
    ) -> None:
        self.journal = Journal(context, lease, begun(run), apply)
        self.gone_within = release.GONE_WITHIN
        self._context = context
        self._guarded = GuardedCloud(context, lease, ledger)
        self._checker = checker
        self._began = context.clock()

    def resume(self) -> None:
        """Have a verdict, and the operator's word, made sure of once more after an interruption."""
        turn = self.journal.state.current
        if turn and turn.stage is Stage.READY:
            self.write(events.Looked(turn.id, turn.because))
        elif turn and turn.stage in (Stage.BESIDE, Stage.APART):
            self.write(events.Up(turn.id))

    def go_on(self) -> None:
        """Go on until the move is finished."""
        while not self.journal.state.finished:
            self._guarded.patience = min(PATIENCE, self.gone_within)
            inventory, now = self.look(), self._context.clock()
            state, policy = self.journal.state, self._context.policy
            need = needed(self._context.survive, len(inventory.members(State(""))))
            cloud, elapsed = self._context.cloud, now - self._began
            places, stays = isinstance(cloud, Placer), isinstance(cloud, Staying)
            step = decide(state, inventory, policy, need, elapsed, now, places=places, stays=stays)
            self._guarded.until = inf if state.closing else self._until()
            self.write(self.perform(step))

    def done(self) -> events.Closing | None:
        """Say how the move ends where every member asked for is moved."""
        state = self.journal.state
        done = len(state.of(Stage.MOVED)) == len(state.turns)
        return events.Closing(ExitCode.OK, DONE) if done else None

    def left(self) -> str:
        """Say which member may be stopped, and which throwaways there may be."""
        state = self.journal.happened
        if not state.off:
            return not_released(state.throwaways)
        member = f"{state.off.id}, which is a member, may be stopped: `keepapart gc` starts it again"
        return f"{member}; {not_released(state.throwaways)}" if held(state.throwaways) else member

    def look(self) -> Inventory:
        """See what the platform shows of the cluster now."""
        state = self.journal.state
        also = [*state.ids, *(a.id for a in state.throwaways.attempts if a.id)]
        return self._guarded.look(also, stopped=state.off.id if state.off else "")

    def write(self, event: events.Event) -> None:
        """Journal an event, then tell it."""
        self.journal.write(event)
        if message := told(self.journal.state, event):
            self._context.tell(message)

    def _until(self) -> float:
        """Say when waits end: never for a member that is stopped, since it has to run again."""
        minutes = self._context.policy.max_minutes
        return self._began + minutes * 60 if minutes and not self.journal.state.off else inf

    def perform(self, step: common.Step) -> events.Event:
        """Do what the step says, and return what came of it."""
        guarded, state = self._guarded, self.journal.state
        match step:
            case common.Note(event):
                return event
            case steps.Look():
                return acts.look(guarded, step, self._checker)
            case steps.AskHealth():
                left = self._until() - self._context.clock()
                return acts.ask_health(guarded, step, None if left == inf else max(left, 1.0))
            case steps.Foresee():
                return acts.foresee(guarded, step)
            case steps.Migrate():
                return acts.migrate(guarded, step)
            case steps.Stop():
                return acts.stop(guarded, step)
            case steps.Choose():
                return acts.choose(guarded, step)
            case steps.Place():
                return acts.place(guarded, step)
            case common.Intend():
                return intent.intended(
                    state.throwaways, step, self._context.tokens(), dict(self._context.parameters)
                )
            case common.Launch():
                return launch.launch(guarded, step, unsent=False)  # whatever was sent is looked for
            case steps.Start():
                return acts.start(guarded, step)
            case steps.Compare():
                return acts.compare(guarded, step, self._checker)
            case steps.BringUp():
                self._context.tell(f"{step.id} is started first, where it is: nobody is left stopped")
                return acts.bring_up(guarded, step, self.gone_within)
            case common.Release():
                return release.release(guarded, step)
            case common.AwaitGone():
                return release.await_gone(guarded, step, self.gone_within)
            case common.FindUnanswered():
                return release.find_unanswered(guarded, self.journal.run, step, self.gone_within)
            case common.Finish():
                return events.Finished()
            case _:
                raise TypeError(f"no way to perform {step!r}")
