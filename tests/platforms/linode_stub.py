"""An account at Linode as its API answers: instances, placement groups, regions, types."""

from __future__ import annotations

import uuid
from typing import Any

from tests.platforms.launching_stub import QUOTA, ROOM, LaunchingAccount
from tests.platforms.stub import Call, Reply

OURS = ["keepapart:cluster=orders", "keepapart:role=member"]
HOSTS = ("a3d7d0f4-8a64-5e41-9d0a-2f6e3f1b9c01", "b81f0c22-6c5e-5b1e-8e5a-90a4f8a6c702")
WHAT: dict[str, Any] = {
    "type": "g6-nanode-1",
    "image": "linode/debian12",
    "region": "eu-west",
    "authorized_users": ["operator"],
}
MOST = 5
REGIONS: list[dict[str, Any]] = [
    {
        "id": "eu-west",
        "label": "London, UK",
        "capabilities": ["Linodes", "Placement Group"],
        "placement_group_limits": {"maximum_linodes_per_pg": MOST, "maximum_pgs_per_customer": 100},
    },
    {
        "id": "us-east",
        "label": "Newark, NJ",
        "capabilities": ["Linodes"],
        "placement_group_limits": {"maximum_linodes_per_pg": 0, "maximum_pgs_per_customer": 0},
    },
]
TYPES: list[dict[str, Any]] = [
    {
        "id": name,
        "label": name,
        "price": {"hourly": hourly, "monthly": 5.0},
        "region_prices": [{"id": "us-east", "hourly": 0.009, "monthly": 6.0}],
    }
    for name, hourly in (("g6-nanode-1", 0.0075), ("g6-standard-1", 0.018))
]
REASONS = {
    ROOM: ("No open slots for this plan!", "", 400),
    QUOTA: ("Account Limit reached. Please open a support ticket.", "", 400),
}


def error(reason: str, field: str = "", status: int = 400) -> Reply:
    """Return an error as the API has them."""
    return Reply({"errors": [{"reason": reason, **({"field": field} if field else {})}]}, status)


NOT_FOUND = error("Not found", status=404)


class Linode(LaunchingAccount):
    """An account at Linode."""

    provider = "linode"
    alike = ["keepapart:cluster=orders-2", "keepapart:role=member"]  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.groups: list[dict[str, Any]] = []
        self.images = {WHAT["image"]}

    def add(self, number: int, host: int | None = 0, **more: Any) -> dict[str, Any]:
        """Add an instance on one of the two hosts."""
        self.things.append(
            {
                "id": number,
                "label": f"db-{number}",
                "status": "running",
                "region": "eu-west",
                "host_uuid": None if host is None else HOSTS[host],
                "tags": OURS,
                "ipv4": [f"192.0.2.{number % 250}", f"192.168.130.{number % 250}"],
                "ipv6": f"2001:db8::{number}/128",
                "placement_group": None,
            }
            | more
        )
        return self.things[-1]

    def group(self, number: int, *members: int, compliant: bool = True, **more: Any) -> dict[str, Any]:
        """Add a strict placement group, and put these into it."""
        self.groups.append(
            {
                "id": number,
                "label": f"pg-{number}",
                "region": "eu-west",
                "placement_group_type": "anti_affinity:local",
                "placement_group_policy": "strict",
                "is_compliant": compliant,
                "members": [{"linode_id": member, "is_compliant": compliant} for member in members],
                "migrations": None,
            }
            | more
        )
        for one in self.things:
            if one["id"] in members:
                one["placement_group"] = {"id": number, "label": f"pg-{number}", "migrating_to": None}
        return self.groups[-1]

    @staticmethod
    def is_list(call: Call) -> bool:
        """Say whether what is asked for is the list of instances."""
        return call.method == "GET" and call.path == "/linode/instances"

    def gone(self, one: dict[str, Any]) -> None:
        """Take an instance away, and out of its group."""
        super().gone(one)
        for group in self.groups:
            group["members"] = [each for each in group["members"] if each["linode_id"] != one["id"]]

    def reply(self, call: Call) -> Reply:
        """Answer as the API does."""
        if call.headers["Authorization"] != "Bearer t0ken":
            return error("Invalid Token", status=401)
        if self.changes(call) and self.denied:
            return error("Your OAuth token is not authorized to use this endpoint.", status=401)
        match call.method, call.path.strip("/").split("/"):
            case "GET", ["placement", "groups"]:
                return self._page("placement groups-list", self.groups, call)
            case "GET", ["linode", "instances"]:
                for one in self.things:
                    self._run(one)
                return self._page("linodes list", self.things, call)
            case "GET", ["linode", "types"]:
                return self._page("linodes types", TYPES, call)
            case "GET", ["regions"]:
                return self._page("regions list", REGIONS, call)
            case "POST", ["linode", "instances"]:
                return self._launched(call.body)
            case "POST", ["placement", "groups"]:
                return self._grouped(call.body)
            case method, ["linode", "instances", number, *rest]:
                found = self.named(number)
                return self._of(method, found, rest, call) if found else NOT_FOUND
        return NOT_FOUND

    def _page(self, what: str, items: list[dict[str, Any]], call: Call) -> Reply:
        page, size = int(call.query["page"]), int(call.query["page_size"])
        body = {
            "data": items[(page - 1) * size : page * size],
            "page": page,
            "pages": max(1, -(-len(items) // size)),
            "results": len(items),
        }
        return self.told(what, body)

    def _launched(self, said: dict[str, Any]) -> Reply:
        if any(one["label"] == said["label"] for one in self.things):
            return error("Label must be unique among your linodes", "label")
        if said["image"] not in self.images:
            return error("image is not valid", "image")
        if self.trouble:
            return error(*REASONS[self.trouble])
        wanted = said.get("placement_group", {}).get("id")
        group: Any = next((one for one in self.groups if one["id"] == wanted), None)
        if wanted and group is None:
            return error("Placement group not found", "placement_group.id")
        members = {each["linode_id"] for each in group["members"]} if group else set()
        if len(members) >= MOST:
            return error(
                "The maximum number of Linodes in this placement group is reached", "placement_group"
            )
        number = next(self._numbers)
        if not self.placed(number, members):
            return (
                error("There is no capacity outside these hosts", "placement_group")
                if group
                else error(*REASONS[ROOM])
            )
        one = self.add(
            number,
            None,
            label=said["label"],
            status="provisioning",
            tags=said["tags"],
            region=said["region"],
            ipv4=[f"192.0.2.{number % 250}"],
            placement_group={"id": wanted, "label": group["label"], "migrating_to": None} if group else None,
        )
        if group:
            group["members"].append({"linode_id": number, "is_compliant": True})
        made = one | {"placement_group": {"id": wanted, "label": group["label"]} if group else None}
        return self.told("linodes create", made)

    def _grouped(self, said: dict[str, Any]) -> Reply:
        if any(one["label"] == said["label"] for one in self.groups):
            return error("Label must be unique", "label")
        made = self.group(next(self._numbers), **said)
        return self.told("placement group-create", {k: v for k, v in made.items() if k != "migrations"})

    def _of(self, method: str, one: dict[str, Any], rest: list[str], call: Call) -> Reply:
        self._run(one)
        match method, rest:
            case "GET", []:
                return self.told("linodes view", one)
            case "PUT", []:
                one["tags"] = call.body["tags"]
                return self.told("linodes view", one)
            case "DELETE", []:
                self.gone(one)
                return Reply({})
            case "POST", [action]:
                if one["status"] == "provisioning":
                    return error("Linode busy.")
                one["status"] = {"boot": "running", "shutdown": "offline"}[action]
                return Reply({})
        return NOT_FOUND

    def _run(self, one: dict[str, Any]) -> None:
        if one["status"] == "provisioning" and self.looked_at(one["id"]):
            one["status"] = "running"
            one["host_uuid"] = str(uuid.uuid5(uuid.NAMESPACE_OID, str(self.on[one["id"]])))
