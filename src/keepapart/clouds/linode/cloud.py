"""Linode, behind the protocol of every cloud; see `one_call` for what it shares with others.

Rules:
1. Labels of instances are unique in an account (`once`, NAME), and tags are set in the call.
2. A strict placement group refuses whatever would share a host: that is "no room", and is waited for.
3. Disks and addresses are made by Linode for the instance, and go with it.
4. Nothing moves an instance within its region on request: "Fixing compliance is not self-service".
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keepapart.clouds import CLUSTER_TAG, LaunchRequest
from keepapart.clouds.linode import reading
from keepapart.clouds.linode.reading import TAGS, Linode, Region, Type
from keepapart.clouds.linode.settings import Settings
from keepapart.clouds.listed import Listed
from keepapart.clouds.once import ExistsError, Kind, name_of
from keepapart.clouds.one_call import OneCallCloud
from keepapart.clouds.refusals import QUOTA, Row
from keepapart.clouds.rest import Answer, Rest
from keepapart.clouds.spread_groups import GROUP, FullError, Group, SpreadGroups
from keepapart.clouds.user_data import UserData, encoded
from keepapart.errors import CapacityError, CloudError, ConfigError, DeniedError, QuotaError, RefusedError
from keepapart.tables import nearest

RIGHTS = "the rights that are needed are in docs/platforms/linode.md"
ANYHOW = re.IGNORECASE
ROWS: Sequence[Row] = (
    (re.compile("not authorized to use"), DeniedError, RIGHTS),  # which is a 401 here
    (re.compile("label.*(unique|already)", ANYHOW), ExistsError, ""),
    (re.compile("placement.group.*(maximum|limit|full)", ANYHOW), FullError, ""),
    (re.compile("placement.group.*(complian|affinity|capacity|host)", ANYHOW), CapacityError, ""),
    (re.compile("no open slots|not currently available|capacity|no room", ANYHOW), CapacityError, ""),
    (re.compile(r"\bbusy\b", ANYHOW), CloudError, ""),
    (re.compile("(?<!rate )limit|quota", ANYHOW), QuotaError, QUOTA),
)
TYPE = "anti_affinity:local"
STRICT = "strict"
GROUPS = ("Placement Group", "Placement Groups")  # a region's capability; both are met in print
MOST = 5  # members of a group, where a region doesn't say it
TAG = range(3, 51)  # characters


class LinodeCloud(OneCallCloud):
    """One account; see `clouds.Cloud`, `Chooser`, `Located`, `Priced`, `Booting`, `Staying`."""

    kind, path, rows = Kind.NAME, "/linode/instances", ROWS
    user_data = UserData(16_384)
    stays = "Linode moves an instance within its region only of its own accord"

    def __init__(
        self, rest: Rest, settings: Settings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        wanted, region = settings.placement_group, settings.region
        groups = SpreadGroups(wanted, self._strict, self._make, self._most, region)
        super().__init__("linode", rest, settings, groups, clock=clock)
        self._chosen = settings

    def read(self) -> Sequence[Listed]:
        """List every instance."""
        return reading.read(self.rest)

    def there(self) -> Sequence[Listed]:
        """List every instance that isn't being deleted."""
        return [reading.listed(one) for one in reading.linodes(self.rest) if one.status != "deleting"]

    def one(self, instance_id: str) -> Listed:
        """Show one instance."""
        return reading.listed(self.get(self.at(instance_id), Linode))

    def parameters(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        """Decide what the next launch says; see `settings` and `spread_groups`."""
        chosen = self._chosen
        if not chosen.image:
            raise ConfigError("[cloud] image: none is set", "name one: `linode-cli images list`")
        if not chosen.authorized_users and not chosen.authorized_keys:
            raise ConfigError(
                "[cloud] authorized_users: nobody could log in",
                "name users of the account, or set authorized_keys",
            )
        try:
            _fitting({CLUSTER_TAG: tags.get(CLUSTER_TAG, "")})
        except RefusedError as error:
            raise ConfigError(f"[cluster] name: {error.cause}", error.mend) from None
        said = {
            "type": self._type().id,
            "image": chosen.image,
            "region": self._region().id,
            "authorized_users": "\n".join(chosen.authorized_users),
            "authorized_keys": "\n".join(chosen.authorized_keys),
            "private_ip": "yes" if chosen.private_ip else "",
            "firewall_id": str(chosen.firewall_id or ""),
            **self.groups.parameters(tags),
        }
        return {name: text for name, text in said.items() if text}

    def body(self, request: LaunchRequest) -> Mapping[str, Any]:
        """Return what POST /linode/instances takes."""
        said = request.parameters
        lists = ("authorized_users", "authorized_keys")
        return {
            "label": name_of(request.token),
            "tags": TAGS.flat(_fitting(request.tags)),
            "booted": True,
            "private_ip": "private_ip" in said,
            **{name: said[name] for name in ("type", "image", "region") if name in said},
            **{name: said[name].split("\n") for name in lists if name in said},
            **({"firewall_id": int(said["firewall_id"])} if "firewall_id" in said else {}),
            **({"placement_group": {"id": int(said[GROUP])}} if GROUP in said else {}),
            **({"metadata": {"user_data": encoded(request.user_data)}} if request.user_data else {}),
        }

    def id_of(self, answer: Answer) -> str:
        """Read the id of what was launched."""
        return str(self.rest.read(answer, Linode).id)

    def power(self, instance_id: str, *, on: bool, hard: bool = False) -> None:  # noqa: ARG002  # Linode pulls it
        """Start an instance, or have Linode shut it down, which pulls the plug where it doesn't listen."""
        self.change("POST", self.at(instance_id, "/boot" if on else "/shutdown"))

    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        """Set these tags, leaving others as they are."""
        before = self.get(self.at(instance_id), Linode).tags
        self.change("PUT", self.at(instance_id), {"tags": TAGS.changed(before, _fitting(tags))})

    def price_per_hour(self) -> float:
        """Tell what an instance of the type costs an hour in the region, in US dollars."""
        kind, region = self._type(), self._region().id
        for own in kind.region_prices:
            if own.id == region and own.hourly is not None:
                return own.hourly
        if kind.price.hourly is None:
            raise ConfigError(f"[cloud] type: no price of {kind.id!r} is told", "set [launch] price_per_hour")
        return kind.price.hourly

    def _type(self) -> Type:
        wanted = self._chosen.type
        if not wanted:
            raise ConfigError("[cloud] type: none is set", "name one: `linode-cli linodes types`")
        there = reading.types(self.rest)
        for one in there:
            if one.id == wanted:
                return one
        raise ConfigError(f"[cloud] type: there is no {wanted!r}", nearest(wanted, [one.id for one in there]))

    def _region(self) -> Region:
        wanted = self._chosen.region
        if not wanted:
            raise ConfigError("[cloud] region: none is set", "name one: `linode-cli regions list`")
        there = reading.regions(self.rest)
        for one in there:
            if one.id == wanted:
                return one
        raise ConfigError(
            f"[cloud] region: there is no {wanted!r}", nearest(wanted, [one.id for one in there])
        )

    def _most(self) -> int:
        """Tell how many members a group may have. Raises `CloudError` where the region has no groups."""
        region = self._region()
        if not any(name in region.capabilities for name in GROUPS):
            raise RefusedError(f"{region.id} has none")
        limits = region.placement_group_limits
        return (limits and limits.maximum_linodes_per_pg) or MOST

    def _strict(self) -> list[Group]:
        return [
            Group(one.id, one.label, one.apart, frozenset(str(member.linode_id) for member in one.members))
            for one in self.asked(lambda: reading.groups(self.rest))
            if one.region == self._chosen.region
        ]

    def _make(self, name: str, cluster: str) -> None:  # noqa: ARG002  # groups have no tags
        body = {
            "label": name,
            "region": self._chosen.region,
            "placement_group_type": TYPE,
            "placement_group_policy": STRICT,
        }
        self.change("POST", "/placement/groups", body)


def _fitting(tags: Mapping[str, str]) -> Mapping[str, str]:
    """Return tags that flat words of Linode's length can hold. Raises `RefusedError` for others."""
    for name, value in tags.items():
        (word,) = TAGS.flat({name: value})
        if len(word) not in TAG:
            raise RefusedError(f"linode: no tag can hold {word}", f"{TAG[-1]} letters can")
    return tags
