"""A fakepve, asked by its pipes."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faults.platforms.rounds import View
from tests.platforms import pve_double
from tests.platforms.pve_double import SECRET, USER, Pve


@dataclass
class OnPve:
    """A fakepve, asked by its pipes."""

    pve: Pve

    @property
    def config(self) -> str:
        """The text of `[cloud]`."""
        return f'{self.pve.cloud}template = "debian"\ntries = 2\n'

    def view(self) -> View:
        """Tell all guests."""
        return {
            name: {**one, "host": one["node"], "state": one["status"]}
            for name, one in self.pve.shown()["guests"].items()
        }

    def is_ours(self, one: Mapping[str, Any]) -> bool:
        """Look at its tags and its description."""
        told = f"{one.get('tags', '')};{one.get('description', '')}"
        return "keepapart-cluster.orders;" in f"{told};" or "- keepapart:cluster = orders\n" in told

    def end(self, member: str) -> None:
        """Remove a guest."""
        self.pve.tell("end", {"args": [int(member)]})

    def put(self, member: str, beside: str) -> None:
        """Have a guest be on another's node."""
        self.pve.tell("guest", int(member), "node", self.view()[beside]["node"])

    def trouble(self, chance: random.Random) -> None:
        """Let answers be lost, or calls of one kind fail."""
        self.pve.tell("lose", chance.choice(("", "", "POST", "PUT", "DELETE")))
        if chance.random() < 0.3:
            self.pve.tell("fail", {"args": [chance.choice(("POST", "PUT")), "/", 500, "got timeout"]})
        self.pve.tell("set", "live_error", chance.choice(("", "", "not as it runs")))

    def peace(self) -> None:
        """Answer again."""
        self.pve.tell("lose", "")
        self.pve.tell("set", "failures", {})
        self.pve.tell("set", "live_error", "")


@contextmanager
def on_fakepve(folder: Path) -> Iterator[OnPve]:
    """Bring a cluster of five nodes up, with decoys."""
    with pve_double.serving(folder) as pve:
        pve.tell("clear")
        pve.tell("set", "apitokens", {USER: SECRET})
        os.environ["PROXMOX_VE_API_TOKEN"] = f"{USER}={SECRET}"
        for number in range(1, 6):
            pve.tell("add_node", {"args": [f"pve-{number}"]})
        pve.tell("template", 9000, "debian", "pve-1")
        like = {"tags": "keepapart-cluster.orders-2;keepapart-role.candidate;keepapart-run.run-1"}
        pve.vm(700, "pve-3", config=like)
        pve.tell("add_vm", {"args": [701, "ka-0123456789abcdef0123"], "node": "pve-4", "status": "running"})
        yield OnPve(pve)
