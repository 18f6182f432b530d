"""A tenancy of OCI's with one compartment, as its APIs answer; it checks the SDK's signatures.

The SDK has 286 MB, and so an environment of its own, which is lent to these tests.
"""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.platforms.own_venv import own_venv
from tests.platforms.stub import Account, Call, Reply

PACKAGE = "oci==2.189.0"
OURS = {"keepapart-cluster": "orders", "keepapart-role": "member"}
TENANCY, SHOP, AUDITOR = "ocid1.tenancy.oc1..t", "ocid1.compartment.oc1..shop", "ocid1.user.oc1..auditor"
FINGERPRINT = "20:3b:97:13:55:1c:5b:0d:d3:37:d8:50:4e:c5:3a:34"
AD = "qIZq:PHX-AD-1"
IMAGE = "ocid1.image.oc1..debian"
WHAT = {
    "compartments": [SHOP],
    "availability_domain": AD,
    "shape": "VM.Standard.E5.Flex",
    "ocpus": 2,
    "memory_gb": 16,
    "image": IMAGE,
    "subnet": "ocid1.subnet.oc1..inside",
    "fault_domain": "",
}
NO_ROOM = ("InternalError", "Out of host capacity.")
NO_QUOTA = ("LimitExceeded", "The following service limits were exceeded: standard-e5-core-count")
NOT_FOUND = Reply({"code": "NotAuthorizedOrNotFound", "message": "not authorized, or not found"}, 404)
STALE = Reply({"code": "NoEtagMatch", "message": "the etag is not the newest"}, 412)


class Oci(Account):
    """A tenancy with one compartment. What is launched is made after `steps` calls.

    While `trouble` is set, what is launched or started comes to nothing: at once, or `late`.
    """

    provider = "oci"
    troubles = NO_ROOM, NO_QUOTA

    domain_numbers = ("FAULT-DOMAIN-1", "FAULT-DOMAIN-2", "FAULT-DOMAIN-3")
    domains = list(domain_numbers)  # noqa: RUF012

    def __init__(self, key: rsa.RSAPublicKey) -> None:
        super().__init__()
        self._key = key
        self.vnics: dict[str, dict[str, Any]] = {}
        self.steps = 3
        self.denied = False
        self.full: set[str] = set()  # fault domains without room
        self.volumes: set[str] = set()
        self._by_token: dict[str, str] = {}
        self._going: dict[str, tuple[int, str]] = {}  # by id: in how many calls it is in which state
        self._works: list[dict[str, Any]] = []
        self._problems: dict[str, tuple[str, str]] = {}

    def add(self, name: str, fd: int = 1, ad: int = 1, **more: Any) -> None:
        """Add an instance to the compartment."""
        self.things.append(
            {
                "id": name,
                "displayName": f"db-{name}",
                "compartmentId": SHOP,
                "availabilityDomain": f"qIZq:PHX-AD-{ad}",
                "faultDomain": f"FAULT-DOMAIN-{fd}",
                "lifecycleState": "RUNNING",
                "shape": "VM.Standard.E4.Flex",
                "freeformTags": OURS,
                "dedicatedVmHostId": None,
                "placementConstraintDetails": None,
            }
            | more
        )
        self.vnics[f"vnic-{name}"] = {"isPrimary": True, "privateIp": "10.0.0.1", "publicIp": None}

    def reply(self, call: Call) -> Reply:
        """Answer as the APIs do: there is nothing to be seen where a right is missing."""
        if not self._signed(call):
            return Reply({"code": "NotAuthenticated", "message": "The required information failed"}, 401)
        self._move_on()
        kind, _, rest = call.path.removeprefix("/20160918/").partition("/")
        if call.method == "POST" and kind == "instances" and not rest:
            return self._launched(call)
        if kind == "instances" and rest:
            return self._single(call, rest)
        if kind == "workRequests" and rest:
            return self._work(*rest.split("/"))
        if kind == "vnics":
            return self.told(kind, self.vnics[call.path.rpartition("/")[2]])
        there: dict[str, list[dict[str, Any]]] = {
            "compartments": [{"id": SHOP, "name": "shop", "lifecycleState": "ACTIVE"}],
            "instances": [
                one
                for one in self.things
                if one["compartmentId"] == call.query["compartmentId"]
                and one["displayName"] == call.query.get("displayName", one["displayName"])
            ],
            "workRequests": [
                one
                for one in self._works
                if one["resources"][0]["identifier"] == call.query.get("resourceId")
            ],
            "vnicAttachments": [
                {"instanceId": one["id"], "vnicId": f"vnic-{one['id']}", "lifecycleState": "ATTACHED"}
                for one in self.things
                if one["compartmentId"] == call.query["compartmentId"]
            ],
        }
        if kind not in there:
            return NOT_FOUND
        start, size = int(call.query.get("page", "0")), int(call.query["limit"])
        more = {"opc_next_page": str(start + size)} if start + size < len(there[kind]) else {}
        return self.told(kind, there[kind][start : start + size], **more)

    def _launched(self, call: Call) -> Reply:
        said = call.body
        self.answered.append(("launch", said))
        if self.denied:
            return NOT_FOUND
        token = call.headers["Opc-Retry-Token"]
        assert len(token) <= 64 and token.isascii()
        if token in self._by_token:
            return self._told(self._machine(self._by_token[token]))
        if self.refused:
            return Reply({"code": "InvalidParameter", "message": "no such shape"}, 400)
        domain = said.get("faultDomain", "FAULT-DOMAIN-1")
        trouble = NO_ROOM if domain in self.full else self.trouble
        if trouble and not self.late:
            return Reply({"code": trouble[0], "message": trouble[1]}, 500 if trouble is NO_ROOM else 400)
        name = f"ocid1.instance.oc1..{len(self.things)}"
        kept = ("displayName", "freeformTags", "shape", "compartmentId", "availabilityDomain")
        self.add(name, lifecycleState="PROVISIONING", faultDomain=domain, **{key: said[key] for key in kept})
        self.things[-1]["timeCreated"] = "2026-11-28T10:00:00.000Z"
        self.volumes.add(name)
        self._by_token[token] = name
        self._going[name] = self.steps, "TERMINATED" if trouble else "RUNNING"
        self._begun(name, trouble)
        return self._told(self.things[-1])

    def _begun(self, name: str, trouble: tuple[str, str] | None) -> str:
        work = f"ocid1.workrequest.oc1..{len(self._works)}"
        status = "FAILED" if trouble else "SUCCEEDED"
        resource = {"identifier": name, "entityType": "instance", "actionType": "CREATED"}
        self._works.append({"id": work, "status": status, "resources": [resource]})
        if trouble:
            self._problems[work] = trouble
        return work

    def _work(self, name: str, errors: str = "") -> Reply:
        if errors:
            said = [self._problems[name]] if name in self._problems else []
            return self.told("workErrors", [{"code": code, "message": text} for code, text in said])
        return self.told("workRequests", next(one for one in self._works if one["id"] == name))

    def _machine(self, name: str) -> dict[str, Any]:
        return next(one for one in self.things if one["id"] == name)

    def _told(self, machine: dict[str, Any], **headers: str) -> Reply:
        tag = hashlib.sha256(str(machine["freeformTags"]).encode()).hexdigest()
        return self.told("instances", machine, etag=tag, **headers)

    def _single(self, call: Call, name: str) -> Reply:
        """Answer what is asked of an instance by its id."""
        machine = next((one for one in self.things if one["id"] == name), None)
        if machine is None:
            return NOT_FOUND
        state, stopped = machine["lifecycleState"], Reply({"code": "IncorrectState", "message": "no"}, 409)
        if call.method == "PUT":
            self.answered.append(("update", call.body))
            if (
                call.headers.get("If-Match", self._told(machine).headers["etag"])
                != self._told(machine).headers["etag"]
            ):
                return STALE
            machine |= call.body
        if call.method == "DELETE":
            if state == "TERMINATED":
                return stopped
            machine["lifecycleState"] = "TERMINATING"
            self._going[name] = self.steps, "TERMINATED"
            return Reply(b"", 204)
        if call.method == "POST":
            if call.query["action"] == "START":
                if state != "STOPPED":
                    return stopped
                trouble = NO_ROOM if machine["faultDomain"] in self.full else self.trouble
                if trouble and not self.late:
                    return Reply({"code": trouble[0], "message": trouble[1]}, 500)
                machine["lifecycleState"] = "STOPPED" if trouble else "RUNNING"
                return self._told(machine, opc_work_request_id=self._begun(name, trouble))
            if state != "RUNNING":
                return stopped
            machine["lifecycleState"] = "STOPPED"
        return self._told(machine)

    def _move_on(self) -> None:
        """Let time pass for what is going on: it does so by calls."""
        for name, (left, state) in [*self._going.items()]:
            self._going[name] = left - 1, state
            if left <= 0:
                del self._going[name]
                self._machine(name)["lifecycleState"] = state
                if state == "TERMINATED":
                    self.volumes.discard(name)

    def deny(self) -> None:
        """Take the right to launch away."""
        self.denied = True

    def decoys(self) -> None:
        """Add what isn't ours, and looks much like it."""
        self.add("a", displayName="ka-0123456789abcdef0123", freeformTags={"keepapart-cluster": "orders-2"})
        self.add("b", displayName="orders", freeformTags={"cluster": "orders", "keepapart-role": "candidate"})

    @property
    def placed(self) -> dict[str, str]:
        """Where each member of "orders" is, by its id."""
        return {
            one["id"]: one["faultDomain"]
            for one in self.things
            if OURS.items() <= one["freeformTags"].items() and one["lifecycleState"] == "RUNNING"
        }

    @property
    def left(self) -> list[str]:
        """What there is: instances and volumes; what is being terminated is gone soon."""
        for _ in range(self.steps + 1):
            self._move_on()
        there = (one["id"] for one in self.things if one["lifecycleState"] != "TERMINATED")
        return sorted([*there, *(f"volume of {name}" for name in self.volumes)])

    def put(self, instance_id: str, domain: str) -> None:
        """Have an instance be in this fault domain."""
        self._machine(instance_id)["faultDomain"] = domain

    @staticmethod
    def is_list(call: Call) -> bool:
        """Say whether what is asked for is a list."""
        return call.path.endswith("/instances")

    def _signed(self, call: Call) -> bool:
        """Check a signature as OCI does: RSA over the date, the target and the host."""
        said = dict(re.findall(r'(\w+)="([^"]*)"', call.headers["Authorization"]))
        if said["keyId"] != f"{TENANCY}/{AUDITOR}/{FINGERPRINT}":
            return False
        values = {
            "date": call.headers["Date"],
            "host": call.headers["Host"],
            "(request-target)": f"{call.method.lower()} {call.target}",
        }
        if call.method in ("POST", "PUT"):
            digest = base64.b64encode(hashlib.sha256(call.raw).digest()).decode()
            if call.headers["X-Content-Sha256"] != digest or "x-content-sha256" not in said["headers"]:
                return False
            names = ("x-content-sha256", "content-type", "content-length")
            values |= {name: call.headers[name.title()] for name in names}
        text = "\n".join(f"{name}: {values[name]}" for name in said["headers"].split())
        try:
            self._key.verify(
                base64.b64decode(said["signature"]), text.encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except InvalidSignature:
            return False
        return True


@contextmanager
def sdk() -> Iterator[None]:
    """Lend the SDK to whoever runs here."""
    (packages,) = own_venv("oci", PACKAGE).parents[1].glob("lib/python3*/site-packages")
    sys.path.append(str(packages))
    yield
    sys.path.remove(str(packages))


@contextmanager
def tenancy(key: rsa.RSAPrivateKey, folder: Path) -> Iterator[Oci]:
    """Yield an empty tenancy; the auditor's configuration is where the oci command has it, in this home."""
    file = folder / "key.pem"
    encoding, shape = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file.write_bytes(key.private_bytes(encoding, shape, serialization.NoEncryption()))
    file.chmod(0o600)
    config = folder / ".oci" / "config"
    config.parent.mkdir()
    user = f"user={AUDITOR}\nfingerprint={FINGERPRINT}\ntenancy={TENANCY}\nkey_file={file}\n"
    config.write_text(f"[DEFAULT]\nregion=us-phoenix-1\n{user}[OTHER]\nfingerprint={FINGERPRINT[:-2]}00\n")
    config.chmod(0o600)
    account = Oci(key.public_key())
    with account.serving():
        yield account
