#!/usr/bin/env python3
"""A stand-in for `incus` in its place on PATH: the commands that the example uses, in the shapes of the real.

Its world is the file $INCUS_WORLD. Where the file $INCUS_WORLD.fault says "down" every command fails, "cut" a
list breaks off, "full" no cluster member has room, "image" there is no such image, "lost" a launch is done
and answered as if it had failed.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

WORLD = Path(os.environ["INCUS_WORLD"])
MEMBERS = tuple(os.environ.get("INCUS_MEMBERS", "node-1 node-2 node-3").split())  # one alone: no cluster
Rows = dict[str, dict[str, Any]]


def main(words: list[str]) -> int:
    """Do what one command line says; what is wrong is said as incus does, with exit code 1."""
    fault = WORLD.with_suffix(".fault")
    wrong = fault.read_text() if fault.exists() else ""
    if wrong == "down":
        return complain('Get "http://unix.socket/1.0": dial unix /run/incus/unix.socket: connection refused')
    with WORLD.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        rows: Rows = json.loads(file.read() or "{}")
        code = run(words, rows, wrong)
        file.truncate(0)
        file.write(json.dumps(rows))
    return code


def run(words: list[str], rows: Rows, wrong: str) -> int:
    """Do what a command line says to the rows."""
    match words:
        case ["query", "local:/1.0"]:
            say(json.dumps({"environment": {"server_clustered": False, "server_name": MEMBERS[0]}}))
        case ["list", "local:", "--format", "json"]:
            text = json.dumps(list(rows.values()), separators=(",", ":"))
            say(text[: len(text) // 2] if wrong == "cut" else text)
            return 1 if wrong == "cut" else 0
        case ["launch", image, name, *options]:
            return launch(rows, name.removeprefix("local:"), options, "image" if image == "no" else wrong)
        case ["start" | "stop" | "delete" | "config", *more]:
            verb, *rest = more if words[0] == "config" else words
            name = rest[0].removeprefix("local:")
            if name not in rows:
                return complain(f'Failed checking instance exists "local:{name}": Instance not found')
            return change(rows, verb, name, rest[1:])
        case _:
            return complain(f"unknown command {' '.join(words)!r}")
    return 0


def launch(rows: Rows, name: str, options: list[str], wrong: str) -> int:
    """Make an instance on the member with the fewest, and start it."""
    if wrong == "full":
        return complain("Failed instance creation: Couldn't find a suitable cluster member for the instance")
    if wrong == "image":
        return complain(
            'Failed instance creation: The requested image couldn\'t be found for fingerprint "no"'
        )
    if name in rows:
        return complain(f'Failed instance creation: Instance "{name}" already exists')
    keys = [word for before, word in pairwise(options) if before == "-c"]
    config = dict(key.split("=", 1) for key in keys)
    rows[name] = row(name, len(rows) + 1, config)
    place(rows, name)
    return complain("websocket: close 1006 (abnormal closure)") if wrong == "lost" else 0


def change(rows: Rows, verb: str, name: str, more: list[str]) -> int:
    """Start, stop, delete, or set keys."""
    one = rows[name]
    if verb == "start":
        if one["status"] == "Running":
            return complain("The instance is already running")
        place(rows, name)
    elif verb == "stop":
        if one["status"] == "Stopped":
            return complain("The instance is already stopped")
        one |= {"status": "Stopped", "status_code": 102}
        one["state"]["network"] = None
    elif verb == "delete":
        del rows[name]
    else:
        one["config"] |= dict(key.split("=", 1) for key in more)
    return 0


def place(rows: Rows, name: str) -> None:
    """Put an instance on the member with the fewest, running."""
    taken = Counter(row["location"] for row in rows.values() if row["status"] == "Running")
    one = rows[name]
    one |= {"status": "Running", "status_code": 103, "location": min(MEMBERS, key=taken.__getitem__)}
    if len(MEMBERS) == 1:
        one["location"] = "none"
    number = int(one["config"]["volatile.cloud-init.instance-id"])
    local = {"family": "inet", "address": "127.0.0.1", "netmask": "8", "scope": "local"}
    linked = {"family": "inet6", "address": "fe80::1", "netmask": "64", "scope": "link"}
    own = {"family": "inet", "address": f"127.7.0.{number}", "netmask": "24", "scope": "global"}
    one["state"]["network"] = {
        "eth0": {"addresses": [linked, own], "state": "up"},
        "lo": {"addresses": [local], "state": "up"},
    }


def row(name: str, number: int, config: dict[str, str]) -> dict[str, Any]:
    """Return an instance as `incus list --format json` shows it."""
    return {
        "architecture": "x86_64",
        "config": {"image.os": "Debian", "volatile.cloud-init.instance-id": str(number), **config},
        "devices": {},
        "ephemeral": False,
        "location": "",
        "name": name,
        "profiles": ["default"],
        "project": "default",
        "snapshots": None,
        "state": {"status": "", "network": None, "pid": 0},
        "status": "",
        "type": "container",
    }


def complain(why: str) -> int:
    """Say what is wrong."""
    sys.stderr.write(f"Error: {why}\n")
    return 1


def say(text: str) -> None:
    """Answer."""
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
