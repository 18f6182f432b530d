"""Kubernetes' nodes, against a stub whose nodes are the API's own models."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from keepapart import clouds
from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG, STOPPING, Listing, connect
from keepapart.clouds.kubernetes import nodes
from keepapart.clouds.kubernetes.labels import HOSTS, REGION, ZONE, statements
from keepapart.clouds.kubernetes.nodes import Nodes
from keepapart.clouds.kubernetes.provider_id import instance_of
from keepapart.errors import CloudError, ConfigError
from keepapart.model import Instance
from keepapart.testing.clouds import LISTING_RULES, CloudRule, CloudUnderTest
from tests.platforms.conftest import Audit
from tests.platforms.kubernetes_stub import Stub, node, serving

OURS = {"keepapart/cluster": "orders", "keepapart/role": "member"}
TAGS = {CLUSTER_TAG: "orders", ROLE_TAG: MEMBER}
ALL = 'provider = "kubernetes"\nmember_filter = {name = "*"}\n'
Open = Callable[..., Listing]


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    """Yield a cluster without nodes, which KUBECONFIG names."""
    with serving() as stub:
        path = tmp_path / "kubeconfig"
        path.write_text(stub.kubeconfig(), encoding="utf-8")
        monkeypatch.setenv("KUBECONFIG", str(path))
        yield stub


@pytest.fixture
def cloud(stub: Stub) -> Iterator[Open]:  # noqa: ARG001  # its kubeconfig
    """Return what opens the provider with these settings."""
    opened: list[Listing] = []

    def start(**settings: Any) -> Listing:
        found = connect("kubernetes", settings, ())
        opened.append(found)
        return found

    yield start
    for each in opened:
        each.close()


@pytest.mark.parametrize("rule", LISTING_RULES, ids=lambda rule: rule.__name__)
def test_conformance(rule: CloudRule, cloud: Open, stub: Stub) -> None:
    """Kubernetes is a listing like any other, however many pages a list has."""
    stub.nodes = [node(f"n{number}", OURS) for number in range(3)] + [node("other")]
    stub.page = 2

    def broken(what: str) -> Callable[[Listing], AbstractContextManager[None]]:
        @contextmanager
        def breaking(_: Listing) -> Iterator[None]:
            setattr(stub, what, 500)
            yield
            setattr(stub, what, 0)

        return breaking

    with CloudUnderTest(
        lambda: cloud(tries=1),
        listed=["n0", "n1", "n2"],
        tags={CLUSTER_TAG: "orders"},
        failing=broken("failing"),
        cut_short=broken("cut"),
    ) as it:
        rule(it)


@pytest.mark.parametrize("key", HOSTS)
def test_each_vendors_label_names_a_host(stub: Stub, audit: Audit, key: str) -> None:
    """One label of two nodes says same strongly; that it differs is only a hint, since labels go stale."""
    stub.nodes = [node("a", {key: "h1"}), node("b", {key: "h1"}), node("c", {key: "h2"})]
    code, verdicts, document = audit(ALL)
    assert code == 1
    assert verdicts == {("a", "b"): "co-resident", ("a", "c"): "unknown", ("b", "c"): "unknown"}
    (same,) = (pair for pair in document["pairs"] if pair["verdict"] == "co-resident")
    assert same["strength"] == "strong"
    assert f"the node's label {key}" in str(same)


def test_two_keys_are_never_compared(stub: Stub, audit: Audit) -> None:
    """They may be two names of one host."""
    stub.nodes = [node("a", {HOSTS[0]: "h1"}), node("b", {HOSTS[1]: "h2"})]
    assert audit(ALL)[1] == {("a", "b"): "unknown"}


def test_a_node_on_proxmox_has_its_host_in_the_zone() -> None:
    """Its cloud controller writes the Proxmox node there, and the cluster as the region."""
    (zone, host) = statements({ZONE: "pve-1", REGION: "lab"}, "proxmox")
    assert zone.facts == {"zone": "pve-1"}
    assert host.facts == {"host": "pve-1", "project": "lab"}


@pytest.mark.parametrize(
    ("zone", "stated"), [("westeurope-2", True), ("0", False), ("1", False), ("", False)]
)
def test_a_zone_of_azure_may_be_a_number_of_no_zone(zone: str, stated: bool) -> None:
    """Without zones it is the fault domain's number, in whichever set: those of two aren't comparable."""
    said = statements({ZONE: zone, REGION: "westeurope"}, "azure")
    assert [one.facts for one in said] == ([{"zone": zone}] if stated else [])
    assert statements({ZONE: zone or "a"}, "aws")


def test_network_layers_are_topology_from_the_top() -> None:
    """AWS counts from the top, Topograph from the node; where one is missing, the last isn't the closest."""
    layer, tier = "topology.k8s.aws/network-node-layer-", "fabric.topograph.run/tier-"
    (aws,) = statements({f"{layer}1": "top", f"{layer}2": "mid", f"{layer}3": "leaf"}, "aws")
    (topograph,) = statements({f"{tier}0": "leaf", f"{tier}1": "spine"}, "")
    assert aws.facts == {"topology": "top,mid,leaf"}
    assert topograph.facts == {"topology": "spine,leaf"}
    assert statements({f"{layer}1": "top", f"{layer}3": "leaf"}, "aws") == []


def test_fault_domains_of_oracle_are_of_an_availability_domain() -> None:
    """FAULT-DOMAIN-1 of one is another's."""
    key = "oci.oraclecloud.com/fault-domain"
    assert statements({key: "FAULT-DOMAIN-1"}, "oci") == []
    (_, domain) = statements({key: "FAULT-DOMAIN-1", ZONE: "PHX-AD-1"}, "oci")
    assert domain.facts == {"zone": "PHX-AD-1", "fault_domain": "FAULT-DOMAIN-1"}


def test_nodes_of_one_kernel_are_one_machine(stub: Stub, audit: Audit) -> None:
    """The containers that kind makes are nodes of one machine, whatever their labels say."""
    stub.nodes = [node("a", boot="x"), node("b", boot="x"), node("c", boot="y")]
    verdicts = audit(ALL)[1]
    assert verdicts == {("a", "b"): "co-resident", ("a", "c"): "unknown", ("b", "c"): "unknown"}


@pytest.mark.parametrize(
    ("what", "state"),
    [
        ({"ready": "Unknown"}, "not-ready"),
        ({"ready": "False"}, "not-ready"),
        ({"deleted": True}, STOPPING),
        ({"taint": "node.cloudprovider.kubernetes.io/uninitialized"}, "running"),
    ],
)
def test_what_is_unsettled_states_no_place(stub: Stub, cloud: Open, what: dict[str, Any], state: str) -> None:
    """A node that nobody hears of, that goes, or that the cloud's controller hasn't looked at yet."""
    stub.nodes = [node("a", {HOSTS[0]: "h1"}, **what), node("b", {HOSTS[0]: "h1"})]
    shown = cloud().describe(["a", "b"])
    assert (shown["a"].state, shown["a"].facts, list(shown["a"].said)) == (state, {}, [])
    assert shown["b"].said


@pytest.mark.parametrize(
    ("provider_id", "provider", "own"),
    [
        ("aws:///eu-west-1a/i-0123", "ec2", "i-0123"),
        ("gce://project/europe-west1-b/gke-1", "google", "europe-west1-b/gke-1"),
        ("openstack:///6695eb01", "openstack", "6695eb01"),
        ("openstack://RegionOne/6695eb01", "openstack", "6695eb01"),
        ("hcloud://42", "hetzner", "42"),
        ("digitalocean://42", "digitalocean", "42"),
        ("linode://42", "linode", "42"),
        ("vultr://4f0f12e5", "vultr", "4f0f12e5"),
        ("scaleway://instance/fr-par-1/4f0f12e5", "scaleway", "4f0f12e5"),
        ("proxmox://lab/101", "proxmox", "101"),
        ("ocid1.instance.oc1.phx.abc", "oci", "ocid1.instance.oc1.phx.abc"),
        ("oci://ocid1.instance.oc1.phx.abc", "oci", "ocid1.instance.oc1.phx.abc"),
        ("azure:///subscriptions/S/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/Node-1",
         "azure", "rg/node-1"),
        ("azure:///subscriptions/S/resourceGroups/RG/providers/Microsoft.Compute/virtualMachineScaleSets/Set"
         "/virtualMachines/0", "azure", "rg/set/0"),
        ("kind://docker/kind/worker", "", ""),
        ("aws://", "", ""),
        ("", "", ""),
    ],
)  # fmt: skip
def test_a_provider_id_names_the_instance(provider_id: str, provider: str, own: str) -> None:
    """In the words of our own clouds."""
    assert instance_of(provider_id) == (provider, own)


class Platform:
    """A platform that states these facts."""

    name = "digitalocean"

    def __init__(self, facts: Mapping[str, Mapping[str, str]]) -> None:
        self.facts, self.closed = facts, False

    def instances(self, tags: Mapping[str, str]) -> Sequence[Instance]:
        raise AssertionError(f"it isn't asked for lists, by {tags}")

    def describe(self, ids: Any) -> Mapping[str, Instance]:
        return {one: Instance(one, facts=self.facts[one]) for one in ids if one in self.facts}

    def close(self) -> None:
        self.closed = True


def test_the_platform_states_where_nodes_are(
    stub: Stub, audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kubernetes lists, the other cloud's API states, conclusively; neighbours have their nodes' names."""
    stub.nodes = [node(name, provider_id=f"digitalocean://{number}") for number, name in enumerate("abc")]
    stub.nodes += [node("d", provider_id="hcloud://0"), node("e", provider_id="digitalocean://9")]
    platform = Platform({"0": {"neighbors": "0,1"}, "1": {"neighbors": "0,1"}, "2": {"neighbors": "2"}})
    real = clouds.connect
    monkeypatch.setattr(
        clouds,
        "connect",
        lambda provider, *rest: platform if provider == "digitalocean" else real(provider, *rest),
    )
    _, verdicts, document = audit(f'{ALL}stated_by = {{provider = "digitalocean"}}\n')
    assert verdicts["a", "b"] == "co-resident"
    assert verdicts["a", "c"] == "separate"
    assert {verdicts["a", "d"], verdicts["a", "e"], verdicts["d", "e"]} == {"unknown"}
    assert document["pairs"]
    assert platform.closed


def test_a_list_that_expires_is_begun_anew(stub: Stub, cloud: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """The API keeps a list for some minutes only; what came before must not be listed twice."""
    stub.nodes = [node(f"n{number}") for number in range(3)]
    monkeypatch.setattr(nodes, "PAGE", 2)
    stub.cut = 410
    with pytest.raises(CloudError, match="expired while it was read, 3 times"):
        cloud().instances({})
    stub.cut = 0
    stub.once = [(410, "")]
    assert len(cloud().instances({})) == 3


def test_a_busy_api_is_given_time(stub: Stub) -> None:
    """Where it says when to come back, that is kept, unless it is an hour."""
    slept: list[float] = []
    asked = Nodes("", timeout=30, tries=3, sleep=slept.append)
    stub.once = [(429, "7"), (503, "")]
    assert asked.read(None) == []
    stub.once = [(429, "3600")]
    with pytest.raises(CloudError, match="by order of a test"):
        asked.read(None)
    asked.close()
    assert slept == [7.0, 2.0]


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("token", "the credentials are wrong or have ended: `kubectl get nodes` tells"),
        ("right", "docs/platforms/kubernetes.md has the role"),
        ("server", "nobody answers: look at the kubeconfig's server"),
    ],
)
def test_errors_name_their_mend(stub: Stub, tmp_path: Path, what: str, says: str) -> None:
    """A token that has ended, a right that is missing, a server that isn't there."""
    if what == "token":
        (tmp_path / "kubeconfig").write_text(stub.kubeconfig("ended"), encoding="utf-8")
    elif what == "right":
        stub.failing = 403
    else:
        stub.url = "http://127.0.0.1:1"
        (tmp_path / "kubeconfig").write_text(stub.kubeconfig(), encoding="utf-8")
    opened = connect("kubernetes", {"tries": 1}, ())
    with pytest.raises(CloudError) as wrong:
        opened.instances({})
    opened.close()
    assert says in str(wrong.value)


def test_kubeconfig_may_be_several_files(
    stub: Stub, cloud: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As kubectl takes it: the first that names a current context, and whichever has it."""
    (tmp_path / "empty").write_text('{"clusters": [], "contexts": [], "users": []}', encoding="utf-8")
    both = f"{tmp_path / 'missing'}:{tmp_path / 'empty'}:{tmp_path / 'kubeconfig'}"
    monkeypatch.setenv("KUBECONFIG", both)
    stub.nodes = [node("a")]
    assert len(cloud(context="test").instances({})) == len(cloud().instances({})) == 1


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"context": "prod"}, "there is no context 'prod'; there is test"),
        ({"contxt": "test"}, "did you mean 'context'?"),
        ({"stated_by": {"provider": "kubernetes"}}, "[cloud] stated_by: a table with a provider is wanted"),
        ({"stated_by": {"provider": "openstack", "clowd": "x"}}, "did you mean 'cloud'?"),
    ],
)
def test_a_wrong_key_or_value_names_the_mend(stub: Stub, settings: dict[str, Any], says: str) -> None:
    """Each mistake is one line that names the key and what would be right."""
    assert stub
    with pytest.raises(ConfigError) as wrong:
        connect("kubernetes", settings, ())
    assert says in str(wrong.value)


def test_without_any_cluster_one_line_says_how_to_name_one() -> None:
    """No KUBECONFIG, no file, no pod."""
    with pytest.raises(
        ConfigError, match=r"no Kubernetes cluster is named; set KUBECONFIG, or write ~/\.kube/config"
    ):
        connect("kubernetes", {}, ())


@pytest.mark.parametrize("text", ["clusters: [", "{}", "[]", '{"clusters": 1, "contexts": []}'])
def test_a_file_that_is_no_kubeconfig_is_the_configuration_s_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    """In one line that says where to look."""
    (tmp_path / "config").write_text(text, encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    with pytest.raises(ConfigError, match="look at KUBECONFIG") as wrong:
        connect("kubernetes", {}, ())
    assert "\n" not in str(wrong.value)


def test_members_carry_labels_and_have_addresses(stub: Stub, cloud: Open) -> None:
    """Labels are tags, and addresses of either family are told apart."""
    both = (("InternalIP", "fd00::1"), ("InternalIP", "10.0.0.1"), ("ExternalIP", "192.0.2.1"))
    stub.nodes = [node("a", {"pool": "db"}, addresses=both), node("b", {"pool": "web"})]
    (shown,) = cloud(member_filter={"tag:pool": "db"}, reach="ssh://{public}").instances(TAGS)
    assert (shown.id, shown.address, shown.reach) == ("a", "10.0.0.1", "ssh://192.0.2.1")


def test_lightkube_is_imported_only_where_it_is_used() -> None:
    """The keys of [cloud] don't need it."""
    code = "import sys, keepapart.clouds.kubernetes; sys.exit('lightkube' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
