"""An inventory read without Ansible has the hosts and the variables that Ansible's own reading gives it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from keepapart.cli._ansible import variables
from tests.platforms.own_venv import own_venv

ANSIBLE = "ansible-core==2.19.14"
pytestmark = pytest.mark.timeout(400)  # it is installed once

INI = """\
; members
cache ansible_host=cache.example.org   # beside
old.example.org:2222
new[1:2]:2223 ansible_port=22
2001:db8::22
[web]
web[01:05:2] ansible_user=ubuntu
[db]
db-[a:c] ansible_host="10.0.0.7" note='it is ours'
[backend:children]
db
queue
[queue]
db-a
[backend:vars]
ansible_user=dba
ansible_port = 22
[all:vars]
ansible_user = "ops"
"""
YAML = """\
---
all:
  vars: {ansible_user: ops, ansible_port: 22}
  hosts:
    cache: {ansible_host: cache.example.org}
  children:
    backend:
      vars: {ansible_user: backend}
      children:
        db: {vars: {ansible_port: 2201}}
        queue: {vars: {ansible_port: 2202}}
    db:
      hosts:
        db-[a:c]:
        db-a: {ansible_host: 10.0.0.7}
    queue: {hosts: {db-a: , queue-1: }}
    zone:
      children: {queue: }
      vars: {ansible_user: zone}
"""
BESIDE = {
    "group_vars/all.yml": "ansible_user: every\nansible_port: 10",
    "group_vars/db/port.yml": "ansible_port: 11",
    "group_vars/db/more/user": "ansible_user: deep",
    "group_vars/db/.hidden.yml": "ansible_port: 66",
    "group_vars/db/saved.yml~": "ansible_port: 66",
    "group_vars/db/notes.txt": "ansible_port: 66",
    "group_vars/queue.json": '{"ansible_port": 12}',
    "group_vars/backend": "ansible_ssh_private_key_file: /keys/backend",
    "host_vars/db-b.yaml": "ansible_host: 10.0.0.8",
    "host_vars/cache/main.yml": "ansible_user: cache",
}
WORKING = {"../group_vars/queue.yml": "ansible_port: 13", "../host_vars/db-b.yml": "ansible_user: here"}
INVENTORIES: Mapping[str, Mapping[str, str]] = {
    "ini": {"hosts": INI},
    "yaml": {"hosts.yml": YAML},
    "ini with variables beside it": {"hosts": INI, **BESIDE},
    "yaml with variables beside it": {"hosts.yml": YAML, **BESIDE},
    "variables in the working folder": {"hosts.yml": YAML, **BESIDE, **WORKING},
    "a folder": {"one": "[db]\na\n", "two.yml": "db: {vars: {ansible_user: two}}", "group_vars/db": "x: 1"},
    "a circle of names": {"hosts": "[web]\nweb ansible_port=1\n[web:vars]\nansible_user=web\n"},
}


@pytest.mark.parametrize("files", INVENTORIES.values(), ids=INVENTORIES)
def test_it_reads_what_ansible_reads(
    files: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every host, and each of its variables as text."""
    inventory = tmp_path / "inventory"
    for name, text in files.items():
        (inventory / name).parent.mkdir(parents=True, exist_ok=True)
        (inventory / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    path = inventory / next(iter(files)) if "two.yml" not in files else inventory
    command = [str(own_venv("ansible", ANSIBLE).with_name("ansible-inventory")), "-i", str(path), "--list"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    said = told.pop("_meta")["hostvars"]
    hosts = {name for group in told.values() for name in group.get("hosts", ())}
    expected = {name: {key: str(value) for key, value in said.get(name, {}).items()} for name in hosts}
    assert variables(path) == expected
