"""`keepapart init`: a file that loads, fits what is there, and never replaces one unasked."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from keepapart.cli import main
from keepapart.cli._inventories import ansible_hosts, ssh_hosts
from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG
from keepapart.clouds.environments import SIGNS, Sign
from keepapart.config import load
from keepapart.errors import LabError
from keepapart.lab import client
from keepapart.model import Instance

Printed = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder on a machine where no lab runs, of an operator without a cloud; return their home."""
    there = tmp_path / "home"
    (there / ".ssh").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(client, "labs", list)
    monkeypatch.setenv("HOME", str(there))
    for sign in SIGNS:
        for name in sign.variables:
            monkeypatch.delenv(name, raising=False)
    return there


class OneLab:
    """A lab whose largest cluster is named as no TOML key could be."""

    def __init__(self, clusters: Sequence[str]) -> None:
        self.clusters = clusters

    def instances(self, tags: dict[str, str]) -> list[Instance]:
        assert tags == {ROLE_TAG: MEMBER}
        return [Instance(f"i-{k}", tags={CLUSTER_TAG: name}) for k, name in enumerate(self.clusters)]


def test_without_a_lab(capsys: Printed) -> None:
    """Without a lab the file is for a list of instances, loads, and says what to do next."""
    assert main(["init"]) == 0
    config = load("keepapart.toml")
    assert config.cloud.provider == "static"
    assert config.instances == ()
    assert "[[instances]]" in capsys.readouterr().out


def test_every_comment_is_a_default_that_loads() -> None:
    """Taking the # away from every setting gives a file that is accepted too, with the same defaults."""
    main(["init"])
    path = Path("keepapart.toml")
    before = load(str(path))
    setting = re.compile(r"^# (?=(\w+ = |\[\[))", re.MULTILINE)
    path.write_text(setting.sub("", path.read_text(encoding="utf-8")), encoding="utf-8")
    after = load(str(path))
    assert [instance.id for instance in after.instances] == ["web-1"]
    assert (after.cluster, after.network, after.launch) == (before.cluster, before.network, before.launch)
    assert (after.store, after.reach.via) == (before.store, before.reach.via)


def test_a_lab_is_adopted_only_where_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    """Somebody's demo is not their cluster: that it runs is said, and no more."""
    monkeypatch.setattr(client, "labs", lambda: ["big"])
    assert main(["init"]) == 0
    assert load("keepapart.toml").cloud.provider == "static"
    assert "lab big is running: --lab adopts it" in capsys.readouterr().out


def test_with_a_lab(monkeypatch: pytest.MonkeyPatch, capsys: Printed) -> None:
    """The file is for the first lab, or the one named, and its largest cluster; others are mentioned."""
    monkeypatch.setattr(client, "labs", lambda: ["big", "small"])
    monkeypatch.setattr(client.Lab, "find", lambda _: OneLab(["a", 'b"', 'b"']))
    assert main(["init", "--lab"]) == 0
    config = load("keepapart.toml")
    assert (config.cloud.provider, config.cloud.settings) == ("lab", {"lab": "big"})
    assert config.cluster.name == 'b"'
    assert "running too: small" in Path("keepapart.toml").read_text(encoding="utf-8")
    assert "2 members" in capsys.readouterr().out
    assert main(["init", "--lab", "small", "--force"]) == 0
    assert load("keepapart.toml").cloud.settings == {"lab": "small"}
    assert main(["init", "--lab", "other", "--force"]) == 2
    assert "no lab other is running" in capsys.readouterr().err


def test_a_lab_that_goes_away_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lab that stops answering doesn't stop the file from being written."""

    def gone(_: str) -> None:
        raise LabError("gone")

    monkeypatch.setattr(client, "labs", lambda: ["big"])
    monkeypatch.setattr(client.Lab, "find", gone)
    assert main(["init", "--lab"]) == 0
    assert load("keepapart.toml").cluster.name == "default"


SSH = """
Host *
    User ops
Host web-1 web-2
    ProxyJump admin@bastion:2222
Host db-1 db-1.example.net
    HostName 10.1.2.3
    Port 2222
Host database
    HostName 10.1.2.3
    Port 2222
Host out
    HostName 8.8.8.8
Host bastion
Host github.com
    User git
Host web-? !web-9
Match host web-1
    HostName 10.9.9.9
Include conf.d/*.conf
"""


def test_the_hosts_of_ssh_s_configuration(home: Path, capsys: Printed) -> None:
    """Each machine that could be a member, by its first name for ssh; no pattern, jump host or forge."""
    (home / ".ssh" / "config").write_text(SSH)
    (home / ".ssh" / "conf.d").mkdir()
    (home / ".ssh" / "conf.d" / "more.conf").write_text('Host="cache 1"\nHost cache-2\n')
    assert main(["init"]) == 0
    config = load("keepapart.toml")
    assert [(i.id, i.address, i.reach) for i in config.instances] == [
        ("web-1", "", "ssh:web-1"),
        ("web-2", "", "ssh:web-2"),
        ("db-1", "", "ssh:db-1"),
        ("out", "", "ssh:out"),
        ("cache 1", "", "ssh:cache 1"),
        ("cache-2", "", "ssh:cache-2"),
    ]
    told = capsys.readouterr().out
    assert "6 of ~/.ssh/config" in told
    assert "take out what is no member" in told


def test_a_configuration_that_includes_itself_ends(home: Path) -> None:
    """As OpenSSH's does, after so many levels."""
    path = home / ".ssh" / "config"
    path.write_text("Host a\nInclude config\n")
    assert [one.id for one in ssh_hosts(path)] == ["a"]


INI = """
; members
cache ansible_host=cache.example.org
[web]
web[01:03] ansible_user=ubuntu
[db]
db-a ansible_host=10.0.0.7 ansible_port=2222
db-b ansible_connection=local
[all:vars]
ansible_user = "ops"
[backend:children]
db
[backend:vars]
ansible_user=dba
"""
YAML = """
all:
  vars: {ansible_user: ops}
  hosts:
    cache: {ansible_host: cache.example.org}
  children:
    web:
      vars: {ansible_user: ubuntu}
      hosts:
        web[01:03]:
    db:
      vars: {ansible_user: dba}
      hosts:
        db-a: {ansible_host: 10.0.0.7, ansible_port: 2222}
        db-b: {ansible_connection: local}
"""


@pytest.mark.parametrize(("name", "text"), [("hosts", INI), ("hosts.yml", YAML)])
def test_an_ansible_inventory(name: str, text: str, capsys: Printed) -> None:
    """Hosts of every group, ranges written out, and the way in that Ansible takes."""
    Path(name).write_text(text)
    assert main(["init", "--inventory", name]) == 0
    found = {i.id: (i.address, i.reach) for i in load("keepapart.toml").instances}
    assert found == {
        "cache": ("", "ssh://ops@cache.example.org"),
        "web01": ("", "ssh://ubuntu@web01"),
        "web02": ("", "ssh://ubuntu@web02"),
        "web03": ("", "ssh://ubuntu@web03"),
        "db-a": ("10.0.0.7", "ssh://dba@10.0.0.7:2222"),
        "db-b": ("", "local"),
    }
    assert f"6 of {name}" in capsys.readouterr().out


LISTED = """{"_meta": {"hostvars": {"db-a": {"ansible_host": "10.0.0.7"}, "gone": {}}},
 "all": {"children": ["ungrouped", "db"]}, "db": {"hosts": ["db-a", "db-b"]}, "web": {"hosts": "web1"}}"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LISTED, {"db-a": "ssh://10.0.0.7", "db-b": "", "web1": ""}),
        ("---\nall: {hosts: [a, b], children: [c]}", {"a": "", "b": ""}),
        ("---\nall:\n  hosts:\n    a: {ansible_user: !vault x, ansible_port: 2222}", {"a": "ssh://a:2222"}),
        (
            "[web] # the front\na[1:2]:2200\nb:2200 ansible_port=22",
            {"a1": "ssh://a1:2200", "a2": "ssh://a2:2200", "b": "ssh://b:22"},
        ),
        ("---\nall:\n  hosts:\n    a:2200:\n      ansible_user: ops", {"a": "ssh://ops@a:2200"}),
        ("a ansible_ssh_host=b ansible_ssh_user=ops ansible_ssh_port=2200", {"a": "ssh://ops@b:2200"}),
        ('{"web": ["a", "b"], "all": {"children": ["web"]}}', {"a": "", "b": ""}),
        ("\ufeff[web]\na", {"a": ""}),
        ("a ansible_user='{{ me }}' ansible_port=abc\nb ansible_port=99999", {"a": "", "b": ""}),
        ("[web]\na\n[web:vars]\nnote=it's ours\n", {"a": ""}),
        ("a[1:3:0]", {"a1": "", "a2": "", "a3": ""}),
    ],
    ids=[
        *("as listed", "lists", "encrypted", "ports in names", "a port in YAML", "old names of variables"),
        *("groups as lists", "a mark of the byte order", "templates and ports", "a quote", "no step"),
    ],
)
def test_what_else_an_inventory_may_have(text: str, expected: dict[str, str]) -> None:
    """What `ansible-inventory --list` says, tags of Ansible's, templates, and what it forgives."""
    Path("hosts").write_text(text)
    assert {one.id: one.reach for one in ansible_hosts(Path("hosts"))} == expected


def test_hosts_behind_one_address_have_none_of_their_own() -> None:
    """They are forwarded to by their ports, and are asked for their addresses."""
    Path("hosts").write_text(
        "a ansible_host=10.0.0.1 ansible_port=22\nb ansible_host=10.0.0.1 ansible_port=23\n"
    )
    found = ansible_hosts(Path("hosts"))
    assert [(one.reach, one.address) for one in found] == [
        ("ssh://10.0.0.1:22", ""),
        ("ssh://10.0.0.1:23", ""),
    ]


def test_a_file_that_can_t_be_written_stays_as_it_was(
    monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    """A full disc leaves the old file, and no part of a new one."""
    Path("keepapart.toml").write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert main(["init", "--force"]) == 2
    assert "No space left" in capsys.readouterr().err
    assert [path.name for path in Path.cwd().iterdir() if path.name.startswith((".keep", "keep"))] == [
        "keepapart.toml"
    ]
    assert Path("keepapart.toml").read_text() == "old"


@pytest.mark.parametrize("value", ['""', "~nouser/x", "/", "conf.d/.*", "conf.d/**x", "more"])
def test_what_can_t_be_included_is_left_out(home: Path, value: str) -> None:
    """As OpenSSH does; and what an included file includes is beside the first one."""
    folder = home / ".ssh"
    (folder / "config").write_text(f"Include {value}\nHost a\n")
    (folder / "more").write_text("Include conf.d/*\n")
    (folder / "conf.d").mkdir()
    (folder / "conf.d" / "one").write_text("Include two\nHost b\n")
    (folder / "two").write_text("Host c\n")
    assert [one.id for one in ssh_hosts(folder / "config")] == (["c", "b", "a"] if value == "more" else ["a"])


def test_a_jump_host_may_be_an_address_in_brackets(home: Path) -> None:
    """It is left out as any jump host, with a port or without."""
    (home / ".ssh" / "config").write_text(
        "Host a\n ProxyJump ops@[2001:db8::1]:22,[2001:db8::2]\nHost 2001:db8::1\nHost 2001:db8::2\n"
    )
    assert [one.id for one in ssh_hosts(home / ".ssh" / "config")] == ["a"]


def test_what_is_not_taken_over_of_an_inventory_is_told(capsys: Printed) -> None:
    """Whose way in takes more than `ssh` knows is named, with what to do."""
    Path("hosts").write_text(
        "a ansible_ssh_common_args='-J jump'\nb ansible_connection=containers.podman.podman\n"
        "c ansible_connection=ansible.builtin.ssh ansible_ssh_common_args='-J jump'\n"
    )
    assert main(["init", "--inventory", "hosts"]) == 0
    told = capsys.readouterr().out
    assert "ansible_ssh_common_args of a and 1 more is not taken over: say it in ~/.ssh/config" in told
    assert "ansible_connection of b is not taken over: name its way in as reach there" in told


def test_a_folder_is_an_inventory_too() -> None:
    """All files in it, whatever their form."""
    folder = Path("inventory")
    folder.mkdir()
    (folder / "a.ini").write_text("one\n")
    (folder / "b.yml").write_text("all: {hosts: {two: }}")
    for name in ("README.md", "a.ini~", ".b.yml.swp"):  # as Ansible has it
        (folder / name).write_bytes(b"no \xff host\n")
    assert [one.id for one in ansible_hosts(folder)] == ["one", "two"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("none", None),
        ("bad.yml", "a: [b"),
        ("bad.ini", "[web]\nweb 'x\n"),
        ("empty", ""),
        ("open.ini", "[web\na\n"),
        ("circle.yml", "a:\n  children: &a\n    b: {children: *a}\n"),
        ("many.ini", "web[1:3000000000]\n"),
        ("squared.ini", "web[1:1000]-[1:1000]\n"),
        ("run", "#!/bin/sh\n"),
    ],
)
def test_an_inventory_that_can_t_be_read(name: str, text: str | None, capsys: Printed) -> None:
    """One line that names it, and no file is written."""
    if text is not None:
        Path(name).write_text(text)
    assert main(["init", "--inventory", name]) == 2
    told = capsys.readouterr().err
    assert name in told
    assert told.count("\n") == 1
    assert not Path("keepapart.toml").exists()


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: sign.by)
def test_each_platform_s_environment_is_seen(
    sign: Sign, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    """By its tools' variables, all that it needs, or by a file of theirs; no content is written anywhere."""
    for name in sign.variables[1:]:
        monkeypatch.setenv(name, "secret")
    if sign.variables[1:]:
        assert main(["init", "--force"]) == 0
        assert sign.provider not in capsys.readouterr().out
    for name in sign.variables[:1]:
        monkeypatch.setenv(name, "secret")
    if sign.file:
        (home / sign.file).parent.mkdir(parents=True, exist_ok=True)
        (home / sign.file).write_text("secret")
    assert main(["init", "--force"]) == 0
    assert f"{sign.provider} ({sign.shown})" in capsys.readouterr().out
    assert "secret" not in Path("keepapart.toml").read_text(encoding="utf-8")
    load("keepapart.toml")


def test_a_platform_alone_is_chosen(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Where nothing else lists members and one provider can be asked, it is; else it is an example."""
    monkeypatch.setenv("AWS_PROFILE", "ops")
    assert main(["init"]) == 0
    assert load("keepapart.toml").cloud.provider == "ec2"
    assert "# member_filter" in Path("keepapart.toml").read_text(encoding="utf-8")
    (home / ".ssh" / "config").write_text("Host web-1\n")
    assert main(["init", "--force"]) == 0
    assert load("keepapart.toml").cloud.provider == "static"
    assert '# provider = "ec2"' in Path("keepapart.toml").read_text(encoding="utf-8")


def test_never_overwrites_unasked(capsys: Printed) -> None:
    """A file that is there stays as it is, and the error names the way out."""
    path = Path("keepapart.toml")
    path.write_text("mine")
    assert main(["init"]) == 2
    assert path.read_text() == "mine"
    assert "--force" in capsys.readouterr().err
    assert main(["init", "--force"]) == 0
    assert load(str(path)).cloud.provider == "static"


def test_written_where_c_says() -> None:
    """-c names the file to write."""
    assert main(["-c", "orders.toml", "init"]) == 0
    assert Path("orders.toml").exists()
    assert not Path("keepapart.toml").exists()


def test_a_folder_that_is_not_there(capsys: Printed) -> None:
    """A path that can't be written is one clear line."""
    assert main(["-c", "missing/orders.toml", "init"]) == 2
    assert "missing/orders.toml" in capsys.readouterr().err
