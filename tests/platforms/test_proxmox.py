"""Proxmox VE, against fakepve as a process of its own: PVE's answers, validation and wording."""

from __future__ import annotations

import hashlib
import json
import os
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from keepapart.clouds import CLUSTER_TAG, RUNNING, STOPPED, Listing, connect
from keepapart.clouds.proxmox import ENDPOINT, TOKEN
from keepapart.errors import CloudError, ConfigError
from keepapart.testing.clouds import LISTING_RULES, CloudRule, CloudUnderTest
from tests.platforms.conftest import Audit
from tests.platforms.pve_double import SECRET, USER, Open, Pve


@pytest.mark.parametrize("rule", LISTING_RULES, ids=lambda rule: rule.__name__)
def test_conformance(rule: CloudRule, proxmox: Open, pve: Pve) -> None:
    """Proxmox VE is a listing like any other. It has no pages, so no list breaks off between them."""
    for vmid, node in ((101, "pve-1"), (102, "pve-2"), (103, "pve-3")):
        pve.vm(vmid, node)
    pve.vm(104, "pve-1", config={"tags": "keepapart-cluster.other"})

    @contextmanager
    def failing(_: Listing) -> Iterator[None]:
        pve.tell("fail", {"args": ["GET", "/cluster/status", 500, "no quorum"]})
        yield
        pve.tell("set", "failures", {})

    with CloudUnderTest(
        lambda: proxmox(tries=1),
        listed=["101", "102", "103"],
        tags={CLUSTER_TAG: "orders"},
        unknown="999",
        failing=failing,
    ) as it:
        rule(it)


def test_verdicts_are_the_placement(pve: Pve, audit: Audit) -> None:
    """Two on one node share a host, virtual machine and container alike; others are apart, conclusively."""
    pve.vm(101, "pve-1")
    pve.vm(102, "pve-2")
    pve.vm(103, "pve-1")
    tags = {"tags": "keepapart-cluster.orders;keepapart-role.member"}
    pve.tell("add_ct", {"args": [104, "db-104"], "node": "pve-2", "status": "running", "config": tags})
    code, verdicts, document = audit(pve.cloud)
    same = {("101", "103"), ("102", "104")}
    assert code == 1
    assert {pair for pair, verdict in verdicts.items() if verdict == "co-resident"} == same
    assert sum(verdict == "separate" for verdict in verdicts.values()) == 4
    assert {host["name"] for host in document["hosts"]} == {"pve-1", "pve-2"}


@pytest.mark.parametrize("lock", ["migrate", "clone", "create", "rollback", "suspending"])
def test_what_is_locked_is_unknown(pve: Pve, audit: Audit, lock: str) -> None:
    """A guest that migrates is still listed on the node it leaves: nothing is said of where it is."""
    pve.vm(101, "pve-1")
    pve.vm(102, "pve-2", lock=lock)
    assert audit(pve.cloud)[1] == {("101", "102"): "unknown"}


@pytest.mark.parametrize("state", ["migrate", "relocate", "fence", "recovery", "error", "starting"])
def test_what_ha_moves_is_unknown(pve: Pve, audit: Audit, state: str) -> None:
    """HA starts guests elsewhere while the list still has the node that failed."""
    pve.vm(101, "pve-1")
    pve.vm(102, "pve-2")
    pve.tell("guest", 102, "ha_state", state)
    assert audit(pve.cloud)[1] == {("101", "102"): "unknown"}


def test_what_ha_runs_where_it_is_has_a_place(pve: Pve, audit: Audit) -> None:
    """A guest that HA has started stays where it is."""
    pve.vm(101, "pve-1")
    pve.vm(102, "pve-2")
    pve.tell("guest", 102, "ha_state", "started")
    assert audit(pve.cloud)[:2] == (0, {("101", "102"): "separate"})


def test_an_offline_node_has_no_guests_that_run(proxmox: Open, pve: Pve, audit: Audit) -> None:
    """Guests of a node that is gone keep its name in the list: they are "unknown", and so is every pair."""
    pve.vm(101, "pve-1")
    pve.vm(102, "pve-2")
    pve.tell("set", "nodes", {"pve-1": {"online": True}, "pve-2": {"online": False}})
    assert proxmox().describe(["102"])["102"].state == "unknown"
    assert audit(pve.cloud)[1] == {("101", "102"): "unknown"}


def test_without_quorum_nothing_is_stated(pve: Pve, audit: Audit) -> None:
    """A node that lost the others shows an old list."""
    pve.vm(101, "pve-1")
    pve.vm(102, "pve-2")
    pve.tell("set", "quorate", False)
    assert audit(pve.cloud)[1] == {("101", "102"): "unknown"}


def test_a_missing_right_is_told_from_a_missing_guest(proxmox: Open, pve: Pve) -> None:
    """What the token may not audit isn't listed: a member that is named and not shown is an error."""
    pve.vm(101, "pve-1")
    pve.vm(102, "pve-2")
    pve.tell("set", "acl", {USER: [["/", ["Sys.Audit"]], ["/vms/101", ["VM.Audit"]]]})
    tags = {CLUSTER_TAG: "orders"}
    assert [one.id for one in proxmox().instances(tags)] == ["101"]
    with pytest.raises(CloudError, match="shows no instance 'db-102'; look at the name, and at what"):
        proxmox(members=["101", "db-102"]).instances(tags)


def test_the_role_auditor_is_enough_and_less_is_named(proxmox: Open, pve: Pve) -> None:
    """Sys.Audit and VM.Audit are all that is asked for; without the first, the error names the page."""
    pve.vm(101, "pve-1")
    pve.tell("set", "acl", {USER: [["/", ["Sys.Audit", "VM.Audit"]]]})
    assert [one.id for one in proxmox().instances({})] == ["101"]
    pve.tell("fail", {"args": ["GET", "/cluster/status", 403, "Permission check failed (/, Sys.Audit)"]})
    with pytest.raises(CloudError, match=r"\(403\); the rights that are needed are in docs"):
        proxmox().instances({})


def test_templates_are_no_instances_and_stopped_ones_have_no_place(proxmox: Open, pve: Pve) -> None:
    """A template runs nowhere; a stopped guest keeps its node in the list, and states none."""
    pve.vm(101, "pve-1", template=True)
    pve.vm(102, "pve-1", status="stopped")
    pve.vm(103, "pve-1")
    found = proxmox().instances({})
    assert [(one.id, one.state) for one in found] == [("102", STOPPED), ("103", RUNNING)]
    assert dict(found[0].facts) == {"platform": "proxmox", "project": "lab"}
    assert dict(found[1].facts) == {"platform": "proxmox", "project": "lab", "host": "pve-1"}


def test_a_member_tells_its_addresses_where_it_can(proxmox: Open, pve: Pve) -> None:
    """A machine by its guest agent, a container by its kernel; who doesn't has none, and that is no error."""
    bridge = {"name": "docker0", "ip-addresses": [{"ip-address": "172.17.0.1"}]}
    link = {"name": "eth0", "ip-addresses": [{"ip-address": "fe80::1"}, {"ip-address": "10.1.0.5"}]}
    of_members = {"tags": "keepapart-cluster.orders;keepapart-role.member"}
    pve.vm(101, "pve-1", config={**of_members, "agent": "1"})
    pve.tell("guest", 101, "agent", {"interfaces": [bridge, link]})
    pve.vm(102, "pve-1")
    net = "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:02,ip=10.1.0.6/24,ip6=fd00::6/64"
    container: dict[str, Any] = {"args": [103, "db-103"], "node": "pve-1", "status": "running"}
    pve.tell("add_ct", {**container, "config": {**of_members, "net0": net}})
    found = {one.id: one.address for one in proxmox(tries=4).instances({CLUSTER_TAG: "orders"})}
    assert found == {"101": "10.1.0.5", "102": "", "103": "10.1.0.6"}
    (third,) = proxmox(address="ipv6", reach="ssh://root@{private}").describe(["103"]).values()
    assert (third.address, third.reach) == ("fd00::6", "ssh://root@10.1.0.6")
    pve.tell("set", "acl", {USER: [["/", ["Sys.Audit", "VM.Audit"]]]})
    assert {one.id for one in proxmox().instances({CLUSTER_TAG: "orders"})} == {"101", "102", "103"}


def test_the_recipe_reads_what_the_cluster_really_answers(
    pve: Pve, audit: Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`pvesh get /cluster/resources` prints what the API answers; the page's recipe makes facts of it."""
    pve.vm(101, "pve-1")
    pve.vm(102, "pve-1")
    pve.vm(103, "pve-2")
    pve.vm(104, "pve-2", status="stopped")
    pve.vm(105, "pve-2", template=True)
    answer = requests.get(
        f"{pve.endpoint}/api2/json/cluster/resources",
        headers={"Authorization": f"PVEAPIToken={USER}={SECRET}"},
        verify=pve.certificate,
        timeout=10,
    )
    (tmp_path / "pvesh").write_text(f"#!/bin/sh\ncat <<'E'\n{json.dumps(answer.json()['data'])}\nE\n")
    (tmp_path / "pvesh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    page = Path("docs/platforms/by-hand.md").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"^### Proxmox VE\n.*?^```sh\n(.*?)^```", page, re.M | re.S)
    members = "".join(f'[[instances]]\nid = "db-{n}"\n' for n in (101, 102, 103, 104))
    _, verdicts, _ = audit(f"provider = \"static\"\n[facts]\ncommand = '''\n{recipe}'''\n{members}")
    assert verdicts["db-101", "db-102"] == "co-resident"
    assert verdicts["db-101", "db-103"] == verdicts["db-102", "db-103"] == "separate"
    assert verdicts["db-103", "db-104"] == "unknown"


def test_members_are_found_by_pool_name_and_tag(proxmox: Open, pve: Pve) -> None:
    """Guests that nobody tagged for keepapart are members by what they are like, all of it."""
    pve.vm(101, "pve-1", config={"tags": "db;Prod"})
    pve.vm(102, "pve-1", config={"tags": "web"})
    pve.vm(103, "pve-2", config={"tags": "db"})
    for vmid in (101, 102):
        pve.tell("guest", vmid, "pool", "shop")
    asked = {CLUSTER_TAG: "orders", "keepapart:role": "member"}
    for settings, wanted in (
        ({"member_filter": {"pool": "shop"}}, ["101", "102"]),
        ({"member_filter": {"pool": "shop", "tag:db": "*"}}, ["101"]),
        ({"member_filter": {"name": "db-10[23]"}}, ["102", "103"]),
        ({"members": ["db-102"], "member_filter": {"tag:db": "*"}}, ["101", "102", "103"]),
        ({}, []),
    ):
        assert [one.id for one in proxmox(**settings).instances(asked)] == wanted, settings


def test_any_node_of_the_cluster_answers(proxmox: Open, pve: Pve) -> None:
    """Where one endpoint is gone, the next is asked."""
    pve.vm(101, "pve-1")
    endpoints = ["https://127.0.0.1:9", pve.endpoint]
    assert [one.id for one in proxmox(endpoints=endpoints).instances({})] == ["101"]
    with pytest.raises(CloudError, match=r"nobody answers at https://127\.0\.0\.1:9/api2/json"):
        proxmox(endpoints=["https://127.0.0.1:9"], tries=1).instances({})


def test_a_certificate_is_trusted_by_authority_or_fingerprint(
    proxmox: Open, pve: Pve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a stranger's certificate nor the environment's authorities are taken for the cluster's own."""
    pve.vm(101, "pve-1")
    raw = ssl.PEM_cert_to_DER_cert(Path(pve.certificate).read_text())
    right = ":".join(f"{byte:02X}" for byte in hashlib.sha256(raw).digest())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ssl/certs/ca-certificates.crt")
    assert proxmox().describe(["101"])
    assert proxmox(ca="", fingerprint=right).describe(["101"])
    with pytest.raises(CloudError, match=r"(?i)fingerprint.*; the certificate is none that this machine"):
        proxmox(ca="", fingerprint=right.replace(right[:2], "00" if right[:2] != "00" else "11")).describe(
            ["1"]
        )
    with pytest.raises(CloudError, match="the certificate is none that this machine trusts"):
        proxmox(ca="").describe(["101"])


def test_a_wrong_token_is_told_and_never_repeated(
    proxmox: Open, pve: Pve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mend is named; the secret isn't."""
    pve.vm(101, "pve-1")
    monkeypatch.setenv(TOKEN, f"{USER}=not-the-secret")
    with pytest.raises(CloudError, match=r"\(401\); look at PROXMOX_VE_API_TOKEN") as raised:
        proxmox().instances({})
    assert "not-the-secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"endpoint": "https://pve-1:8006"}, "did you mean 'endpoints'?"),
        ({"endpoints": []}, f"set {ENDPOINT}"),
        ({"endpoints": ["http://pve-1:8006"]}, "would send the credentials in clear; write https"),
        ({"endpoints": ["pve-1:8006"]}, "an address such as https://"),
        ({"fingerprint": "AA:BB"}, "`pvenode cert info` shows it"),
        ({"ca": "pve-root-ca.pem"}, "the whole path is wanted"),
        ({"member_filter": {"rack": "a"}}, "there is name, tag:KEY, pool, node"),
        ({"reach": "ssh://{adress}"}, "did you mean 'address'?"),
    ],
)
def test_a_wrong_key_or_value_names_the_mend(
    settings: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each mistake is one line that names the key and what would be right."""
    monkeypatch.setenv(TOKEN, f"{USER}={SECRET}")
    with pytest.raises(ConfigError) as wrong:
        connect("proxmox", {"endpoints": ["https://pve-1:8006"]} | settings, ())
    assert says in str(wrong.value)
