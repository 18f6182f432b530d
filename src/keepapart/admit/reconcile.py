"""Reconcile: what the platform shows and the journal doesn't know yet becomes an event.

Rules:
1. An instance with the tags of an attempt that was never answered is that attempt's: it is taken on,
   rather than launched again.
2. Where two match one attempt, one is kept (the journal's, else the first by id); the other strayed.
3. So did one whose attempt was given up before it showed.
4. A candidate that is a member by its tag has joined: the tag was set, the journal was cut short. The tag
   may be slow to show, so that the verdict was voided in between.
5. Whoever joined, in this run or an earlier one, or makes up the size that was asked for, and is gone by the
   platform's own word, or relieved by hand, is lost: a member no more. Those that are to be replaced are not
   counted as lost.
6. After an interruption no verdict holds unless its candidate has joined: it may have moved since.
"""

from __future__ import annotations

from collections.abc import Iterator

from keepapart.admit import events as e
from keepapart.admit.inventory import Inventory, claimed, is_candidate, is_member
from keepapart.admit.state import Attempt, Phase, State
from keepapart.admit.steps import Note
from keepapart.clouds import RUN_TAG


def step(state: State, inventory: Inventory) -> Note | None:
    """Say the first thing that the journal should know, if any."""
    return next((Note(event) for event in _differences(state, inventory)), None)


def _differences(state: State, inventory: Inventory) -> Iterator[e.Event]:
    if lost := _lost(state, inventory):
        yield e.Lost(lost)
    for attempt in state.in_phase(Phase.SEPARATE, Phase.RUNNING, Phase.UNDECIDED):
        shown = inventory.instances.get(attempt.id)
        if shown and is_member(shown) and (attempt.phase is Phase.SEPARATE or state.wanted > 0):
            yield e.Joined(attempt.number)
    yield from of_candidates(state, inventory)


def of_candidates(state: State, inventory: Inventory) -> Iterator[e.Event]:
    """Say what the platform shows of this run's own candidates."""
    for attempt in state.in_phase(Phase.INTENDED):
        found = inventory.of_attempt(state.run, attempt.number)
        if found and not attempt.source:
            yield e.Launched(attempt.number, found[0].id)
    yield from _strays(state, inventory)


def _lost(state: State, inventory: Inventory) -> dict[str, str]:
    known = {*inventory.joined, *state.came_in, *state.beside}
    known -= {*state.replaces, *state.released, *state.lost}
    lost = {i: inventory.gone[i] for i in sorted(known & inventory.gone.keys())}
    for instance_id in state.came_in:
        shown = inventory.instances.get(instance_id)
        if shown and (claim := claimed(shown, state.cluster)):
            lost[instance_id] = claim
    return lost


def _strays(state: State, inventory: Inventory) -> Iterator[e.Strayed]:
    owned = {a.id or a.source for a in state.attempts}
    for instance in inventory.instances.values():
        ours = instance.tags.get(RUN_TAG) == state.run and is_candidate(instance)
        ours = ours and not inventory.is_member(instance)
        if ours and instance.id not in owned and instance.id not in state.strays:
            yield e.Strayed(instance.id, _twin_of(state, instance.id, inventory))


def _twin_of(state: State, instance_id: str, inventory: Inventory) -> str:
    for attempt in state.attempts:
        if any(i.id == instance_id for i in inventory.of_attempt(state.run, attempt.number)):
            return _why(attempt)
    return "no attempt of this run launched it"


def _why(attempt: Attempt) -> str:
    if attempt.id:
        return f"attempt {attempt.number} has {attempt.id} already"
    return f"it came up after attempt {attempt.number} was given up"


def voided(state: State, inventory: Inventory) -> Iterator[e.Voided]:
    """Say which verdicts don't hold after an interruption."""
    for attempt in state.in_phase(Phase.SEPARATE):
        shown = inventory.instances.get(attempt.id)
        if not (shown and is_member(shown)):
            yield e.Voided(attempt.number, "the run was interrupted between check and joining")
