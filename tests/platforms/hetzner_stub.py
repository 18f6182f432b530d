"""A project of Hetzner Cloud as its API answers: servers, placement groups, actions, addresses."""

from __future__ import annotations

from typing import Any

from tests.platforms.launching_stub import QUOTA, ROOM, LaunchingAccount
from tests.platforms.stub import Call, Reply

OURS = {"keepapart/cluster": "orders", "keepapart/role": "member"}
WHAT = {"server_type": "cx22", "image": "debian-12", "location": "fsn1"}
TYPES = [
    {
        "id": number,
        "name": name,
        "prices": [
            {"location": where, "price_hourly": {"net": net, "gross": gross}, "price_monthly": {}}
            for where, net, gross in (("fsn1", "0.006", "0.00714"), ("ash", "0.007", "0.00833"))
        ],
    }
    for number, name in ((22, "cx22"), (32, "cx32"))
]
MOST = 10
CODES = {
    ROOM: ("resource_unavailable", "error during placement", 412),
    QUOTA: ("resource_limit_exceeded", "server limit exceeded", 403),
}


def error(code: str, message: str, status: int) -> Reply:
    """Return an error as the API has them."""
    return Reply({"error": {"code": code, "message": message, "details": None}}, status)


NOT_FOUND = error("not_found", "resource not found", 404)


class Hetzner(LaunchingAccount):
    """A project."""

    provider = "hetzner"
    alike = {"keepapart/cluster": "orders-2", "keepapart/role": "member"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.groups: dict[int, dict[str, Any]] = {}
        self.actions: list[dict[str, Any]] = []
        self.images = {WHAT["image"]}
        self.addresses: set[str] = set()
        self.slow = False  # actions of placement groups are done once they are looked at

    def add(self, number: int, **more: Any) -> dict[str, Any]:
        """Add a server."""
        self.things.append(
            {
                "id": number,
                "name": f"db-{number}",
                "status": "running",
                "locked": False,
                "labels": OURS,
                "public_net": {
                    "ipv4": {"ip": f"192.0.2.{number % 250}", "blocked": False},
                    "ipv6": {"ip": f"2001:db8:{number}::/64", "blocked": False},
                },
                "private_net": [{"network": 1, "ip": f"10.0.0.{number % 250}"}],
                "location": {"id": 1, "name": "fsn1"},
                "placement_group": None,
            }
            | more
        )
        return self.things[-1]

    def group(self, number: int, *members: int, kind: str = "spread", name: str = "") -> dict[str, Any]:
        """Put these into a placement group."""
        group = {
            "id": number,
            "name": name or f"pg-{number}",
            "labels": {},
            "type": kind,
            "servers": list(members),
        }
        self.groups[number] = group
        for one in self.things:
            if one["id"] in members:
                one["placement_group"] = group
        return group

    @staticmethod
    def is_list(call: Call) -> bool:
        """Say whether what is asked for is the list of servers."""
        return call.method == "GET" and call.path == "/servers"

    @property
    def left(self) -> list[str]:
        """What there is, servers and addresses."""
        return sorted([*super().left, *(f"address of {name}" for name in self.addresses)])

    def gone(self, one: dict[str, Any]) -> None:
        """Take a server away, with its addresses, and out of its group."""
        super().gone(one)
        self.addresses.discard(one["name"])
        if one["placement_group"]:
            one["placement_group"]["servers"].remove(one["id"])

    def reply(self, call: Call) -> Reply:
        """Answer as the API does."""
        if call.headers["Authorization"] != "Bearer t0ken":
            return error("unauthorized", "unable to authenticate", 401)
        if self.changes(call) and self.denied:
            return error("forbidden", "insufficient permissions for this request", 403)
        match call.method, call.path.strip("/").split("/"):
            case "GET", ["servers"]:
                for each in self.things:
                    self._looked(each)
                return self._page("servers", self.things, call)
            case "GET", ["placement_groups"]:
                return self._page("placement_groups", list(self.groups.values()), call)
            case "GET", ["server_types"]:
                return self._page("server_types", TYPES, call)
            case "GET", ["actions", number]:
                found = [one for one in self.actions if str(one["id"]) == number]
                for each in found:
                    each["status"] = "success" if each["status"] == "running" else each["status"]
                return self.told("action", {"action": found[0]}) if found else NOT_FOUND
            case "POST", ["servers"]:
                return self._launched(call.body)
            case "POST", ["placement_groups"]:
                return self._grouped(call.body)
            case method, ["servers", number, *rest]:
                one = self.named(number)
                return self._of(method, one, rest, call) if one else NOT_FOUND
        return NOT_FOUND

    def _page(self, what: str, items: list[dict[str, Any]], call: Call) -> Reply:
        page, size = int(call.query["page"]), int(call.query["per_page"])
        following = page + 1 if page * size < len(items) else None
        pagination = {"page": page, "per_page": size, "next_page": following, "total_entries": None}
        part = items[(page - 1) * size : page * size]
        return self.told(what, {what: part, "meta": {"pagination": pagination}})

    def _launched(self, said: dict[str, Any]) -> Reply:
        if any(one["name"] == said["name"] for one in self.things):
            return error("uniqueness_error", "server name is already used", 409)
        if said["image"] not in self.images:
            return error("invalid_input", "image not found", 422)
        if self.trouble and not self.late:
            return error(*CODES[self.trouble])
        group = self.groups.get(said.get("placement_group", 0))
        if "placement_group" in said and group is None:
            return error("not_found", "placement group not found", 404)
        if group and len(group["servers"]) >= MOST:
            text = f"placement group with ID {group['id']} contains already {MOST} servers"
            return error("placement_group_member_limit_reached", text, 422)
        number = next(self._numbers)
        if not self.placed(number, set(group["servers"]) if group else set()):
            return error(*CODES[ROOM])
        ipv4 = (
            {"ip": f"192.0.2.{number % 250}", "blocked": False} if said["public_net"]["enable_ipv4"] else None
        )
        one = self.add(
            number,
            name=said["name"],
            status="initializing",
            labels=said["labels"],
            public_net={"ipv4": ipv4, "ipv6": None},
            private_net=[],
            placement_group=group,
        )
        if ipv4:
            self.addresses.add(one["name"])
        if group:
            group["servers"].append(number)
        made = self._action("create_server", number, "running")
        return self.told("launch", {"server": one, "action": made, "next_actions": [], "root_password": None})

    def _grouped(self, said: dict[str, Any]) -> Reply:
        if any(one["name"] == said["name"] for one in self.groups.values()):
            return error("uniqueness_error", "name is already used", 409)
        made = self.group(next(self._numbers), kind=said["type"], name=said["name"])
        return self.told("placement_group", {"placement_group": made})

    def _action(self, command: str, server: int, status: str = "success") -> dict[str, Any]:
        self.actions.append(
            {
                "id": 900 + len(self.actions),
                "command": command,
                "status": status,
                "progress": 0,
                "error": None,
            }
            | {"resources": [{"id": server, "type": "server"}]}
        )
        return self.actions[-1]

    def _of(self, method: str, one: dict[str, Any], rest: list[str], call: Call) -> Reply:
        match method, rest:
            case "GET", []:
                return self.told("server", {"server": self._looked(one)})
            case "GET", ["actions"]:
                its = [each for each in self.actions if each["resources"][0]["id"] == one["id"]]
                return self._page("actions", its, call)
            case "PUT", []:
                one["labels"] = call.body["labels"]
                return self.told("server", {"server": one})
            case "DELETE", []:
                if one.get("protection", {}).get("delete"):
                    return error("protected", "server is protected", 403)
                self.gone(one)
                return self.told("action", {"action": self._action("delete_server", one["id"])})
            case "POST", ["actions", command]:
                return self._act(one, command, call.body)
        return NOT_FOUND

    def _looked(self, one: dict[str, Any]) -> dict[str, Any]:
        if one["status"] == "initializing" and self.looked_at(one["id"]):
            (made,) = [
                each
                for each in self.actions
                if each["resources"][0]["id"] == one["id"] and each["command"] == "create_server"
            ]
            if self.trouble and self.late:
                code, message, _ = CODES[self.trouble]
                made |= {"status": "error", "error": {"code": code, "message": message}}
            else:
                made["status"], one["status"] = "success", "running"
        return one

    def _act(self, one: dict[str, Any], command: str, said: Any) -> Reply:
        group = one["placement_group"]
        if command == "poweron":
            if not self.placed(one["id"], set(group["servers"]) if group else {one["id"]}):
                return error(*CODES[ROOM])
            one["status"] = "running"
        elif command in ("poweroff", "shutdown"):
            if command == "poweroff" or not one.get("deaf"):
                one["status"] = "off"
        elif one["status"] != "off":
            return error("server_not_stopped", "server must be off", 422)
        elif command == "remove_from_placement_group":
            group["servers"].remove(one["id"])
            one["placement_group"] = None
        elif command == "add_to_placement_group":
            group = self.groups[said["placement_group"]]
            group["servers"].append(one["id"])
            one["placement_group"] = group
        status = "running" if self.slow and "placement_group" in command else "success"
        return self.told("action", {"action": self._action(command, one["id"], status)})
