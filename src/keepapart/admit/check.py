"""Check: ask whether candidates share a host with anyone, and let in only those that surely don't.

Rules:
1. A candidate joins only if it is separate from every member, and from every other candidate that joins.
   Unknown is never separate; a pair that the measurement leaves out is unknown.
2. A member that isn't running or can't be measured makes the verdict unknown, unless the operator excused
   it by name.
3. All candidates that run are judged by one round, with those that an earlier round left undecided: what is
   established about the network now may tell them apart. `rulings` says what becomes of each.
4. Right before one joins, the members are listed again: one that the candidate was not checked against, or
   a candidate that doesn't run any more, voids the verdict.
5. Held rejects are witnesses: they run and help to establish what kind of network this is. So are members
   whose stand-in is in.
"""

from __future__ import annotations

from collections.abc import Sequence

from keepapart.admit import events as e
from keepapart.admit.guarded_cloud import GuardedCloud
from keepapart.admit.inventory import Inventory, is_member
from keepapart.admit.rulings import judge
from keepapart.admit.state import Attempt, Phase, State
from keepapart.admit.steps import Check, Join, Step
from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG, RUNNING
from keepapart.errors import OperationError
from keepapart.model import Checker, Pair, Verdict


def step(state: State, inventory: Inventory) -> Step:
    """Decide who is measured: every candidate that runs, and who was left undecided."""
    candidates = {a.number: a.id for a in state.in_phase(Phase.RUNNING, Phase.UNDECIDED)}
    left_out = {*candidates.values(), *state.excused, *state.replaces}
    running = {i.id for i in inventory.instances.values() if i.state == RUNNING}
    leaving = [r for r in state.awaiting_stand_in if r in running and r not in state.unmeasured]
    helpers = [*state.replaced, *(a.id for a in state.in_phase(Phase.REJECTED))]
    return Check(
        candidates,
        state.wanted,
        tuple(m.id for m in inventory.members(state) if m.id not in left_out),
        tuple(leaving),
        tuple(r for r in state.awaiting_stand_in if r not in leaving),
        tuple(dict.fromkeys(h for h in helpers if h in running and h not in state.unmeasured)),
    )


def surplus(state: State) -> bool:
    """Say whether there are candidates found apart before, when fewer were wanted than are now."""
    found = (a for a in state.in_phase(Phase.UNDECIDED) if a.verdict is Verdict.SEPARATE)
    return state.wanted > 0 and any(found)


def check(guarded: GuardedCloud, step: Check, checker: Checker) -> e.Event:
    """Measure the candidates, and judge them together."""
    found = guarded.describe([*step.candidates.values(), *step.against, *step.leaving, *step.witnesses])
    running = {i.id: i for i in found.values() if i.state == RUNNING}
    stopped = {
        i: f"it is {found[i].state if i in found else 'gone'}" for i in step.against if i not in running
    }
    gone = {
        number: f"was {found[i].state if i in found else 'gone'} when checked"
        for number, i in step.candidates.items()
        if i not in running
    }
    candidates = [running[i] for i in step.candidates.values() if i in running]
    others = [running[i] for i in (*step.against, *step.leaving) if i in running]
    witnesses = [running[i] for i in step.witnesses if i in running]
    trouble = "it was not measured"
    pairs: Sequence[Pair] = ()
    if len(candidates) + len(others) > 1 and candidates:
        try:
            pairs = checker(candidates, others, witnesses)
        except OperationError as error:
            trouble = str(error)
    return judge(step, pairs, gone, stopped, trouble)


def no_checker(*_: object) -> Sequence[Pair]:
    """Stand where a checker is asked for, and nobody is checked."""
    raise AssertionError("nobody is checked here")


def join(state: State, attempt: Attempt) -> Join:
    """Decide to let in a candidate that was found apart."""
    return Join(attempt.number, attempt.id, (*attempt.against, *state.excused, *state.replaces))


def let_in(guarded: GuardedCloud, step: Join) -> e.Event:
    """Tag the candidate as a member."""
    inventory = guarded.look([step.id])
    candidate = inventory.instances.get(step.id)
    if candidate is None or candidate.state != RUNNING:
        return e.Rejected(step.attempt, f"was {candidate.state if candidate else 'gone'} after the check")
    if candidate.tags.get(CLUSTER_TAG) != guarded.cluster:
        return e.Rejected(step.attempt, "doesn't carry the cluster's tag any more")
    new = [i for i in inventory.instances.values() if is_member(i) and i.id not in (step.id, *step.against)]
    if new:
        return e.Voided(step.attempt, f"{new[0].id} became a member meanwhile")
    guarded.effect("tag", lambda: guarded.cloud.tag(step.id, {ROLE_TAG: MEMBER}), not_yet=True)
    return e.Joined(step.attempt)
