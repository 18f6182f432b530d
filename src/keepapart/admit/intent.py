"""Intent: what the next candidate is to be, said before anything is done.

Rules:
1. Every attempt has a token of its own, never used again: a platform may answer a used one with an
   instance that was terminated long ago.
2. The launch call's tags name the cluster, the run and the attempt, so that what comes of it can be found
   whatever becomes of the answer.
3. With `on_reject = "restart"` a reject is itself the next candidate: stopped, and started again.
4. A stopped instance is tried in turn: those tried least come first. One that this run has is none, whatever
   a list that is behind shows of it.
"""

from __future__ import annotations

from keepapart.admit.events import Intended
from keepapart.admit.inventory import SPARE_TAG, YES, Inventory
from keepapart.admit.state import ENDED, Phase, State
from keepapart.admit.steps import Intend
from keepapart.clouds import ATTEMPT_TAG, CANDIDATE, CLUSTER_TAG, ROLE_TAG, RUN_TAG
from keepapart.settings import LaunchSettings


def step(state: State, inventory: Inventory, policy: LaunchSettings) -> Intend:
    """Decide on the next candidate."""
    source = next_source(state, inventory, policy)
    return Intend(len(state.attempts) + 1, source, keep=bool(source) and not state.launched_here(source))


def nothing_to_start(state: State, inventory: Inventory, policy: LaunchSettings) -> bool:
    """Say whether candidates may only be started, and there is none to start."""
    return policy.source == "stopped" and not next_source(state, inventory, policy)


def intended(state: State, step: Intend, token: str, parameters: dict[str, str]) -> Intended:
    """Return the event that holds everything the launch call will say."""
    tags = {
        CLUSTER_TAG: state.cluster,
        RUN_TAG: state.run,
        ATTEMPT_TAG: str(step.attempt),
        ROLE_TAG: CANDIDATE,
    }
    if step.keep:
        tags[SPARE_TAG] = YES
    return Intended(step.attempt, token, tags, parameters, step.source)


def next_source(state: State, inventory: Inventory, policy: LaunchSettings) -> str:
    """Name the instance to start next; empty where one is to be launched."""
    if policy.on_reject == "restart":
        for attempt in state.in_phase(Phase.REJECTED):
            if attempt.id in inventory.instances:
                return attempt.id
    if policy.source == "launch":
        return ""
    tried = [a.source for a in state.attempts]
    taken = {a.id or a.source for a in state.attempts if a.phase not in ENDED or a.phase is Phase.JOINED}
    found = sorted(
        (i for i in inventory.startable() if i.id not in taken), key=lambda i: (tried.count(i.id), i.id)
    )
    if policy.source == "stopped-then-launch":
        found = [i for i in found if i.id not in tried]  # else the launching would never begin
    return found[0].id if found else ""
