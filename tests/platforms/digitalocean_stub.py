"""A team's account at DigitalOcean as its API answers: droplets in two lists, tags, actions, the report."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.platforms.launching_stub import ROOM, LaunchingAccount
from tests.platforms.stub import Call, Reply

OURS = ["keepapart:cluster:orders", "keepapart:role:member"]
TEAM = "5df3e3004a17e242b7c20ca6c9fc25b701a47ece"
WHAT = {"size": "s-1vcpu-1gb", "image": "debian-12-x64", "region": "fra1"}
SIZES = [
    {
        "slug": slug,
        "available": True,
        "regions": ["fra1", "ams3"],
        "price_hourly": price,
        "price_monthly": 6.0,
    }
    for slug, price in (("s-1vcpu-1gb", 0.00893), ("s-2vcpu-2gb", 0.02679))
]


def error(name: str, message: str, status: int) -> Reply:
    """Return an error as the API has them."""
    return Reply({"id": name, "message": message}, status)


NOT_FOUND = error("not_found", "The resource you requested could not be found.", 404)


class DigitalOcean(LaunchingAccount):
    """A team's account: droplets with a GPU are in a list of their own.

    Tags are applied once a droplet is active, unless they are `untagged` for good. What is launched was made
    `age` seconds ago by what the API says. Late trouble makes a droplet vanish, or be `errored`.
    """

    provider = "digitalocean"
    alike = ["keepapart:cluster:orders-2", "keepapart:role:member"]  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.gpus: list[dict[str, Any]] = []
        self.servers: list[list[int]] = []  # of the report, beside what follows from `on`
        self.tags: set[str] = set()
        self.images = {WHAT["image"]}
        self.age = 400.0
        self.untagged = self.errored = False
        self.taking: dict[int, list[str]] = {}  # tags that are still to be applied
        self.creating: dict[int, str] = {}  # how the action stands that makes a droplet

    def add(self, number: int, gpu: bool = False, **more: Any) -> dict[str, Any]:
        """Add a droplet."""
        there = self.gpus if gpu else self.things
        there.append(
            {
                "id": number,
                "name": f"db-{number}",
                "status": "active",
                "locked": False,
                "created_at": "2026-01-01T10:00:00Z",
                "region": {"slug": "fra1", "name": "Frankfurt 1"},
                "networks": {
                    "v4": [
                        {"ip_address": f"10.0.0.{number % 250}", "type": "private"},
                        {"ip_address": f"192.0.2.{number % 250}", "type": "public"},
                    ],
                    "v6": [{"ip_address": f"2001:db8::{number}", "type": "public"}],
                },
                "tags": OURS,
            }
            | more
        )
        return there[-1]

    @staticmethod
    def is_list(call: Call) -> bool:
        """Say whether what is asked for is a list of droplets."""
        return call.method == "GET" and call.path == "/droplets"

    def reply(self, call: Call) -> Reply:
        """Answer as the API does."""
        if call.headers["Authorization"] != "Bearer t0ken":
            return error("unauthorized", "Unable to authenticate you", 401)
        if self.changes(call) and self.denied:
            return error("forbidden", "You are not authorized to perform this operation", 403)
        match call.method, call.path.strip("/").split("/"):
            case "GET", ["account"]:
                said = {"account": {"uuid": "someone", "team": {"uuid": TEAM, "name": "t"}}}
                return self.told("account", said)
            case "GET", ["reports", "droplet_neighbors_ids"]:
                return self.told("neighbors", {"neighbor_ids": [*self.servers, *self._together()]})
            case "GET", ["droplets"]:
                there = self.gpus if call.query.get("type") == "gpus" else self.things
                for one in list(self.things):
                    self._looked(one)
                return self._page("droplets", there, call)
            case "GET", ["sizes"]:
                return self._page("sizes", SIZES, call)
            case "POST", ["droplets"]:
                return self._launched(call.body)
            case "POST", ["tags"]:
                self.tags.add(call.body["name"])
                return Reply({"tag": {"name": call.body["name"]}}, 201)
            case method, ["tags", word, "resources"]:
                return self._tagged(method, word, call.body["resources"])
            case method, ["droplets", number, *rest]:
                found = self.named(number)
                return self._of(method, found, rest, call) if found else NOT_FOUND
        return NOT_FOUND

    def _together(self) -> list[list[int]]:
        hosts: dict[int, list[int]] = {}
        for number, host in self.on.items():
            hosts.setdefault(host, []).append(number)
        return [ids for ids in hosts.values() if len(ids) > 1]

    def _page(self, what: str, items: list[dict[str, Any]], call: Call) -> Reply:
        page, size = int(call.query["page"]), int(call.query["per_page"])
        following = {"pages": {"next": f"{self.endpoint}{call.path}?page={page + 1}"}}
        links = following if page * size < len(items) else {}
        part = items[(page - 1) * size : page * size]
        return self.told(what, {what: part, "links": links, "meta": {"total": len(items)}})

    def _launched(self, said: dict[str, Any]) -> Reply:
        if said["image"] not in self.images:
            return error("unprocessable_entity", "You specified an invalid image for Droplet creation.", 422)
        number = next(self._numbers)
        room = self.trouble == ROOM
        if self.trouble and not (room and self.late):
            text = "size is unavailable" if room else "this will exceed your droplet limit"
            return error("unprocessable_entity", text, 422)
        if not self.placed(number):
            return error("unprocessable_entity", "size is unavailable", 422)
        made = datetime.now(UTC) - timedelta(seconds=self.age)
        one = self.add(
            number,
            name=said["name"],
            status="new",
            tags=[],
            networks={"v4": [], "v6": []},
            created_at=f"{made:%Y-%m-%dT%H:%M:%SZ}",
        )
        self.taking[number] = [] if self.untagged else said["tags"]
        self.creating[number] = "in-progress"
        return self.told(
            "droplet",
            {"droplet": one},
        )._replace(status=202)

    def _of(self, method: str, one: dict[str, Any], rest: list[str], call: Call) -> Reply:
        match method, rest:
            case "GET", []:
                return self.told("droplet", {"droplet": one}) if self._looked(one) else NOT_FOUND
            case "GET", ["actions"]:
                its = [{"type": "create", "status": self.creating.get(one["id"], "completed")}]
                return self._page("actions", its, call)
            case "DELETE", []:
                self.gone(one)
                return Reply(b"", 204)
            case "POST", ["actions"]:
                if one["locked"]:
                    return error("unprocessable_entity", "Droplet already has a pending event.", 422)
                if call.body["type"] == "power_on":
                    one["status"] = "active"
                elif call.body["type"] == "power_off" or not one.get("deaf"):
                    one["status"] = "off"
                return Reply({"action": {"type": call.body["type"], "status": "in-progress"}}, 201)
        return NOT_FOUND

    def _looked(self, one: dict[str, Any]) -> bool:
        """Have a new droplet become active, or fail; say whether it is still there."""
        if one["status"] != "new" or not self.looked_at(one["id"]):
            if one["status"] == "active" and one["id"] in self.taking:
                one["tags"] = [*one["tags"], *self.taking.pop(one["id"])]
                self.tags |= set(one["tags"])
            return True
        if self.trouble and self.errored:
            self.creating[one["id"]] = "errored"
        elif self.trouble:
            self.gone(one)
            return False
        else:
            one["status"], self.creating[one["id"]] = "active", "completed"
        return True

    def _tagged(self, method: str, word: str, resources: list[dict[str, str]]) -> Reply:
        if word not in self.tags:
            return NOT_FOUND
        for each in resources:
            one = self.named(each["resource_id"])
            assert one and each["resource_type"] == "droplet"
            kept = [tag for tag in one["tags"] if tag != word]
            one["tags"] = [*kept, word] if method == "POST" else kept
        return Reply(b"", 204)
