"""Labels of Kubernetes' nodes, written through an API that keeps versions: own ones, and no others."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from keepapart.documents.domains import DomainsDocument
from keepapart.errors import CloudError, UsageError
from keepapart.exports import formats, map_of
from keepapart.exports.kubernetes import WROTE
from keepapart.exports.node_labels import write_labels
from tests.platforms.kubernetes_stub import Stub, node, serving
from tests.platforms.own_venv import own_venv
from tests.report.audits import audit_of

KEY = "topology.keepapart.io/host"
NAMES = ("web-1", "web-2", "web-3")


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    """Yield a stub with three nodes, which the kubeconfig names."""
    with serving() as stub:
        stub.nodes = [node(name, {"other": "label"}) for name in NAMES]
        path = tmp_path / "kubeconfig"
        path.write_text(stub.kubeconfig())
        monkeypatch.setenv("KUBECONFIG", str(path))
        yield stub


def found(*hosts: int, unknown: bool = False) -> DomainsDocument:
    """Return the map of the three on these hosts; where `unknown`, nothing is known of the last."""
    lost = {"web-3": "lost"} if unknown else {}
    return map_of(audit_of([(0, host) for host in hosts], lost=lost), "host", "leave-out")


def labels(stub: Stub) -> dict[str, dict[str, str]]:
    """Return every node's labels."""
    return {one["metadata"]["name"]: one["metadata"]["labels"] for one in stub.nodes}


def patched(stub: Stub) -> list[str]:
    """List the nodes of the calls that were patches."""
    return [path.rpartition("/")[2] for path in stub.asked if "/nodes/" in path]


def test_labels_become_what_the_map_says(api: Stub) -> None:
    """Each node gets its host; others' labels stay; the same again changes nothing."""
    assert write_labels(found(0, 0, 1), KEY) == f"{KEY}: wrote 3 nodes, the others have it as it is"
    hosts = {name: of[KEY] for name, of in labels(api).items()}
    assert hosts == {"web-1": "host-1", "web-2": "host-1", "web-3": "host-2"}
    assert all(of["other"] == "label" for of in labels(api).values())
    api.asked.clear()
    assert write_labels(found(0, 0, 1), KEY).startswith(f"{KEY}: wrote 0 nodes")
    assert patched(api) == []


def test_only_what_differs_is_patched(api: Stub) -> None:
    """One that moved is written, the others aren't touched."""
    write_labels(found(0, 0, 1), KEY)
    api.asked.clear()
    write_labels(found(0, 1, 2), KEY)
    assert "web-1" not in patched(api)
    assert labels(api)["web-2"][KEY] == "host-2"


def test_a_label_that_no_longer_holds_is_removed(api: Stub) -> None:
    """Of one that nothing is known of, and of one that is no member any more, ours go; the rest stays."""
    write_labels(found(0, 1, 2), KEY)
    write_labels(found(0, 1, 2, unknown=True), KEY)
    assert labels(api)["web-3"] == {"other": "label"}
    assert WROTE not in api.nodes[2]["metadata"]["annotations"]
    two = map_of(audit_of([(0, 0), (0, 1)]))
    api.nodes[2]["metadata"]["labels"][KEY] = "somebody's"
    write_labels(two, KEY)
    assert labels(api)["web-3"][KEY] == "somebody's"


def test_what_somebody_else_wrote_is_left_alone(api: Stub) -> None:
    """Another's label stands in the way: nothing is written, and the node is named."""
    api.nodes[1]["metadata"]["labels"]["topology.kubernetes.io/zone"] = "eu-1a"
    with pytest.raises(
        UsageError, match=r"node web-2: somebody else wrote topology\.kubernetes\.io/zone=eu-1a"
    ):
        write_labels(found(0, 0, 1), "topology.kubernetes.io/zone")
    assert patched(api) == []


def test_two_clusters_of_instances_keep_their_own(api: Stub) -> None:
    """A node that is another audit's member keeps the label that this wrote."""
    write_labels(map_of(audit_of([(0, 0), (0, 1), (0, 2)])), KEY)
    api.nodes[0]["metadata"]["annotations"][WROTE] = json.dumps({KEY: "another"})
    api.nodes[0]["metadata"]["name"] = "of-another"
    api.nodes.append(node("web-1"))
    write_labels(found(0, 1, 2), KEY)
    assert labels(api)["of-another"][KEY] == "host-1"


def test_who_comes_between_isn_t_overwritten(api: Stub) -> None:
    """A node that changed since it was read is read anew, and what changed stays."""

    def other(one: dict) -> None:  # type: ignore[type-arg]
        one["metadata"]["labels"]["new"] = "by another"
        one["metadata"]["resourceVersion"] = "7"

    api.between.append(other)
    write_labels(found(0, 0, 1), KEY)
    assert sorted(patched(api)) == ["web-1", "web-1", "web-2", "web-3"]
    assert labels(api)["web-1"] == {"other": "label", "new": "by another", KEY: "host-1"}


def test_what_fails_is_one_line(api: Stub) -> None:
    """A member that is no node, a token that is none."""
    del api.nodes[2]
    with pytest.raises(UsageError, match="no node is called 'web-3'; --rename-id"):
        write_labels(found(0, 0, 1), KEY)
    api.failing = 403
    with pytest.raises(CloudError, match="kubernetes: by order of a test"):
        write_labels(found(0, 0, 1), KEY)


def test_the_manifests_are_nodes() -> None:
    """The published schema takes them, strictly; a label that is a number is refused."""
    validate = own_venv("kubernetes-validate", "kubernetes-validate==1.37.0").parent / "kubernetes-validate"
    text = formats()["kubernetes"].render(found(0, 0, 1))[""]

    def accepted(text: str) -> bool:
        return subprocess.run([validate, "--strict", "-"], input=text, text=True, check=False).returncode == 0

    assert accepted(text)
    assert not accepted(text.replace('"host-1"', "1"))


def test_kubectl_takes_the_manifests() -> None:
    """kubectl reads each node and its label."""
    kubectl = shutil.which("kubectl")
    if not kubectl:
        pytest.skip("no kubectl here; Debian's package is kubernetes-client")
    text = formats()["kubernetes"].render(found(0, 0, 1))[""]
    path = "jsonpath={.metadata.labels.topology\\.keepapart\\.io/host} "
    command = [kubectl, "label", "--local", "-f", "-", "a=b", "-o", path]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["host-1", "host-1", "host-2"]


@pytest.mark.parametrize("key", ["-/host", "a.io/", "a.io/" + "x" * 64, "a.io/b/c", "A.io/host"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    """kubectl doesn't check keys, so this does."""
    with pytest.raises(UsageError, match="kubernetes: key: a label's key"):
        formats()["kubernetes"].render(found(0, 0, 1), {"key": key})
