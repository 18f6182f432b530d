"""What became of an admission, and what is said while it goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec import UNSET

from keepapart.admit import events as e
from keepapart.admit.state import HELD, IN_FLIGHT, Phase, State
from keepapart.clouds import NOTE
from keepapart.documents.admission import AdmitDocument, BesideEntry
from keepapart.documents.base import Reason
from keepapart.documents.error import error_entry
from keepapart.errors import ExitCode, KeepapartError, OperationError
from keepapart.model import Verdict, many


@dataclass(frozen=True, slots=True)
class Rejection:
    """A candidate that was turned down, and why."""

    id: str
    because: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an admission.

    `code` is the exit code (docs/contract.md), `because` its reason; `left` are instances that are
    still there although they were to go, with the reason; `not_apart` are members that share a host or may,
    since one of them was to go and didn't; `seconds` is the time this process took; `error` is what failed,
    where something did.
    """

    code: ExitCode
    because: str
    admitted: tuple[str, ...]
    rejected: tuple[Rejection, ...]
    released: tuple[str, ...]
    left: tuple[Rejection, ...]
    attempts: int
    seconds: float
    error: KeepapartError | None = None
    not_apart: tuple[e.NotApart, ...] = ()

    def document(self) -> AdmitDocument:
        """Return the JSON document of `keepapart admit --json`."""
        return AdmitDocument(
            admitted=self.admitted,
            rejected=tuple(Reason(r.id, r.because) for r in self.rejected),
            released=self.released,
            left=tuple(Reason(x.id, x.because) for x in self.left),
            attempts=self.attempts,
            seconds=round(self.seconds, 3),
            code=self.code,
            error=error_entry(self.error) if self.error else None,
            not_apart=tuple(BesideEntry(p.a, p.b, Verdict(p.verdict)) for p in self.not_apart) or UNSET,
        )

    def lines(self) -> list[str]:
        """Say it to people."""
        said = [f"{r.id} was turned down: {r.because}" for r in self.rejected]
        said += [f"{x.id} is still there: {x.because}" for x in self.left]
        if self.released:
            said.append(f"released: {', '.join(self.released)}")
        said.append(f"admitted: {', '.join(self.admitted) or 'none'}")
        said.append(f"{self.because} ({many(self.attempts, 'attempt')}, {self.seconds:.1f} s)")
        return said


def outcome(
    state: State,
    seconds: float,
    error: KeepapartError | None = None,
    earlier: Sequence[e.NotApart] = (),
    *,
    sized: bool = False,
) -> Outcome:
    """Return what became of a run, from its journal, and from what ended it before its time.

    `earlier` are members that runs before this one left beside each other; `sized` says that they count
    among those asked for.
    """
    closing = state.closing or e.Closing(ExitCode.FAILED, "the run is not finished")
    turned_down = (Phase.REJECTED, Phase.RELEASING, Phase.RELEASED, Phase.LEFT, Phase.MOVED, Phase.LOST)
    rejected = (a for a in state.in_phase(*turned_down) if a.because)
    left = {**dict.fromkeys(held(state), "it isn't released yet; `keepapart gc` does that"), **left_of(state)}
    gone = {*state.released, *state.lost}
    before = (p for p in earlier if not {p.a, p.b} & gone)
    not_apart = tuple(dict.fromkeys((*state.not_apart, *before)))
    doubted = bool(not_apart if sized else state.not_apart)
    code, because = _verdict(state, closing, left, not_apart, doubted=doubted)
    if error:
        code, error = ExitCode.FAILED, error.saying(f"{beside(not_apart)}{still(left)}")
        because = str(error)
    return Outcome(
        code=code,
        because=because,
        admitted=state.came_in,
        rejected=tuple(Rejection(a.id, a.because) for a in rejected),
        released=state.released,
        left=tuple(Rejection(i, why) for i, why in left.items()),
        attempts=len(state.attempts),
        seconds=seconds,
        error=error or (OperationError(because) if code == ExitCode.FAILED else None),
        not_apart=not_apart,
    )


def beside(not_apart: Sequence[e.NotApart]) -> str:
    """Say which members aren't apart, as the end of a line; nothing where all are."""
    same = [f"{p.a} and {p.b} share a host" for p in not_apart if p.verdict == Verdict.CO_RESIDENT.value]
    unknown = ", ".join(f"{p.a} and {p.b}" for p in not_apart if p.verdict != Verdict.CO_RESIDENT.value)
    if unknown:
        same.append(f"not known to be on different hosts, since they could not be measured: {unknown}")
    return "".join(f"; {said}" for said in same)


def still(left: Mapping[str, str]) -> str:
    """Say what is not released, as the end of a line; nothing where all is."""
    return f"; not released: {', '.join(sorted(left))}" if left else ""


def left_of(state: State) -> dict[str, str]:
    """Return what was not released, with the reason, and beside whom it is."""
    mates = {p.b: p.a for p in state.not_apart if p.verdict == Verdict.CO_RESIDENT.value}
    shares = {old: f"; it shares a host with its stand-in {new}" for old, new in mates.items()}
    return {i: f"{because}{shares.get(i, '')}" for i, because in state.left.items()}


def not_released(state: State) -> str:
    """Say what the run still holds, and what finds it."""
    left = ", ".join(held(state)) or "nothing that is known"
    return f"not released: {left}; `keepapart gc` finds and releases what is left"


def held(state: State) -> tuple[str, ...]:
    """Name the instances that the run still has and that aren't members, or are on their way out."""
    own = (a.id for a in state.in_phase(*IN_FLIGHT, *HELD, Phase.RELEASING) if a.id)
    return tuple(dict.fromkeys((*own, *state.releasing)))


def _verdict(
    state: State,
    closing: e.Closing,
    left: Mapping[str, str],
    not_apart: Sequence[e.NotApart],
    *,
    doubted: bool,
) -> tuple[ExitCode, str]:
    code, because = ExitCode(closing.code), closing.because
    if code == ExitCode.OK and len(state.came_in) < state.count:
        joined = [a.id for a in state.in_phase(Phase.LOST)]
        gone = f"{', '.join(joined)} joined, and is gone again"
        code, because = ExitCode.NO, gone if joined else f"{', '.join(state.lost)} is a member no more"
    staying = state.awaiting_stand_in
    if staying:
        because += f"; no stand-in for {', '.join(staying)}, which stay{'s' * (len(staying) == 1)}"
    waiting = [r for r in state.replaced if r not in state.released and r not in left]
    if waiting:
        because += f"; {', '.join(waiting)} stay{'s' * (len(waiting) == 1)} beside the stand-in"
    because += beside(not_apart)
    if doubted and code in (ExitCode.OK, ExitCode.NO):
        code = ExitCode.UNKNOWN
    if left and code in (ExitCode.OK, ExitCode.NO, ExitCode.UNKNOWN):
        code, because = ExitCode.FAILED, f"{because}; could not be released: {', '.join(sorted(left))}"
    return code, because


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
        case e.OverQuota(number, because):
            return f"attempt {number}: {because}"
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
            return f"{attempt.id} is in{place} ({len(state.came_in)} of {state.count})"
        case e.StandsIn(old, new):
            return f"{new} stands in for {old} already"
        case e.Lost(ids):
            return "\n".join(f"{i} is a member no more: {because}" for i, because in ids.items())
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
