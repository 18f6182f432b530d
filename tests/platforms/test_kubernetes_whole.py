"""Kubernetes from end to end, by the manifest that is published: nodes listed, measured, labelled, watched.

The API is the stub, the nodes are instances of a lab with real packets, and `kubectl` is a program that gets
into those.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from keepapart.cli import main
from keepapart.lab import client
from keepapart.lab.client import Lab
from keepapart.lab.world import world
from tests.platforms.kubernetes_stub import Stub, node, serving
from tests.platforms.own_venv import own_venv
from tests.watch.test_process import until, watching

MANIFEST = Path(__file__).parents[2] / "examples" / "kubernetes" / "keepapart.yaml"
KEY = "topology.keepapart.io/host"
WATCH = "/v1/clusters/nodes"
WORLD = {
    "name": "kube",
    "racks": [{"name": "a", "hosts": 3, "capacity": 4}],
    "clusters": [{"name": "nodes", "size": 4}],
}
KUBECTL = """#!/bin/sh
# Gets into the instance of the lab that stands for a node, as kubectl gets into the pod on it.
echo "$1" >> {log}
for word; do
  case $word in
    spec.nodeName=*) echo "pod/on-${{word#*=}}"; exit ;;
    pod/on-*) node=${{word#*-}} ;;
  esac
done
while [ "$1" != -- ]; do shift; done
shift
exec {python} -m keepapart lab exec "$node" -- "$@"
"""


def documents() -> dict[tuple[str, str], Any]:
    """Return what the manifest has, by kind and name."""
    found = yaml.safe_load_all(MANIFEST.read_text(encoding="utf-8"))
    return {(one["kind"], one["metadata"]["name"]): one for one in found}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Bring up four nodes on three hosts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        with client.running(world.parse(WORLD, "test")) as lab:
            if lab.kind != "netns":
                pytest.skip(lab.because)
            yield lab


@pytest.fixture
def api(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    """Serve the nodes, and write what the manifest's pods would have in front of them."""
    for one, number in zip(lab.instances(), (0, 0, 1, 2), strict=True):
        if lab.truth()[one.id].host != lab.hosts()[number]:
            lab.move(one.id, lab.hosts()[number])
    data = documents()["ConfigMap", "keepapart"]["data"]
    (tmp_path / "way-in").write_text(data["way-in"])
    config = data["keepapart.toml"].replace("/etc/keepapart", str(tmp_path))
    config = config.replace("/var/lib/keepapart", str(tmp_path))
    more = '[network]\nmodel = "routed-host"\n[watch]\nlisten = "127.0.0.1:0"\n'
    (tmp_path / "keepapart.toml").write_text(config + more)
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "kubectl").write_text(KUBECTL.format(log=tmp_path / "asked", python=sys.executable))
    (programs / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    with serving() as stub:
        stub.nodes = [
            node(one.id, {"other": "label"}, addresses=(("InternalIP", one.address),))
            for one in lab.instances()
        ]
        (tmp_path / "kubeconfig").write_text(stub.kubeconfig())
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
        yield stub


def keepapart(folder: Path, *words: str) -> int:
    """Run a verb by the manifest's configuration."""
    return main(["-c", str(folder / "keepapart.toml"), *words])


def labels(api: Stub) -> dict[str, str]:
    """Return the label of each node."""
    return {one["metadata"]["name"]: one["metadata"]["labels"].get(KEY, "") for one in api.nodes}


def are_true(api: Stub, lab: Lab) -> bool:
    """Whether two nodes have one label exactly where they are on one host."""
    found, truth = labels(api), {name: place.host for name, place in lab.truth().items()}
    return all(found.values()) and all(
        (found[a] == found[b]) == (truth[a] == truth[b]) for a, b in combinations(found, 2)
    )


def versions(api: Stub) -> list[str]:
    """Return the version of each node."""
    return [one["metadata"]["resourceVersion"] for one in api.nodes]


def test_nodes_are_measured_and_labelled_by_what_the_manifest_allows(
    api: Stub, lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Labels are the truth, written once each; all rights that the manifest gives are used, and no others."""
    assert keepapart(tmp_path, "audit", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["verdicts"] == {"separate": 5, "co-resident": 1, "unknown": 0}
    assert keepapart(tmp_path, "export", "kubernetes", "--apply", "--unknown", "leave-out") == 0
    assert are_true(api, lab)
    assert versions(api) == ["2"] * 4
    assert keepapart(tmp_path, "export", "kubernetes", "--apply") == 0
    assert versions(api) == ["2"] * 4
    rights = {path.partition("?")[0].count("/") for path in api.asked}  # /api/v1/nodes, /api/v1/nodes/NAME
    asked = {{3: "list", 4: "patch"}[number] for number in rights}
    (rule,) = documents()["ClusterRole", "keepapart"]["rules"]
    assert (rule["resources"], set(rule["verbs"])) == (["nodes"], asked)
    way_in = {rule["resources"][0]: rule["verbs"] for rule in documents()["Role", "way-in"]["rules"]}
    assert set((tmp_path / "asked").read_text().split()) == {"get", "exec"}
    assert way_in == {"pods": ["get", "list"], "pods/exec": ["create", "get"]}


def test_a_node_that_migrates_is_told_and_its_label_mended(api: Stub, lab: Lab, tmp_path: Path) -> None:
    """The watch says that the label is of the host that it left; the next `--apply` writes the one node."""
    assert keepapart(tmp_path, "export", "kubernetes", "--apply") == 0
    moved, there = api.nodes[1]["metadata"]["name"], api.nodes[2]["metadata"]["name"]
    before = labels(api)
    with watching(tmp_path) as (process, url):

        def audited(times: int) -> dict[str, Any]:
            def done(answer: httpx.Response) -> bool:
                rows = httpx.get(f"{url}{WATCH}/history").json()["audits"]
                return not answer.json()["auditing"] and len(rows) >= times

            until(url, WATCH, done)
            audit: dict[str, Any] = httpx.get(f"{url}{WATCH}/audit").json()
            return audit

        assert audited(1)["facts_differ"] == []
        lab.move(moved, lab.truth()[there].host)
        process.send_signal(signal.SIGHUP)
        (differs,) = audited(2)["facts_differ"]
        assert (differs["id"], differs["said"][1]["source"], differs["said"][1]["value"]) == (
            moved, "own", before[moved],
        )  # fmt: skip
        assert differs["said"][0]["value"] == f"{before[there]}, with {there}"
        assert differs["said"][0]["counts"] is True
        known = versions(api)
        assert keepapart(tmp_path, "export", "kubernetes", "--apply") == 0
        assert are_true(api, lab)
        assert [old == new for old, new in zip(known, versions(api), strict=True)] == [
            True,
            False,
            True,
            True,
        ]
        process.send_signal(signal.SIGHUP)
        assert audited(3)["facts_differ"] == []
        printed = httpx.get(f"{url}{WATCH}/export/kubernetes").text
        assert {
            one["metadata"]["name"]: one["metadata"]["labels"][KEY] for one in yaml.safe_load_all(printed)
        } == labels(api)


def test_what_keepapart_wrote_is_no_evidence(api: Stub, tmp_path: Path) -> None:
    """Where hops say nothing, labels of its own on all nodes leave every pair unknown."""
    for one in api.nodes:
        one["metadata"]["labels"][KEY] = "host-1"
    assert keepapart(tmp_path, "audit", "--stated") == 3
    assert keepapart(tmp_path, "export", "kubernetes", "--stated", "--apply") == 3


def test_a_node_without_its_pod_is_lost_by_name(
    api: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The way in says which node has none; that node alone is unknown."""
    script = tmp_path / "bin" / "kubectl"
    name = api.nodes[3]["metadata"]["name"]
    script.write_text(
        script.read_text().replace("for word;", f'case "$*" in *={name}*) exit;; esac; for word;', 1)
    )
    assert keepapart(tmp_path, "audit", "--json") == 1
    (lost,) = [one for one in json.loads(capsys.readouterr().out)["instances"] if not one["reached"]]
    assert (lost["id"], f"no pod of keepapart-node is on node {name}" in lost["because"]) == (name, True)


def test_the_manifest_is_taken_by_the_published_schemas_and_by_kubectl() -> None:
    """Each document, strictly; kubectl reads as many."""
    validate = own_venv("kubernetes-validate", "kubernetes-validate==1.37.0").parent / "kubernetes-validate"
    done = subprocess.run([validate, "--strict", MANIFEST], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    if kubectl := shutil.which("kubectl"):
        command = [kubectl, "label", "--local", "-f", str(MANIFEST), "a=b", "-o", "name"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert len(done.stdout.splitlines()) == len(documents())


def test_no_pod_of_the_manifest_has_more_than_it_needs() -> None:
    """None is root or writes to its own files; the node's has no account, and only the node's network."""
    found = documents()
    pods = [
        found[name]["spec"]["template"]["spec"] for name in found if name[0] in ("DaemonSet", "Deployment")
    ]
    assert len(pods) == 2
    for pod in pods:
        for container in pod["containers"]:
            rights = {**pod.get("securityContext", {}), **container["securityContext"]}
            assert rights["runAsNonRoot"]
            assert rights["readOnlyRootFilesystem"]
            assert not rights["allowPrivilegeEscalation"]
            assert rights["capabilities"] == {"drop": ["ALL"]}
            assert rights["seccompProfile"] == {"type": "RuntimeDefault"}
    of_node = found["DaemonSet", "keepapart-node"]["spec"]["template"]["spec"]
    assert of_node["hostNetwork"]
    assert of_node["automountServiceAccountToken"] is False
    assert not {"hostPID", "hostIPC", "volumes"} & of_node.keys()
