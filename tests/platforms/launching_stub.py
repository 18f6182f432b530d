"""Accounts on which a launch is one call: hosts, a scheduler that packs, and its troubles."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from keepapart.clouds import MEMBER, ROLE_TAG
from keepapart.testing.clouds import CloudUnderTest
from tests.platforms.stub import Account, Call, Reply

ROOM, QUOTA = "room", "quota"
STRANGERS = (701, 702)


class LaunchingAccount(Account):
    """An account that launches.

    The scheduler fills one host after the other, with `slots` on each. What is launched runs after `steps`
    looks at it, without an address by which anybody would try to get in. While there is `trouble`, launches
    are refused for it: at once, or `late`, once they were accepted. Whatever changes is `denied`.
    """

    troubles = ROOM, QUOTA

    def __init__(self) -> None:
        super().__init__()
        self.hosts, self.slots = 6, 2
        self.on: dict[int, int] = {}  # which host an instance is on
        self.steps = 1
        self.denied = False
        self.images: set[str] = set()
        self._numbers = itertools.count(5001)
        self._looks: dict[int, int] = {}

    def deny(self) -> None:
        """Have a token without the right to change anything."""
        self.denied = True

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Know no image, as long as the context lasts."""
        images, self.images = self.images, set()
        yield
        self.images = images

    @property
    def left(self) -> list[str]:
        """What there is, by name."""
        return sorted(str(one.get("name") or one["label"]) for one in self.things)

    def named(self, number: str) -> dict[str, Any] | None:
        """Return what has this id."""
        return next((one for one in self.things if str(one["id"]) == number), None)

    def placed(self, number: int, beside: set[int] = frozenset()) -> bool:  # type: ignore[assignment]
        """Put an instance on the first host with room that none of these is on; say whether there is one."""
        taken = {self.on[one] for one in beside - {number} if one in self.on}
        before = self.on.pop(number, None)
        for host in range(self.hosts):
            full = sum(1 for other in self.on.values() if other == host) >= self.slots
            if host not in taken and not full:
                self.on[number] = host
                return True
        if before is not None:
            self.on[number] = before
        return False

    def looked_at(self, number: int) -> bool:
        """Count a look; say whether what was launched has come about by then."""
        self._looks[number] = self._looks.get(number, 0) + 1
        return self._looks[number] > self.steps

    def changes(self, call: Call) -> bool:
        """Say whether a call is one to change something."""
        return call.method != "GET"

    def gone(self, one: dict[str, Any]) -> None:
        """Take an instance away."""
        self.things.remove(one)
        self.on.pop(one["id"], None)

    def ask_everything(self, what: dict[str, Any]) -> None:
        """Have everything asked that a launch, a member's tag, a stop, a start and an end ask."""
        with CloudUnderTest(lambda: self.open(**what), sleep=lambda _: None) as it:
            (one,) = it.running()
            it.cloud.tag(one, {ROLE_TAG: MEMBER})
            it.cloud.stop(one)
            it.cloud.start(one)

    def host(self, number: str) -> object:
        """Tell the host of an instance."""
        return self.on.get(int(number))

    def terminate(self, number: str) -> None:
        """End an instance."""
        if one := self.named(number):
            self.gone(one)

    # what whoever is in another process asks

    def shown(self) -> list[dict[str, Any]]:
        """Return all instances, and the host of each."""
        return [{**one, "on": self.on.get(one["id"])} for one in self.things]

    def clear(self, but: Sequence[int] = ()) -> None:
        """Take everything away but these."""
        for one in list(self.things):
            if one["id"] not in but:
                self.gone(one)

    def strangers(self) -> None:
        """Add instances of others, named and tagged almost as ours are."""
        for number, name in zip(STRANGERS, ("ka-0123456789abcdef0123", "db-1"), strict=True):
            one = self.add(number)
            one["name" if "name" in one else "label"] = name
            one["labels" if "labels" in one else "tags"] = self.alike
            self.on[number] = 0

    def lose(self, method: str, when: str = "after", times: int = 0) -> None:
        """Lose the next so many calls of this method: `before` they are done, or their answers `after`."""
        self.lost = method, when, times

    lost = ("", "", 0)
    alike: Any  # tags of a cluster whose name begins as ours

    def add(self, number: int) -> dict[str, Any]:
        """Add an instance."""
        raise NotImplementedError

    def answer_or_lose(self, call: Call) -> Reply:
        """Answer as the API does, unless that is lost."""
        method, when, times = self.lost
        if call.method != method or not times:
            return self.reply(call)
        self.lost = method, when, times - 1
        if when == "after":
            self.reply(call)
        return Reply({"message": "by order of a test"}, 502)
