"""libvirt daemons, each asked by itself, past what loses keepapart's calls."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from faults.platforms.rounds import View
from tests.platforms import libvirt_double
from tests.platforms.libvirt_double import CHANGES, POOL, Machines

HOSTS = ("a", "b", "c", "d", "e")
TAGS = "{urn:keepapart:1}tags"
INACTIVE = 2  # the definition as it is kept, VIR_DOMAIN_XML_INACTIVE
NO_DISK = "without its disk"


@dataclass
class OnLibvirt:
    """Five hosts; `shared` are the disks on storage that all have, of members that were put elsewhere."""

    machines: Machines
    shared: set[str] = field(default_factory=set)

    @property
    def config(self) -> str:
        """The text of `[cloud]`."""
        hosts = json.dumps(self.machines.uris)
        return f'provider = "libvirt"\nhosts = {hosts}\ntemplate = "debian"\ntries = 2\n'

    def view(self) -> View:
        """Tell every domain of every host, and every volume that is no disk of a member's."""
        self._forget()
        volumes = self.machines.volumes()
        found: dict[str, dict[str, Any]] = {}
        for host, asked in self.machines.directly.items():
            for one in asked.listAllDomains():
                text, name, uuid = one.XMLDesc(INACTIVE), one.name(), one.UUIDString()
                tags = ElementTree.fromstring(text).find(f"metadata/{TAGS}")  # noqa: S314  # ours
                told = {"host": host, "name": name, "text": text, "state": "shut off"}
                told["tags"] = {} if tags is None else dict(tags.attrib)
                if one.isActive():
                    told["state"] = "running"
                if self.is_ours(told) and f"{name}-vda" not in volumes[host]:
                    told["state"] = NO_DISK
                found[f"{uuid} on {host}" if uuid in found else uuid] = told
        own = {f"{one['name']}-vda" for one in found.values() if self.is_ours(one)}
        for host, names in volumes.items():
            found |= {f"{host}/{name}": {"host": host, "tags": {}} for name in names if name not in own}
        return found

    def is_ours(self, one: Mapping[str, Any]) -> bool:
        """Look at its metadata."""
        return bool(one["tags"].get("cluster") == "orders")

    def end(self, member: str) -> None:
        """Remove a domain, and its disk."""
        name, host = self._out(member)[1:]
        self._pool(host).storageVolLookupByName(f"{name}-vda").delete()

    def put(self, member: str, beside: str) -> None:
        """Have a domain run on another's host, with its disk on storage that all hosts share."""
        host = self.view()[beside]["host"]
        text, name, source = self._out(member)
        disk = self._pool(source).storageVolLookupByName(f"{name}-vda")
        for each in HOSTS:
            if disk.name() not in self._pool(each).listVolumes():
                self._pool(each).createXML(disk.XMLDesc())
        self.shared.add(disk.name())
        self.machines.directly[host].defineXML(text).create()

    def trouble(self, chance: random.Random) -> None:
        """Let answers be lost, or no host answer."""
        if chance.random() < 0.1:
            self.machines.order("dark")
        else:
            self.machines.order("lose", *chance.sample(CHANGES, chance.randrange(len(CHANGES) + 1)))

    def peace(self) -> None:
        """Answer again."""
        self.machines.order("clear")

    def _out(self, member: str) -> tuple[str, str, str]:
        """Take a domain from its host; return its definition, its name, and the host."""
        one = self.view()[member]
        domain = self.machines.directly[one["host"]].lookupByUUIDString(member)
        domain.destroy()
        domain.undefine()
        return one["text"], one["name"], one["host"]

    def _pool(self, host: str) -> Any:
        return self.machines.directly[host].storagePoolLookupByName(POOL)

    def _forget(self) -> None:
        """Have what was removed from the storage that all share be gone on every host."""
        there = self.machines.volumes()
        for name in sorted(self.shared):
            having = [host for host in HOSTS if name in there[host]]
            if len(having) < len(HOSTS):
                self.shared.remove(name)
                for host in having:
                    self._pool(host).storageVolLookupByName(name).delete()


@contextmanager
def on_libvirt(folder: Path) -> Iterator[OnLibvirt]:
    """Bring five hosts up, with a template each, and decoys."""
    with libvirt_double.serving(folder, HOSTS) as machines:
        machines.clear()
        uuid = "6695eb01-f6a4-8304-79aa-97f2502e190"
        machines.define("a", "ka-0123456789abcdef0123", f"{uuid}0")
        machines.define("b", "orders", f"{uuid}1", cluster="orders-2", role="candidate", run="run-1")
        machines.volume("a", "ka-0123456789abcdef0123-vda")
        yield OnLibvirt(machines)
