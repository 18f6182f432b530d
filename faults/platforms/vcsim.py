"""govmomi's vcsim, asked by its administrator, by pyVmomi."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyVmomi import vim

from faults.platforms.rounds import View
from tests.platforms import vcsim_double
from tests.platforms.vcsim_double import CHANGES, PASSWORD, USER, Vcenter, done

HOSTS = 5
ENDS = (
    ("CloneVM_Task", "NoDiskSpace"),
    ("PowerOnVM_Task", "InsufficientHostCapacityFault"),
    ("PowerOnVM_Task", "SystemError"),
    ("RelocateVM_Task", "MigrationFault"),
    ("Destroy_Task", "SystemError"),
)


@dataclass
class OnVcsim:
    """A vCenter of five hosts."""

    vcenter: Vcenter

    @property
    def config(self) -> str:
        """The text of `[cloud]`."""
        return (
            f'provider = "vsphere"\nserver = "{self.vcenter.url}"\nca = "{self.vcenter.ca}"\n'
            'template = "debian"\ndrs_rule = true\ntries = 2\n'
        )

    def view(self) -> View:
        """Tell all machines; a key of `extraConfig` has its last value, since vcsim keeps those before."""
        return {
            one.config.instanceUuid: {
                "host": one.runtime.host.name,
                "state": one.runtime.powerState,
                "tags": {each.key: each.value for each in one.config.extraConfig},
                "name": one.name,
                "booted": one.runtime.bootTime,
            }
            for one in self.vcenter.all(vim.VirtualMachine).values()
        }

    def is_ours(self, one: Mapping[str, Any]) -> bool:
        """Look at its `extraConfig`."""
        return bool(one["tags"].get("keepapart.cluster") == "orders")

    def end(self, member: str) -> None:
        """Power a machine off, and destroy it."""
        machine = self._machine(member)
        done(machine.PowerOffVM_Task())
        done(machine.Destroy_Task())

    def put(self, member: str, beside: str) -> None:
        """Relocate a machine to another's host, as it runs."""
        self.vcenter.place(self._machine(member), self.view()[beside]["host"])

    def trouble(self, chance: random.Random) -> None:
        """Let answers be lost, and tasks of one kind end in a fault, or no list be had."""
        self.peace()
        self.vcenter.order("lose", methods=chance.sample(CHANGES, chance.randrange(len(CHANGES) + 1)))
        if chance.random() < 0.3:
            method, fault = chance.choice(ENDS)
            self.vcenter.order("end", method=method, fault=fault, running=chance.random() < 0.5)
        if chance.random() < 0.1:
            self.vcenter.order("fail", After=0)

    def peace(self) -> None:
        """Answer again."""
        self.vcenter.order("lose", methods=[])
        self.vcenter.order("end")
        self.vcenter.order("fail", After=-1)

    def _machine(self, member: str) -> Any:
        content = self.vcenter.administrator.RetrieveContent()
        return content.searchIndex.FindByUuid(None, member, True, True)


@contextmanager
def on_vcsim(folder: Path) -> Iterator[OnVcsim]:
    """Bring a vCenter up, with a template and decoys."""
    with vcsim_double.serving(folder, 3, HOSTS) as vcenter:
        os.environ |= {"VSPHERE_USER": USER, "VSPHERE_PASSWORD": PASSWORD}
        template, named, tagged = vcenter.all(vim.VirtualMachine).values()
        done(template.PowerOffVM_Task())
        done(template.Rename_Task("debian"))
        template.MarkAsTemplate()
        done(named.Rename_Task("ka-0123456789abcdef0123"))
        done(tagged.Rename_Task("orders"))
        vcenter.say(tagged, cluster="orders-2", role="candidate", run="run-1")
        yield OnVcsim(vcenter)
