"""Hetzner's models, as hcloud has them: each field of an answer is one of its own domain's."""

import json
import sys
from typing import Any

from hcloud.actions import Action
from hcloud.placement_groups import PlacementGroup
from hcloud.server_types import ServerType
from hcloud.servers import Server

KINDS = {
    "server": Server,
    "placement_group": PlacementGroup,
    "server_type": ServerType,
    "action": Action,
    "next_action": Action,
}
BESIDE = {"meta", "root_password"}  # of a list, and of a launch


def complaints(what: str, thing: dict[str, Any]) -> list[str]:
    """Return the fields of a thing that aren't its domain's."""
    # `datacenter` was a server's until it went from the API: see the adapter's own words
    known = {*KINDS[what].__api_properties__, *({"datacenter"} if what == "server" else ())}
    found = [f"{what}: {field}" for field in thing.keys() - known]
    group = thing.get("placement_group") if what == "server" else None
    return found + (complaints("placement_group", group) if group else [])


if __name__ == "__main__":
    found = []
    for what, answer in json.load(sys.stdin):
        for key in answer.keys() - BESIDE:
            kind = key.removesuffix("s")
            if kind not in KINDS:
                found.append(f"{what}: {key}")
                continue
            things = answer[key] if isinstance(answer[key], list) else [answer[key]]
            found += [one for thing in things for one in complaints(kind, thing)]
    json.dump(sorted(found), sys.stdout)
