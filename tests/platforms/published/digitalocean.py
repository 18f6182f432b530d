"""DigitalOcean's models, as pydo documents them: each field of an answer is in its template."""

import json
import re
import sys
from typing import Any

from pydo.operations import _operations

OPERATIONS = {
    "droplets": "DropletsOperations.list",
    "neighbors": "DropletsOperations.list_neighbors_ids",
    "account": "AccountOperations.get",
    "droplet": "DropletsOperations.get",
    "actions": "DropletActionsOperations.list",
    "sizes": "SizesOperations.list",
}


def fields(value: Any) -> set[str]:
    """Return the names of all fields, at whatever level."""
    if isinstance(value, list):
        return {name for item in value for name in fields(item)}
    if not isinstance(value, dict):
        return set()
    return set(value) | {name for item in value.values() for name in fields(item)}


if __name__ == "__main__":
    found = []
    for what, answer in json.load(sys.stdin):
        where, _, name = OPERATIONS[what].partition(".")
        text = getattr(getattr(_operations, where), name).__doc__ or ""
        template = text.partition("status code(s): 200")[2].partition("status code(s):")[0]
        known = set(re.findall(r'"(\w+)": ', template))
        found += sorted(f"{what}: {field}" for field in fields(answer) - known)
    json.dump(found, sys.stdout)
