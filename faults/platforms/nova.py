"""A real Nova, asked by its administrator."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faults.platforms.rounds import View, until
from tests.platforms import nova_double
from tests.platforms.nova_double import Nova


@dataclass
class OnNova:
    """A real Nova, asked by its administrator."""

    nova: Nova
    config: str = (
        f'provider = "openstack"\ncloud = "operator"\nimage = "{nova_double.IMAGE}"\n'
        'flavor = "m1.tiny"\nnetwork_id = "none"\ntries = 2\n'
    )

    def view(self) -> View:
        """List all servers."""
        return {
            one["id"]: {
                "host": one["OS-EXT-SRV-ATTR:host"],
                "state": one["status"],
                "tags": one["metadata"],
                "name": one["name"],
                "created": one["created"],
            }
            for one in self.nova.call("GET", "/servers/detail")["servers"]
        }

    def is_ours(self, one: Mapping[str, Any]) -> bool:
        """Look at its metadata."""
        return bool(one["tags"].get("keepapart:cluster") == "orders")

    def end(self, member: str) -> None:
        """Delete a server, and wait until it is gone."""
        self.nova.call("DELETE", f"/servers/{member}")
        until(lambda: member not in self.view())

    def put(self, member: str, beside: str) -> None:
        """Migrate a server to another's host."""
        host = self.nova.shown(beside)["OS-EXT-SRV-ATTR:host"]
        said = {"os-migrateLive": {"host": host, "block_migration": "auto"}}
        self.nova.act(member, said, "ACTIVE")
        until(lambda: self.view()[member]["host"] == host)

    def trouble(self, chance: random.Random) -> None:
        """Let some of the next changes fail, done or not."""
        for _ in range(chance.randrange(3)):
            what = {"status": chance.choice((500, 502, 503)), "done": chance.random() < 0.7}
            self.nova.order("fault", path="POST .*/servers|DELETE", skip=chance.randrange(4), **what)

    def peace(self) -> None:
        """Forget the faults."""
        self.nova.order("clear")


@contextmanager
def on_nova(folder: Path) -> Iterator[OnNova]:
    """Bring a Nova up, with decoys."""
    with nova_double.serving() as nova:
        auth = {**nova.auth, "username": "operator"}
        (folder / "clouds.yaml").write_text(
            f'{{"clouds": {{"operator": {{"auth": {json.dumps(auth)}, "region_name": "RegionOne"}}}}}}'
        )
        os.environ["OS_CLIENT_CONFIG_FILE"] = str(folder / "clouds.yaml")
        like = {"keepapart:cluster": "orders-2", "keepapart:role": "candidate", "keepapart:run": "run-1"}
        nova.launch("ka-0123456789abcdef0123", metadata=like)
        nova.launch("ka-0123456789abcdef0123", "orders")
        yield OnNova(nova)
