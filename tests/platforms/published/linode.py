"""Linode's specification, as linode-cli carries it: each field of an answer is one of the operation's own.

linode-cli asks the API for things as soon as it is imported, so it isn't: its data is read without it.
"""

import json
import pickle
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any


class Data:
    """Whatever object the data has; its attributes are set as they were."""

    def __init__(self, *_: object) -> None:
        pass


class Reader(pickle.Unpickler):
    """Reads the data without the classes that wrote it."""

    def find_class(self, module: str, name: str) -> Any:
        """Return a class for one of linode-cli's or of its libraries', and Python's own as they are."""
        ours = module.partition(".")[0] in sys.stdlib_module_names
        return super().find_class(module, name) if ours else type(name, (Data,), {})


def fields(value: Any, within: str = "") -> set[str]:
    """Return the names of all fields, with dots between levels; lists are their items."""
    if isinstance(value, list):
        return {name for item in value for name in fields(item, within)}
    if not isinstance(value, dict) or (not value and within):
        return {within}
    return {name for key, item in value.items() for name in fields(item, f"{within}.{key}".lstrip("."))}


if __name__ == "__main__":
    spec = find_spec("linodecli")
    assert spec and spec.origin
    with Path(spec.origin).with_name("data-3").open("rb") as file:
        operations = Reader(file).load()
    found = []
    for what, answer in json.load(sys.stdin):
        group, _, name = what.partition(" ")
        known = {field.name for field in operations[group][name].response_model.attrs}
        parents = {name.rsplit(".", number)[0] for name in known for number in range(1, name.count(".") + 1)}
        there = fields(answer.get("data", answer))
        found += sorted(f"{what}: {field}" for field in there - known - parents - {""})
        if "data" in answer:
            found += sorted(f"{what}: {key}" for key in answer.keys() - {"data", "page", "pages", "results"})
    json.dump(found, sys.stdout)
