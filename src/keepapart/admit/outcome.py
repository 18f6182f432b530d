"""What became of an admission, and what is said while it goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keepapart.admit import events as e
from keepapart.admit.state import Phase, State
from keepapart.clouds import NOTE


@dataclass(frozen=True, slots=True)
class Rejection:
    """A candidate that was turned down, and why."""

    id: str
    because: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an admission.

    `code` is the exit code (the contract's table), `because` its reason; `left` are instances that are
    still there although they were to go, with the reason; `seconds` is the time this process took.
    """

    code: int
    because: str
    admitted: tuple[str, ...]
    rejected: tuple[Rejection, ...]
    released: tuple[str, ...]
    left: tuple[Rejection, ...]
    attempts: int
    seconds: float

    def document(self) -> dict[str, Any]:
        """Return the JSON document of `keepapart admit --json`."""
        return {
            "schema": "keepapart.admit/1",
            "admitted": list(self.admitted),
            "rejected": [{"id": r.id, "because": r.because} for r in self.rejected],
            "released": list(self.released),
            "attempts": self.attempts,
            "seconds": round(self.seconds, 3),
        }

    def lines(self) -> list[str]:
        """Say it to people."""
        said = [f"{r.id} was turned down: {r.because}" for r in self.rejected]
        said += [f"{x.id} is still there: {x.because}" for x in self.left]
        if self.released:
            said.append(f"released: {', '.join(self.released)}")
        said.append(f"admitted: {', '.join(self.admitted) or 'none'}")
        said.append(f"{self.because} ({self.attempts} attempts, {self.seconds:.1f} s)")
        return said


def outcome(state: State, seconds: float) -> Outcome:
    """Return what became of a run, from its journal."""
    closing = state.closing or e.Closing(4, "the run is not finished")
    released = state.in_phase(Phase.REJECTED, Phase.RELEASING, Phase.RELEASED, Phase.LEFT)
    stuck = closing.code == 0 and bool(state.stuck)
    because = f"{', '.join(sorted(state.stuck))} would not go" if stuck else closing.because
    staying = [r for r in state.replaces if r not in state.relieved]
    if staying:
        because += f"; no stand-in for {', '.join(staying)}, which stay{'s' * (len(staying) == 1)}"
    return Outcome(
        code=4 if stuck else closing.code,
        because=because,
        admitted=tuple(a.id for a in state.joined),
        rejected=tuple(Rejection(a.id, a.because) for a in released if a.because),
        released=state.released,
        left=tuple(Rejection(i, why) for i, why in state.left.items()),
        attempts=len(state.attempts),
        seconds=seconds,
    )


def told(state: State, event: e.Event) -> str:
    """Say an event in words, after it was applied; empty where there is nothing to tell."""
    match event:
        case e.Intended(source="", replaces=replaces, parameters=parameters):
            note = f" ({parameters[NOTE]})" if NOTE in parameters else ""
            return f"{_number(state)}: launching{f' a stand-in for {replaces}' if replaces else ''}{note}"
        case e.Intended(source=source):
            return f"{_number(state)}: starting {source}"
        case e.Postponed(_, because):
            return f"{_number(state)}: no room now ({because}); trying again later"
        case e.Launched(_, instance_id):
            return f"{_number(state)}: {instance_id} is coming up"
        case e.Running(number):
            return f"{_number(state)}: {state.attempts[number - 1].id} runs; checking it against every member"
        case e.Judged(number, verdict, because):
            return f"{_number(state)}: {state.attempts[number - 1].id} {verdict}: {because}"
        case e.Rejected(number, because) | e.Voided(number, because) | e.Fruitless(number, because):
            return f"{_number(state)}: {state.attempts[number - 1].id or 'no instance'}: {because}"
        case e.Joined(number):
            return f"{state.attempts[number - 1].id} is in ({len(state.joined)} of {state.count})"
        case e.Strayed(instance_id, because):
            return f"{instance_id} is let go: {because}"
        case e.Released(instance_id):
            return f"{instance_id} released"
        case e.LeftAlone(instance_id, because):
            return f"{instance_id} left alone: {because}"
        case e.Closing(code, because) if code:
            return f"ending: {because}"
        case _:
            return ""


def _number(state: State) -> str:
    return f"attempt {len(state.attempts)}"
