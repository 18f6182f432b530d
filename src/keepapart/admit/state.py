"""The state of a run: a pure fold over its events.

`intent → launched → running → judged → joined | rejected → releasing → released`
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from keepapart.admit import events as e
from keepapart.model import Verdict


class Phase(Enum):
    """How far an attempt has come."""

    INTENDED = "intended"
    LAUNCHED = "launched"
    RUNNING = "running"
    SEPARATE = "separate"  # judged, and apart from every member
    JOINED = "joined"
    REJECTED = "rejected"  # still running: held
    RELEASING = "releasing"
    RELEASED = "released"
    LEFT = "left"  # not ours to release, or would not go
    FRUITLESS = "fruitless"  # no instance came of it


SETTLED = frozenset({Phase.JOINED, Phase.RELEASED, Phase.LEFT, Phase.FRUITLESS})
IN_FLIGHT = frozenset({Phase.INTENDED, Phase.LAUNCHED, Phase.RUNNING, Phase.SEPARATE})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One candidate, from intent to its end."""

    number: int
    token: str
    tags: Mapping[str, str]
    parameters: Mapping[str, str]
    source: str
    replaces: str
    phase: Phase = Phase.INTENDED
    id: str = ""
    ran: bool = False
    postponed: int = 0
    verdict: Verdict | None = None
    because: str = ""
    against: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """All that the journal says of a run. `others` are instances to release that are no attempt's own."""

    run: str
    cluster: str = ""
    count: int = 0
    replaces: tuple[str, ...] = ()
    excused: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    strays: Mapping[str, str] = field(default_factory=dict)
    releasing: frozenset[str] = frozenset()  # strays and replaced members on their way out
    released: tuple[str, ...] = ()
    left: Mapping[str, str] = field(default_factory=dict)
    stuck: frozenset[str] = frozenset()
    mute: frozenset[str] = frozenset()
    closing: e.Closing | None = None
    finished: bool = False

    def in_phase(self, *phases: Phase) -> tuple[Attempt, ...]:
        """Return the attempts in any of these phases, oldest first."""
        return tuple(a for a in self.attempts if a.phase in phases)

    @property
    def joined(self) -> tuple[Attempt, ...]:
        """The attempts whose candidate is a member now."""
        return self.in_phase(Phase.JOINED)

    @property
    def relieved(self) -> tuple[str, ...]:
        """The members whose stand-in is in: they may go."""
        return tuple(a.replaces for a in self.joined if a.replaces)

    @property
    def fruitless_in_a_row(self) -> int:
        """How many attempts were made since the last one that brought a member."""
        return len(self.attempts) - max((a.number for a in self.joined), default=0)

    @property
    def unknown_in_a_row(self) -> int:
        """How many of the last candidates ended unknown, without one in between that was told apart."""
        count = 0
        for attempt in reversed(self.attempts):
            if attempt.verdict is Verdict.UNKNOWN:
                count += 1
            elif attempt.verdict is not None:
                break
        return count


def fold(run: str, journal: Iterable[e.Event]) -> State:
    """Return the state that these events, oldest first, lead to."""
    state = State(run)
    for event in journal:
        state = apply(state, event)
    return state


def apply(state: State, event: e.Event) -> State:
    """Return the state after one more event."""
    match event:
        case e.Asked(cluster, count, replaces):
            return replace(state, cluster=cluster, count=count, replaces=replaces)
        case e.Excused(ids):
            return replace(state, excused=tuple(dict.fromkeys((*state.excused, *ids))))
        case e.Intended(number, token, tags, parameters, source, replaces):
            attempt = Attempt(number, token, tags, parameters, source, replaces)
            return replace(state, attempts=(*state.attempts, attempt))
        case e.Postponed(number, because):
            return _change(state, number, postponed=_at(state, number).postponed + 1, because=because)
        case e.Launched(number, instance_id):
            return _change(state, number, phase=Phase.LAUNCHED, id=instance_id)
        case e.Running(number):
            return _change(state, number, phase=Phase.RUNNING, ran=True)
        case e.Judged(number, verdict, because, against, mute):
            phase = Phase.SEPARATE if verdict == Verdict.SEPARATE.value else Phase.REJECTED
            state = replace(state, mute=state.mute | set(mute))
            return _change(
                state, number, phase=phase, verdict=Verdict(verdict), because=because, against=against
            )
        case e.Voided(number, because):
            return _change(state, number, phase=Phase.RUNNING, verdict=None, because=because, against=())
        case e.Joined(number):
            return _change(state, number, phase=Phase.JOINED)
        case e.Rejected(number, because):
            return _change(state, number, phase=Phase.REJECTED, verdict=None, because=because)
        case e.Fruitless(number, because):
            return _change(state, number, phase=Phase.FRUITLESS, because=because)
        case e.Strayed(instance_id, because):
            return replace(state, strays={**state.strays, instance_id: because})
        case e.Closing():
            return replace(state, closing=event)
        case e.Finished():
            return replace(state, finished=True)
        case _:
            return _release(state, event)


def _release(state: State, event: e.Event) -> State:
    match event:
        case e.Releasing(instance_id):
            state = replace(state, releasing=state.releasing | {instance_id})
            return _end(state, instance_id, Phase.RELEASING)
        case e.Released(instance_id):
            state = replace(
                state,
                releasing=state.releasing - {instance_id},
                released=tuple(dict.fromkeys((*state.released, instance_id))),
            )
            return _end(state, instance_id, Phase.RELEASED)
        case e.LeftAlone(instance_id, because, stuck):
            state = replace(
                state,
                releasing=state.releasing - {instance_id},
                left={**state.left, instance_id: because},
                stuck=state.stuck | {instance_id} if stuck else state.stuck,
            )
            return _end(state, instance_id, Phase.LEFT)
        case _:
            raise TypeError(f"no rule for {event!r}")


def _end(state: State, instance_id: str, phase: Phase) -> State:
    attempts = tuple(
        replace(a, phase=phase) if a.id == instance_id and a.phase not in SETTLED else a
        for a in state.attempts
    )
    return replace(state, attempts=attempts)


def _at(state: State, number: int) -> Attempt:
    return state.attempts[number - 1]


def _change(state: State, number: int, **changes: object) -> State:
    attempts = list(state.attempts)
    attempts[number - 1] = replace(attempts[number - 1], **changes)  # type: ignore[arg-type]  # names of fields
    return replace(state, attempts=tuple(attempts))
