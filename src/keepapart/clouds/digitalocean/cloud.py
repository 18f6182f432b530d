"""DigitalOcean, behind the protocol of every cloud; see `one_call` for what it shares with others.

Rules:
1. There is no token, and a name may be had twice (`once`, NOTHING): a droplet is named after its token, and
   one that may have been launched is looked for before another is. Tags are applied once it is made.
2. A launch is settled once the droplet is active, and old enough to be judged by who is beside it. One that
   can't be placed vanishes, or its action says so.
3. There is no way to ask for separation. Droplets are launched, and judged by who is beside whom.
4. Nothing comes beside a droplet: its addresses and its disk go with it.
5. A tag is set before the one that it replaces is taken away, so that a droplet always has its owner's name.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keepapart import clouds
from keepapart.clouds import CLUSTER_TAG, LaunchRequest
from keepapart.clouds.digitalocean import reading
from keepapart.clouds.digitalocean.reading import TAGS, OneDroplet, Size
from keepapart.clouds.digitalocean.settings import Settings
from keepapart.clouds.listed import Listed
from keepapart.clouds.once import Kind, name_of
from keepapart.clouds.one_call import OneCallCloud
from keepapart.clouds.refusals import QUOTA, Row
from keepapart.clouds.rest import Answer, Rest
from keepapart.clouds.spread_groups import NO_GROUPS
from keepapart.clouds.user_data import UserData
from keepapart.errors import (
    CapacityError,
    CloudError,
    ConfigError,
    NotFoundError,
    QuotaError,
    RefusedError,
    UnsettledError,
)
from keepapart.tables import nearest

ROWS: Sequence[Row] = (
    (re.compile("droplet limit|exceed your", re.IGNORECASE), QuotaError, QUOTA),
    (re.compile("pending event", re.IGNORECASE), CloudError, ""),
    # of an answer alone: of "Service Unavailable (503)" nobody knows what it came to
    (re.compile(r"(unavailable|not available|no capacity).*\(422\)", re.IGNORECASE), CapacityError, ""),
)
WORD = re.compile(r"[a-zA-Z0-9_-]{1,200}")
CLUSTER = re.compile(r"[a-z0-9_-]{1,200}")


class DigitalOceanCloud(OneCallCloud):
    """One team's account; see `clouds.Cloud`, `Chooser`, `Located`, `Priced`, `Booting`, `Staying`."""

    kind, path, rows = Kind.NOTHING, "/droplets", ROWS
    user_data = UserData(65_536, text=True)
    stays = "a droplet is bound to its host: stop and start leaves it there"

    def __init__(
        self,
        rest: Rest,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
        of_day: Callable[[], float] = time.time,
    ) -> None:
        super().__init__("digitalocean", rest, settings, NO_GROUPS, clock=clock)
        self._chosen, self._of_day = settings, of_day

    def read(self) -> Sequence[Listed]:
        """List every droplet."""
        return reading.read(self.rest)

    def there(self) -> Sequence[Listed]:
        """List every droplet, without its neighbours."""
        return [reading.listed(one) for one in reading.droplets(self.rest)]

    def one(self, instance_id: str) -> Listed:
        """Show one droplet."""
        return reading.listed(self.get(self.at(instance_id), OneDroplet).droplet)

    def parameters(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        """Decide what the next launch says; see `settings`."""
        chosen = self._chosen
        if not chosen.image:
            raise ConfigError("[cloud] image: none is set", "name one: `doctl compute image list --public`")
        if not CLUSTER.fullmatch(tags.get(CLUSTER_TAG, "")):
            raise ConfigError(
                f"[cluster] name: no tag of DigitalOcean's can hold {tags.get(CLUSTER_TAG, '')!r}",
                "small letters, digits and -_ can: capitals are shown as they were first written by anybody",
            )
        said = {
            "size": self._size().slug,
            "image": chosen.image,
            "region": chosen.region,
            "ssh_keys": ",".join(chosen.ssh_keys),
            "vpc_uuid": chosen.vpc_uuid,
            "ipv6": "yes" if chosen.ipv6 else "",
        }
        return {name: text for name, text in said.items() if text}

    def body(self, request: LaunchRequest) -> Mapping[str, Any]:
        """Return what POST /droplets takes."""
        said = request.parameters
        keys = said["ssh_keys"].split(",") if "ssh_keys" in said else []
        return {
            "name": name_of(request.token),
            "tags": TAGS.flat(_fitting(request.tags)),
            "image": _number(said["image"]),
            **{name: said[name] for name in ("size", "region", "vpc_uuid") if name in said},
            **({"ssh_keys": [_number(key) for key in keys]} if keys else {}),
            **({"ipv6": True} if "ipv6" in said else {}),
            **({"user_data": request.user_data.decode()} if request.user_data else {}),
        }

    def id_of(self, answer: Answer) -> str:
        """Read the id of what was launched."""
        return str(self.rest.read(answer, OneDroplet).droplet.id)

    def fault(self, one: Listed) -> CloudError | None:
        """Say how a launch failed, by its action (rule 2)."""
        if one.state != clouds.PENDING:
            self._told_of(one.id)
            return None
        for each in reading.actions(self.rest, one.id):
            if each.type == "create" and each.status == "errored":
                return CapacityError(f"digitalocean: {one.id} was accepted and couldn't be made")
        raise UnsettledError(f"digitalocean: {one.id} is being made")

    def power(self, instance_id: str, *, on: bool, hard: bool = False) -> None:
        """Start a droplet, ask it to stop, or pull its plug."""
        action = "power_on" if on else "power_off" if hard else "shutdown"
        self.change("POST", self.at(instance_id, "/actions"), {"type": action})

    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        """Set these tags, leaving others as they are (rule 5)."""
        before = self.get(self.at(instance_id), OneDroplet).droplet.tags or []
        wanted = TAGS.changed(before, _fitting(tags))
        body = {"resources": [{"resource_id": instance_id, "resource_type": "droplet"}]}
        for word in sorted(set(wanted) - set(before)):
            try:
                self.change("POST", f"/tags/{word}/resources", body)
            except NotFoundError:  # nobody has used this one yet
                self.change("POST", "/tags", {"name": word})
                self.change("POST", f"/tags/{word}/resources", body)
        for word in sorted(set(before) - set(wanted)):
            self.change("DELETE", f"/tags/{word}/resources", body)

    def where(self) -> Mapping[str, str]:
        """Tell the endpoint, and the team where that may be read."""
        team = reading.team(self.rest)
        return {**super().where(), **({"team": team} if team else {})}

    def price_per_hour(self) -> float:
        """Tell what a droplet of the size costs an hour, in US dollars."""
        return self._size().price_hourly

    def _told_of(self, instance_id: str) -> None:
        """Raise `UnsettledError` until it can be told who is beside a droplet (rule 2)."""
        made = self.get(self.at(instance_id), OneDroplet).droplet.created_at.timestamp()
        left = made + reading.SETTLED - self._of_day()
        if left > 0:
            said = f"digitalocean: who is beside {instance_id} isn't told of a new droplet"
            raise UnsettledError(said, seconds=left)

    def _size(self) -> Size:
        wanted, region = self._chosen.size, self._chosen.region
        if not wanted:
            raise ConfigError("[cloud] size: none is set", "name one: `doctl compute size list`")
        if not region:
            raise ConfigError("[cloud] region: none is set", "name one: `doctl compute region list`")
        there = reading.sizes(self.rest)
        known = sorted({name for one in there for name in one.regions})
        if region not in known:
            raise ConfigError(f"[cloud] region: there is no {region!r}", nearest(region, known))
        for one in there:
            if one.slug == wanted:
                return one
        slugs = [one.slug for one in there if region in one.regions]
        raise ConfigError(f"[cloud] size: there is no {wanted!r}", nearest(wanted, slugs))


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() else text


def _fitting(tags: Mapping[str, str]) -> Mapping[str, str]:
    """Return tags that flat words can hold. Raises `RefusedError` for others."""
    for name, value in tags.items():
        if not WORD.fullmatch(name.removeprefix("keepapart:")) or not WORD.fullmatch(value):
            raise RefusedError(f"digitalocean: no tag can hold {name}={value}", "letters, digits and -_ can")
    return tags
