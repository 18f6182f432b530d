"""Which placement group the next launch goes into, where groups are strict and have so many members at most.

Rules:
1. `placement_group = "auto"`: groups of the cluster's own, `keepapart-NAME`, and where that is full
   `keepapart-NAME-2` and so on, made where one is missing. A named group is used as it is and never made.
2. The first one with room is used. Between groups nothing is promised: launch, check, release decide there.
3. Of several groups of one name everybody takes the one with the least id.
4. A group that a launch was refused for is done without until the process ends: where it was full, the next
   one is used, else none. One without room for another member on a host of its own is kept: no launch beside
   it would help.
5. A group of the cluster's own that nobody will grant is done without, and the launch's note says why. One
   that can't be had at the moment is an error: what separates isn't left out because a call was lost.
6. A member that is to start elsewhere goes into the group that a launch would go into, unless it is in one of
   these already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from keepapart.clouds import CLUSTER_TAG, NOTE
from keepapart.errors import CloudError, DeniedError, RefusedError

AUTO = "auto"
GROUP = "placement_group"  # its id, among a launch's parameters


@dataclass(frozen=True, slots=True)
class Group:
    """A placement group; `apart` says that it promises hosts of their own, `members` are ids."""

    id: int
    name: str
    apart: bool
    members: frozenset[str]


class FullError(RefusedError):
    """The group takes no more members."""


class SpreadGroups:
    """The placement groups of one account, as the next launch may use them.

    `there` lists them, `make` makes one of this name for this cluster, and `most` tells how many members a
    group may have; each may raise `CloudError`. `within` is a part of their names, where they are of a place.
    """

    def __init__(
        self,
        wanted: str,
        there: Callable[[], Sequence[Group]],
        make: Callable[[str, str], object],
        most: Callable[[], int],
        within: str = "",
    ) -> None:
        self._within = within
        self._wanted, self._there, self._make, self._most = wanted, there, make, most
        self._full: set[int] = set()
        self._without: dict[int, str] = {}

    def parameters(self, tags: Mapping[str, str], *, make: bool = True, member: str = "") -> dict[str, str]:
        """Return what the next launch of the cluster that `tags` name says of its group, and a note on it.

        Without `make`, a group that is missing is only spoken of. `member` is one that is to start anew; the
        group that it is in is no news.
        """
        wanted = self._wanted or (AUTO if member else "")
        if not wanted:
            return {}
        if wanted != AUTO:
            return self._used(self._named(wanted), member)
        cluster = tags.get(CLUSTER_TAG, "")
        try:
            there, most = self._there(), self._most()
            for name in _names(cluster, self._within):
                group = _least(there, name)
                if group is None and not make:
                    return {GROUP: "", NOTE: f"in spread group {name}, to be made"}
                group = group or self._made(name, cluster)
                if member in group.members or not self._is_full(group, most):
                    return self._used(group, member)
        except (DeniedError, RefusedError) as error:
            return {NOTE: f"without a placement group: {error}"}
        raise AssertionError("names don't end")

    def refused(self, error: CloudError, parameters: Mapping[str, str]) -> CloudError:
        """Say what a launch that was refused means, where its group may be the reason."""
        group = parameters.get(GROUP, "")
        if not group or not isinstance(error, RefusedError):
            return error
        if isinstance(error, FullError):
            self._full.add(int(group))
            if self._wanted != AUTO:
                return RefusedError(error.cause, "name another one as [cloud] placement_group")
            return RefusedError(f"{error.cause}; the next launch goes into another group")
        if "placement" not in error.cause:
            return error
        self._without[int(group)] = "a launch into it was refused"
        return RefusedError(f"{error.cause}; the next launch is without the placement group")

    def _is_full(self, group: Group, most: int) -> bool:
        return group.id in self._full or len(group.members) >= most

    def _used(self, group: Group, member: str) -> dict[str, str]:
        if group.id in self._without:
            return {NOTE: f"without placement group {group.name}: {self._without[group.id]}"}
        said = f"in {'spread' if group.apart else 'placement'} group {group.name}"
        return {NOTE: said} if member in group.members else {GROUP: str(group.id), NOTE: said}

    def _named(self, name: str) -> Group:
        found = _least(self._there(), name)
        if found is None:
            raise CloudError(f"[cloud] placement_group: there is no group {name!r} here")
        return found

    def _made(self, name: str, cluster: str) -> Group:
        failed: CloudError | None = None
        try:
            self._make(name, cluster)
        except CloudError as error:  # it may be made all the same, or be there meanwhile
            failed = error
        found = _least(self._there(), name)
        if found is None:
            raise failed or CloudError(f"group {name} was made and isn't shown")
        return found


NO_GROUPS = SpreadGroups("", lambda: (), lambda *_: None, lambda: 0)  # of a platform that has none


def _names(*parts: str) -> Iterator[str]:
    stem = "-".join(filter(None, ("keepapart", *parts)))
    yield stem
    for number in count(2):
        yield f"{stem}-{number}"


def _least(there: Sequence[Group], name: str) -> Group | None:
    """Return the group of this id or name."""
    named = [one for one in there if name in (one.name, str(one.id))]
    return min(named, key=lambda one: one.id, default=None)
