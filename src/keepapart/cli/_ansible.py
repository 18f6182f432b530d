"""An Ansible inventory, read without Ansible: which hosts it lists, and the variables of each.

1. It is INI or YAML, a file or all files of a folder. What only Ansible can do is left out: programs and
   plug-ins, templates, what is encrypted.
2. Variables come, the later before the earlier, from the inventory's groups, from `group_vars/all`, from
   `group_vars` of the groups, from the inventory's hosts and from `host_vars`; groups by how deep they are
   below `all`, then by name. These folders are looked for beside the inventory, then in the working folder,
   as `ansible-inventory` does.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from pathlib import Path
from typing import Any

from keepapart.errors import UsageError

ALL = "all"
RANGE = re.compile(r"\[(\w+):(\w+)(?::(\d+))?\]")
YAML = (".yml", ".yaml", ".json")
PASSED_OVER = (
    *(".cfg", ".py", ".pyc", ".pyo", ".sh", ".swp", ".bak"),
    *(".rpm", ".md", ".txt", ".rst", ".orig", ".retry"),
)
PORT = re.compile(r"((?:\[[^\]]*\]|[^\[\]:])+):(\d+)")  # a name, or a range of names, and its port
MOST = 100_000  # hosts that the ranges in one name may stand for

Variables = dict[str, str]


@dataclass
class _Inventory:
    """What `path` says: the variables of hosts and of groups, and the groups that a host or a group is in."""

    path: Path
    hosts: dict[str, Variables] = field(default_factory=dict)
    groups: dict[str, Variables] = field(default_factory=dict)
    above: dict[str, set[str]] = field(default_factory=dict)

    def host(self, pattern: str, group: str, said: Mapping[str, str]) -> None:
        """Put the hosts of a pattern into a group: "web[01:03]", "db:2222"."""
        port = {}
        if match := PORT.fullmatch(pattern):
            pattern, port["ansible_port"] = match.groups()
        for name in self._expanded(pattern):
            self.within(name, group)
            self.hosts.setdefault(name, {}).update({**port, **said})

    def within(self, name: str, group: str) -> None:
        """Put a host or a group into a group."""
        self.above.setdefault(name, set()).add(group)

    def order(self, host: str) -> list[str]:
        """Return the groups of a host but `all`, the nearest to it last."""
        found: set[str] = set()
        waiting = {host}
        while waiting:
            waiting = {group for name in waiting for group in self.above.get(name, ())} - found - {ALL}
            found |= waiting
        return sorted(found, key=lambda group: (self._depth(group, frozenset()), group))

    def _expanded(self, pattern: str) -> list[str]:
        """Write out the ranges in a pattern."""
        parts: list[Sequence[str]] = []
        at = 0
        for match in RANGE.finditer(pattern):
            parts += [[pattern[at : match.start()]], _range(match[1], match[2], int(match[3] or 1) or 1)]
            at = match.end()
        if math.prod(map(len, parts)) > MOST:
            many = f"--inventory {self.path}: {pattern!r} stands for too many hosts"
            raise UsageError(many, f"{MOST:,} are the most")
        return ["".join(words) for words in product(*parts, [pattern[at:]])]

    def _depth(self, group: str, below: frozenset[str]) -> int:
        """Return how many groups are above it at most; a circle ends by itself."""
        above = self.above.get(group, set()) - below - {group, ALL}
        return 1 + max((self._depth(one, below | {group}) for one in above), default=0)


def variables(path: Path) -> dict[str, Variables]:
    """Return the variables of each host of an inventory. Raises `UsageError` where it can't be read."""
    inventory = _Inventory(path)
    for file in _files(path):
        try:
            _read(file, inventory)
        except RecursionError:
            raise UsageError(f"--inventory {file}: a group in it is within itself") from None
    folders = [path if path.is_dir() else path.parent, Path()]
    return {name: _merged(name, inventory, folders) for name in inventory.hosts}


def _merged(host: str, inventory: _Inventory, folders: Sequence[Path]) -> Variables:
    """Return the variables of a host, by rule 2."""
    order = inventory.order(host)
    found: Variables = {}
    for group in [ALL, *order]:
        found |= inventory.groups.get(group, {})
    for groups in [ALL], order:
        for folder in folders:
            for group in groups:
                found |= _beside(folder / "group_vars", group)
    found |= inventory.hosts[host]
    for folder in folders:
        found |= _beside(folder / "host_vars", host)
    return found


def _beside(folder: Path, name: str) -> Variables:
    """Read NAME, NAME.yml, NAME.yaml and NAME.json of a folder, and all such files of a folder NAME in it."""
    found: Variables = {}
    for path in (folder / f"{name}{suffix}" for suffix in ("", *YAML)):
        inner = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in inner:
            passed_over = any(map(_is_passed_over, file.relative_to(folder).parts))
            if file.is_file() and file.suffix in ("", *YAML) and not passed_over:
                found |= _texts(_loaded(_text(file), file))
    return found


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    there = [one for one in sorted(path.iterdir()) if one.is_file() and not _is_passed_over(one.name)]
    return [one for one in there if one.suffix not in PASSED_OVER]


def _is_passed_over(name: str) -> bool:
    return name.startswith(".") or name.endswith("~")


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise UsageError(f"--inventory {file}: can't be read: {error}") from None


def _read(file: Path, inventory: _Inventory) -> None:
    text = _text(file)
    if text.startswith("#!"):
        mend = f"`{file} --list >hosts.json`, and --inventory hosts.json"
        raise UsageError(f"--inventory {file}: a program is run by ansible-inventory, which isn't here", mend)
    if file.suffix in YAML or text.lstrip().startswith(("{", "---")):
        _yaml(_loaded(text, file), inventory)
    else:
        _ini(text, file, inventory)


def _ini(text: str, file: Path, inventory: _Inventory) -> None:
    group, part = ALL, "hosts"
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if not line or line[0] in "#;":
            continue
        if match := re.fullmatch(r"\[([^\]:]+)(?::(\w+))?\]\s*(?:#.*)?", line):
            group, part = match[1], match[2] or "hosts"
            continue
        if part == "vars":
            key, _, value = line.partition("=")
            inventory.groups.setdefault(group, {})[key.strip()] = value.strip().strip("\"'")
            continue
        try:
            name, *words = shlex.split(line, comments=True)
        except ValueError as error:
            raise UsageError(f"--inventory {file}: line {number}: {error}") from None
        if name.startswith("["):
            raise UsageError(f"--inventory {file}: line {number}: {line!r} is no group", "[GROUP] is wanted")
        if part == "children":
            inventory.within(name, group)
        else:
            inventory.host(name, group, dict(_settings(words)))


def _settings(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        key, sign, value = word.partition("=")
        if sign:
            yield key, value


def _yaml(told: Any, inventory: _Inventory) -> None:
    """Read groups by name, or what a program prints for `--list`, where hosts' variables are in `_meta`."""
    groups = _named(told)
    for name, group in groups.items():
        if name != "_meta":
            _group(str(name), {"hosts": group} if isinstance(group, list) else group, inventory)
    for name, said in _named(_named(groups.get("_meta")).get("hostvars")).items():
        if name in inventory.hosts:
            inventory.hosts[name] |= _texts(said)


def _group(name: str, group: Any, inventory: _Inventory) -> None:
    told = _named(group)
    inventory.groups.setdefault(name, {}).update(_texts(told.get("vars")))
    for host, own in _named(told.get("hosts")).items():
        inventory.host(str(host), name, _texts(own))
    for child, within in _named(told.get("children")).items():
        inventory.within(str(child), name)
        _group(str(child), within, inventory)


def _loaded(text: str, file: Path) -> Any:
    from yaml import SafeLoader, YAMLError, load

    class Loader(SafeLoader):  # type: ignore[misc]  # yaml has no types
        """What is encrypted, or has a tag of Ansible's, is nothing."""

    Loader.add_multi_constructor("!", lambda _loader, _tag, _node: None)
    try:
        return load(text, Loader)  # noqa: S506  # it is a safe one
    except YAMLError as error:
        raise UsageError(f"--inventory {file}: is no YAML: {str(error).splitlines()[0]}") from None


def _named(told: Any) -> Mapping[Any, Any]:
    """Return what is told by name; one name and a list of names tell nothing more."""
    if isinstance(told, Mapping):
        return told
    return dict.fromkeys([told] if isinstance(told, str) else told if isinstance(told, list) else ())


def _texts(values: Any) -> Variables:
    told = values.items() if isinstance(values, Mapping) else ()
    return {str(key): str(value) for key, value in told if value is not None}


def _range(first: str, last: str, step: int) -> list[str]:
    """Write out a range: "01" to "03", "a" to "c"; no more of it than is too many."""
    if first.isdecimal() and last.isdecimal():
        width = len(first) if first.startswith("0") else 0
        return [f"{number:0{width}d}" for number in islice(range(int(first), int(last) + 1, step), MOST + 1)]
    return [chr(code) for code in range(ord(first[0]), ord(last[0]) + 1, step)]
