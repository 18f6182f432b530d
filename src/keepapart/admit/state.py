"""The state of a run: a pure fold over its events and the times at which they were journalled.

`intended → launched → running → separate → joined`, or `→ undecided`, or `→ rejected → releasing → released`.
A candidate that joined may be lost later.
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
    LOST = "lost"  # it had joined, and is a member no more
    UNDECIDED = "undecided"  # measured, and not told apart yet: held, to be judged again in the next round
    REJECTED = "rejected"  # still running: held
    MOVED = "moved"  # stopped, to be started elsewhere: a later attempt has the instance
    RELEASING = "releasing"
    RELEASED = "released"
    LEFT = "left"  # not ours to release, or would not go
    LAUNCH_FAILED = "launch failed"  # no instance came of it


ENDED = frozenset({Phase.JOINED, Phase.LOST, Phase.RELEASED, Phase.LEFT, Phase.LAUNCH_FAILED, Phase.MOVED})
HELD = frozenset({Phase.UNDECIDED, Phase.REJECTED})
IN_FLIGHT = frozenset({Phase.INTENDED, Phase.LAUNCHED, Phase.RUNNING, Phase.SEPARATE})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One candidate, from intent to its end; from `since` to `until` it may have cost money.

    From `joining` on, its tag may say that it is a member.
    """

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
    running_since: float = 0.0
    postponed: int = 0
    over_quota: bool = False
    verdict: Verdict | None = None
    because: str = ""
    against: tuple[str, ...] = ()
    replaces: str = ""
    unproven: tuple[str, ...] = ()
    shares: str = ""
    joining: float | None = None

    @property
    def put_off(self) -> bool:
        """Whether its launch is to be tried again: there was no room, or a quota is used up."""
        return self.postponed > 0 or self.over_quota


@dataclass(frozen=True, slots=True)
class State:
    """All that the journal says of a run.

    `strays` are instances to release that are no attempt's own, with the reason; `carried` are stand-ins that
    an earlier run admitted, by the member that each is for; `lost` are members that are members no more;
    `left` is what was not released, with the reason: it would not go (`stuck`), or isn't the run's to
    release. `tried_last` are those of them that were told to go while the run was ending.
    """

    run: str
    cluster: str = ""
    count: int = 0
    replaces: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()  # they make up the size that was asked for, with those that come in
    keeps_old: bool = False
    carried: Mapping[str, str] = field(default_factory=dict)
    excused: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    welcomed: frozenset[str] = frozenset()
    lost: Mapping[str, str] = field(default_factory=dict)
    attempts_at_join: int = 0  # how many there were when the last one joined
    strays: Mapping[str, str] = field(default_factory=dict)
    releasing: frozenset[str] = frozenset()  # strays and replaced members on their way out
    released: tuple[str, ...] = ()
    left: Mapping[str, str] = field(default_factory=dict)
    stuck: frozenset[str] = frozenset()
    tried_last: frozenset[str] = frozenset()
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
    def came_in(self) -> tuple[str, ...]:
        """Those of the members asked for that are in: this run's own, and stand-ins of earlier runs."""
        return (*self.carried.values(), *(a.id for a in self.joined))

    @property
    def stand_ins(self) -> Mapping[str, str]:
        """The members whose stand-in is in, and which one that is: they may go."""
        return {**self.carried, **{a.replaces: a.id for a in self.joined if a.replaces}}

    @property
    def replaced(self) -> tuple[str, ...]:
        """The members whose stand-in is in."""
        return tuple(self.stand_ins)

    @property
    def wanted(self) -> int:
        """How many members are still to be found."""
        return self.count - len(self.came_in) - len(self.in_phase(Phase.SEPARATE))

    @property
    def awaiting_stand_in(self) -> tuple[str, ...]:
        """The members to be replaced that have no stand-in yet."""
        return tuple(r for r in self.replaces if r not in self.replaced)

    @property
    def not_apart(self) -> tuple[e.NotApart, ...]:
        """Stand-ins that are in, each with a member that was to go and is still there, beside it or maybe."""
        same, unknown = Verdict.CO_RESIDENT.value, Verdict.UNKNOWN.value
        pairs = [e.NotApart(a.id, a.shares, same) for a in self.joined if a.shares]
        pairs += [e.NotApart(a.id, r, unknown) for a in self.joined for r in a.unproven]
        return tuple(p for p in pairs if p.b not in (*self.released, *self.lost))

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
        case e.Sized(ids, size):
            return replace(state, beside=ids, count=size - len(ids) if size else state.count)
        case e.KeptOld():
            return replace(state, keeps_old=True)
        case e.StandsIn(old, new):
            return replace(state, carried={**state.carried, old: new})
        case e.Welcomed(instance_id):
            return replace(state, welcomed=state.welcomed | {instance_id})
        case e.Lost(ids):
            return _lost(state, ids)
        case e.Placed():
            return state
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
        case e.OverQuota(number, because):
            return _change(state, number, over_quota=True, because=because, since=at)
        case e.Launched(number, instance_id):
            state = replace(state, released=tuple(i for i in state.released if i != instance_id))
            return _change(state, number, phase=Phase.LAUNCHED, id=instance_id)
        case e.Running(number):
            return _change(state, number, phase=Phase.RUNNING, ran=True, running_since=at)
        case e.Judged():
            return _judged(state, event)
        case e.Voided(number, because):
            return _change(state, number, phase=Phase.RUNNING, verdict=None, because=because, against=())
        case e.Joining(number):
            return _change(state, number, joining=at)
        case e.Unjoined(number):
            return _change(state, number, joining=None)
        case e.Joined(number):
            state = replace(state, attempts_at_join=len(state.attempts))
            return _change(state, number, phase=Phase.JOINED, until=at)
        case e.Rejected(number, because):
            attempt = _at(state, number)
            known = attempt.id or attempt.source
            return _change(state, number, phase=Phase.REJECTED, verdict=None, because=because, id=known)
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


def _lost(state: State, ids: Mapping[str, str]) -> State:
    carried = {old: new for old, new in state.carried.items() if new not in ids}
    attempts = tuple(
        replace(a, phase=Phase.LOST, because=f"it joined, and is a member no more: {ids[a.id]}")
        if a.phase is Phase.JOINED and a.id in ids
        else a
        for a in state.attempts
    )
    beside = tuple(i for i in state.beside if i not in ids)
    return replace(
        state,
        count=state.count + len(state.beside) - len(beside),
        beside=beside,
        carried=carried,
        attempts=attempts,
        lost={**state.lost, **ids},
    )


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
            shares=ruling.shares or "",
        )
    return state


def _release(state: State, event: e.Event, at: float) -> State:
    match event:
        case e.Releasing(instance_id):
            state = _not_left(state, instance_id)
            state = replace(state, releasing=state.releasing | {instance_id})
            return _end(state, instance_id, Phase.RELEASING, None)
        case e.Released(instance_id):
            state = _asked_again(_not_left(state, instance_id))
            state = replace(
                state,
                releasing=state.releasing - {instance_id},
                released=tuple(dict.fromkeys((*state.released, instance_id))),
            )
            return _end(state, instance_id, Phase.RELEASED, at)
        case e.LeftAlone(instance_id, because, stuck):
            state = replace(
                _asked_again(state),
                releasing=state.releasing - {instance_id},
                left={**state.left, instance_id: because},
                stuck=state.stuck | {instance_id} if stuck else state.stuck,
                tried_last=state.tried_last | {instance_id} if state.closing else state.tried_last,
            )
            return _end(state, instance_id, Phase.LEFT, at)
        case _:
            raise TypeError(f"no rule for {event!r}")


def _asked_again(state: State) -> State:
    """Return the state when one went, or won't: what a quota kept from being launched is tried once more."""
    return replace(state, attempts=tuple(replace(a, over_quota=False) for a in state.attempts))


def _not_left(state: State, instance_id: str) -> State:
    """Return the state when one that was left is told to go once more."""
    left = {i: because for i, because in state.left.items() if i != instance_id}
    return replace(state, left=left, stuck=state.stuck - {instance_id})


def _end(state: State, instance_id: str, phase: Phase, until: float | None) -> State:
    attempts = tuple(
        replace(a, phase=phase, until=until) if a.id == instance_id and _goes_on(a, phase) else a
        for a in state.attempts
    )
    return replace(state, attempts=attempts)


def _goes_on(attempt: Attempt, phase: Phase) -> bool:
    """Say whether an attempt comes to this phase; one that was left may be released after all."""
    again = attempt.phase is Phase.LEFT and phase in (Phase.RELEASING, Phase.RELEASED)
    return again or attempt.phase not in ENDED


def _at(state: State, number: int) -> Attempt:
    return state.attempts[number - 1]


def _change(state: State, number: int, **changes: object) -> State:
    attempts = list(state.attempts)
    attempts[number - 1] = replace(attempts[number - 1], **changes)  # type: ignore[arg-type]  # names of fields
    return replace(state, attempts=tuple(attempts))
