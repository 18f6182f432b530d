"""Hetzner Cloud, behind the protocol of every cloud; see `one_call` for what it shares with others.

Rules:
1. Names are unique in a project (`once`, NAME), and labels are set in the call.
2. An accepted launch is two actions, to create and to start. Where one fails, the server stays, without a
   host or switched off: it is deleted.
3. Primary addresses are made by Hetzner for the server, with `auto_delete`, and go with it.
4. A server that is off keeps its host. One that is put into a spread group meanwhile is started on a host
   that fits it: that is how a member is moved.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keepapart import clouds
from keepapart.clouds import CLUSTER_TAG, LaunchRequest
from keepapart.clouds.hetzner import reading
from keepapart.clouds.hetzner.reading import TAGS, Action, OneAction, OneServer, ServerType
from keepapart.clouds.hetzner.settings import Settings
from keepapart.clouds.listed import Listed
from keepapart.clouds.once import ExistsError, Kind, name_of
from keepapart.clouds.one_call import OneCallCloud
from keepapart.clouds.refusals import QUOTA, Row, meant
from keepapart.clouds.rest import Answer, Rest
from keepapart.clouds.spread_groups import GROUP, FullError, Group, SpreadGroups
from keepapart.clouds.user_data import UserData
from keepapart.errors import (
    CapacityError,
    CloudError,
    ConfigError,
    DeniedError,
    QuotaError,
    RefusedError,
    UnsettledError,
)
from keepapart.tables import nearest

NO_ROOM = r"resource_unavailable|placement_error|error during placement"
ROWS: Sequence[Row] = (
    (re.compile("uniqueness_error"), ExistsError, ""),
    (re.compile("placement_group_member_limit_reached"), FullError, ""),
    (re.compile(NO_ROOM), CapacityError, ""),
    (re.compile("resource_limit_exceeded|limit_reached"), QuotaError, QUOTA),
    (
        re.compile(r"\bprotected\b"),
        DeniedError,
        "`hcloud server disable-protection` takes it off",
    ),
    (re.compile(r"\b(locked|conflict|resource_locked|maintenance|unavailable)\b"), CloudError, ""),
)
MOST = 10  # servers of a spread group
LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
LAUNCHING = ("create_server", "start_server")  # commands
LISTS = ("ssh_keys", "networks", "firewalls")


class HetznerCloud(OneCallCloud):
    """One project; see `clouds.Cloud`, `Chooser`, `Located`, `Placer`, `Priced`, `Booting`, `Staying`."""

    kind, path, rows = Kind.NAME, "/servers", ROWS
    user_data = UserData(32_768, text=True)
    stays = "a server that is stopped and started stays on its host"

    def __init__(
        self, rest: Rest, settings: Settings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        groups = SpreadGroups(settings.placement_group, self._spread, self._make, lambda: MOST)
        super().__init__("hetzner", rest, settings, groups, clock=clock)
        self._chosen = settings
        self._placing: dict[str, int] = {}  # by id: the action that is at work

    def read(self) -> Sequence[Listed]:
        """List every server."""
        return reading.read(self.rest)

    def there(self) -> Sequence[Listed]:
        """List every server that isn't being deleted."""
        return [reading.listed(one) for one in reading.servers(self.rest) if one.status != "deleting"]

    def one(self, instance_id: str) -> Listed:
        """Show one server."""
        return reading.listed(self.get(self.at(instance_id), OneServer).server)

    def parameters(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        """Decide what the next launch says; see `settings` and `spread_groups`."""
        chosen = self._chosen
        if not chosen.image:
            raise ConfigError("[cloud] image: none is set", "name one: `hcloud image list`")
        if not LABEL.fullmatch(tags.get(CLUSTER_TAG, "")):
            raise ConfigError(
                f"[cluster] name: no label of Hetzner's can hold {tags.get(CLUSTER_TAG, '')!r}",
                "63 letters, digits and -_. can, with a letter or digit at either end",
            )
        kind = self._type()
        self._prices(kind)
        said = {
            "server_type": kind.name,
            "image": chosen.image,
            "location": chosen.location,
            **{name: ",".join(map(str, getattr(chosen, name))) for name in LISTS},
            "public_ipv4": "" if chosen.public_ipv4 else "no",
            "public_ipv6": "" if chosen.public_ipv6 else "no",
            **self.groups.parameters(tags),
        }
        return {name: text for name, text in said.items() if text}

    def body(self, request: LaunchRequest) -> Mapping[str, Any]:
        """Return what POST /servers takes."""
        said = request.parameters
        lists = {name: said[name].split(",") for name in LISTS if name in said}
        body: dict[str, Any] = {
            "name": name_of(request.token),
            "labels": TAGS.labels(_fitting(request.tags)),
            "public_net": {
                "enable_ipv4": "public_ipv4" not in said,
                "enable_ipv6": "public_ipv6" not in said,
            },
            **{name: said[name] for name in ("server_type", "image", "location") if name in said},
        }
        if "ssh_keys" in lists:
            body["ssh_keys"] = lists["ssh_keys"]
        if "networks" in lists:
            body["networks"] = [int(text) for text in lists["networks"]]
        if "firewalls" in lists:
            body["firewalls"] = [{"firewall": int(text)} for text in lists["firewalls"]]
        if request.user_data:
            body["user_data"] = request.user_data.decode()
        if GROUP in said:
            body["placement_group"] = int(said[GROUP])
        return body

    def id_of(self, answer: Answer) -> str:
        """Read the id of what was launched."""
        return str(self.rest.read(answer, OneServer).server.id)

    def fault(self, one: Listed) -> CloudError | None:
        """Say how a launch failed, by its actions (rule 2)."""
        if one.state == clouds.RUNNING:
            return None
        begun = [each for each in reading.actions(self.rest, one.id) if each.command in LAUNCHING]
        for each in begun:
            if each.status == "error":
                return self._failed_action(each)
        if any(each.status == "running" for each in begun):
            raise UnsettledError(f"hetzner: {one.id} is being made")
        return None

    def power(self, instance_id: str, *, on: bool, hard: bool = False) -> None:
        """Start a server, ask it to stop, or pull its plug."""
        action = "poweron" if on else "poweroff" if hard else "shutdown"
        self.change("POST", self.at(instance_id, f"/actions/{action}"))

    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        """Set these labels, leaving others as they are."""
        labels = self.get(self.at(instance_id), OneServer).server.labels
        self.change("PUT", self.at(instance_id), {"labels": {**labels, **TAGS.labels(_fitting(tags))}})

    def placement(
        self, instance_id: str, tags: Mapping[str, str], host: str = "", *, make: bool = True
    ) -> Mapping[str, str]:
        """Decide on the placement group of a member that is to start."""
        if host:
            raise RefusedError("hosts can't be chosen at Hetzner Cloud", "leave --host out")
        self.one(instance_id)
        return self.groups.parameters(tags, make=make, member=instance_id)

    def place(self, instance_id: str, parameters: Mapping[str, str]) -> None:
        """Put a stopped server into a placement group, out of any other."""
        if action := self._placing.get(instance_id):
            self._done(instance_id, self.get(f"/actions/{action}", OneAction).action)
        now = self.get(self.at(instance_id), OneServer).server.placement_group
        if now and str(now.id) == parameters[GROUP]:
            return
        doing, said = "remove_from_placement_group", None
        if now is None:
            doing, said = "add_to_placement_group", {"placement_group": int(parameters[GROUP])}
        answer = self.change("POST", self.at(instance_id, f"/actions/{doing}"), said)
        self._done(instance_id, self.rest.read(answer, OneAction).action)
        if now:
            self.place(instance_id, parameters)

    def price_per_hour(self) -> float:
        """Tell what a server of the type costs an hour, with tax, where it is dearest of where it may be."""
        return max(self._prices(self._type()))

    def _type(self) -> ServerType:
        wanted = self._chosen.server_type
        if not wanted:
            raise ConfigError("[cloud] server_type: none is set", "name one: `hcloud server-type list`")
        there = reading.types(self.rest)
        for one in there:
            if wanted in (one.name, str(one.id)):
                return one
        raise ConfigError(
            f"[cloud] server_type: there is no {wanted!r}", nearest(wanted, [one.name for one in there])
        )

    def _prices(self, kind: ServerType) -> list[float]:
        """Return what a type costs where it may be. Raises `ConfigError` where it isn't to be had."""
        wanted = self._chosen.location
        prices = {one.location: float(one.price_hourly.gross) for one in kind.prices}
        if wanted and wanted not in prices:
            raise ConfigError(
                f"[cloud] location: there is no {kind.name} in {wanted!r}",
                nearest(wanted, sorted(prices)),
            )
        return [prices[wanted]] if wanted else list(prices.values())

    def _spread(self) -> list[Group]:
        return [
            Group(one.id, one.name, one.type == "spread", frozenset(map(str, one.servers)))
            for one in self.asked(lambda: reading.groups(self.rest))
        ]

    def _make(self, name: str, cluster: str) -> None:
        labels = TAGS.labels({CLUSTER_TAG: cluster})
        self.change("POST", "/placement_groups", {"name": name, "type": "spread", "labels": labels})

    def _done(self, instance_id: str, action: Action) -> None:
        """See that an action is over. Raises `UnsettledError` while it isn't, and why it failed."""
        if action.status == "running":
            self._placing[instance_id] = action.id
            raise UnsettledError(f"hetzner: {action.command} of {instance_id} is at work")
        self._placing.pop(instance_id, None)
        if action.status == "error":
            raise self._failed_action(action)

    def _failed_action(self, action: Action) -> CloudError:
        said = f"{action.error.code}: {action.error.message}" if action.error else "no reason is given"
        found = meant(CloudError(f"Hetzner Cloud: {action.command} failed: {said}"), self.rows)
        told = isinstance(found, (CapacityError, DeniedError))
        return found if told else RefusedError(found.cause, found.mend)


def _fitting(tags: Mapping[str, str]) -> Mapping[str, str]:
    """Return tags that labels can hold. Raises `RefusedError` for others."""
    for name, value in tags.items():
        key = name.removeprefix("keepapart:")
        if not LABEL.fullmatch(key) or (value and not LABEL.fullmatch(value)):
            raise RefusedError(f"hetzner: no label can hold {name}={value}", "63 letters, digits and -_. can")
    return tags
