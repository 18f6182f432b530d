"""What became of a move, and what is said while it goes on."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from keepapart.admit import events as e
from keepapart.admit import outcome as admission
from keepapart.admit.moves.state import Moving, Stage, Turn
from keepapart.admit.outcome import Rejection
from keepapart.clouds import NOTE
from keepapart.documents.admission import MoveDocument
from keepapart.documents.base import Reason
from keepapart.documents.error import error_entry
from keepapart.errors import ExitCode, KeepapartError, OperationError
from keepapart.model import Verdict, many


@dataclass(frozen=True, slots=True)
class MoveOutcome:
    """What became of a move.

    `code` is the exit code (docs/contract.md), `because` its reason. `moved` are apart from every member;
    `unmoved` run and aren't known to be, or were not begun; `down` were stopped and don't run. `released` and
    `left` are throwaways, gone and still there. `stops` is how often a member was stopped, `seconds` the time
    that this process took; `error` is what failed, where something did. `stayed` are those of `moved` that
    were apart before.
    """

    code: ExitCode
    because: str
    moved: tuple[str, ...]
    unmoved: tuple[Rejection, ...]
    down: tuple[Rejection, ...]
    released: tuple[str, ...]
    left: tuple[Rejection, ...]
    stops: int
    seconds: float
    error: KeepapartError | None = None
    stayed: tuple[str, ...] = ()

    def document(self) -> MoveDocument:
        """Return the JSON document of `keepapart move --json`."""
        return MoveDocument(
            moved=self.moved,
            unmoved=tuple(Reason(x.id, x.because) for x in self.unmoved),
            down=tuple(Reason(x.id, x.because) for x in self.down),
            released=self.released,
            left=tuple(Reason(x.id, x.because) for x in self.left),
            stops=self.stops,
            seconds=round(self.seconds, 3),
            code=self.code,
            error=error_entry(self.error) if self.error else None,
        )

    def lines(self) -> list[str]:
        """Say it to people."""
        said = [f"{x.id} is not moved: {x.because}" for x in self.unmoved]
        said += [f"{x.id} is stopped: {x.because}" for x in self.down]
        said += [f"{x.id} is still there: {x.because}" for x in self.left]
        if self.released:
            said.append(f"released: {', '.join(self.released)}")
        went = [one for one in self.moved if one not in self.stayed]
        said.append(f"moved: {', '.join(went) or 'none'}")
        if self.stayed:
            said.append(f"on a host of its own already: {', '.join(self.stayed)}")
        said.append(f"{self.because} ({many(self.stops, 'stop')}, {self.seconds:.1f} s)")
        return said


def outcome(state: Moving, seconds: float, error: KeepapartError | None = None) -> MoveOutcome:
    """Return what became of a move, from its journal, and from what ended it before its time."""
    closing = state.closing or e.Closing(ExitCode.FAILED, "the move is not finished")
    code, because = ExitCode(closing.code), closing.because
    held = dict.fromkeys(admission.held(state.throwaways), "it isn't released yet; `keepapart gc` does that")
    left = {**held, **state.throwaways.left}
    if error:
        code, error = ExitCode.FAILED, error.saying(admission.still(left))
        because = str(error)
    off = [turn for turn in state.turns if turn.id in (*state.of(Stage.DOWN), state.off and state.off.id)]
    down = tuple(Rejection(turn.id, f"{turn.because or because}; {_again(state)}") for turn in off)
    if (down or left) and code in (ExitCode.OK, ExitCode.NO, ExitCode.UNKNOWN):
        names = ", ".join([*(turn.id for turn in off), *left])
        code, because = ExitCode.FAILED, f"{because}; still to be seen to: {names}"
    unmoved = (turn for turn in state.turns if turn.stage is not Stage.MOVED and turn not in off)
    return MoveOutcome(
        code=code,
        because=because,
        moved=state.of(Stage.MOVED),
        unmoved=tuple(Rejection(turn.id, _why(turn, because)) for turn in unmoved),
        down=down,
        released=state.throwaways.released,
        left=tuple(Rejection(i, why) for i, why in left.items()),
        stops=sum(turn.stops for turn in state.turns),
        seconds=seconds,
        error=error or (OperationError(because) if code == ExitCode.FAILED else None),
        stayed=tuple(turn.id for turn in state.turns if turn.stage is Stage.MOVED and not turn.tries),
    )


def _why(turn: Turn, because: str) -> str:
    if turn.stage is Stage.UNMOVED:
        return turn.because
    if turn.stage is Stage.APART:
        return f"it is apart from every member, but {because}"
    return because if turn.stops else f"it was not stopped: {because}"


def _again(state: Moving) -> str:
    return f"`keepapart move {shlex.join(state.ids)}` goes on, `keepapart gc` starts it where it is"


def told(state: Moving, event: e.Event) -> str:
    """Say an event in words, after it was applied; empty where there is nothing to tell."""
    match event:
        case e.Looked(member, because):
            return f"{member} is to be moved: {because}"
        case e.Migrating(member, parameters):
            return f"{member} is to move as it runs: {parameters.get(NOTE, 'elsewhere')}"
        case e.NotLive(member, because):
            return f"{member} can't be moved as it runs: {because}"
        case e.Stopping(member):
            return f"{member} is being stopped"
        case e.Chosen(member, parameters) if NOTE in parameters:
            return f"{member} is to start {parameters[NOTE]}"
        case e.PlacedAnew(member, because) if because:
            return f"{member} can't be placed so: {because}"
        case e.Starting(member):
            return f"{member} is being started"
        case e.NoRoom(member, because):
            return f"{member} can't be started now ({because}); trying again"
        case e.Up(member, where):
            return f"{member} runs{f' in {where}' if where else ''}"
        case e.Compared(member, Verdict.SEPARATE.value):
            return f"{member} is apart from every member"
        case e.Compared(member, verdict, because):
            return f"{member} {verdict}: {because}"
        case e.Moved(member, because) if because:
            return f"{member}: {because}"
        case e.Moved(member):
            return f"{member} is moved"
        case e.Unmoved(member, _, because):
            return f"{member} is not moved: {because}"
        case e.Down(member, because):
            return f"{member} is stopped and can't be started: {because}"
        case e.Intended(number):
            return f"launching throwaway {number} into the slot that became free"
        case e.Launched(_, instance_id):
            return f"{instance_id} holds a slot"
        case e.LaunchFailed(number, because):
            return f"no throwaway {number}: {because}"
        case e.Closing() | e.Released() | e.LeftAlone() | e.Strayed():
            return admission.told(state.throwaways, event)
        case _:
            return ""
