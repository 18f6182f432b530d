"""What goes wrong at a programmable cloud, and when."""

from __future__ import annotations

from dataclasses import dataclass, field

ANY = "*"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that will go wrong with calls named `call` ("*": any), or only with those about `id`.

    It passes over the first `skip` of them, befalls the next `times` (0: all that follow), and is spent. Such
    a call raises `error` and does nothing; with `after` it takes effect first, so that only its answer is
    lost. Without an error it is answered as if done, and nothing is done.
    """

    call: str
    error: Exception | None
    skip: int = 0
    times: int = 1
    after: bool = False
    id: str = ""

    def concerns(self, call: str, about: str) -> bool:
        """Say whether it may befall this call."""
        return self.call in (ANY, call) and self.id in ("", about)


@dataclass(slots=True)
class _Armed:
    fault: Fault
    skipped: int = 0
    befell: int = 0


@dataclass(slots=True)
class Faults:
    """The armed faults: of several that concern a call, the one armed first befalls it."""

    _armed: list[_Armed] = field(default_factory=list)

    def arm(self, *faults: Fault) -> None:
        """Arm faults, after those already armed."""
        self._armed += [_Armed(fault) for fault in faults]

    def clear(self) -> None:
        """Disarm everything."""
        self._armed.clear()

    def take(self, call: str, about: str) -> Fault | None:
        """Return the fault that befalls this call, and count it; None where none does."""
        for armed in self._armed:
            fault = armed.fault
            if (fault.times and armed.befell >= fault.times) or not fault.concerns(call, about):
                continue
            if armed.skipped < fault.skip:
                armed.skipped += 1
                continue
            armed.befell += 1
            return fault
        return None
