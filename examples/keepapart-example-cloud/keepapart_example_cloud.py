"""A cloud whose platform is a JSON file: `provider = "example"`, with `file`, `hosts` and `capacity`.

The file plays the part of a platform's API. What it shows is what a real cloud has to do, too:

1. A launch that is repeated with the same token is the same instance.
2. Tags are set in the launch itself, so that no instance is ever without its owner's name.
3. What is terminated is listed no more, and still described.
4. The platform's errors become those of `keepapart.errors`, since these say what may be tried again.

Its instances are this machine, by addresses of the loopback network, and reached as such.
"""

from __future__ import annotations

import fcntl
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from keepapart import Instance
from keepapart.clouds import RUNNING, STOPPED, TERMINATED, Cloud, LaunchRequest
from keepapart.errors import CapacityError, CloudError, ConfigError, NotFoundError
from keepapart.tables import Table, Text, checked

Row = dict[str, Any]


class Settings(Table, frozen=True):
    """The keys of [cloud]: the path of the file, how many hosts there are, and what fits on each."""

    file: Text
    hosts: Annotated[int, Meta(ge=1, le=100)] = 4
    capacity: Annotated[int, Meta(ge=1, le=100)] = 2


def connect(settings: Mapping[str, Any], instances: Sequence[Instance]) -> Cloud:
    """Open the cloud by its keys of [cloud]. Raises `ConfigError` for keys or values that can't be meant."""
    chosen = checked(settings, Settings, "[cloud]")
    if instances:
        raise ConfigError("[[instances]]: the example lists its own", "leave them out")
    return ExampleCloud(Path(chosen.file), chosen.hosts, chosen.capacity)


class ExampleCloud:
    """Instances in a file, on `hosts` hosts with room for `capacity` each, filled one after the other."""

    name = "example"

    def __init__(self, file: Path, hosts: int, capacity: int) -> None:
        self._file, self._hosts, self._capacity = file, hosts, capacity

    def instances(self, tags: Mapping[str, str]) -> Sequence[Instance]:
        """List every instance that carries all of these tags, terminated ones left out."""
        with self._rows() as rows:
            found = [row for row in rows.values() if row["state"] != TERMINATED]
        return [_instance(row) for row in found if tags.items() <= row["tags"].items()]

    def describe(self, ids: Iterable[str]) -> Mapping[str, Instance]:
        """Tell the present state of these; ids that the file doesn't know are left out."""
        with self._rows() as rows:
            return {name: _instance(rows[name]) for name in ids if name in rows}

    def launch(self, request: LaunchRequest) -> Instance:
        """Launch one instance, or return the one that this token launched before."""
        asked = {"token": request.token, "tags": dict(request.tags), "parameters": dict(request.parameters)}
        with self._rows() as rows:
            for row in rows.values():
                if row["asked"]["token"] == request.token:
                    if row["asked"] != asked:
                        raise CloudError(f"token {request.token} was used for another launch")
                    return _instance(row)
            number = len(rows) + 1
            row = rows[f"ex-{number}"] = {
                "id": f"ex-{number}",
                "address": f"127.7.{number // 250}.{number % 250 + 1}",
                "state": RUNNING,
                "host": self._place(rows),
                "tags": dict(request.tags),
                "asked": asked,
            }
            return _instance(row)

    def start(self, instance_id: str) -> None:
        """Start a stopped instance, on whichever host has room now."""
        with self._rows() as rows:
            row = _known(rows, instance_id)
            if row["state"] == STOPPED:
                row |= {"host": self._place(rows), "state": RUNNING}

    def stop(self, instance_id: str) -> None:
        """Stop an instance: it keeps its id and loses its host."""
        with self._rows() as rows:
            row = _known(rows, instance_id)
            if row["state"] == RUNNING:
                row |= {"host": "", "state": STOPPED}

    def terminate(self, instance_id: str) -> None:
        """End an instance for good."""
        with self._rows() as rows:
            _known(rows, instance_id).update(host="", state=TERMINATED)

    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        """Set these tags, leaving others as they are."""
        with self._rows() as rows:
            _known(rows, instance_id)["tags"].update(tags)

    def close(self) -> None:
        """Close nothing: the file is open only while it is read or written."""

    def _place(self, rows: Mapping[str, Row]) -> str:
        """Name the fullest host that has room."""
        taken = Counter(row["host"] for row in rows.values())
        hosts = [f"shelf-{number}" for number in range(1, self._hosts + 1)]
        free = [host for host in hosts if taken[host] < self._capacity]
        if not free:
            raise CapacityError(f"no host of {self._file} has room")
        return max(free, key=taken.__getitem__)

    @contextmanager
    def _rows(self) -> Iterator[dict[str, Row]]:
        """Hold the file, yield its rows, and write them back unless something was raised."""
        try:
            with self._file.open("a+", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.seek(0)
                before = file.read() or "{}"
                rows: dict[str, Row] = json.loads(before)
                yield rows
                if (after := json.dumps(rows, indent=1)) != before:
                    file.truncate(0)
                    file.write(after)
        except (OSError, ValueError) as error:
            raise CloudError(f"{self._file}: {error}") from error


def _instance(row: Row) -> Instance:
    """Say what keepapart wants to know; placement is stated only of what runs."""
    facts = {"project": "example", "host": row["host"]} if row["host"] else {}
    return Instance(row["id"], row["address"], "local", row["state"], dict(row["tags"]), facts)


def _known(rows: Mapping[str, Row], instance_id: str) -> Row:
    if instance_id not in rows:
        raise NotFoundError(f"there is no instance {instance_id}")
    return rows[instance_id]
