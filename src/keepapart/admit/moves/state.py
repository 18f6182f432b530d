"""The state of a move: a pure fold over its events and the times at which they were journalled.

Each member has its turn: `waiting → looked → ready → stopping → stopped → chosen → placed → starting → up →
apart → moved`. Where the platform takes it elsewhere as it runs, it is `ready → migrating → up`. One that
comes up beside another member is `beside`, and is made ready once more. A turn ends with `moved`, `unmoved`
or `down`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from keepapart.admit import events as e
from keepapart.admit import state as admission
from keepapart.admit.state import ENDED, Attempt, State
from keepapart.model import Verdict


class Stage(Enum):
    """How far a member's turn has come."""

    WAITING = "waiting"
    LOOKED = "looked"  # not known to be apart from all others
    READY = "ready"  # the operator's command agrees
    MIGRATING = "migrating"  # it goes elsewhere as it runs
    STOPPING = "stopping"
    STOPPED = "stopped"
    CHOSEN = "chosen"  # what the platform will be told of its place
    PLACED = "placed"
    STARTING = "starting"
    UP = "up"
    BESIDE = "beside"  # it runs, on the host of another
    APART = "apart"
    MOVED = "moved"
    UNMOVED = "unmoved"  # it runs, and no more is tried
    DOWN = "down"  # it could not be started again


OFF = frozenset({Stage.STOPPING, Stage.STOPPED, Stage.CHOSEN, Stage.PLACED, Stage.STARTING})
OVER = frozenset({Stage.MOVED, Stage.UNMOVED, Stage.DOWN})


@dataclass(frozen=True, slots=True)
class Turn:
    """One member's turn.

    `stops` is how often it was stopped, `tries` how often it was that or went elsewhere as it ran, `at` when
    the stage was reached; `held` says that a throwaway was intended since the last stop, `no_room` how often
    it could not be started since. `live` says that it may go as it runs, for all that is known; `refused` is
    why it could not be placed when it was stopped last. `mates` are those beside whom it came up, each time.
    """

    id: str
    stage: Stage = Stage.WAITING
    at: float = 0.0
    stops: int = 0
    tries: int = 0
    held: bool = False
    no_room: int = 0
    live: bool = True
    refused: str = ""
    mates: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    code: int = 0
    because: str = ""


@dataclass(frozen=True, slots=True)
class Moving:
    """All that the journal says of a move.

    `throwaways` is what was launched to hold slots, as the candidates of an admission that lets nobody in.
    """

    run: str
    cluster: str = ""
    hold: bool = False
    host: str = ""
    turns: tuple[Turn, ...] = ()
    excused: tuple[str, ...] = ()
    throwaways: State = field(default_factory=lambda: State(""))
    closing: e.Closing | None = None
    finished: bool = False

    @property
    def ids(self) -> tuple[str, ...]:
        """The members that are to be moved, in order."""
        return tuple(turn.id for turn in self.turns)

    @property
    def current(self) -> Turn | None:
        """The turn that isn't over yet; None where all are."""
        return next((turn for turn in self.turns if turn.stage not in OVER), None)

    @property
    def waiting(self) -> tuple[str, ...]:
        """Those whose turn has not begun."""
        return self.of(Stage.WAITING)

    @property
    def off(self) -> Turn | None:
        """The turn of the member that may be stopped now: there is one at most."""
        return next((turn for turn in self.turns if turn.stage in OFF), None)

    @property
    def holding(self) -> tuple[Attempt, ...]:
        """The throwaways that there may be now."""
        return tuple(a for a in self.throwaways.attempts if a.phase not in ENDED)

    def of(self, *stages: Stage) -> tuple[str, ...]:
        """Name the members in any of these stages."""
        return tuple(turn.id for turn in self.turns if turn.stage in stages)


STAGES: Mapping[type[e.Event], Stage] = {
    e.Looked: Stage.LOOKED,
    e.Ready: Stage.READY,
    e.Stopped: Stage.STOPPED,
    e.Starting: Stage.STARTING,
    e.Up: Stage.UP,
    e.Moved: Stage.MOVED,
}
COMPARED = {
    Verdict.SEPARATE.value: Stage.APART,
    Verdict.CO_RESIDENT.value: Stage.BESIDE,
    Verdict.UNKNOWN.value: Stage.UNMOVED,
}


def begun(run: str) -> Moving:
    """Return the state of a move of which nothing is journalled yet."""
    return Moving(run, throwaways=State(run))


def apply(state: Moving, event: e.Event, at: float) -> Moving:
    """Return the state after one more event, journalled at `at` seconds since the epoch."""
    match event:
        case e.MoveRequested(cluster, ids, hold, host):
            turns, throwaways = tuple(map(Turn, ids)), replace(state.throwaways, cluster=cluster)
            return replace(state, cluster=cluster, hold=hold, host=host, turns=turns, throwaways=throwaways)
        case e.Placed():
            return state
        case e.Excused(ids):
            return replace(state, excused=tuple(dict.fromkeys((*state.excused, *ids))))
        case e.Migrating(member, parameters):
            tries = _turn(state, member).tries + 1
            return _to(state, member, Stage.MIGRATING, at, tries=tries, parameters=parameters)
        case e.NotLive(member):
            return _to(state, member, Stage.READY, at, live=False)
        case e.Stopping(member):
            turn = _turn(state, member)
            counts = {"stops": turn.stops + 1, "tries": turn.tries + 1, "no_room": 0}
            return _to(state, member, Stage.STOPPING, at, **counts, held=False, refused="")
        case e.Chosen(member, parameters):
            return _to(state, member, Stage.CHOSEN, at, parameters=parameters)
        case e.NoRoom(member, because, anew):
            no_room = _turn(state, member).no_room + 1
            stage = Stage.STOPPED if anew else Stage.STARTING
            return _to(state, member, stage, at, because=because, no_room=no_room)
        case e.Compared(member, verdict, because, shares):
            code = 3 if verdict == Verdict.UNKNOWN.value else 0
            mates = (*_turn(state, member).mates, *([shares] if shares else ()))
            return _to(state, member, COMPARED[verdict], at, because=because, code=code, mates=mates)
        case e.Unmoved(member, code, because):
            return _to(state, member, Stage.UNMOVED, at, code=code, because=because)
        case e.PlacedAnew(member, because):
            return _to(state, member, Stage.PLACED, at, refused=because)
        case e.Looked(member, because) | e.Moved(member, because):
            return _to(state, member, STAGES[type(event)], at, because=because)
        case e.Down(member, because):
            return _to(state, member, Stage.DOWN, at, because=because)
        case e.Ready(member) | e.Stopped(member) | e.Starting(member) | e.Up(member):
            return _to(state, member, STAGES[type(event)], at)
        case e.Closing():
            throwaways = admission.apply(state.throwaways, event, at)
            return replace(state, closing=event, throwaways=throwaways)
        case e.Finished():
            return replace(state, finished=True)
        case e.Intended():
            current = state.current
            held = _to(state, current.id, current.stage, current.at, held=True) if current else state
            return replace(held, throwaways=admission.apply(state.throwaways, event, at))
        case _:
            return replace(state, throwaways=admission.apply(state.throwaways, event, at))


def _turn(state: Moving, member: str) -> Turn:
    return next(turn for turn in state.turns if turn.id == member)


def _to(state: Moving, member: str, stage: Stage, at: float, **more: object) -> Moving:
    turns = tuple(
        replace(turn, stage=stage, at=at, **more) if turn.id == member else turn  # type: ignore[arg-type]  # names of fields
        for turn in state.turns
    )
    return replace(state, turns=turns)
