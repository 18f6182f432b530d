"""A fake Proxmox VE as a process of its own, told what to be over its standard input, a line of JSON each.

It runs by an interpreter that has fakepve (AGPL: used here, and no part of keepapart). A line is a list:
`["add_vm", {…}]` calls a method, `["set", "quorate", false]` sets an attribute of the cluster,
`["guest", 101, "lock", "migrate"]` one of a guest. `["template", 9000, "debian", "pve-1"]` adds a template
with a disk on shared storage, `["avail", 0]` says how much is free there, `["starts", "no memory"]` how every
start fails, `["lose", "POST"]` has whatever is asked by this method done and never answered. `["guests"]` is
answered with the guests and disks that there are, every other line with "done".

fakepve has no migration of virtual machines by the API: it is added here, as PVE's QemuMigrate does it, and
takes `migration_seconds`. `["set", "live_error", "…"]` is how those that run fail, and `move_error` how all
do.
"""

import asyncio
import json
import sys
from typing import Any

from fakepve import FakePve
from fakepve.certs import make_cert
from fakepve.model import PveError, TaskError


def answer(line: str) -> None:
    """Write one line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Losing(FakePve):  # type: ignore[misc]
    """A fake whose answers to one method may be lost."""

    lost = ""
    silent = False
    start_error: str | None = None
    live_error = move_error = ""
    migration_seconds = 0.05
    time_scale: float

    def _routes_migrating(self) -> list[tuple[str, str, Any]]:
        return [("POST", "/nodes/{node}/qemu/{vmid}/migrate", self._migrate)]

    async def _migrate(self, said: Any, user: str) -> Any:
        guest, target = self.find(said["node"], said["vmid"]), said["target"]
        if target == guest.node:
            raise PveError(400, "Parameter verification failed.", {"target": "target is local node."})
        self.need_quorum()
        if target not in self.nodes:
            raise PveError(500, f"no such cluster node '{target}'")
        runs = guest.status == "running"
        if runs and not said.get("online"):
            raise PveError(500, "can't migrate running VM without --online")

        async def move() -> str:
            if guest.lock:
                raise TaskError(f"VM is locked ({guest.lock})")
            if error := self.move_error or (runs and self.live_error):
                raise TaskError(error)
            guest.lock = "migrate"
            await asyncio.sleep(self.migration_seconds)
            guest.node, guest.lock = target, None
            return "migration finished successfully"

        self.time_scale = 1.0  # a task of its own, which is not waited for
        upid = await self.task(guest.node, "qmigrate", guest.vmid, user, move)
        self.time_scale = 0.0
        return upid

    async def _answer(self, request: Any, handler: Any, generic: Any, path_node: Any) -> Any:
        if self.silent:
            raise PveError(596, "Connection timed out")
        for guest in self.vms:
            guest.start_error = self.start_error
        found = await super()._answer(request, handler, generic, path_node)
        if request.method == self.lost:
            raise PveError(596, "Connection timed out")
        return found

    def end(self, vmid: int) -> None:
        """Remove a virtual machine and its disks, as if somebody had done so."""
        self.vms[:] = [guest for guest in self.vms if guest.vmid != vmid]
        volumes = self.storages["shared"]["volumes"]
        for name in [name for name, about in volumes.items() if about["vmid"] == vmid]:
            del volumes[name]

    def shown(self) -> dict[str, object]:
        """Tell every guest but templates, and every disk that is no template's."""
        guests = {
            guest.vmid: {"node": guest.node, "status": guest.status, "name": guest.name, **guest.config}
            for guest in [*self.vms, *self.cts]
            if not getattr(guest, "template", False)
        }
        disks = [name for name in self.storages["shared"]["volumes"] if not name.startswith("base-")]
        return {"guests": guests, "disks": sorted(disks)}

    def clear(self) -> None:
        """Be a cluster of one node with nothing on it."""
        self.vms.clear()
        self.cts.clear()
        self.failures.clear()
        self.nodes = {"pve-1": {"online": True}}
        self.quorate, self.acl, self.cluster_name, self.lost = True, None, "lab", ""
        self.silent, self.start_error = False, None
        self.live_error = self.move_error = ""
        self.network.update(drop_rate=0.0)
        self.storages["shared"] = {
            "type": "rbd",
            "pool": "p",
            "active": 1,
            "shared": 1,
            "content": "images",
            "files": set(),
            "volumes": {},
        }

    def add_template(self, vmid: int, name: str, node: str) -> None:
        """Add a template whose disk is on shared storage."""
        disk = f"base-{vmid}-disk-0"
        about = {"content": "images", "format": "raw", "size": 2**30, "vmid": vmid}
        self.storages["shared"]["volumes"][disk] = about
        config = {"scsi0": f"shared:{disk},size=1G", "tags": "debian"}
        self.add_vm(vmid, name, node=node, template=True, config=config)


async def serve(folder: str) -> None:
    """Serve until standard input ends."""
    pve = Losing(host="127.0.0.1", port=0)
    certificate, private, _ = make_cert(folder)
    await pve.start(certificate, private)
    answer(json.dumps({"port": pve.port, "certificate": certificate}))
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        word, *rest = json.loads(line)
        if word == "set":
            setattr(pve, *rest)
        elif word == "guest":
            number, name, value = rest
            guests = [*pve.vms, *pve.cts]
            setattr(next(guest for guest in guests if guest.vmid == number), name, value)
        elif word == "lose":
            (pve.lost,) = rest
        elif word == "guests":
            answer(json.dumps(pve.shown()))
            continue
        elif word == "clear":
            pve.clear()
        elif word == "avail":
            (pve.storages["shared"]["avail"],) = rest
        elif word == "starts":
            (pve.start_error,) = rest
        elif word == "template":
            pve.add_template(*rest)
        else:
            (keywords,) = rest
            getattr(pve, word)(*keywords.pop("args", ()), **keywords)
        answer("done")
    await pve.stop()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
