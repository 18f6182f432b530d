"""What platforms share on which a launch is one call to a REST API, that answers before it is done.

Rules:
1. One token is one instance, as `once` has it for the platform's kind. It is looked for in the whole list, by
   its name.
2. Accepted is not launched: until the platform says what came of it, a launch is unsettled. What was accepted
   and isn't shown for `GONE_AFTER` seconds, from the beginning or any more, went for want of room.
3. What failed after it was accepted is deleted, with all that was made for it, before that is said.
4. What bears the name of a token is what that launched, unless its tags name another: the name can't be
   guessed. Where they are not all there yet, it is waited for while it is made, and tagged then.
5. Too many calls: that launch was surely not made, so it is made again later, as where there is no room.
6. Start, stop and end look first, and leave alone what is so already. The first stop asks the operating
   system; where that still runs `LISTENS_WITHIN` later, the next one pulls the plug.
7. Ids are numbers: nothing else is ever part of an address.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NoReturn, TypeVar

from keepapart import clouds
from keepapart.clouds import ATTEMPT_TAG, CLUSTER_TAG, NOTE, RUN_TAG, LaunchRequest
from keepapart.clouds.by_token import TokenSettings
from keepapart.clouds.listed import Listed, ListedCloud
from keepapart.clouds.once import Kind, Namesake, carries, launched, name_of
from keepapart.clouds.refusals import Changing, Row, meant, of_launch
from keepapart.clouds.rest import Answer, Rest, RestError
from keepapart.clouds.spread_groups import SpreadGroups
from keepapart.errors import CapacityError, CloudError, NotFoundError, UnsettledError
from keepapart.model import Instance

GONE_AFTER = 120.0  # seconds; what is read may be behind, so less proves nothing
LISTENS_WITHIN = 60.0  # seconds

ID = 20  # digits of the longest id: as text, a later one sorts behind

T = TypeVar("T")


@dataclass(slots=True)
class _Made:
    """A launch that was answered: the instance, and when it was accepted or last shown."""

    id: str
    shown: float


class OneCallCloud(ListedCloud):
    """A cloud that launches so; see `clouds.Cloud`, `Chooser`, `Located`, `Staying`."""

    kind: ClassVar[Kind]
    path: ClassVar[str]  # of instances
    rows: ClassVar[Sequence[Row]]  # what refusals mean
    stays: str

    def __init__(
        self,
        name: str,
        rest: Rest,
        settings: TokenSettings,
        groups: SpreadGroups,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(name, settings, self.read, rest.close)
        self.rest, self.change = rest, Changing(rest, self.rows)
        self.groups, self.clock = groups, clock
        self._made: dict[str, _Made] = {}  # by token
        self._failed: dict[str, tuple[str, CloudError]] = {}  # by token: what is being deleted, and why
        self._asked: dict[str, float] = {}  # by id: when it was asked to stop

    @abstractmethod
    def read(self) -> Sequence[Listed]:
        """List every instance with its place."""

    @abstractmethod
    def there(self) -> Sequence[Listed]:
        """List every instance that isn't being deleted; its place isn't wanted."""

    @abstractmethod
    def one(self, instance_id: str) -> Listed:
        """Show one instance. Raises `NotFoundError`."""

    @abstractmethod
    def parameters(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        """Decide what the next launch says, and see that the platform has what it says."""

    def foresee(self, tags: Mapping[str, str]) -> str:
        """Say which placement group the next launch would use, and make none."""
        try:
            return self.groups.parameters(tags, make=False).get(NOTE, "")
        except CloudError as error:
            return str(error)

    @abstractmethod
    def body(self, request: LaunchRequest) -> Mapping[str, Any]:
        """Return what the launch call says."""

    @abstractmethod
    def id_of(self, answer: Answer) -> str:
        """Read the id of what was launched."""

    def fault(self, one: Listed) -> CloudError | None:
        """Say how the launch of this instance failed, if it did.

        Raises `UnsettledError` until that is known.
        """

    @abstractmethod
    def power(self, instance_id: str, *, on: bool, hard: bool = False) -> None:
        """Start an instance, ask it to stop, or pull its plug."""

    @abstractmethod
    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        """Set these tags, leaving others as they are."""

    def launch(self, request: LaunchRequest) -> Instance:
        """Launch one instance, or return the one that this token launched before, by rules 1 to 5."""
        if not request.parameters:
            request = replace(request, parameters=self.parameters(request.tags))
        if request.token in self._failed:
            self._cleared(request.token)
        found = launched(self.kind, request, lambda: self._namesakes(request), lambda: self._sent(request))
        one = self._settled(found, request.token)
        if not carries(one.tags, request):
            self.tag(one.id, request.tags)
        return self._shown(one)

    def start(self, instance_id: str) -> None:
        """Start a stopped instance, where it is."""
        self._asked.pop(instance_id, None)
        if self.one(instance_id).state not in (clouds.RUNNING, clouds.PENDING):
            self.power(instance_id, on=True)

    def stop(self, instance_id: str) -> None:
        """Stop an instance, by rule 6; it keeps its host, and what it costs."""
        if self.one(instance_id).state in (clouds.STOPPED, clouds.STOPPING):
            return
        asked = self._asked.get(instance_id)
        if asked is None or self.clock() - asked >= LISTENS_WITHIN:
            self.power(instance_id, on=False, hard=asked is not None)
            self._asked.setdefault(instance_id, self.clock())

    def terminate(self, instance_id: str) -> None:
        """End an instance for good, with all that was made for it."""
        self.one(instance_id)
        self.change("DELETE", self.at(instance_id))

    def where(self) -> Mapping[str, str]:
        """Tell the endpoint."""
        return {"endpoint": self.rest.endpoint}

    def at(self, instance_id: str, action: str = "") -> str:
        """Return where an instance is in the API (rule 7)."""
        if not (instance_id.isascii() and instance_id.isdigit()):
            raise NotFoundError(f"{self.name}: there is no instance {instance_id}")
        return f"{self.path}/{instance_id}{action}"

    def get(self, path: str, kind: type[T]) -> T:
        """Return what is at `path`. Raises what a refusal means."""
        return self.asked(lambda: self.rest.get(path, kind))

    def asked(self, call: Callable[[], T]) -> T:
        """Return what a call answers. Raises what a refusal means."""
        try:
            return call()
        except RestError as error:
            raise meant(error, self.rows) from error

    def _namesakes(self, request: LaunchRequest) -> list[Namesake]:
        if known := self._made.get(request.token):
            return [Namesake(known.id, ours=True)]
        name = name_of(request.token)
        found = [one for one in self.there() if one.name == name]
        return [Namesake(one.id, _ours(one, request), one.id.zfill(ID)) for one in found]

    def _sent(self, request: LaunchRequest) -> str:
        try:
            made = self.id_of(self.change("POST", self.path, self.body(request)))
        except CloudError as error:
            raise self.groups.refused(of_launch(error), request.parameters) from error
        self._made[request.token] = _Made(made, self.clock())
        return made

    def _settled(self, found: str, token: str) -> Listed:
        """Return what was launched, once it is known what came of it, by rules 2 and 3."""
        made = self._made.get(token)
        try:
            one = self.one(found)
        except NotFoundError:
            if made is None or self.clock() - made.shown < GONE_AFTER:
                raise UnsettledError(f"{self.name} doesn't show {found}, which it accepted") from None
            del self._made[token]
            raise CapacityError(f"{self.name} accepted {found}, and it went again for want of room") from None
        if made:
            made.shown = self.clock()
        if fault := self.fault(one):
            self._made.pop(token, None)
            self._failed[token] = found, fault
            self._cleared(token)
        return one

    def _cleared(self, token: str) -> NoReturn:
        """Delete what failed, and say so once it is gone."""
        found, fault = self._failed[token]
        with suppress(NotFoundError):
            self.terminate(found)
            raise UnsettledError(f"{self.name}: {found} failed, and is being deleted")
        del self._failed[token]
        raise fault


def _ours(one: Listed, request: LaunchRequest) -> bool | None:
    """Say whether what bears a request's name is what it launched (rule 4)."""
    marks = (CLUSTER_TAG, RUN_TAG, ATTEMPT_TAG)
    if any(one.tags.get(mark, request.tags.get(mark)) != request.tags.get(mark) for mark in marks):
        return False
    return True if carries(one.tags, request) or one.state != clouds.PENDING else None
