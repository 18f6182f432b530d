"""Hosts that somebody has listed already: in ssh's configuration, in an Ansible inventory.

1. Of ssh's configuration each name that stands after `Host` is a host, but no pattern, no jump host, and
   nothing that a user named `git` logs in to. Of several names of one machine the first counts.
2. An Ansible inventory is read by `ansible-inventory` where that is installed, else as far as that goes
   without it (`_ansible`). What of it leads to a host and isn't taken over is told: a key, ssh's arguments,
   another way in than ssh.
3. An address is taken over only from an inventory, and only where it is private: others may lead past the
   network between the hosts. ssh's is ssh's own business: by its name a host has its port, user and key too.
"""

from __future__ import annotations

import glob
import ipaddress
import json
import os
import re
import shlex
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import which
from typing import Any

from keepapart.cli._ansible import variables
from keepapart.errors import UsageError

MOST_INCLUDED = 16  # deep, as OpenSSH has it
BY_SSH = ("", "ssh", "smart", "paramiko", "paramiko_ssh", "local")
NOT_TAKEN = ("ansible_ssh_common_args", "ansible_ssh_extra_args", "ansible_ssh_private_key_file")


@dataclass(frozen=True, slots=True)
class Listed:
    """A host that is listed: its name, how to get in where that isn't by its name, and a private address.

    `lacks` are the variables that say more of the way in, and aren't taken over.
    """

    id: str
    reach: str = ""
    address: str = ""
    lacks: tuple[str, ...] = ()


def ssh_hosts(path: Path) -> list[Listed]:
    """Read the hosts of a configuration of OpenSSH; none where there is none."""
    names: dict[str, dict[str, str]] = {}
    jumps: set[str] = set()
    current: list[str] = []
    for word, value in _ssh_lines(path, path.parent, 0):
        if word == "host":
            current = [name for name in _split(value) if not re.search(r"[*?!]", name)]
            for name in current:
                names.setdefault(name, {})
        elif word == "match":
            current = []
        elif word == "proxyjump":
            jumps |= {re.sub(r"^(ssh://)?(.*@)?\[?|\]?:\d+$|\]$", "", jump) for jump in value.split(",")}
        for name in current:
            names[name].setdefault(word, value)
    machines: dict[tuple[str, ...], str] = {}  # the first name of each that is in
    left_out = {_machine(name, names.get(name, {})) for name in jumps}
    for name, said in names.items():
        if (machine := _machine(name, said)) not in left_out and said.get("user") != "git":
            machines.setdefault(machine, name)
    return list(map(Listed, machines.values()))


def _machine(name: str, said: Mapping[str, str]) -> tuple[str, ...]:
    """Return what leads to a machine, host name, port and jump hosts: names that have the same are one's."""
    host = said.get("hostname", "%h").replace("%h", name).replace("%n", name)
    return host.lower(), *(said.get(key, "") for key in ("port", "proxyjump", "proxycommand"))


def ansible_hosts(path: Path) -> list[Listed]:
    """Read the hosts of an inventory. Raises `UsageError` where it can't be read."""
    if not path.exists():
        raise UsageError(f"--inventory {path}: no such file")
    found = _from_ansible(path) if which("ansible-inventory") else variables(path)
    if not found:
        raise UsageError(f"--inventory {path}: lists no hosts")
    hosts = [_listed(name, _plain(said)) for name, said in found.items()]
    shared = Counter(one.address for one in hosts)  # of machines behind one that forwards to them
    return [one if shared[one.address] == 1 else replace(one, address="") for one in hosts]


def _plain(said: Mapping[str, str]) -> dict[str, str]:
    """Return variables without templates, which only Ansible fills in."""
    return {key: value for key, value in said.items() if "{{" not in value}


def _ssh_lines(path: Path, folder: Path, deep: int) -> Iterator[tuple[str, str]]:
    """Yield the settings of a file and of those it includes: (keyword in small letters, value)."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        match = re.fullmatch(r"\s*(\w+)(?:\s*=\s*|\s+)(.*?)\s*", line)
        if not match:
            continue
        word, value = match[1].lower(), match[2]
        if word == "include" and deep < MOST_INCLUDED:
            for pattern in filter(None, _split(value)):
                for file in _glob(folder / os.path.expanduser(pattern)):  # noqa: PTH111  # Path's raises
                    yield from _ssh_lines(file, folder, deep + 1)
        else:
            yield word, value


def _glob(pattern: Path) -> list[Path]:
    return [Path(name) for name in sorted(glob.glob(str(pattern)))]  # noqa: PTH207  # as glob(3) has it


def _split(value: str) -> list[str]:
    try:
        return shlex.split(value, comments=True)
    except ValueError:
        return value.split()


def _from_ansible(path: Path) -> dict[str, dict[str, str]]:
    command = ["ansible-inventory", "--inventory", str(path), "--list"]
    strict = {**os.environ, "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=strict)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise UsageError(f"--inventory {path}: ansible-inventory can't read it: {why}")
    told = json.loads(done.stdout)
    said = told.get("_meta", {}).get("hostvars", {})
    groups = (group.get("hosts", ()) for name, group in told.items() if name != "_meta")
    return {name: _texts(said.get(name)) for hosts in groups for name in hosts}


def _texts(said: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in (said or {}).items() if value is not None}


def _listed(name: str, said: Mapping[str, str]) -> Listed:
    """Return a host of an inventory; where Ansible goes by ssh as `ssh NAME` does, nothing more is said."""
    host, user, port = (
        said.get(f"ansible_ssh_{key}") or said.get(f"ansible_{key}", "") for key in ("host", "user", "port")
    )
    way = said.get("ansible_connection", "")
    if way == "local":
        return Listed(name, "local", _private(host))
    port = port if port.isdecimal() and 0 < int(port) < 65536 else ""
    written = f"[{host}]" if ":" in host else host or name
    where = f"{user}@{written}" if user else written
    reach = f"ssh://{where}{f':{port}' if port else ''}" if host or user or port else ""
    lacks = [key for key in NOT_TAKEN if said.get(key)]
    lacks += ["ansible_connection"] if way.rpartition(".")[2] not in BY_SSH else []
    return Listed(name, reach, _private(host), tuple(lacks))


def _private(text: str) -> str:
    """Return an address that is private; empty for another, and for a name."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    return str(address) if address.is_private and not address.is_loopback else ""
