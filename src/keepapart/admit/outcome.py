"""What became of an admission, and what is said while it goes on."""

from __future__ import annotations

from dataclasses import dataclass

from keepapart.admit import events as e
from keepapart.admit.state import Phase, State
from keepapart.clouds import NOTE
from keepapart.documents.admission import AdmitDocument
from keepapart.documents.base import Reason
from keepapart.errors import ExitCode


@dataclass(frozen=True, slots=True)
class Rejection:
    """A candidate that was turned down, and why."""

    id: str
    because: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an admission.

    `code` is the exit code (docs/contract.md), `because` its reason; `left` are instances that are
    still there although they were to go, with the reason; `seconds` is the time this process took.
    """

    code: ExitCode
    because: str
    admitted: tuple[str, ...]
    rejected: tuple[Rejection, ...]
    released: tuple[str, ...]
    left: tuple[Rejection, ...]
    attempts: int
    seconds: float

    def document(self) -> AdmitDocument:
        """Return the JSON document of `keepapart admit --json`."""
        return AdmitDocument(
            admitted=self.admitted,
            rejected=tuple(Reason(r.id, r.because) for r in self.rejected),
            released=self.released,
            attempts=self.attempts,
            seconds=round(self.seconds, 3),
        )

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
    closing = state.closing or e.Closing(ExitCode.FAILED, "the run is not finished")
    released = state.in_phase(Phase.REJECTED, Phase.RELEASING, Phase.RELEASED, Phase.LEFT, Phase.MOVED)
    code, because = ExitCode(closing.code), closing.because
    staying = state.awaiting_stand_in
    if staying:
        because += f"; no stand-in for {', '.join(staying)}, which stay{'s' * (len(staying) == 1)}"
    if state.unproven:
        pairs = ", ".join(f"{new} and {old}" for new, old in state.unproven)
        because += f"; not known to be on different hosts, since they could not be measured: {pairs}"
        code = ExitCode.UNKNOWN if code in (ExitCode.OK, ExitCode.NO) else code
    if code == ExitCode.OK and state.stuck:
        code, because = ExitCode.FAILED, f"{', '.join(sorted(state.stuck))} could not be released"
    return Outcome(
        code=code,
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
        case e.Intended(number, source="", parameters=parameters):
            note = f" ({parameters[NOTE]})" if NOTE in parameters else ""
            return f"attempt {number}: launching{note}"
        case e.Intended(number, source=source):
            again = "stopping and starting" if state.launched_here(source) else "starting"
            return f"attempt {number}: {again} {source}"
        case e.Postponed(number, because):
            return f"attempt {number}: no room now ({because}); trying again later"
        case e.Launched(number, instance_id):
            return f"attempt {number}: {instance_id} is coming up"
        case e.Running(number, where):
            at = f" in {where}" if where else ""
            return f"attempt {number}: {state.attempts[number - 1].id} runs{at}; checking it"
        case e.Judged(rulings):
            return "\n".join(_ruling(state, ruling) for ruling in rulings)
        case e.Rejected(number, because) | e.Voided(number, because) | e.LaunchFailed(number, because):
            return f"attempt {number}: {state.attempts[number - 1].id or 'no instance'}: {because}"
        case e.Joined(number):
            attempt = state.attempts[number - 1]
            place = f" for {attempt.replaces}" if attempt.replaces else ""
            return f"{attempt.id} is in{place} ({len(state.joined)} of {state.count})"
        case e.Strayed(instance_id, because):
            return f"{instance_id} is released: {because}"
        case e.Released(instance_id):
            return f"{instance_id} released"
        case e.LeftAlone(instance_id, because):
            return f"{instance_id} left alone: {because}"
        case e.Closing(code, because) if code:
            return f"ending: {because}"
        case _:
            return ""


def _ruling(state: State, ruling: e.Ruling) -> str:
    verdict = f" {ruling.verdict}" if ruling.verdict else ""
    held = "; held, to be judged again" if ruling.then == e.UNDECIDED else ""
    return (
        f"attempt {ruling.attempt}: {state.attempts[ruling.attempt - 1].id}{verdict}: {ruling.because}{held}"
    )
