"""The state of a run: a pure fold over its events and the times at which they were journalled.

`intended → launched → running → separate → joined`, or `→ undecided`, or `→ rejected → releasing → released`.
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
    UNDECIDED = "undecided"  # measured, and not told apart yet: held, to be judged again in the next round
    REJECTED = "rejected"  # still running: held
    MOVED = "moved"  # stopped, to be started elsewhere: a later attempt has the instance
    RELEASING = "releasing"
    RELEASED = "released"
    LEFT = "left"  # not ours to release, or would not go
    LAUNCH_FAILED = "launch failed"  # no instance came of it


ENDED = frozenset({Phase.JOINED, Phase.RELEASED, Phase.LEFT, Phase.LAUNCH_FAILED, Phase.MOVED})
HELD = frozenset({Phase.UNDECIDED, Phase.REJECTED})
IN_FLIGHT = frozenset({Phase.INTENDED, Phase.LAUNCHED, Phase.RUNNING, Phase.SEPARATE})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One candidate, from intent to its end; from `since` to `until` it may have cost money."""

    number: int
    token: str
    tags: Mapping[str, str]
    parameters: Mapping[str, str]
    source: str
    since: float
    until: float | None = None
    phase: Phase = Phase.INTENDED
    id: str = ""
    ran: bool = False
    postponed: int = 0
    verdict: Verdict | None = None
    because: str = ""
    against: tuple[str, ...] = ()
    replaces: str = ""
    unproven: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """All that the journal says of a run. `others` are instances to release that are no attempt's own."""

    run: str
    cluster: str = ""
    count: int = 0
    replaces: tuple[str, ...] = ()
    excused: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    attempts_at_join: int = 0  # how many there were when the last one joined
    strays: Mapping[str, str] = field(default_factory=dict)
    releasing: frozenset[str] = frozenset()  # strays and replaced members on their way out
    released: tuple[str, ...] = ()
    left: Mapping[str, str] = field(default_factory=dict)
    stuck: frozenset[str] = frozenset()
    unmeasured: frozenset[str] = frozenset()
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
    def replaced(self) -> tuple[str, ...]:
        """The members whose stand-in is in: they may go."""
        return tuple(a.replaces for a in self.joined if a.replaces)

    @property
    def wanted(self) -> int:
        """How many members are still to be found."""
        return self.count - len(self.in_phase(Phase.JOINED, Phase.SEPARATE))

    @property
    def awaiting_stand_in(self) -> tuple[str, ...]:
        """The members to be replaced that have no stand-in yet."""
        return tuple(r for r in self.replaces if r not in self.replaced)

    @property
    def unproven(self) -> tuple[tuple[str, str], ...]:
        """Stand-ins that are in, each with a member that was to go, is still there, and may be beside it."""
        return tuple((a.id, r) for a in self.joined for r in a.unproven if r in self.awaiting_stand_in)

    @property
    def unknown_in_a_row(self) -> int:
        """How many of the last candidates couldn't be measured, without one in between that could."""
        count = 0
        for attempt in reversed(self.attempts):
            if attempt.verdict is Verdict.UNKNOWN and attempt.phase is not Phase.UNDECIDED:
                count += 1
            elif attempt.verdict is not None:
                break
        return count

    def launched_here(self, instance_id: str) -> bool:
        """Say whether the run launched this instance itself, so that it is the run's to terminate."""
        return any(a.id == instance_id and not a.source for a in self.attempts)


def fold(run: str, journal: Iterable[tuple[float, e.Event]]) -> State:
    """Return the state that these events, oldest first and each with its time, lead to."""
    state = State(run)
    for at, event in journal:
        state = apply(state, event, at)
    return state


def apply(state: State, event: e.Event, at: float) -> State:
    """Return the state after one more event, journalled at `at` seconds since the epoch."""
    match event:
        case e.Requested(cluster, count, replaces):
            return replace(state, cluster=cluster, count=count, replaces=replaces)
        case e.Excused(ids):
            return replace(state, excused=tuple(dict.fromkeys((*state.excused, *ids))))
        case e.Intended(number, token, tags, parameters, source):
            if source:
                state = _end(state, source, Phase.MOVED, at)
            attempt = Attempt(number, token, tags, parameters, source, at)
            return replace(state, attempts=(*state.attempts, attempt))
        case e.Postponed(number, because):
            attempt = _at(state, number)
            since = attempt.since if attempt.source else at  # what wasn't launched by now has cost nothing
            return _change(state, number, postponed=attempt.postponed + 1, because=because, since=since)
        case e.Launched(number, instance_id):
            state = replace(state, released=tuple(i for i in state.released if i != instance_id))
            return _change(state, number, phase=Phase.LAUNCHED, id=instance_id)
        case e.Running(number):
            return _change(state, number, phase=Phase.RUNNING, ran=True)
        case e.Judged():
            return _judged(state, event)
        case e.Voided(number, because):
            return _change(state, number, phase=Phase.RUNNING, verdict=None, because=because, against=())
        case e.Joined(number):
            state = replace(state, attempts_at_join=len(state.attempts))
            return _change(state, number, phase=Phase.JOINED, until=at)
        case e.Rejected(number, because):
            return _change(state, number, phase=Phase.REJECTED, verdict=None, because=because)
        case e.LaunchFailed(number, because):
            return _change(state, number, phase=Phase.LAUNCH_FAILED, because=because, until=at)
        case e.Strayed(instance_id, because):
            return replace(state, strays={**state.strays, instance_id: because})
        case e.Closing():
            return replace(state, closing=event)
        case e.Finished():
            return replace(state, finished=True)
        case _:
            return _release(state, event, at)


PHASES = {e.KEPT: Phase.SEPARATE, e.UNDECIDED: Phase.UNDECIDED, e.TURNED_DOWN: Phase.REJECTED}


def _judged(state: State, event: e.Judged) -> State:
    state = replace(state, unmeasured=state.unmeasured | set(event.unmeasured))
    for ruling in event.rulings:
        kept = ruling.then == e.KEPT
        state = _change(
            state,
            ruling.attempt,
            phase=PHASES[ruling.then],
            verdict=Verdict(ruling.verdict) if ruling.verdict else None,
            because=ruling.because,
            against=event.against if kept else (),
            replaces=ruling.replaces,
            unproven=ruling.unproven,
        )
    return state


def _release(state: State, event: e.Event, at: float) -> State:
    match event:
        case e.Releasing(instance_id):
            state = replace(state, releasing=state.releasing | {instance_id})
            return _end(state, instance_id, Phase.RELEASING, None)
        case e.Released(instance_id):
            state = replace(
                state,
                releasing=state.releasing - {instance_id},
                released=tuple(dict.fromkeys((*state.released, instance_id))),
            )
            return _end(state, instance_id, Phase.RELEASED, at)
        case e.LeftAlone(instance_id, because, stuck):
            state = replace(
                state,
                releasing=state.releasing - {instance_id},
                left={**state.left, instance_id: because},
                stuck=state.stuck | {instance_id} if stuck else state.stuck,
            )
            return _end(state, instance_id, Phase.LEFT, at)
        case _:
            raise TypeError(f"no rule for {event!r}")


def _end(state: State, instance_id: str, phase: Phase, until: float | None) -> State:
    attempts = tuple(
        replace(a, phase=phase, until=until) if a.id == instance_id and a.phase not in ENDED else a
        for a in state.attempts
    )
    return replace(state, attempts=attempts)


def _at(state: State, number: int) -> Attempt:
    return state.attempts[number - 1]


def _change(state: State, number: int, **changes: object) -> State:
    attempts = list(state.attempts)
    attempts[number - 1] = replace(attempts[number - 1], **changes)  # type: ignore[arg-type]  # names of fields
    return replace(state, attempts=tuple(attempts))
