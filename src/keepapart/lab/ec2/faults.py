"""What goes wrong at the lab's EC2 API, and when. Faults are armed here or, over HTTP, through `Control`.

```python
control = Control(lab.api)                           # http://127.0.0.1:PORT
control.arm(Fault("lost", action="RunInstances"))    # the next launch: done, never answered
control.arm(Fault("throttle", times=3))              # the next three calls, whatever they are
control.arm(Fault("capacity", zone="us-east-1a", type="m5.large", times=0))  # until cleared
control.calls()                                      # everything that was asked, in order
control.clear()
```

A fault concerns the calls that match all of its `action` (several with "|" between, "*" for any), `zone`,
`type` and `id`; empty matches anything. It passes over the first `skip` of them, befalls the next `times`
(0: all that follow), and is spent. Of several armed, the one armed first befalls a call; the kinds of the
second table take beside others. Calls of the control endpoint itself are neither taken nor recorded.

==============  =======================================================================================
kind            what happens to the call
==============  =======================================================================================
throttle        503 RequestLimitExceeded, nothing done
error           `code` (InternalError) with `status` (500), nothing done
error-after     the same, after it was done
cut             the connection is cut, nothing done
lost            done, then the connection is cut: the answer is lost
timeout         no answer for `seconds` (0: until the caller gives up), nothing done
timeout-after   done, then the same
capacity        RunInstances, StartInstances: InsufficientInstanceCapacity (`zone` is the one asked for)
deaf            StopInstances, TerminateInstances: answered as if done, nothing done
==============  =======================================================================================

==============  =======================================================================================
kind            what becomes of instances launched from now on, the next `times` of them (0: all)
==============  =======================================================================================
hide            unknown to every call for the first `calls` that ask for it, and for `seconds`
hide-tags       its tags show only after as many calls, or `seconds` (a platform that tags late)
die             terminates by itself once it was shown running `calls` times, `seconds` after the last
==============  =======================================================================================
"""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

BEFORE = ("throttle", "error", "cut", "timeout", "capacity")
AFTER = ("error-after", "lost", "timeout-after")
WITHIN = ("deaf",)
ONLY = {
    "capacity": ("RunInstances", "StartInstances"),
    "deaf": ("StopInstances", "TerminateInstances"),
}
OF_INSTANCES = ("hide", "hide-tags", "die")
KINDS = (*BEFORE, *AFTER, *WITHIN, *OF_INSTANCES)

FAULTS_PATH, CALLS_PATH = "/_lab/faults", "/_lab/calls"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that will go wrong; the module's docstring says what the fields mean."""

    kind: str
    action: str = "*"
    zone: str = ""
    type: str = ""
    id: str = ""
    skip: int = 0
    times: int = 1
    calls: int = 0
    seconds: float = 0.0
    code: str = "InternalError"
    status: int = 500

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault {self.kind!r}; there is {', '.join(KINDS)}")

    def concerns(self, call: Call) -> bool:
        """Say whether it may take this call."""
        return (
            (self.action == "*" or call.action in self.action.split("|"))
            and (self.kind not in ONLY or call.action in ONLY[self.kind])
            and self.zone in ("", call.zone)
            and self.type in ("", call.type)
            and (not self.id or self.id in call.ids)
        )


@dataclass(slots=True)
class Call:
    """A call as it was made, and what became of it: `fault` befell it, `status` was answered (0: nothing)."""

    action: str
    parameters: Mapping[str, str]
    zone: str = ""
    type: str = ""
    ids: Sequence[str] = ()
    fault: str = ""
    status: int = 0


@dataclass(slots=True)
class _Armed:
    fault: Fault
    skipped: int = 0
    befell: int = 0

    @property
    def spent(self) -> bool:
        return bool(self.fault.times) and self.befell >= self.fault.times


@dataclass(slots=True)
class Faults:
    """The armed faults and the calls so far; any thread may use it."""

    _armed: list[_Armed] = field(default_factory=list)
    _calls: list[Call] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, *faults: Fault) -> None:
        """Arm faults, after those already armed."""
        with self._lock:
            self._armed += [_Armed(fault) for fault in faults]

    def armed(self) -> list[Fault]:
        """List those that are not spent."""
        with self._lock:
            return [one.fault for one in self._armed if not one.spent]

    def clear(self) -> None:
        """Disarm everything."""
        with self._lock:
            self._armed.clear()

    def record(self, call: Call) -> None:
        """Keep a call."""
        with self._lock:
            self._calls.append(call)

    def calls(self) -> list[Call]:
        """List the calls so far, oldest first."""
        with self._lock:
            return list(self._calls)

    def forget(self) -> None:
        """Forget the calls so far."""
        with self._lock:
            self._calls.clear()

    def take(self, call: Call, kinds: Sequence[str]) -> Fault | None:
        """Return the fault among these kinds that befalls this call, and count it."""
        with self._lock:
            for one in self._armed:
                if one.fault.kind not in kinds or one.spent or not one.fault.concerns(call):
                    continue
                if one.skipped < one.fault.skip:
                    one.skipped += 1
                    continue
                one.befell += 1
                call.fault = one.fault.kind
                return one.fault
        return None


class Control:
    """Arms faults and reads calls at the API of a running lab. Raises `OSError` where nobody answers."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def arm(self, *faults: Fault) -> None:
        """Arm faults, after those already armed."""
        self._ask("POST", FAULTS_PATH, [asdict(fault) for fault in faults])

    def armed(self) -> list[Fault]:
        """List those that are not spent."""
        return [Fault(**shown) for shown in self._ask("GET", FAULTS_PATH)]

    def clear(self) -> None:
        """Disarm everything."""
        self._ask("DELETE", FAULTS_PATH)

    def calls(self, action: str = "") -> list[Call]:
        """List the calls so far, or those of one action, oldest first."""
        found = [Call(**shown) for shown in self._ask("GET", CALLS_PATH)]
        return [call for call in found if action in ("", call.action)]

    def forget(self) -> None:
        """Forget the calls so far."""
        self._ask("DELETE", CALLS_PATH)

    def _ask(self, method: str, path: str, document: object = None) -> Any:
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(self._url + path, data=body, method=method)  # noqa: S310  # loopback
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)


def parse(documents: object) -> list[Fault]:
    """Read faults from JSON. Raises `ValueError` saying what is wrong."""
    if not isinstance(documents, list):
        raise ValueError("a list of faults is wanted")
    known = {f.name: f.type for f in fields(Fault)}
    found = []
    for document in documents:
        if not isinstance(document, dict) or not document.keys() <= known.keys():
            raise ValueError(f"a fault has the keys {', '.join(known)}, not {document!r}")
        try:
            found.append(Fault(**document))
        except TypeError as error:
            raise ValueError(str(error)) from None
    return found
