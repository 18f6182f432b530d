"""Check: ask whether the candidate shares a host with anyone, and let it in only where it surely doesn't.

Rules:
1. A candidate joins only if it is separate from every member, and from every other candidate in flight.
   Unknown is never separate; a pair that the measurement leaves out is unknown.
2. A member that isn't running or can't be measured makes the verdict unknown, unless the operator excused
   it by name.
3. Members about to be replaced don't count, save that co-residence with another one's is refused: it might
   stay after all. Sharing a host with the one that the candidate stands in for is fine, since that one goes.
4. Held rejects are witnesses: they run and help to establish what kind of network this is.
5. Right before it joins, the members are listed again: one that the candidate was not checked against, or
   a candidate that doesn't run any more, voids the verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from keepapart.admit import events as e
from keepapart.admit.hands import Hands
from keepapart.admit.state import IN_FLIGHT, Attempt, Phase, State
from keepapart.admit.steps import Check, Join, Step
from keepapart.admit.view import View, is_member
from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG, RUNNING
from keepapart.errors import OperationError
from keepapart.model import Instance, Pair, Verdict

Checker: TypeAlias = Callable[[Instance, Sequence[Instance], Sequence[Instance]], Mapping[str, Pair]]
"""Given a candidate, those it must be separate from, and witnesses: one pair for each of the second."""


def step(state: State, view: View, attempt: Attempt) -> Step:
    """Decide what brings a running candidate nearer to its verdict, or a separate one to its place."""
    if attempt.phase is Phase.SEPARATE:
        return Join(attempt.number, attempt.id, (*attempt.against, *state.excused, *state.replaces))
    spared = {attempt.id, *state.excused, *state.replaces}
    members = [m.id for m in view.members(state) if m.id not in spared]
    in_flight = [a.id for a in state.in_phase(*IN_FLIGHT) if a.ran and a.id not in spared]
    running = {i.id for i in view.instances.values() if i.state == RUNNING}
    leaving = [r for r in state.replaces if r in running and r != attempt.replaces and r not in state.mute]
    helpers = [attempt.replaces, *(a.id for a in state.in_phase(Phase.REJECTED))]
    witnesses = [w for w in helpers if w in running and w not in leaving and w not in state.mute]
    return Check(
        attempt.number,
        attempt.id,
        tuple(dict.fromkeys((*members, *in_flight))),
        tuple(leaving),
        tuple(dict.fromkeys(witnesses)),
    )


def check(hands: Hands, step: Check, checker: Checker) -> e.Event:
    """Measure the candidate against those it must be separate from."""
    found = hands.describe([step.id, *step.against, *step.leaving, *step.witnesses])
    candidate = found.get(step.id)
    if candidate is None or candidate.state != RUNNING:
        return e.Rejected(step.attempt, f"was {candidate.state if candidate else 'gone'} when checked")
    if not step.against and not step.leaving:
        return e.Judged(step.attempt, Verdict.SEPARATE.value, "there is no member yet to share a host with")
    running = {i.id: i for i in found.values() if i.state == RUNNING}
    others = [running[i] for i in (*step.against, *step.leaving) if i in running]
    witnesses = [running[i] for i in step.witnesses if i in running]
    trouble = "it was not measured"
    pairs: Mapping[str, Pair] = {}
    try:
        pairs = checker(candidate, others, witnesses)
    except OperationError as error:
        trouble = str(error)
    stopped = {
        i: f"it is {found[i].state if i in found else 'gone'}" for i in step.against if i not in running
    }
    verdict, because = judge(step, pairs, stopped, trouble)
    return e.Judged(step.attempt, verdict.value, because, step.against, _mute(step, pairs))


def judge(
    step: Check, pairs: Mapping[str, Pair], stopped: Mapping[str, str], trouble: str
) -> tuple[Verdict, str]:
    """Say what all pairs together allow to be said of the candidate, and why."""
    verdicts = {other: _of(pairs.get(other), step.id, other) for other in (*step.against, *step.leaving)}
    for other, verdict in verdicts.items():
        if verdict is Verdict.CO_RESIDENT:
            return verdict, f"shares a host with {other}: {pairs[other].because}"
    for other in step.against:
        if verdicts[other] is not Verdict.SEPARATE:
            pair = pairs.get(other)
            because = stopped.get(other) or (pair.because if pair else trouble)
            return Verdict.UNKNOWN, f"can't tell it from {other}: {because}"
    return Verdict.SEPARATE, f"apart from {', '.join(step.against) or 'all that stay'}"


def join(hands: Hands, step: Join) -> e.Event:
    """Tag the candidate as a member."""
    view = hands.look([step.id])
    candidate = view.instances.get(step.id)
    if candidate is None or candidate.state != RUNNING:
        return e.Rejected(step.attempt, f"was {candidate.state if candidate else 'gone'} after the check")
    if candidate.tags.get(CLUSTER_TAG) != hands.cluster:
        return e.Rejected(step.attempt, "doesn't carry the cluster's tag any more")
    new = [i for i in view.instances.values() if is_member(i) and i.id not in (step.id, *step.against)]
    if new:
        return e.Voided(step.attempt, f"{new[0].id} became a member meanwhile")
    hands.effect("tag", lambda: hands.cloud.tag(step.id, {ROLE_TAG: MEMBER}), not_yet=True)
    return e.Joined(step.attempt)


def _of(pair: Pair | None, candidate: str, other: str) -> Verdict:
    if pair is None or {pair.a, pair.b} != {candidate, other}:
        return Verdict.UNKNOWN
    return pair.verdict


def _mute(step: Check, pairs: Mapping[str, Pair]) -> tuple[str, ...]:
    return tuple(i for i in step.leaving if _of(pairs.get(i), step.id, i) is Verdict.UNKNOWN)
