"""A project of Google Cloud as its API answers: instances by zone, policies by region, operations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.platforms.stub import Account, Call, Reply

OURS = {"keepapart-cluster": "orders", "keepapart-role": "member"}
URL = "https://www.googleapis.com/compute/beta/projects/shop"
ZONE = "us-central1-a"
IMAGE = "projects/debian-cloud/global/images/family/debian-12"
WHAT = {"zone": ZONE, "machine_type": "n2-standard-4", "image": IMAGE}
NO_ROOM = {"code": "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", "message": "not have enough resources"}
NO_QUOTA = {"code": "QUOTA_EXCEEDED", "message": "Quota 'CPUS' exceeded. Limit: 24.0 in us-central1."}
NOT_FOUND = Reply({"error": {"code": 404, "message": "The resource was not found"}}, 404)


class Google(Account):
    """A project. What is launched has a place after `steps` calls.

    While `trouble` is set, operations end in that error: at once, or `late`, when the instance shows already.
    """

    provider = "google"
    troubles = NO_ROOM, NO_QUOTA
    more = {"project": "shop"}  # noqa: RUF012

    domain_numbers = tuple(range(1, 9))
    domains = [str(number) for number in domain_numbers]  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.policies: list[dict[str, Any]] = []
        self.warnings: dict[str, dict[str, str]] = {"zones/us-central1-b": {"code": "NO_RESULTS_ON_PAGE"}}
        self.unreachables: list[str] = []
        self.tokens = 0
        self.steps = 3
        self.full: set[int] = set()  # availability domains without room
        self.disks: set[str] = set()
        self.denied = ""
        self.no_groups = self.refused_in_groups = False
        self._operations: dict[str, dict[str, Any]] = {}
        self._requests: dict[str, str] = {}
        self._left: dict[str, int] = {}

    def add(self, name: str, host: str = "", zone: str = ZONE, **more: Any) -> None:
        """Add an instance, with the id of its host where that is stated; `topology` has more of it."""
        topology = {"cluster": "c", "block": "b", "subblock": "s", "host": host} | more.pop("topology", {})
        status: dict[str, Any] = {"physicalHostTopology": topology} if host else {}
        if domain := more.pop("domain", 0):
            status["scheduling"] = {"availabilityDomain": domain}
        self.things.append(
            {
                "id": str(len(self.things) + 1),
                "name": name,
                "zone": f"{URL}/zones/{zone}",
                "status": "RUNNING",
                "labels": OURS,
                "labelFingerprint": "0",
                "networkInterfaces": [{"networkIP": "10.0.0.1", "accessConfigs": [{"natIP": "192.0.2.1"}]}],
                "resourceStatus": status,
            }
            | more
        )

    def policy(self, name: str, **parts: Any) -> str:
        """Add a resource policy, and return its link."""
        link = f"{URL}/regions/us-central1/resourcePolicies/{name}"
        self.policies.append({"name": name, "selfLink": link, **parts})
        return link

    def deny(self) -> None:
        """Take the right to launch away."""
        self.denied = "compute.instances.create"

    def decoys(self) -> None:
        """Add what isn't ours, and looks much like it."""
        self.add("ka-0123456789abcdef0123", labels={"keepapart-cluster": "orders-2"})
        self.add("orders", labels={"cluster": "orders", "keepapart-role": "candidate"})

    @property
    def placed(self) -> dict[str, str]:
        """Where each member of "orders" is, by its id."""
        return {
            f"{one['zone'].rpartition('/')[2]}/{one['name']}": f"{one['scheduling']['availabilityDomain']}"
            for one in self.things
            if OURS.items() <= one["labels"].items()
        }

    def put(self, instance_id: str, domain: str) -> None:
        """Have an instance be in this availability domain."""
        machine = next(one for one in self.things if one["name"] == instance_id.rpartition("/")[2])
        machine["scheduling"] = {"availabilityDomain": int(domain)}
        machine["resourceStatus"]["scheduling"] = {"availabilityDomain": int(domain)}

    def beside(self, *ids: str) -> None:
        """Have these be on one host, and state it until they start again."""
        for machine in self.things:
            if any(each.endswith(f"/{machine['name']}") for each in ids):
                machine["resourceStatus"]["physicalHostTopology"] = {"host": "h1"}

    @staticmethod
    def is_list(call: Call) -> bool:
        """Say whether what is asked for is a list."""
        return "/aggregated/" in call.path

    @property
    def left(self) -> list[str]:
        """What there is, instances and disks."""
        return sorted([*(one["name"] for one in self.things), *(f"disk {name}" for name in self.disks)])

    def reply(self, call: Call) -> Reply:
        """Answer as the API does, and as the one that gives tokens."""
        if call.path == "/token":
            self.tokens += 1
            return Reply({"access_token": "t0ken", "expires_in": 3600, "token_type": "Bearer"})
        if call.headers["Authorization"] != "Bearer t0ken":
            return Reply({"error": {"code": 401, "message": "Invalid Credentials"}}, 401)
        self._move_on()
        _, _, project, within, *rest = call.path.split("/")
        if project != "shop":
            return NOT_FOUND
        if within == "aggregated":
            return self._list(rest[0], call)
        match call.method, rest[1:]:
            case "POST", ["instances"]:
                return self._insert(rest[0], call)
            case "POST", ["resourcePolicies"]:
                return self._made_policy(rest[0], call)
            case "GET", ["operations", name]:
                return self._operation(name)
            case "GET", ["resourcePolicies", name]:
                found = [one for one in self.policies if one["name"] == name]
                return self.told("ResourcePolicy", found[0]) if found else NOT_FOUND
            case method, ["instances", name, *action]:
                machine = self._machine(rest[0], name)
                return self._act(method, machine, "".join(action), call) if machine else NOT_FOUND
        return NOT_FOUND

    def _list(self, what: str, call: Call) -> Reply:
        if what == "resourcePolicies":
            regions = {"regions/us-central1": {"resourcePolicies": self.policies}}
            return self.told("ResourcePolicyAggregatedList", {"items": regions})
        start, size = int(call.query.get("pageToken", "0")), int(call.query["maxResults"])
        items: dict[str, Any] = {scope: {"warning": warning} for scope, warning in self.warnings.items()}
        for one in self.things[start : start + size]:
            zone = "zones/" + one["zone"].rpartition("/")[2]
            items.setdefault(zone, {}).setdefault("instances", []).append(one)
        body: dict[str, Any] = {"items": items}
        if start + size < len(self.things):
            body["nextPageToken"] = str(start + size)
        if self.unreachables:
            body["unreachables"] = self.unreachables
        return self.told("InstanceAggregatedList", body)

    def _machine(self, zone: str, name: str) -> dict[str, Any] | None:
        there = [one for one in self.things if (one["zone"], one["name"]) == (f"{URL}/zones/{zone}", name)]
        return there[0] if there else None

    def _insert(self, zone: str, call: Call) -> Reply:
        said = call.body
        self.answered.append(("Instance", said))
        if self.denied:
            return Reply({"error": {"code": 403, "message": f"Required '{self.denied}' permission"}}, 403)
        if self.refused:
            return Reply({"error": {"code": 400, "message": "Invalid value for field"}}, 400)
        if (before := self._requests.get(call.query["requestId"])) is not None:
            return self.told("Operation", self._operations[before])
        if self._machine(zone, said["name"]):
            errors = [{"reason": "alreadyExists"}]
            said = {"error": {"code": 409, "message": "The resource already exists", "errors": errors}}
            return Reply(said, 409)
        if said["disks"][0]["initializeParams"]["sourceImage"] != IMAGE:
            return NOT_FOUND
        known = {one["selfLink"].partition("/projects/")[2] for one in self.policies}
        if any(link.removeprefix("projects/") not in known for link in said.get("resourcePolicies", ())):
            return Reply({"error": {"code": 400, "message": "Invalid value for resourcePolicies"}}, 400)
        if self.refused_in_groups and "resourcePolicies" in said:
            wrong = "This machine type does not support the resource policy"
            return Reply({"error": {"code": 400, "message": wrong}}, 400)
        domain = said.get("scheduling", {}).get("availabilityDomain", 0)
        trouble = NO_ROOM if domain in self.full else self.trouble
        if not trouble or self.late:
            self.add(said["name"], zone=zone, status="PROVISIONING", domain=domain, **_parts(said))
            self.disks.add(said["name"])
        name = self._begun("insert", said["name"], zone, trouble, self.steps)
        self._requests[call.query["requestId"]] = name
        return self.told("Operation", self._operations[name])

    def _begun(self, kind: str, target: str, within: str, trouble: dict[str, str] | None, steps: int) -> str:
        name = f"operation-{len(self._operations)}"
        link = f"{URL}/zones/{within}/instances/{target}"
        self._operations[name] = {
            "name": name,
            "operationType": kind,
            "status": "RUNNING",
            "targetLink": link,
        }
        self._left[name] = steps
        if trouble:
            self._operations[name]["error"] = {"errors": [trouble]}
            self._operations[name]["httpErrorStatusCode"] = 503
        if not steps or (trouble and not self.late):
            self._end(name)
        return name

    def _operation(self, name: str) -> Reply:
        if name not in self._operations:
            return NOT_FOUND
        shown = dict(self._operations[name])
        if shown["status"] != "DONE":
            shown.pop("error", None)
        return self.told("Operation", shown)

    def _move_on(self) -> None:
        """Let time pass for all that is going on: it does so by calls."""
        for name, operation in self._operations.items():
            if operation["status"] != "DONE":
                self._left[name] -= 1
                if self._left[name] < 0:
                    self._end(name)

    def _end(self, name: str) -> None:
        operation = self._operations[name]
        operation["status"] = "DONE"
        *_, zone, _, target = operation["targetLink"].split("/")
        machine = self._machine(zone, target)
        if machine and operation["operationType"] == "insert":
            if "error" in operation:
                self._gone(machine)
            elif machine["status"] == "PROVISIONING":
                machine["status"] = "RUNNING"

    def _gone(self, machine: dict[str, Any]) -> None:
        self.things.remove(machine)
        if machine.get("disks", [{}])[0].get("autoDelete"):
            self.disks.discard(machine["name"])

    def _act(self, method: str, machine: dict[str, Any], action: str, call: Call) -> Reply:
        trouble = None
        if method == "GET":
            return self.told("Instance", machine)
        if method == "DELETE":
            self._gone(machine)
        elif action == "stop":
            machine["status"] = "TERMINATED"
        elif action == "start":
            domain = machine.get("scheduling", {}).get("availabilityDomain", 0)
            trouble = NO_ROOM if domain in self.full else self.trouble
            if not trouble:
                machine["status"] = "RUNNING"
                machine["resourceStatus"] = {}
                if domain:
                    machine["resourceStatus"]["scheduling"] = {"availabilityDomain": domain}
        elif action == "setLabels":
            self.answered.append(("InstancesSetLabelsRequest", call.body))
            if call.body["labelFingerprint"] != machine["labelFingerprint"]:
                return Reply({"error": {"code": 412, "message": "Labels fingerprint either invalid"}}, 412)
            machine["labels"] = call.body["labels"]
            machine["labelFingerprint"] = str(int(machine["labelFingerprint"]) + 1)
        elif machine["status"] != "TERMINATED":
            return Reply({"error": {"code": 400, "message": "The instance must be stopped"}}, 400)
        elif action == "setScheduling":
            self.answered.append(("Scheduling", call.body))
            machine["scheduling"] = call.body
        elif action == "addResourcePolicies":
            self.answered.append(("InstancesAddResourcePoliciesRequest", call.body))
            machine.setdefault("resourcePolicies", []).extend(call.body["resourcePolicies"])
        zone = machine["zone"].rpartition("/")[2]
        name = self._begun(action or "delete", machine["name"], zone, trouble, 0)
        return self.told("Operation", self._operations[name])

    def _made_policy(self, region: str, call: Call) -> Reply:
        self.answered.append(("ResourcePolicy", call.body))
        if self.no_groups:
            return Reply({"error": {"code": 403, "message": "compute.resourcePolicies.create"}}, 403)
        if any(one["name"] == call.body["name"] for one in self.policies):
            errors = [{"reason": "alreadyExists"}]
            return Reply({"error": {"code": 409, "message": "It already exists", "errors": errors}}, 409)
        self.policy(**call.body)
        name = self._begun("insert", call.body["name"], region, None, 1)
        return self.told("Operation", self._operations[name])


def _parts(said: dict[str, Any]) -> dict[str, Any]:
    """Return what of an instance is as it was asked for."""
    assert re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", said["name"])
    kept = ("labels", "disks", "resourcePolicies", "scheduling", "metadata", "tags", "machineType")
    nowhere: dict[str, Any] = {"networkInterfaces": []}  # that anybody would try to get into
    return nowhere | {key: said[key] for key in kept if key in said}


def private_key() -> str:
    """Return a private key, as key files have it."""
    made = rsa.generate_private_key(65537, 2048)
    encoding, shape = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return made.private_bytes(encoding, shape, serialization.NoEncryption()).decode()


@contextmanager
def project(key: str, file: Path) -> Iterator[Google]:
    """Yield an empty project, with a key `file` of a service account's."""
    account = Google()
    said = {
        "type": "service_account",
        "client_email": "auditor@shop.iam.gserviceaccount.com",
        "private_key": key,
        "private_key_id": "1",
        "project_id": "shop",
        "token_uri": f"{account.endpoint}/token",
    }
    file.write_text(json.dumps(said))
    with account.serving():
        yield account
