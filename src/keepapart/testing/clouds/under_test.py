"""A cloud as the conformance rules use it, and what of its platform they may provoke.

1. Every rule works in a cluster of its own, whose name nobody else has.
2. Whatever a rule launched is terminated when the rule is over, however it ends; what can't be is an error.
3. What a platform shows late is waited for, `patience` seconds at most.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from typing import NoReturn, TypeVar

from keepapart.clouds import (
    CANDIDATE,
    CLUSTER_TAG,
    ROLE_TAG,
    RUNNING,
    Chooser,
    Cloud,
    LaunchRequest,
    Listing,
    launching,
)
from keepapart.errors import CapacityError, CloudError, NotFoundError, RefusedError, UnsettledError
from keepapart.model import Instance

T = TypeVar("T")

PAUSE = 0.2  # seconds between two looks

Provoked = Callable[[Listing], AbstractContextManager[object]]
CloudRule = Callable[["CloudUnderTest"], None]


def new_cluster() -> Mapping[str, str]:
    """Return the tag of a cluster that nobody has."""
    return {CLUSTER_TAG: f"conformance-{secrets.token_hex(4)}"}


@dataclass
class CloudUnderTest:
    """A context around one rule. `open` connects to the platform, always the same one.

    `listed` are the ids of all that a cloud lists that launches nothing; `tags` are what they are listed by.
    `several` is how many instances the longest list of a rule has: more than fit on one page of a list, where
    pages can be made so small. `unknown` is an id that no instance has.

    The others let something go wrong as long as a context lasts, and get the cloud that is to meet it. While
    `full`, there is no room for an instance. While `refused`, a launch such as these will never be granted.
    While `failing`, every call fails. While `cut_short`, a list of `several` breaks off before its end. While
    `unanswered`, launches are done and their answers are lost. `handed` tells which user data the platform
    itself has of an instance. A rule that needs what is None is skipped.
    """

    open: Callable[[], Listing]
    listed: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=new_cluster)
    several: int = 3
    unknown: str = "i-0123456789abcdef0"
    full: Provoked | None = None
    refused: Provoked | None = None
    failing: Provoked | None = None
    cut_short: Provoked | None = None
    unanswered: Provoked | None = None
    handed: Callable[[str], bytes] | None = None
    patience: float = 300.0  # seconds that a change may take to show
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    listing: Listing = field(init=False)
    _opened: list[Listing] = field(init=False, repr=False, default_factory=list)
    _launched: set[str] = field(init=False, repr=False, default_factory=set)
    _sent: dict[str, float] = field(init=False, repr=False, default_factory=dict)  # by token, when last

    def __enter__(self) -> CloudUnderTest:
        self.listing = self.connect()
        return self

    def __exit__(self, *_: object) -> None:
        with ExitStack() as stack:
            for cloud in self._opened:
                stack.callback(cloud.close)
            for instance_id in self._launched:
                stack.callback(self._release, instance_id)
            for instance_id in () if self.listed else self.ids():
                if instance_id not in self._launched:
                    stack.callback(self._release, instance_id)

    @property
    def cloud(self) -> Cloud:
        """The cloud, of which launches are asked."""
        return launching(self.listing)

    def connect(self) -> Listing:
        """Open one more connection; it is closed in the end."""
        self._opened.append(self.open())
        return self._opened[-1]

    def request(self, **tags: str) -> LaunchRequest:
        """Return a launch as admission makes it, with a token of its own and these tags beside the usual."""
        chosen = self.listing.parameters(self.tags) if isinstance(self.listing, Chooser) else {}
        return LaunchRequest(secrets.token_hex(16), {**self.tags, ROLE_TAG: CANDIDATE, **tags}, dict(chosen))

    def launch(self, request: LaunchRequest, by: Listing | None = None) -> Instance:
        """Launch an instance, `by` this connection or another, as admission does: until it is settled."""
        cloud = launching(by or self.listing)

        def settled() -> Instance | None:
            last = self._sent.get(request.token)
            ago = None if last is None else self.clock() - last
            try:
                return cloud.launch(replace(request, sent=ago))
            except UnsettledError:
                self._sent.setdefault(request.token, self.clock())
                return None
            except (CapacityError, RefusedError):
                self._sent.pop(request.token, None)
                raise
            except CloudError:
                self._sent[request.token] = self.clock()
                raise

        found = self.eventually(settled, "it stays unsettled what came of a launch")
        self._sent[request.token] = self.clock()
        self._launched.add(found.id)
        return found

    def running(self, count: int = 1) -> list[str]:
        """Return the ids of so many new instances, once they run and are listed; or of those `listed`."""
        if self.listed:
            return sorted(self.listed)
        ids = sorted(self.launch(self.request()).id for _ in range(count))
        for instance_id in ids:
            self.until(instance_id, RUNNING)
        self.eventually(lambda: set(ids) <= set(self.ids()), f"{', '.join(ids)} are not listed")
        return ids

    def ids(self, tags: Mapping[str, str] | None = None) -> list[str]:
        """List the ids of the cluster, or by other tags, in order."""
        return sorted(each.id for each in self.listing.instances(self.tags if tags is None else tags))

    def until(self, instance_id: str, state: str) -> Instance:
        """Return an instance once it is described as being in this state."""

        def described() -> Instance | None:
            found = self.listing.describe([instance_id]).get(instance_id)
            return found if found and found.state == state else None

        return self.eventually(described, f"{instance_id} is not described as {state}")

    def ended(self, instance_id: str) -> bool:
        """Say whether an instance is terminated, or unknown; then nothing is left to release."""
        found = self.listing.describe([instance_id]).get(instance_id)
        if found and found.state != "terminated":
            return False
        self._launched.discard(instance_id)
        return True

    def eventually(self, look: Callable[[], T | None], otherwise: str) -> T:
        """Return what `look` sees as soon as that is true. Raises `AssertionError` where it never is."""
        deadline = self.clock() + self.patience
        while not (seen := look()):
            if self.clock() >= deadline:
                raise AssertionError(f"{otherwise}, after {self.patience:g} seconds")
            self.sleep(PAUSE)
        return seen

    def provoked(self, what: str) -> AbstractContextManager[object]:
        """Return the context in which the attribute named `what` takes; skip the test where it is None."""
        provoked: Provoked | None = getattr(self, what)
        return provoked(self.listing) if provoked else skipped(f"`{what}` is not given")

    def _release(self, instance_id: str) -> None:
        def terminated() -> bool:
            try:
                self.cloud.terminate(instance_id)
            except NotFoundError:  # it may only not be known yet
                return False
            return True

        self.eventually(terminated, f"{instance_id} can't be terminated")


def skipped(why: str) -> NoReturn:
    """Skip the test that a rule is run by."""
    import pytest

    pytest.skip(why)


def expect(error: type[CloudError], call: Callable[[], object], what: str) -> None:
    """Make a call that must raise this error. Raises `AssertionError` where it raises another, or none."""
    try:
        answer = call()
    except error:
        return
    except Exception as other:
        raise AssertionError(f"{what}: {error.__name__} is wanted, not {other!r}") from other
    raise AssertionError(f"{what}: {error.__name__} is wanted, not the answer {answer!r}")
