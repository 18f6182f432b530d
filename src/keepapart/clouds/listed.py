"""What platforms share that are asked for all they have: keys of `[cloud]`, members, which facts hold.

Rules:
1. The platform is asked for everything that the credentials see, and filtered here. Where platforms filter,
   some do it by other rules than ours, or drop a filter without a word.
2. keepapart's own tags are read as the platform spells them (`tags`). A tag without a value is shown with
   an empty one.
3. Members that the configuration names (`members`) or describes (`member_filter`) are shown with the tags
   that were asked for, where they have none of their own that says otherwise. A member that isn't there is
   an error: a missing right looks like a missing instance.
4. Where the platform can't tell now what an instance is (not `told`), no list of some tags is complete.
5. Only an instance that runs and is `settled` has a place. One that is being built, moved or resized is on
   its way from one host to another, whatever the platform still says. One that doesn't run keeps its group:
   it is a member of that, wherever it starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib.util import find_spec
from typing import Annotated, Any, Literal, TypeVar

from msgspec import Meta
from msgspec import field as key

from keepapart.clouds import MEMBER, ROLE_TAG, RUNNING, TERMINATED
from keepapart.clouds.reach import check_template, way_in
from keepapart.errors import CloudError, ConfigError, UnsettledError
from keepapart.model import Fact, Instance, Statement
from keepapart.tables import Table, Text, checked

Texts = Annotated[tuple[Text, ...], Meta(description='a list such as ["one", "two"] is wanted')]
Filter = Annotated[Mapping[str, Text], Meta(description='a table such as {"tag:role" = "db"} is wanted')]


class ListedSettings(Table, frozen=True):
    """The keys that these platforms have in common.

    1. `members` are ids or names; `member_filter` has patterns by what they are compared with: `name`,
       `tag:KEY`, or a word of the platform's own. All of them must fit.
    2. `address` says which of an instance's addresses the others send to; `reach` is a template of the way
       in, with {id}, {private}, {public}, {ipv6} and {address}.
    3. `timeout` seconds for one answer, and `tries` of a call, before it has failed.
    """

    members: Texts = ()
    member_filter: Filter = key(default_factory=dict)
    address: Literal["private", "public", "ipv6"] = "private"
    reach: str = ""
    timeout: Annotated[int, Meta(ge=1, le=600)] = 30
    tries: Annotated[int, Meta(ge=1, le=20)] = 4


Settings = TypeVar("Settings", bound=ListedSettings)


@dataclass(frozen=True, slots=True)
class Listed:
    """An instance as its platform lists it. `whose` are facts that always hold, `place` those of rule 5.

    `said` is what others say of its place, such as labels; rule 5 is theirs too.

    Facts and addresses may be empty: then they are not stated. `alike` is what else `member_filter` may name.
    """

    id: str
    name: str
    state: str
    tags: Mapping[str, str]
    whose: Mapping[Fact, str]
    place: Mapping[Fact, str]
    settled: bool = True
    told: bool = True
    said: Sequence[Statement] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)
    alike: Mapping[str, str] = field(default_factory=dict)


class ListedCloud:
    """A platform that is read as a whole each time; see `clouds.Listing` and `Adopting`."""

    adopts = 'member_filter = {"tag:Name" = "db-*"} (or members = ["web-1"])'

    def __init__(
        self,
        name: str,
        settings: ListedSettings,
        read: Callable[[], Sequence[Listed]],
        close: Callable[[], None],
    ) -> None:
        self.name = name
        self._settings, self._read, self._close = settings, read, close
        self._overlay: dict[str, Mapping[str, str]] = {}

    def instances(self, tags: Mapping[str, str]) -> Sequence[Instance]:
        """List every instance that carries all of these tags, terminated ones left out."""
        there = [one for one in self._all() if one.state != TERMINATED]
        if tags and (untold := [one.id for one in there if not one.told]):
            raise CloudError(
                f"{self.name} can't tell now what {len(untold)} instances are, {untold[0]} among them",
                "a part of it is down: try again later",
            )
        if tags.get(ROLE_TAG, MEMBER) == MEMBER:
            wanted = {**tags, ROLE_TAG: MEMBER}
            for one in self._named(there):
                if all(one.tags.get(name, text) == text for name, text in wanted.items()):
                    self._overlay[one.id] = wanted
        return [self._shown(one) for one in there if tags.items() <= self._tags(one).items()]

    def describe(self, ids: Iterable[str]) -> Mapping[str, Instance]:
        """Tell the present state of these; ids that the platform doesn't know are left out."""
        wanted = set(ids)
        return {one.id: self._shown(one) for one in self._all() if one.id in wanted} if wanted else {}

    def close(self) -> None:
        """Close the connections to the platform."""
        self._close()

    def _members(self, tags: Mapping[str, str]) -> set[str]:
        """Return the ids of the members of the cluster that `tags` name."""
        return {one.id for one in self.instances({**tags, ROLE_TAG: MEMBER})}

    def _all(self) -> Sequence[Listed]:
        try:
            found = self._read()
        except ValueError as error:  # of an address, a time or the like
            raise CloudError(f"{self.name} answered what can't be read: {error}") from None
        if len({one.id for one in found}) < len(found):
            raise CloudError(f"{self.name} lists an instance twice: the list changed while it was read")
        return found

    def _named(self, there: Sequence[Listed]) -> list[Listed]:
        """Find the members that the configuration names (rule 3)."""
        names, patterns = set(self._settings.members), self._settings.member_filter
        found = [one for one in there if {one.id, one.name} & names]
        missing = names - {name for one in found for name in (one.id, one.name)}
        if missing:
            raise CloudError(
                f"[cloud] members: {self.name} shows no instance {min(missing)!r}",
                "look at the name, and at what the credentials may see",
            )
        if patterns:
            found += [one for one in there if all(_fits(one, *pattern) for pattern in patterns.items())]
        return found

    def _tags(self, one: Listed) -> dict[str, str]:
        return {**self._overlay.get(one.id, {}), **one.tags}

    def _as_listed(self, instance_id: str) -> Instance:
        """Show one that was launched. Raises `UnsettledError` where the list doesn't have it, or not yet."""
        if found := self.describe([instance_id]).get(instance_id):
            return found
        raise UnsettledError(f"{self.name} doesn't list {instance_id}, which it launched")

    def _shown(self, one: Listed) -> Instance:
        addresses = {kind: one.addresses.get(kind, "") for kind in ("private", "public", "ipv6")}
        address = addresses[self._settings.address]
        names = {**addresses, "id": one.id, "address": address}
        placed = one.settled and one.state == RUNNING
        kept: Mapping[Fact, str] = {} if one.state == RUNNING else {"group": one.place.get("group", "")}
        facts = {**one.whose, **(one.place if placed else kept)}
        return Instance(
            id=one.id,
            address=address,
            reach=way_in(self._settings.reach, "", one.tags, names),
            state=one.state,
            tags=self._tags(one),
            facts={name: text for name, text in facts.items() if text},
            said=one.said if placed else (),
            public=addresses["public"],
        )


def parse(
    settings: Mapping[str, Any],
    kind: type[Settings],
    instances: Sequence[Instance],
    alike: Sequence[str] = (),
) -> Settings:
    """Check the keys of `[cloud]`; `alike` are the platform's own words of `member_filter`.

    Raises `ConfigError` naming the key and the mend, also where `instances` are listed by hand beside them.
    """
    if instances:
        raise ConfigError(
            "[[instances]]: the platform lists its own", "name members as [cloud] members or member_filter"
        )
    chosen = checked(settings, kind, "[cloud]")
    check_template(chosen.reach)
    for name in chosen.member_filter:
        if name not in ("name", *alike) and not name.startswith("tag:"):
            known = ", ".join(("name", "tag:KEY", *alike))
            raise ConfigError(f"[cloud] member_filter: nothing is called {name!r}", f"there is {known}")
    return chosen


def need(provider: str, *modules: str) -> None:
    """See that the modules of an extra are installed. Raises `ConfigError` naming how to get them."""
    for module in modules:
        if _missing(module):
            raise ConfigError(
                f'[cloud] provider: "{provider}" needs {module}, which isn\'t installed:'
                f" pip install 'keepapart[{provider}]'"
            )


def _missing(module: str) -> bool:
    try:
        return find_spec(module) is None
    except ModuleNotFoundError:  # of the package that it is in
        return True


def _fits(one: Listed, name: str, pattern: str) -> bool:
    kind, _, tag = name.partition(":")
    value = one.tags.get(tag) if kind == "tag" and tag else {"name": one.name, **one.alike}.get(name)
    return value is not None and fnmatchcase(value, pattern)
