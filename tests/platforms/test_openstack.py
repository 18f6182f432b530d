"""OpenStack, against a real Nova in one process: its API, policies, scheduler, groups and host ids."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from keepapart.cli import main
from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG, STOPPED, Listing, connect
from keepapart.clouds.openstack import host_ids
from keepapart.clouds.openstack.client import Client
from keepapart.clouds.openstack.server import Flavor, Group, Server
from keepapart.errors import CloudError, ConfigError
from keepapart.testing.clouds import LISTING_RULES, CloudRule, CloudUnderTest
from tests.platforms.conftest import Audit
from tests.platforms.nova_double import Nova

ORDERS = {CLUSTER_TAG: "orders", ROLE_TAG: MEMBER}
PLACES = {"host", "host_kind", "zone", "group", "group_strategy"}
Open = Callable[..., Listing]

pytestmark = pytest.mark.timeout(400)  # nova is installed once


def orders(nova: Nova, *hosts: str) -> list[str]:
    """Launch members of cluster "orders" on these hosts. Return their ids."""
    return [one for host in hosts for one in nova.launch("db", host=host, metadata=ORDERS)]


@pytest.mark.parametrize("rule", LISTING_RULES, ids=lambda rule: rule.__name__)
def test_conformance(rule: CloudRule, openstack: Open, nova: Nova, standing: list[str]) -> None:
    """OpenStack is a listing like any other, however many pages a list has."""
    nova.configure("api", "max_limit", 2)

    def broken(path: str) -> Callable[[Listing], AbstractContextManager[None]]:
        @contextmanager
        def breaking(_: Listing) -> Iterator[None]:
            nova.order("fault", path=path, status=500, times=0)
            yield
            nova.order("clear")

        return breaking

    with CloudUnderTest(
        lambda: openstack(tries=1),
        listed=standing[:3],
        tags={CLUSTER_TAG: "standing"},
        unknown="9b6d7c1e-0000-4000-8000-000000000000",
        failing=broken("/servers"),
        cut_short=broken("marker="),
    ) as it:
        rule(it)


@pytest.mark.parametrize("user", ["demo", "admin"])
def test_verdicts_are_the_placement(nova: Nova, audit: Audit, user: str) -> None:
    """Readers are told a hash of the host, administrators its name: either way all is conclusive."""
    hosts = ("compute-1", "compute-2", "compute-1", "compute-3", "compute-2")
    on = dict(zip(orders(nova, *hosts), hosts, strict=True))
    code, verdicts, document = audit(f'provider = "openstack"\ncloud = "{user}"\n')
    assert code == 1
    assert verdicts == {
        (a, b): "co-resident" if on[a] == on[b] else "separate" for a, b in combinations(sorted(on), 2)
    }
    assert {pair["strength"] for pair in document["pairs"]} == {"conclusive"}
    assert len(document["hosts"]) == 3


def test_a_whole_project_needs_no_configuration(
    nova: Nova,
    standing: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """OS_CLOUD and nothing else, from an empty folder."""
    assert nova
    monkeypatch.chdir(tmp_path)
    assert main(["audit", "--stated", "--provider", "openstack", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    hosts = [set(host["instances"]) for host in document["hosts"]]
    assert sorted(map(len, hosts)) == [1, 3]
    assert {standing[1]} in hosts


def test_the_variables_of_the_openstack_command_are_enough(
    nova: Nova, audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OS_AUTH_URL and the others serve where nobody wrote a clouds.yaml."""
    orders(nova, "compute-1", "compute-2")
    monkeypatch.delenv("OS_CLOUD")
    monkeypatch.delenv("OS_CLIENT_CONFIG_FILE")
    for name, value in {**nova.auth, "username": "demo", "region_name": "RegionOne"}.items():
        monkeypatch.setenv(f"OS_{name.upper()}", value)
    assert audit('provider = "openstack"\n')[0] == 0


@pytest.mark.parametrize(
    ("vm", "task", "state"),
    [
        ("building", "spawning", "pending"),
        ("active", "migrating", "running"),
        ("active", "resize_prep", "resize"),
        ("resized", None, "verify_resize"),
        ("active", "rebuilding", "rebuild"),
        ("active", "shelving", "running"),
        ("active", "reboot_started", "running"),
        ("error", None, "error"),
        ("rescued", None, "rescue"),
        ("paused", None, STOPPED),
        ("stopped", None, STOPPED),
        ("shelved", None, STOPPED),
    ],
)
def test_what_is_unsettled_states_no_place(
    nova: Nova, openstack: Open, standing: list[str], vm: str, task: str | None, state: str
) -> None:
    """A server that is built, moved, resized or out of order has a host id that may not be true any more."""
    one = standing[0]
    nova.order("state", id=one, vm=vm, task=task)
    try:
        shown = openstack().describe([one])[one]
    finally:
        nova.order("state", id=one, vm="active", task=None)
    assert (shown.state, PLACES & shown.facts.keys()) == (state, set())
    assert PLACES & openstack().describe([one])[one].facts.keys() == {"host", "zone"}


def test_what_migrates_is_unknown(nova: Nova, audit: Audit) -> None:
    """During a live migration Nova still shows the host that it leaves."""
    a, b, c = orders(nova, "compute-1", "compute-1", "compute-2")
    nova.order("state", id=b, vm="active", task="migrating")
    code, verdicts, _ = audit('provider = "openstack"\n')
    assert code == 3
    assert {frozenset(pair): said for pair, said in verdicts.items()} == {
        frozenset((a, b)): "unknown",
        frozenset((b, c)): "unknown",
        frozenset((a, c)): "separate",
    }


def test_a_live_migration_changes_the_host(nova: Nova, openstack: Open) -> None:
    """Afterwards the new host is stated."""
    here, moved = orders(nova, "compute-1", "compute-1")
    nova.act(moved, {"os-migrateLive": {"host": "compute-2", "block_migration": "auto"}}, "ACTIVE")
    shown = openstack().describe([here, moved])
    assert shown[here].facts["host"] != shown[moved].facts["host"]


def test_what_is_shelved_has_no_host(nova: Nova, openstack: Open) -> None:
    """A shelved server is stopped and states nothing; unshelved, it states its new host."""
    (one,) = orders(nova, "")
    nova.act(one, {"shelve": None}, "SHELVED_OFFLOADED")
    opened = openstack()
    shown = opened.describe([one])[one]
    assert (shown.state, PLACES & shown.facts.keys()) == (STOPPED, set())
    nova.act(one, {"unshelve": None}, "ACTIVE")
    assert opened.describe([one])[one].facts["host"]


def test_what_found_no_host_is_in_error_and_states_nothing(nova: Nova, openstack: Open) -> None:
    """A strict group that is full leaves servers in ERROR, and they stay members of the group."""
    group = nova.group("db", "anti-affinity")
    names = (f"db-{number}" for number in range(5))
    ids = [one for name in names for one in nova.launch(name, group=group, metadata=ORDERS)]
    shown = openstack().describe(ids)
    (error,) = (one for one in shown.values() if one.state != "running")
    assert error.state == "error"
    assert PLACES & error.facts.keys() == {"group"}  # it stays a member of that
    assert {one.facts["group_strategy"] for one in shown.values() if one is not error} == {"spread"}


@pytest.mark.parametrize(
    ("policy", "rules", "promised"),
    [
        ("anti-affinity", {}, True),
        ("anti-affinity", {"max_server_per_host": 2}, False),
        ("soft-anti-affinity", {}, False),
    ],
)
def test_only_a_strict_group_is_a_promise(
    nova: Nova, audit: Audit, policy: str, rules: dict[str, int], promised: bool
) -> None:
    """A soft group is none, and neither is a strict one that lets several share a host."""
    group = nova.group("db", policy, **rules)
    nova.launch("db-0", "db-1", group=group, metadata=ORDERS)
    _, _, document = audit('provider = "openstack"\n')
    (pair,) = document["pairs"]
    assert ("stated group" in {said["signal"] for said in pair["evidence"]}) == promised


def test_a_broken_promise_and_the_host_id_are_both_not_believed(nova: Nova, audit: Audit) -> None:
    """Two of one strict group with one host id: either the id is coarse, or Nova's late check is off."""
    group = nova.group("db", "anti-affinity")
    nova.configure("workarounds", "disable_group_policy_check_upcall", True)
    nova.launch("db-0", "db-1", group=group, metadata=ORDERS, availability_zone="nova:compute-1")
    nova.configure("workarounds", "disable_group_policy_check_upcall", False)
    for text in ("", 'host_id = "host"\n'):
        _, verdicts, document = audit(f'provider = "openstack"\n{text}')
        assert list(verdicts.values()) == ["unknown"]
        assert len(document["pairs"][0]["evidence"]) == (2 if text else 0)


def test_coarse_host_ids_are_never_the_same(nova: Nova, audit: Audit) -> None:
    """One service for several machines: equal ids say nothing, different ones are still apart."""
    a, b, c = orders(nova, "nova007-3", "nova007-9", "compute-1")
    _, verdicts, _ = audit('provider = "openstack"\nhost_id = "coarse"\n')
    assert verdicts == {
        pair: "unknown" if set(pair) == {a, b} else "separate" for pair in combinations(sorted((a, b, c)), 2)
    }


def test_an_administrator_sees_through_coarse_host_ids(nova: Nova, audit: Audit) -> None:
    """Service and node together are one machine."""
    a, b, c = orders(nova, "nova007-3", "nova007-9", "nova007-3")
    _, verdicts, _ = audit('provider = "openstack"\ncloud = "admin"\n')
    assert {pair for pair, verdict in verdicts.items() if verdict == "co-resident"} == {tuple(sorted((a, c)))}
    assert list(verdicts.values()).count("separate") == 2
    assert b


@pytest.mark.parametrize(
    ("endpoint", "server"),
    [
        ("https://ecs.eu-de.otc.t-systems.com/v2.1", {}),
        ("https://compute-3.eu-de-1.cloud.sap/v2.1", {}),
        ("", {"flavor": Flavor(extra_specs={"vmware:hv_enabled": "True"})}),
        ("", {"flavor": Flavor(extra_specs={"ecs:performancetype": "normal"})}),
        ("", {"flavor": Flavor(extra_specs={"resources:VCPU": "0", "resources:CUSTOM_GOLD": "1"})}),
        ("", {"metadata": {"metering.resourcespeccode": "s2.medium.1.linux"}}),
        ("", {"service": "pod2.eu-west-0a", "node": "nova007@3"}),
        ("", {"service": "vc", "node": "domain-c26.1a2b"}),
    ],
)
def test_where_host_ids_are_known_to_be_coarse(endpoint: str, server: dict[str, Any]) -> None:
    """Huawei's clouds, vSphere clusters and Ironic show themselves; a plain cloud doesn't look so."""
    one = Server("1", "ACTIVE", "p", host_id="abc", **server)
    assert host_ids.looks_coarse(endpoint, [one])
    assert host_ids.host(one, "coarse") == {"host": "abc", "host_kind": "coarse"}
    plain = Server("1", "ACTIVE", "p", flavor=Flavor(extra_specs={"hw:cpu_policy": "dedicated"}))
    assert not host_ids.looks_coarse("https://nova.example.com:8774/v2.1", [plain])


def test_a_host_of_two_names_is_one() -> None:
    """Most clouds have the service by its short name and the node by its long one."""
    one = Server("1", "ACTIVE", "p", service="compute-1", node="compute-1.example.com")
    assert host_ids.host(one, "auto") == {"host": "compute-1", "host_kind": "hypervisor"}


def test_groups_of_old_clouds_have_lists_of_policies() -> None:
    """Before microversion 2.64 there are no rules."""
    assert Group("g", policies=["anti-affinity"]).strategy == "spread"
    assert Group("g", policies=["soft-anti-affinity"]).strategy == "soft-anti-affinity"


def test_a_cell_that_is_down_makes_a_list_incomplete(
    nova: Nova, openstack: Open, standing: list[str]
) -> None:
    """Nova shows bare ids then, which fit no tag: they can't be told, and are not gone."""
    opened = openstack()
    nova.order("cells", down=True)
    try:
        with pytest.raises(CloudError, match="can't tell now what 4 instances are"):
            opened.instances(ORDERS)
        shown = opened.describe(standing)[standing[0]]
    finally:
        nova.order("cells", down=False)
    assert (shown.state, PLACES & shown.facts.keys()) == ("unknown", set())


def test_tags_are_metadata_and_server_tags(nova: Nova, openstack: Open) -> None:
    """Either says whose a server is, and metadata is filtered here: Nova drops that filter without a word."""
    nova.launch("a", metadata=ORDERS)
    nova.launch("b", tags=["keepapart:cluster=orders", "keepapart:role=member", "db"])
    nova.order("clear")
    shown = openstack(member_filter={"tag:db": "*"}).instances(ORDERS)
    assert len(shown) == 2
    asked = nova.order("clear")
    assert not [one for one in asked if "metadata" in one]
    assert {one.split()[0] for one in asked if "/identity" not in one} == {"GET"}


def test_members_are_named_by_group(nova: Nova, openstack: Open) -> None:
    """A server group that is there already says who the members are."""
    group = nova.group("db", "anti-affinity")
    ids = nova.launch("db-0", "db-1", group=group)
    assert {one.id for one in openstack(member_filter={"group": "db"}).instances(ORDERS)} == set(ids)


def test_a_list_whose_marker_is_gone_is_read_again(nova: Nova, openstack: Open, standing: list[str]) -> None:
    """The last server of a page is deleted before the next page is asked for."""
    nova.configure("api", "max_limit", 1)
    nova.order("fault", path="marker=", status=400)
    assert {one.id for one in openstack().instances({})} == set(standing)


def asking(nova: Nova, slept: list[float], **fault: Any) -> list[Server]:
    """List servers through one fault."""
    nova.order("fault", path="/servers/detail", **fault)
    found = Client("demo", "", timeout=30, tries=3, sleep=slept.append)
    try:
        return found.servers()
    finally:
        found.close()


def test_a_busy_cloud_is_given_time(nova: Nova) -> None:
    """Where Nova says when to come back, that is kept; else the pauses grow."""
    slept: list[float] = []
    assert len(asking(nova, slept, status=429, after="7")) == 4
    assert len(asking(nova, slept, status=503, times=2)) == 4
    assert slept == [7.0, 1.0, 2.0]


def test_a_cloud_that_is_busy_for_long_is_an_error(nova: Nova) -> None:
    """Nobody waits for an hour, and no call is tried for ever."""
    slept: list[float] = []
    with pytest.raises(CloudError, match="too many calls"):
        asking(nova, slept, status=429, after="3600", times=0)
    nova.order("clear")
    with pytest.raises(CloudError, match="GET /servers/detail"):
        asking(nova, slept, status=503, times=0)
    assert slept == [1.0, 2.0]


@pytest.mark.parametrize(
    ("auth", "says"),
    [
        ({"password": "wrong"}, "is wrong or has ended: `openstack token issue`"),
        ({"auth_url": "http://127.0.0.1:1/v3"}, "nobody answers: look at auth_url"),
        ({"region_name": "RegionTwo"}, "look at [cloud] region, OS_REGION_NAME"),
        ({"auth_type": "token", "token": "ended"}, "is wrong or has ended"),
    ],
)
def test_errors_name_their_mend(
    nova: Nova, audit: Audit, tmp_path: Path, auth: dict[str, str], says: str
) -> None:
    """What is wrong in clouds.yaml is told from what is wrong with the cloud, and without the password."""
    entry: dict[str, Any] = {"region_name": "RegionOne", "auth": {**nova.auth, "username": "demo"}}
    for name, value in auth.items():
        (entry if name in ("region_name", "auth_type") else entry["auth"])[name] = value
    if entry.get("auth_type") == "token":
        for name in ("username", "password", "user_domain_id"):
            del entry["auth"][name]
    (tmp_path / "clouds.yaml").write_text(json.dumps({"clouds": {"demo": entry}}), encoding="utf-8")
    code, _, document = audit('provider = "openstack"\ntries = 1\n')
    assert code == 4
    assert says in document["error"]["text"] + document["error"]["mend"]
    assert "secret" not in json.dumps(document)


def test_a_token_that_ends_is_renewed(nova: Nova, openstack: Open) -> None:
    """With a password or an application credential, nobody notices."""
    opened = openstack()
    before = opened.instances({})
    nova.order("expire")
    assert opened.instances({}) == before


def test_a_missing_right_names_the_role(nova: Nova, openstack: Open) -> None:
    """403 on the list is an error; on the groups it is a fact less."""
    nova.order("fault", path="/os-server-groups", status=403)
    assert openstack().instances({})
    nova.order("fault", path="/servers/detail", status=403)
    with pytest.raises(CloudError, match="the role reader"):
        openstack().instances(ORDERS)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"cloud": "demmo"}, "did you mean 'demo'?"),
        ({"host_id": "fine"}, "'auto', 'host', 'coarse'"),
        ({"clowd": "demo"}, "did you mean 'cloud'?"),
        ({"member_filter": {"host": "x"}}, "there is name, tag:KEY, flavor, group, zone"),
    ],
)
def test_a_wrong_key_or_value_names_the_mend(nova: Nova, settings: dict[str, Any], says: str) -> None:
    """Each mistake is one line that names the key and what would be right."""
    assert nova
    with pytest.raises(ConfigError) as wrong:
        connect("openstack", settings, ())
    assert says in str(wrong.value)
    assert str(wrong.value).startswith("[cloud] ")


def test_without_any_cloud_one_line_says_how_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in the environment, no clouds.yaml."""
    with pytest.raises(
        ConfigError, match=r"no OpenStack cloud is named; say which as \[cloud\] cloud or OS_CLOUD"
    ):
        connect("openstack", {}, ())
    with pytest.raises(ConfigError, match=r"there is no clouds\.yaml here"):
        connect("openstack", {"cloud": "demo"}, ())
    monkeypatch.setenv("OS_CLOUD", "demo")
    with pytest.raises(ConfigError, match=r"OS_CLOUD: there is no cloud 'demo'; there is no clouds\.yaml"):
        connect("openstack", {}, ())


def test_a_file_that_holds_no_clouds_is_the_configuration_s_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In one line that says where to look."""
    (tmp_path / "clouds.yaml").write_text("- 1", encoding="utf-8")
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))
    with pytest.raises(ConfigError, match=r"look at clouds\.yaml") as wrong:
        connect("openstack", {"cloud": "demo"}, ())
    assert "\n" not in str(wrong.value)


def test_openstacksdk_is_imported_only_where_it_is_used() -> None:
    """The keys of [cloud] don't need it."""
    code = "import sys, keepapart.clouds.openstack; sys.exit('openstack' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
