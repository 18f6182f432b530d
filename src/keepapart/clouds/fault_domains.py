"""Which fault domain the next instance goes into, where the platform lets it be chosen.

Rules:
1. The domain with the fewest members of the cluster, whether they run or not. Of equals, one that had room
   when it was last asked; then another than the one to leave, which is surely on other hardware; then that
   with the fewest other instances; then the one asked for least by this process, since several may be
   launched at once; then by name.
2. Where a domain has no room, the next try is in another that has as few members. Once none of those is left,
   lack of room is waited for as anywhere, and later all are tried again.
3. Where every domain has a member, the next instance shares one with it: that is said, and what else shows
   whether they share a host decides.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence

from keepapart.clouds import NOTE
from keepapart.clouds.listed import ListedCloud
from keepapart.errors import CapacityError, CloudError, RefusedError


class ChoosingCloud(ListedCloud):
    """A cloud that chooses the fault domain of each launch; see `clouds.Chooser`."""

    def parameters(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        """Decide what the next launch says, and in which fault domain it is."""
        return self._parameters(tags, make=True)

    def foresee(self, tags: Mapping[str, str]) -> str:
        """Say which fault domain the next launch would use, and make no group for it."""
        try:
            return self._parameters(tags, make=False).get(NOTE, "")
        except CloudError as error:
            return str(error)

    @abstractmethod
    def _parameters(self, tags: Mapping[str, str], *, make: bool) -> dict[str, str]:
        """Decide on a launch; without `make`, what would be made for it is only spoken of."""


class Domains:
    """The domains of a group, as this process asks for them."""

    def __init__(self) -> None:
        self._asked: Counter[tuple[str, str]] = Counter()
        self._full: set[tuple[str, str]] = set()
        self._least: dict[str, list[str]] = {}  # by group: the domains that have the fewest members

    def choose(
        self,
        group: str,
        domains: Sequence[str],
        members: Mapping[str, int],
        others: Mapping[str, int],
        *,
        leaving: str = "",
        make: bool = True,
    ) -> str:
        """Choose by rule 1; `members` and `others` are counted by domain.

        `leaving` is the domain of a member that is to go elsewhere. Without `make` it is only said, and
        nothing is remembered.
        """

        def rank(each: str) -> tuple[int, bool, bool, int, int, str]:
            key = group, each
            held = members.get(each, 0)
            return held, key in self._full, each == leaving, others.get(each, 0), self._asked[key], each

        chosen = min(domains, key=rank)
        if make:
            fewest = members.get(chosen, 0)
            self._least[group] = [each for each in domains if members.get(each, 0) == fewest]
            self._asked[group, chosen] += 1
        return chosen

    def no_room(self, group: str, domain: str, error: CapacityError) -> CloudError:
        """Say what it means that a domain has no room, by rule 2."""
        self._full.add((group, domain))
        left = [each for each in self._least.get(group, ()) if (group, each) not in self._full]
        if left:
            return RefusedError(f"{error.cause}; the next try is in another fault domain")
        self._full = {key for key in self._full if key[0] != group}
        return error


def said(domain: str, members: int) -> str:
    """Say in words which domain is chosen, which has so many members."""
    return f"in {domain}, since each has a member" if members else f"in {domain}, which has no other member"
