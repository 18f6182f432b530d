"""Launching on Proxmox VE: a clone on a chosen node, against fakepve as a process of its own."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from keepapart.cli import main
from keepapart.clouds import (
    CANDIDATE,
    CLUSTER_TAG,
    MEMBER,
    PENDING,
    ROLE_TAG,
    RUNNING,
    LaunchRequest,
    Listing,
)
from keepapart.clouds.once import name_of, number_of
from keepapart.clouds.proxmox.cloud import ProxmoxCloud
from keepapart.errors import CloudError, ConfigError, DeniedError, RefusedError, UnsettledError
from keepapart.testing.clouds import CLOUD_RULES, CloudRule, CloudUnderTest
from tests.platforms import killed
from tests.platforms.killed import example
from tests.platforms.pve_double import USER, Open, Pve

PAGE = Path(__file__).parents[2] / "docs" / "platforms" / "proxmox.md"
NODES = ("pve-1", "pve-2", "pve-3")
ORDERS = {CLUSTER_TAG: "orders"}
TEMPLATE = 9000


@pytest.fixture
def shop(pve: Pve) -> Pve:
    """Return three nodes, and a template of the first."""
    for node in NODES:
        pve.tell("add_node", {"args": [node]})
    pve.tell("template", TEMPLATE, "debian", "pve-1")
    return pve


def request(cloud: ProxmoxCloud, **more: str) -> LaunchRequest:
    """Return a launch of cluster "orders"."""
    return LaunchRequest("t", {**ORDERS, ROLE_TAG: CANDIDATE, **more}, dict(cloud.parameters(ORDERS)))


def opened(proxmox: Open, **settings: Any) -> ProxmoxCloud:
    """Open the cloud with a template."""
    found = proxmox(template="debian", tries=1, **settings)
    assert isinstance(found, ProxmoxCloud)
    return found


@pytest.mark.parametrize("rule", CLOUD_RULES, ids=lambda rule: rule.__name__)
def test_conformance(rule: CloudRule, proxmox: Open, shop: Pve) -> None:
    """Proxmox VE is a cloud like any other. It has no pages, so no list breaks off between them."""

    def told(*order: object, back: tuple[object, ...]) -> Callable[[Listing], AbstractContextManager[None]]:
        @contextmanager
        def telling(_: Listing) -> Iterator[None]:
            shop.tell(*order)
            yield
            shop.tell(*back)

        return telling

    @contextmanager
    def full(_: Listing) -> Iterator[None]:
        shop.tell("avail", 0)
        yield
        shop.tell("avail", 10 * 2**30)

    online = {node: {"online": True} for node in NODES}
    with CloudUnderTest(
        lambda: opened(proxmox, nodes=["pve-2", "pve-3"]),
        unknown="999",
        full=full,
        refused=told("set", "nodes", {"pve-1": {"online": True}}, back=("set", "nodes", online)),
        failing=told("set", "silent", True, back=("set", "silent", False)),
        unanswered=told("lose", "POST", back=("lose", "")),
        patience=20.0,
    ) as it:
        rule(it)
    assert not shop.shown()["guests"]
    assert not shop.shown()["disks"]


def test_the_node_is_chosen_so_that_one_launch_is_enough(shop: Pve, proxmox: Open) -> None:
    """No node with a member serves, whether that one runs or not; a candidate's comes last."""
    cloud = opened(proxmox)
    shop.vm(101, "pve-1")
    shop.vm(102, "pve-2", status="stopped")
    assert cloud.foresee(ORDERS) == "on node pve-3, which has no member: one launch is enough"
    found = cloud.launch(request(cloud))
    assert cloud.describe([found.id])[found.id].facts["host"] == "pve-3"
    shop.tell("add_node", {"args": ["pve-4"]})
    assert cloud.parameters(ORDERS)["target"] == "pve-4"


def test_where_every_node_has_a_member_nothing_is_launched(shop: Pve, proxmox: Open) -> None:
    """Launching can't help there: that is the error, and the mend."""
    cloud = opened(proxmox, nodes=["pve-1"])
    shop.vm(101, "pve-1")
    with pytest.raises(CloudError, match="every node that may be used has a member already: pve-1; add a"):
        cloud.parameters(ORDERS)


def test_a_clone_is_never_without_its_owners_name(shop: Pve, proxmox: Open) -> None:
    """Between clone and tags, its description tells them: it is listed by tag, and ended as any other."""
    cloud = opened(proxmox)
    shop.tell("fail", {"args": ["PUT", "/config", 500, "got timeout"]})
    wanted = request(cloud, stage="two")
    with pytest.raises(CloudError, match="got timeout"):
        cloud.launch(wanted)
    (found,) = cloud.instances({**ORDERS, "stage": "two"})
    assert (found.tags.items() >= wanted.tags.items(), found.state) == (True, "stopped")
    assert shop.shown()["guests"][found.id]["name"] == name_of("t")
    shop.tell("set", "failures", {})
    assert cloud.launch(wanted).id == found.id
    assert cloud.describe([found.id])[found.id].state == RUNNING
    assert "debian" in cloud.describe([found.id])[found.id].tags


def test_while_it_is_cloned_it_is_pending_and_the_call_tells_so(shop: Pve, proxmox: Open) -> None:
    """A copy of a disk takes its time: the launch is asked for again, and the guest can't be ended yet."""
    cloud = opened(proxmox)
    wanted = request(cloud)
    vmid = cloud.launch(wanted).id
    shop.tell("guest", int(vmid), "status", "stopped")
    shop.tell("guest", int(vmid), "lock", "clone")
    with pytest.raises(UnsettledError, match="is being cloned"):
        cloud.launch(wanted)
    assert cloud.describe([vmid])[vmid].state == PENDING
    cloud.terminate(vmid)
    assert vmid in shop.shown()["guests"]


def test_a_stranger_with_the_vmid_is_left_alone(shop: Pve, proxmox: Open) -> None:
    """Its launch is refused, so that the next token is tried; nothing happens to the stranger."""
    cloud = opened(proxmox, vmids="5000-6000")
    vmid = number_of("t", 5000, 6000)
    shop.tell("add_vm", {"args": [vmid, name_of("t")], "node": "pve-3", "config": {"description": "mine"}})
    with pytest.raises(RefusedError, match="isn't ours"):
        cloud.launch(request(cloud))
    assert list(shop.shown()["guests"]) == [str(vmid)]


def test_what_can_not_be_started_for_lack_of_room_is_removed(shop: Pve, proxmox: Open) -> None:
    """No room is said when nothing is left of the clone, nor of its disk."""
    cloud = opened(proxmox)
    shop.tell("starts", "start failed: Cannot allocate memory")
    with pytest.raises(CloudError, match="Cannot allocate memory"):
        cloud.launch(request(cloud))
    assert shop.shown() == {"guests": {}, "disks": []}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"vmids": "9-1"}, "two numbers such as"),
        ({"vmids": "5000-4000"}, "write the lesser number first"),
        ({"template": "no-such"}, "look at the name, and at what the token may see"),
        ({"nodes": ["pve-9"]}, "there is no node 'pve-9'; there is pve-1, pve-2, pve-3"),
    ],
)
def test_a_wrong_key_names_the_mend(
    settings: dict[str, Any],
    says: str,
    shop: Pve,  # noqa: ARG001  # it has nodes
    proxmox: Open,
) -> None:
    """Each mistake in what is to be launched is one line that names the key."""
    with pytest.raises(ConfigError, match=r"\[cloud\]") as wrong:
        found = proxmox(**{"template": "debian"} | settings)
        assert isinstance(found, ProxmoxCloud)
        found.parameters(ORDERS)
    assert says in str(wrong.value)


def test_a_cluster_that_no_tag_can_hold_is_refused(shop: Pve, proxmox: Open) -> None:  # noqa: ARG001
    """Names aren't mangled: capitals would be stored as small letters."""
    with pytest.raises(ConfigError, match=r"\[cluster\] name: no tag of Proxmox VE can hold 'Orders'"):
        opened(proxmox).parameters({CLUSTER_TAG: "Orders"})


def admitted(path: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Run a verb of keepapart's, and return its exit code and document."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(io.StringIO()):
        code = main(["-c", str(path), *words, "--json"])
    return int(code), json.loads(out.getvalue())


@pytest.fixture
def configured(shop: Pve, tmp_path: Path) -> Path:
    """Return the configuration of the page, for this cluster: by it, stated placement decides."""
    path = tmp_path / "keepapart.toml"
    text = example(PAGE).replace("https://pve-1.example.com:8006", shop.endpoint)
    text = text.replace("/etc/keepapart/pve-root-ca.pem", shop.certificate)
    path.write_text(f'{text}[store]\nurl = "sqlite:///{tmp_path}/keepapart.db"\n', encoding="utf-8")
    return path


def test_a_cluster_is_built_with_one_launch_for_each_member(configured: Path, shop: Pve) -> None:
    """Three nodes, three members, three launches; a fourth can't be had, and nothing is left behind."""
    code, document = admitted(configured, "admit", "--count", "3")
    assert (code, document["attempts"], len(document["admitted"])) == (0, 3, 3)
    guests = shop.shown()["guests"]
    assert sorted(one["node"] for one in guests.values()) == list(NODES)
    assert {one["status"] for one in guests.values()} == {"running"}
    assert all("keepapart-role.member" in one["tags"] for one in guests.values())
    code, document = admitted(configured, "admit")
    assert (code, shop.shown()["guests"]) == (4, guests)
    code, document = admitted(configured, "audit", "--stated")
    assert (code, {pair["strength"] for pair in document["pairs"]}) == (0, {"conclusive"})
    assert admitted(configured, "gc")[1]["found"] == []


@pytest.mark.timeout(400)
@pytest.mark.parametrize("lost", ["", "POST", "PUT"])
def test_killed_at_any_arrow_nothing_is_lost_nor_doubled(
    configured: Path, shop: Pve, lost: str, tmp_path: Path
) -> None:
    """Whatever is lost, and wherever the process dies: two members in the end, each on a node of its own."""
    shop.vm(700, "pve-3", config={"tags": "keepapart-cluster.orders-2", "description": "nobody's"})
    shop.tell("add_vm", {"args": [701, "ka-0123456789abcdef0123"], "node": "pve-3", "status": "running"})

    def work(on_arrow: Callable[[str], None]) -> None:
        killed.admitted(configured, 2, on_arrow)

    def again() -> None:
        shop.tell("lose", "")
        assert killed.admitted(configured, 2) == 0
        assert killed.swept(configured) == []
        guests = shop.shown()["guests"]
        members = {name: one["node"] for name, one in guests.items() if "role.member" in one.get("tags", "")}
        assert len(members) == len(set(members.values())) == 2 and guests.keys() - members == {"700", "701"}
        assert len(shop.shown()["disks"]) == 2
        with killed.opened(configured) as (context, _):
            for name in members:
                context.cloud.terminate(name)
        (tmp_path / "keepapart.db").unlink()
        shop.tell("lose", lost)

    shop.tell("lose", lost)
    assert killed.arrows(work, again, tmp_path, step=11 if lost else 4) > 40


RIGHTS = ("VM.Audit", "Sys.Audit", "VM.Clone", "VM.Allocate", "VM.PowerMgmt", "VM.Config.Options",
          "Datastore.AllocateSpace")  # fmt: skip


@pytest.mark.parametrize("missing", ["", *RIGHTS[2:]])
def test_the_rights_of_the_page_are_enough_and_each_is_needed(shop: Pve, proxmox: Open, missing: str) -> None:
    """Launch, tag, stop, start and terminate; without one of the rights something is denied."""
    shop.tell("set", "acl", {USER: [["/", [right for right in RIGHTS if right != missing]]]})
    cloud = opened(proxmox)

    def everything() -> None:
        one = cloud.launch(request(cloud)).id
        cloud.tag(one, {ROLE_TAG: MEMBER})
        cloud.stop(one)
        cloud.start(one)
        cloud.terminate(one)

    if missing:
        with pytest.raises(DeniedError, match=r"docs/platforms/proxmox\.md"):
            everything()
    else:
        everything()
        assert shop.shown() == {"guests": {}, "disks": []}
