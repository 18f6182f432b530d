"""What a lab keeps of time for its [platform]: which instances still boot, and what was true before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from math import inf

from keepapart.lab.world.lifecycle import Guest
from keepapart.lab.world.platform import Platform

Clock = Callable[[], float]


class Boots:
    """The instances that are booting, each until `seconds` are over."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self.seconds = seconds
        self._clock = clock
        self._over: dict[str, float] = {}

    def begin(self, guest_id: str) -> None:
        """Let an instance begin to boot, unless it has begun."""
        self._over.setdefault(guest_id, self._clock() + self.seconds)

    def end(self, guest_id: str) -> None:
        """Forget an instance: it has booted, or never will."""
        self._over.pop(guest_id, None)

    def over(self) -> list[str]:
        """Name those whose time is over."""
        return [guest_id for guest_id, over in self._over.items() if over <= self._clock()]

    def wait(self) -> float | None:
        """Say in how many seconds the next one's time is over; None where nothing boots."""
        return max(0.0, min(self._over.values()) - self._clock()) if self._over else None


class Views:
    """What the platform shows: every instance as it was some seconds ago, and its tags as they were."""

    def __init__(self, platform: Platform, clock: Clock) -> None:
        self._platform = platform
        self._clock = clock
        self._past: dict[str, list[tuple[float, Guest]]] = {}  # by id, oldest first
        self._longest = max(platform.list_lag, platform.describe_lag, platform.tag_lag)

    def begin(self) -> None:
        """Take all that there is for what has always been so; what comes from now on shows late."""
        self._past = {guest_id: [(-inf, past[-1][1])] for guest_id, past in self._past.items()}

    def note(self, guest: Guest) -> None:
        """Note that an instance is so from now on."""
        past, now = self._past.setdefault(guest.id, []), self._clock()
        past.append((now, guest))
        while len(past) > 1 and past[1][0] <= now - self._longest:
            del past[0]

    def listed(self) -> list[Guest]:
        """Return what a list shows, oldest first."""
        return self._as_shown(self._past, self._platform.list_lag)

    def described(self, ids: Iterable[str]) -> list[Guest]:
        """Return what is shown of these by id; those that don't show are left out."""
        return self._as_shown(ids, self._platform.describe_lag)

    def _as_shown(self, ids: Iterable[str], lag: float) -> list[Guest]:
        now, tags_then = self._clock(), max(lag, self._platform.tag_lag)
        shown = []
        for guest_id in ids:
            guest = self._as_of(guest_id, now - lag)
            if guest:
                tagged = self._as_of(guest_id, now - tags_then) if tags_then > lag else guest
                shown.append(replace(guest, tags=tagged.tags if tagged else {}))
        return shown

    def _as_of(self, guest_id: str, then: float) -> Guest | None:
        past = self._past.get(guest_id, ())
        return next((guest for at, guest in reversed(past) if at <= then), None)
