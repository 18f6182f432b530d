"""The recipes of docs/platforms/by-hand.md, run as they stand over what each tool prints.

What the tools print is shortened to what matters and to what misleads, in the shapes that their sources and
published examples have.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from keepapart.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "platforms" / "by-hand.md"
RECIPES = dict(re.findall(r"^### (.+?)\n.*?^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S))
pytestmark = pytest.mark.skipif(not shutil.which("jq"), reason="needs jq: apt-get install jq")

Answers = dict[str, Any]  # what a tool prints, by words of its command line


def guest(vmid: int, name: str, node: str, **more: str) -> Answers:
    """Return a row of Proxmox's /cluster/resources."""
    status = {"status": "running", "template": 0, "type": "qemu", "maxcpu": 2, "cpu": 0.01}
    return {"id": f"qemu/{vmid}", "vmid": vmid, "name": name, "node": node, **status, **more}


def listed(name: str, host: str | None, status: str = "ACTIVE", task: str | None = None) -> Answers:
    """Return a row of `openstack server list --long -f json`."""
    row = {"ID": f"id-{name}", "Name": name, "Status": status, "Task State": task, "Power State": 1}
    networks = {"Networks": {"private": ["10.0.0.5"]}, "Image Name": "debian", "Flavor": "m1"}
    return {**row, **networks, "Availability Zone": "nova", "Host": host, "Properties": {}}


def shown(name: str, host: str, status: str = "ACTIVE", task: str | None = None) -> Answers:
    """Return what `openstack server show -f json` prints."""
    extended = {"OS-EXT-AZ:availability_zone": "nova", "OS-EXT-STS:task_state": task}
    return {"id": f"id-{name}", "name": name, "status": status, "hostId": host, "project_id": "p", **extended}


def linode(label: str, host: str, status: str = "running") -> Answers:
    """Return a row of `linode-cli linodes list` with all columns."""
    return {"id": 7, "label": label, "status": status, "region": "eu-central", "host_uuid": host, "tags": []}


def scw(name: str, hypervisor: str | None) -> Answers:
    """Return a row of `scw instance server list`."""
    place = {"zone_id": "par1", "platform_id": "14", "cluster_id": "3", "node_id": "9"}
    running = {"state": "running", "location": {**place, "hypervisor_id": hypervisor}}
    return {
        "id": name,
        "name": name,
        "zone": "fr-par-1",
        **(running if hypervisor else {"state": "stopped", "location": None}),
    }


def node(name: str, **labels: str) -> Answers:
    """Return a node as `kubectl get nodes -o json` shows it."""
    of_kubernetes = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": "a"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {**of_kubernetes, **labels}},
    }


def machine(name: str, host: str | None, power: str = "poweredOn") -> Answers:
    """Return a virtual machine as `govc vm.info -json` shows it."""
    runtime: Answers = {"powerState": power, "connectionState": "connected"}
    if host:
        runtime["host"] = {"type": "HostSystem", "value": host}
    return {"self": {"type": "VirtualMachine", "value": f"vm-{name}"}, "name": name, "runtime": runtime}


def member(name: str, location: str, status: str = "Running") -> Answers:
    """Return a row of `incus list -f json`."""
    return {"name": name, "location": location, "status": status, "status_code": 103, "config": {}}


def capabilities(uuid: str) -> str:
    """Return the beginning of what `virsh capabilities` prints."""
    host = f"  <host>\n    <uuid>{uuid}</uuid>\n    <cpu/>\n  </host>"
    return f"<capabilities>\n\n{host}\n\n  <guest/>\n</capabilities>\n"


OPENSTACK_LABEL = {"topology.openstack.org/host-id": "h1"}
# By recipe: the tool's answers, where web-1 and web-2 share a host, web-3 has another, web-4 is nowhere; and
# what puts two of one name beside them.
PRINTED: dict[str, tuple[Answers, Answers | None]] = {
    "Proxmox VE": (
        {
            "pvesh get /cluster/resources": [
                *(guest(100 + n, f"web-{n}", node) for n, node in ((1, "a"), (2, "a"), (3, "b"))),
                guest(104, "web-4", "b", lock="migrate"),
                guest(105, "web-4", "b", status="stopped"),
                {"id": "node/a", "node": "a", "type": "node", "status": "online"},
                {"id": "storage/a/local", "node": "a", "type": "storage", "status": "available"},
            ]
        },
        {"pvesh get /cluster/resources": [guest(101, "web-1", "a"), guest(102, "web-1", "b")]},
    ),
    "OpenStack, as an administrator": (
        {
            "openstack server list --long": [
                *(listed(f"web-{n}", host) for n, host in ((1, "a"), (2, "a"), (3, "b"))),
                listed("web-4", "b", task="migrating"),
                listed("web-4", "b", status="SHUTOFF"),
            ]
        },
        {"openstack server list --long": [listed("web-1", "a"), listed("web-1", "b")]},
    ),
    "OpenStack, as anybody": (
        {
            "openstack server list -f value": "1\n2\n3\n4\n",
            "openstack server show -f json 1": shown("web-1", "aa"),
            "openstack server show -f json 2": shown("web-2", "aa"),
            "openstack server show -f json 3": shown("web-3", "bb"),
            "openstack server show -f json 4": shown("web-4", "", status="BUILD"),
        },
        None,
    ),
    "Linode": (
        {
            "linode-cli --json --all-columns --all-rows linodes list": [
                *(linode(f"web-{n}", host) for n, host in ((1, "a"), (2, "a"), (3, "b"))),
                linode("web-4", "b", "migrating"),
            ]
        },
        {"linode-cli": [linode("web-1", "a"), linode("web-1", "b")]},
    ),
    "Scaleway": (
        {"scw": [scw("web-1", "101"), scw("web-2", "101"), scw("web-3", "102"), scw("web-4", None)]},
        {"scw": [scw("web-1", "101"), scw("web-1", "102")]},
    ),
    "Kubernetes": (
        {
            "kubectl get nodes": {
                "kind": "List",
                "items": [
                    node("web-1", **OPENSTACK_LABEL),
                    node("web-2", **OPENSTACK_LABEL),
                    node("web-3", **{"node.cluster.x-k8s.io/esxi-host": "esx-3"}),
                    node("web-4"),
                ],
            }
        },
        None,
    ),
    "libvirt": (
        {
            "virsh -c qemu+ssh://root@h1/system capabilities": capabilities("4c4c4544-0001"),
            "virsh -c qemu+ssh://root@h2/system capabilities": capabilities("4c4c4544-0002"),
            "virsh -c qemu+ssh://root@h1/system list": "web-1\nweb-2\n\n",
            "virsh -c qemu+ssh://root@h2/system list": "web-3\n\n",
        },
        {"virsh -c qemu+ssh://root@h1/system capabilities": capabilities("1"), "virsh": "web-1\nweb-1\n"},
    ),
    "VMware vSphere": (
        {
            "govc find": "/DC0/vm/web-1\n/DC0/vm/web-2\n/DC0/vm/web 3\n",
            "govc vm.info": {
                "virtualMachines": [
                    *(machine(f"web-{n}", host) for n, host in ((1, "host-8"), (2, "host-8"), (3, "host-9"))),
                    machine("web-4", "host-9", "poweredOff"),
                    machine("web-4", None),
                ]
            },
        },
        {"govc": {"virtualMachines": [machine("web-1", "host-8"), machine("web-1", "host-9")]}},
    ),
    "Incus and LXD": (
        {
            "incus": [
                member("web-1", "a"),
                member("web-2", "a"),
                member("web-3", "b"),
                member("web-4", "none"),
            ]
        },
        {"incus": [member("web-1", "a"), member("web-1", "b")]},
    ),
}


def put_in_place(folder: Path, answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put tools on PATH that print these answers, the first whose words begin the command line."""
    binaries = folder / "bin"
    binaries.mkdir()
    cases: dict[str, list[str]] = {}
    for number, (words, answer) in enumerate(answers.items()):
        tool = words.partition(" ")[0]
        text = answer if isinstance(answer, str) else json.dumps(answer)
        (binaries / f"answer-{number}").write_text(text, encoding="utf-8")
        cases.setdefault(tool, []).append(f"'{words}'*) cat '{binaries}/answer-{number}';;")
    for tool, lines in cases.items():
        path = binaries / tool
        path.write_text(f'#!/bin/sh\ncase "{tool} $*" in\n' + "\n".join(lines) + "\n*) exit 64;;\nesac\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{binaries}{os.pathsep}{os.environ['PATH']}")


def configured(folder: Path, command: str) -> str:
    """Write a configuration of four members with a recipe, in quotes as the page says."""
    members = "".join(f'[[instances]]\nid = "web-{n}"\n' for n in (1, 2, 3, 4))
    path = folder / "keepapart.toml"
    path.write_text(f"[facts]\ncommand = '''\n{command}'''\n{members}", encoding="utf-8")
    return str(path)


def test_every_recipe_of_the_page_is_run_here() -> None:
    """No recipe is without a test, and no test without its recipe."""
    assert RECIPES.keys() == PRINTED.keys()


@pytest.mark.parametrize("name", PRINTED)
def test_a_recipe_tells_who_shares_a_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Of what the tool prints, web-1 and web-2 share a host, web-3 is apart, and web-4 is unknown to all."""
    put_in_place(tmp_path, PRINTED[name][0], monkeypatch)
    assert main(["-c", configured(tmp_path, RECIPES[name]), "audit", "--stated", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    verdicts = {(p["a"], p["b"]): (p["verdict"], p["strength"]) for p in found["pairs"]}
    labels = name == "Kubernetes"
    assert verdicts["web-1", "web-2"] == ("co-resident", "strong" if labels else "conclusive")
    assert verdicts["web-1", "web-3"] == (("unknown", None) if labels else ("separate", "conclusive"))
    assert verdicts["web-3", "web-4"] == ("unknown", None)


@pytest.mark.parametrize("name", [name for name, (_, twice) in PRINTED.items() if twice])
def test_two_of_one_name_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """A name that means two machines states nothing of either: one line, exit code 4."""
    answers = PRINTED[name][1]
    assert answers is not None
    put_in_place(tmp_path, answers, monkeypatch)
    assert main(["-c", configured(tmp_path, RECIPES[name]), "audit", "--stated"]) == 4
    assert "two are called web-1" in capsys.readouterr().err


@pytest.mark.parametrize("name", PRINTED)
def test_a_tool_that_fails_states_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """No tool, no facts: one line, and never an audit that knows nothing."""
    put_in_place(tmp_path, {RECIPES[name].split()[0]: ""}, monkeypatch)
    assert main(["-c", configured(tmp_path, RECIPES[name]), "audit", "--stated"]) == 4
    assert capsys.readouterr().err.count("\n") == 1


def test_the_simplest_program_lists_with_nodes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The program of docs/platforms/command.md is a cloud: who shares a node, and who doesn't run."""
    page = PAGE.with_name("command.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```sh\n(#!/bin/sh\n.*?)^```", page, re.M | re.S)
    answers = PRINTED["Proxmox VE"][0]["pvesh get /cluster/resources"]
    guests = [row for row in answers if row.get("vmid") in (101, 102, 103, 105)]
    put_in_place(tmp_path, {"pvesh get /cluster/resources --type vm": guests}, monkeypatch)
    (tmp_path / "my-cloud").write_text(program)
    (tmp_path / "my-cloud").chmod(0o755)
    path = tmp_path / "keepapart.toml"
    path.write_text('[cloud]\nprovider = "command"\ncommand = "./my-cloud"\n')
    assert main(["-c", str(path), "audit", "--stated", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["verdicts"] == {"separate": 2, "co-resident": 1, "unknown": 3}
    assert {i["id"]: i.get("because") for i in found["instances"]}["web-4"] == "it is stopped"
