"""A subscription of Azure's with one resource group, as the Resource Manager answers."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.platforms.stub import Account, Call, Reply

OURS = {"keepapart:cluster": "orders", "keepapart:role": "member"}
SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers"
HOSTS = f"{GROUP}/Microsoft.Compute/hostGroups/hg/hosts"
PAGE = 2
SUBNET = f"{GROUP}/Microsoft.Network/virtualNetworks/net/subnets/inside"
IMAGE = "Debian:debian-12:12-gen2:latest"
WHAT = {
    "resource_group": "shop",
    "location": "westeurope",
    "size": "Standard_D2s_v5",
    "image": IMAGE,
    "subnet": SUBNET,
    "user": "ops",
    "ssh_key": "ssh-ed25519 AAAA ops",
}
PRICES = [
    {
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": price,
        "unitPrice": price,
        "armRegionName": "westeurope",
        "location": "EU West",
        "meterName": f"D2s v5{kind}",
        "productName": f"Virtual Machines Dsv5 Series{system}",
        "skuName": f"D2s v5{kind}",
        "serviceName": "Virtual Machines",
        "serviceFamily": "Compute",
        "unitOfMeasure": "1 Hour",
        "type": "Consumption",
        "isPrimaryMeterRegion": True,
        "armSkuName": "Standard_D2s_v5",
    }
    for kind, system, price in (
        (" Spot", "", 0.0345),
        ("", " Windows", 0.207),
        (" Low Priority", " Windows", 0.3),
        ("", "", 0.115),
        (" Spot", " Windows", 0.4),
    )
]
NO_ROOM = ("AllocationFailed", "Allocation failed. We do not have sufficient capacity.")
NO_QUOTA = ("QuotaExceeded", "Operation could not be completed as it results in exceeding approved quota.")
NOT_FOUND = Reply({"error": {"code": "ResourceNotFound", "message": "was not found"}}, 404)


class Azure(Account):
    """A subscription with one resource group. What is launched is made after `steps` calls.

    While `trouble` is set, what is made or started fails so: at once, or `late`, after it was accepted.
    """

    provider = "azure"
    troubles = NO_ROOM, NO_QUOTA
    more = {"subscription": SUBSCRIPTION}  # noqa: RUF012

    domain_numbers = (0, 1, 2)
    domains = [str(number) for number in domain_numbers]  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.lists: dict[str, list[dict[str, Any]]] = {
            "availabilitySets": [],
            "virtualMachineScaleSets": [],
            "networkInterfaces": [],
        }
        self.of_sets: dict[str, list[dict[str, Any]]] = {}
        self.views: dict[str, dict[str, Any]] = {}
        self.denied: set[str] = set()
        self.steps = 3
        self.no_groups = self.refused_in_groups = False
        self.full: set[int] = set()  # fault domains without room
        self.regions_domains = 3
        self.disks: set[str] = set()
        self._making: dict[str, int] = {}  # by id: how many calls until it is made
        self._going: dict[str, int] = {}  # by id: how many calls until it is gone
        self._operations: list[dict[str, Any]] = []

    def add(self, name: str, power: str = "running", fd: int | None = None, **more: Any) -> dict[str, Any]:
        """Add a machine; `more` are parts of its properties, or `tags` and `zones`."""
        view = {"assignedHost": more.pop("assignedHost", None), "platformFaultDomain": fd}
        said = self._machine(f"{GROUP}/Microsoft.Compute/virtualMachines/{name}", name, more)
        statuses = [{"code": "ProvisioningState/succeeded"}, {"code": f"PowerState/{power}"}]
        self.views[said["id"]] = {"statuses": statuses} | {k: v for k, v in view.items() if v is not None}
        self.things.append(said)
        address = f"10.0.0.{len(self.things)}"
        ips = [{"properties": {"privateIPAddress": address, "privateIPAddressVersion": "IPv4"}}]
        properties = {"virtualMachine": {"id": said["id"].upper()}, "ipConfigurations": ips}
        nic = {"id": f"{GROUP}/Microsoft.Network/networkInterfaces/{name}", "properties": properties}
        self.lists["networkInterfaces"].append(nic)
        return said

    def set_of(self, name: str, kind: str = "availabilitySets", **said: Any) -> dict[str, str]:
        """Add a set of machines, and return the reference to it."""
        found = f"{GROUP}/Microsoft.Compute/{kind}/{name}"
        self.lists[kind].append({"id": found, "name": name, "location": "westeurope", "properties": said})
        return {"id": found}

    def of_uniform(self, group: dict[str, str], number: int, fd: int, placement: str = "") -> None:
        """Add a machine to a uniform scale set."""
        name = group["id"].rpartition("/")[2]
        said = self._machine(f"{group['id']}/virtualMachines/{number}", f"{name}_{number}", {})
        view = {"statuses": [{"code": "PowerState/running"}], "platformFaultDomain": fd}
        said["properties"]["instanceView"] = view | ({"placementGroupId": placement} if placement else {})
        self.of_sets.setdefault(group["id"], []).append(said)

    def reply(self, call: Call) -> Reply:
        """Answer as the API does: the second of two lists of machines has what they are doing."""
        if call.path == "/api/retail/prices":
            return self._prices(call)
        if call.headers["Authorization"] != "Bearer t0ken":
            return Reply({"error": {"code": "InvalidAuthenticationToken", "message": "no"}}, 401)
        if "api-version" not in call.query:
            return Reply({"error": {"code": "MissingApiVersionParameter", "message": "no version"}}, 400)
        self._move_on()
        if (
            "/resourceGroups/" in call.path
            and "/virtualMachineScaleSets/" not in call.path.rpartition("/")[0]
        ):
            return self._single(call)
        kind = call.path.rpartition("/")[2]
        if kind in self.denied:
            return Reply({"error": {"code": "AuthorizationFailed", "message": f"no {kind}"}}, 403)
        what, there = kind, self.lists.get(kind, self.things)
        if "virtualMachineScaleSets/" in call.path:
            what, there = "scaleSetMachines", self.of_sets.get(call.path.rpartition("/")[0], [])
        elif kind == "virtualMachines" and call.query.get("statusOnly") == "true":
            there = [self._doing(one) for one in self.things if one["id"] in self.views]
        elif SUBSCRIPTION not in call.path:
            return Reply({"error": {"code": "SubscriptionNotFound", "message": "no such subscription"}}, 404)
        start = int(call.query.get("$skiptoken", "0"))
        body: dict[str, Any] = {"value": there[start : start + PAGE]}
        if start + PAGE < len(there):
            query = "&".join(f"{key}={text}" for key, text in call.query.items() if key != "$skiptoken")
            body["nextLink"] = f"{self.endpoint}{call.path}?{query}&$skiptoken={start + PAGE}"
        return self.told(what, body)

    def _single(self, call: Call) -> Reply:
        """Answer what is asked of a machine or a set by its id."""
        if found := re.fullmatch(r"(.*)/operations/(\d+)", call.path):
            return Reply(self._operations[int(found[2])])
        kind, name = call.path.split("/")[7:9]
        path = f"{GROUP}/Microsoft.Compute/{kind}/{name}"
        action = call.path.removeprefix(path)
        if kind in ("virtualMachineScaleSets", "availabilitySets"):
            return self._set(call, kind, path)
        machine = next((one for one in self.things if one["id"].lower() == path.lower()), None)
        if call.method == "PUT":
            return self._made(call, path, name, machine)
        if machine is None:
            return Reply(b"", 204) if call.method == "DELETE" else NOT_FOUND
        if call.method == "GET":
            return self.told("virtualMachine", self._doing(machine) | {"id": path})
        if call.method == "DELETE":
            machine["properties"]["provisioningState"] = "Deleting"
            self._going[path] = self.steps
            return Reply(b"", 202)
        if call.method == "PATCH":
            machine["tags"] = machine["tags"] | call.body["properties"]["tags"]
            return Reply({"properties": {"tags": machine["tags"]}})
        return self._power(path, on=action == "/start")

    def _set(self, call: Call, kind: str, path: str) -> Reply:
        what = kind.removesuffix("s")
        there = next((one for one in self.lists[kind] if one["id"].lower() == path.lower()), None)
        if call.method == "PUT":
            self.answered.append((what, call.body))
            if self.no_groups:
                return Reply({"error": {"code": "AuthorizationFailed", "message": "no"}}, 403)
            if call.body["properties"]["platformFaultDomainCount"] > self.regions_domains:
                said = "the fault domain count is not supported in this region"
                return Reply({"error": {"code": "InvalidParameter", "message": said}}, 400)
            there = {"id": path, "name": path.rpartition("/")[2], **call.body}
            self.lists[kind].append(there)
        return self.told(what, there) if there else NOT_FOUND

    def _made(self, call: Call, path: str, name: str, there: dict[str, Any] | None) -> Reply:
        said = call.body
        self.answered.append(("virtualMachine", said))
        if "launching" in self.denied:
            return Reply({"error": {"code": "AuthorizationFailed", "message": "no"}}, 403)
        if there and call.headers.get("If-None-Match") == "*":
            return Reply({"error": {"code": "PreconditionFailed", "message": "it exists"}}, 412)
        properties = said["properties"]
        group = properties.get("virtualMachineScaleSet", {}).get("id")
        known = [one["id"] for one in self.lists["virtualMachineScaleSets"]]
        if self.refused or (group and (group not in known or self.refused_in_groups)):
            return Reply({"error": {"code": "InvalidParameter", "message": "no such scale set"}}, 400)
        fd = properties.get("platformFaultDomain")
        trouble = NO_ROOM if fd in self.full else self.trouble
        if trouble and not self.late:
            return Reply({"error": {"code": trouble[0], "message": trouble[1]}}, 409)
        machine = said | {
            "id": path,
            "name": name,
            "properties": {**properties, "provisioningState": "Creating"},
        }
        self.things.append(machine)
        self.views[path] = {"statuses": [{"code": "ProvisioningState/creating"}]}
        assert properties["storageProfile"]["osDisk"]["deleteOption"] == "Delete"
        (nic,) = properties["networkProfile"]["networkInterfaceConfigurations"]
        assert nic["properties"]["deleteOption"] == "Delete"
        self.disks.add(path)
        made = {"id": f"{GROUP}/Microsoft.Network/networkInterfaces/{nic['name']}", "properties": {}}
        self.lists["networkInterfaces"].append(made | {"properties": {"virtualMachine": {"id": path}}})
        self._making[path] = self.steps
        return Reply(machine, 201)

    def _power(self, path: str, *, on: bool) -> Reply:
        statuses = [{"code": "ProvisioningState/succeeded"}, {"code": "PowerState/deallocated"}]
        trouble = self.trouble if on else None
        if trouble and not self.late:
            return Reply({"error": {"code": trouble[0], "message": trouble[1]}}, 409)
        if trouble:
            problem = {"code": trouble[0], "message": trouble[1]}
            self._operations.append({"status": "Failed", "error": problem})
        else:
            self._operations.append({"status": "Succeeded"})
            statuses[1]["code"] = f"PowerState/{'running' if on else 'deallocated'}"
        domain = {key: item for key, item in self.views[path].items() if key == "platformFaultDomain"}
        self.views[path] = {"statuses": statuses, **domain}
        number = len(self._operations) - 1
        where = f"{self.endpoint}{GROUP}/Microsoft.Compute/operations/{number}?api-version=1"
        return Reply(b"", 202, {"Azure-AsyncOperation": where})

    def _move_on(self) -> None:
        """Let time pass for what is going on: it does so by calls."""
        for path in [*self._making]:
            self._making[path] -= 1
            if self._making[path] < 0:
                del self._making[path]
                self._ready(next(one for one in self.things if one["id"] == path))
        for path in [*self._going]:
            self._going[path] -= 1
            if self._going[path] < 0:
                del self._going[path]
                self._making.pop(path, None)
                self.things = [one for one in self.things if one["id"] != path]
                self.disks.discard(path)
                nics = self.lists["networkInterfaces"]
                nics[:] = [one for one in nics if one["properties"]["virtualMachine"]["id"] != path]

    def _ready(self, machine: dict[str, Any]) -> None:
        path, properties = machine["id"], machine["properties"]
        if properties["provisioningState"] == "Deleting":
            return
        trouble = self.trouble if self.late else None
        if trouble:
            properties["provisioningState"] = "Failed"
            code = f"ProvisioningState/failed/{trouble[0]}"
            self.views[path] = {"statuses": [{"code": code, "level": "Error", "message": trouble[1]}]}
            return
        properties["provisioningState"] = "Succeeded"
        statuses = [{"code": "ProvisioningState/succeeded"}, {"code": "PowerState/running"}]
        fd = properties.get("platformFaultDomain")
        self.views[path] = {"statuses": statuses} | ({} if fd is None else {"platformFaultDomain": fd})

    def _prices(self, call: Call) -> Reply:
        """Answer as the public price list does, two a page; whoever shows a token there gives it away."""
        if "Authorization" in call.headers:
            return Reply({"error": {"code": "BadRequest", "message": "a token is none of the list's"}}, 400)
        asked = dict(re.findall(r"(\w+) eq '([^']*)'", call.query["$filter"]))
        priced = {
            "serviceName": "Virtual Machines",
            "armRegionName": "westeurope",
            "priceType": "Consumption",
        }
        fits = asked == {**priced, "armSkuName": "Standard_D2s_v5"}
        start = int(call.query.get("$skip", "0"))
        page = PRICES[start : start + 2] if fits else []
        link = f"{self.endpoint}{call.target}&$skip={start + 2}" if fits and start + 2 < len(PRICES) else None
        return Reply({"BillingCurrency": "USD", "Items": page, "NextPageLink": link, "Count": len(page)})

    def deny(self) -> None:
        """Take the right to launch away."""
        self.denied.add("launching")

    def decoys(self) -> None:
        """Add what isn't ours, and looks much like it."""
        self.add("ka-0123456789abcdef0123", tags={"keepapart:cluster": "orders-2"})
        self.add("orders", tags={"cluster": "orders", "keepapart:role": "candidate"})

    @property
    def placed(self) -> dict[str, str]:
        """Where each member of "orders" is, by its id."""
        return {
            f"shop/{one['name']}": f"{one['properties']['platformFaultDomain']}"
            for one in self.things
            if OURS.items() <= one["tags"].items()
        }

    @property
    def left(self) -> list[str]:
        """What there is: machines, disks and interfaces; what is being deleted is gone soon."""
        for _ in range(self.steps + 1):
            self._move_on()
        nics = (one["id"] for one in self.lists["networkInterfaces"])
        return sorted(
            [*(one["id"] for one in self.things), *(f"disk of {path}" for path in self.disks), *nics]
        )

    @staticmethod
    def is_list(call: Call) -> bool:
        """Say whether what is asked for is a list."""
        return "/resourceGroups/" not in call.path

    def _doing(self, one: dict[str, Any]) -> dict[str, Any]:
        return one | {
            "id": one["id"].upper(),
            "properties": one["properties"] | {"instanceView": self.views[one["id"]]},
        }

    def _machine(self, found: str, name: str, more: dict[str, Any]) -> dict[str, Any]:
        tags, zones = more.pop("tags", OURS), more.pop("zones", None)
        location = more.pop("location", "westeurope")
        properties = {"provisioningState": "Succeeded", **more}
        said = {"id": found, "name": name, "location": location, "tags": tags, "properties": properties}
        return said | ({"zones": zones} if zones else {})


@contextmanager
def subscription(folder: Path) -> Iterator[Azure]:
    """Yield an empty subscription; whoever is logged in by the `az` in this folder may read it."""
    said = {"accessToken": "t0ken", "expires_on": int(time.time()) + 3600, "tokenType": "Bearer"}
    az = folder / "bin" / "az"
    az.parent.mkdir()
    az.write_text(f"#!/bin/sh\necho asked >> {folder}/asked\necho '{json.dumps(said)}'\n")
    az.chmod(0o755)
    account = Azure()
    with account.serving():
        yield account
