"""Launching on OpenStack, against a real Nova in one process: its scheduler, groups, quotas and faults."""

from __future__ import annotations

import io
import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from demos import openstack as openstack_demo
from keepapart.cli import main
from keepapart.clouds import CANDIDATE, CLUSTER_TAG, NOTE, ROLE_TAG, LaunchRequest, Listing, once
from keepapart.clouds.once import name_of
from keepapart.clouds.openstack.cloud import OpenStackCloud
from keepapart.errors import CapacityError, CloudError, ConfigError, DeniedError, RefusedError, UnsettledError
from keepapart.model import Instance
from keepapart.testing.clouds import CLOUD_RULES, CloudRule, CloudUnderTest, launching
from tests.platforms import killed
from tests.platforms.killed import example
from tests.platforms.nova_double import IMAGE, Nova, serving
from tests.platforms.pve_double import Open

ORDERS = {CLUSTER_TAG: "orders"}
PAGE = Path(__file__).parents[2] / "docs" / "platforms" / "openstack.md"
WHAT = {"cloud": "operator", "image": IMAGE, "flavor": "m1.tiny", "network_id": "none"}
IN_A_GROUP = (launching.says_what_will_never_be_granted, launching.chooses_what_can_be_journalled)

pytestmark = pytest.mark.timeout(1200)  # nova is installed once, and is slow to answer


def opened(openstack: Open, **settings: Any) -> OpenStackCloud:
    """Open the cloud as a member of the project, with something to launch."""
    found = openstack(**{**WHAT, "tries": 1, **settings})
    assert isinstance(found, OpenStackCloud)
    return found


def request(cloud: OpenStackCloud, token: str) -> LaunchRequest:
    """Return a launch of cluster "orders"."""
    return LaunchRequest(token, {**ORDERS, ROLE_TAG: CANDIDATE}, dict(cloud.parameters(ORDERS)))


def settled(cloud: OpenStackCloud, wanted: LaunchRequest) -> Instance:
    """Launch, and ask again until it is settled what came of it."""
    for _ in range(200):
        try:
            return cloud.launch(wanted)
        except UnsettledError:
            pass
    raise AssertionError("it stays unsettled")


def named(nova: Nova, token: str) -> list[str]:
    """Return the ids of the servers of this token, as the administrator is shown them."""
    servers = nova.call("GET", "/servers/detail")["servers"]
    return [one["id"] for one in servers if one["name"] == name_of(token)]


@pytest.mark.parametrize(
    ("rule", "group"),
    [*((rule, "") for rule in CLOUD_RULES), *((rule, "auto") for rule in IN_A_GROUP)],
    ids=lambda either: getattr(either, "__name__", str(either)),
)
def test_conformance(
    rule: CloudRule, group: str, openstack: Open, nova: Nova, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenStack is a cloud like any other, within a server group or not."""
    monkeypatch.setattr(once, "QUIET", 1.0)
    nova.configure("api", "max_limit", 2)

    def broken(path: str, **fault: Any) -> Callable[[Listing], AbstractContextManager[None]]:
        @contextmanager
        def breaking(_: Listing) -> Iterator[None]:
            nova.order("fault", path=path, status=500, times=0, **fault)
            yield
            nova.order("clear")

        return breaking

    @contextmanager
    def full(_: Listing) -> Iterator[None]:
        nova.services("disabled")
        try:
            yield
        finally:
            nova.services("enabled")

    @contextmanager
    def refused(_: Listing) -> Iterator[None]:
        for one in nova.call("GET", "/os-server-groups")["server_groups"]:
            nova.call("DELETE", f"/os-server-groups/{one['id']}")
        yield

    with CloudUnderTest(
        lambda: opened(openstack, server_group=group),
        unknown="9b6d7c1e-0000-4000-8000-000000000000",
        full=None if group else full,
        refused=refused if group else None,
        failing=broken("/servers"),
        cut_short=broken("marker="),
        unanswered=broken("POST .*/servers$", done=True),
        handed=lambda server: b64decode(nova.shown(server)["OS-EXT-SRV-ATTR:user_data"] or ""),
        patience=60.0,
    ) as it:
        rule(it)


def test_a_lost_answer_is_looked_for_until_it_surely_came_to_nothing(nova: Nova, openstack: Open) -> None:
    """Nova knows no token: what may have been sent is sent again only once the quiet time has passed."""
    cloud = opened(openstack)
    wanted = request(cloud, "lost")
    nova.order("fault", path="POST .*/servers$", status=502)
    with pytest.raises(CloudError, match="by order of a test"):
        cloud.launch(wanted)
    with pytest.raises(UnsettledError, match="a launch that may have been made is looked for") as waits:
        cloud.launch(replace(wanted, sent=30.0))
    assert waits.value.seconds == 60.0
    assert not named(nova, "lost")
    found = settled(cloud, replace(wanted, sent=once.QUIET))
    assert named(nova, "lost") == [found.id]


def test_servers_that_are_not_told_leave_it_open(nova: Nova, openstack: Open) -> None:
    """While a cell is down, it may hold what was launched: that is waited for, not launched again."""
    wanted = request(opened(openstack), "dark")
    settled(opened(openstack), wanted)
    nova.order("cells", down=True)
    try:
        with pytest.raises(UnsettledError):
            opened(openstack).launch(replace(wanted, sent=10 * once.QUIET))
    finally:
        nova.order("cells", down=False)
    assert len(named(nova, "dark")) == 1


def test_no_host_after_it_was_accepted_is_no_room_and_leaves_nothing(nova: Nova, openstack: Open) -> None:
    """Nova accepts first and fails then; the failed server would stay in its group, so it is deleted."""
    cloud = opened(openstack)
    wanted = request(cloud, "full")
    nova.services("disabled")
    try:
        with pytest.raises(CapacityError, match="No valid host was found"):
            settled(cloud, wanted)
    finally:
        nova.services("enabled")
    found = settled(cloud, wanted)
    assert named(nova, "full") == [found.id]


def test_a_strict_group_of_the_clusters_own_keeps_servers_apart(nova: Nova, openstack: Open) -> None:
    """It is made once; each server in it has a host of its own, and once no host is left there is no room."""
    cloud = opened(openstack, server_group="auto")
    assert cloud.foresee(ORDERS) == "in anti-affinity group keepapart-orders, to be made"
    hosts = set()
    for number in range(4):
        wanted = request(cloud, f"apart-{number}")
        assert wanted.parameters[NOTE] == "in anti-affinity group keepapart-orders"
        hosts.add(nova.shown(settled(cloud, wanted).id)["OS-EXT-SRV-ATTR:host"])
    assert len(hosts) == 4
    with pytest.raises(CapacityError):
        settled(cloud, request(cloud, "apart-4"))
    (group,) = nova.call("GET", "/os-server-groups")["server_groups"]
    assert len(group["members"]) == 4


def test_a_group_that_takes_no_more_members_is_done_without(nova: Nova, openstack: Open) -> None:
    """Its quota isn't waited for: the next launch is without it, and the note says why."""
    cloud = opened(openstack, server_group="auto")
    settled(cloud, request(cloud, "in"))
    nova.configure("quota", "server_group_members", 1)
    try:
        with pytest.raises(RefusedError, match="the next launch is without the server group"):
            settled(cloud, request(cloud, "out"))
    finally:
        nova.configure("quota", "server_group_members", 10)
    assert "without server group keepapart-orders" in cloud.parameters(ORDERS)[NOTE]
    settled(cloud, request(cloud, "beside"))


def test_a_quota_is_not_waited_for(nova: Nova, openstack: Open) -> None:
    """It isn't room that lacks: asking again doesn't help, asking for a higher one does."""
    cloud = opened(openstack)
    nova.configure("quota", "instances", 0)
    try:
        with pytest.raises(DeniedError, match=r"(?i)quota.*; ask for a higher quota, or release servers"):
            cloud.launch(request(cloud, "quota"))
    finally:
        nova.configure("quota", "instances", 100)


def test_a_missing_right_is_told_and_not_waited_for(nova: Nova, openstack: Open) -> None:
    """Whoever may only read launches nothing, and the role that may is named."""
    cloud = opened(openstack)
    nova.order("fault", path="POST .*/servers$", status=403)
    with pytest.raises(DeniedError, match="launching and moving the role member"):
        cloud.launch(request(cloud, "denied"))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"image": ""}, "[cloud] image: none is set"),
        ({"flavor": ""}, "[cloud] flavor: none is set"),
        ({"flavor": "m1.tinny"}, "did you mean 'm1.tiny'"),
    ],
)
def test_a_wrong_key_names_the_mend(
    settings: dict[str, Any],
    says: str,
    nova: Nova,  # noqa: ARG001  # it is asked
    openstack: Open,
) -> None:
    """Each mistake in what is to be launched is one line that names the key."""
    with pytest.raises(ConfigError) as wrong:
        opened(openstack, **settings).parameters(ORDERS)
    assert says in str(wrong.value)


def test_a_cluster_is_built_and_judged_by_what_nova_states(nova: Nova, tmp_path: Path) -> None:
    """As the page configures it: three members on hosts of their own, by Nova's word, and nothing left."""
    path, store = tmp_path / "keepapart.toml", tmp_path / "keepapart.db"
    text = example(PAGE)
    path.write_text(f'{text}[store]\nurl = "sqlite:///{store}"\n', encoding="utf-8")

    def ran(*words: str) -> tuple[int, dict[str, Any]]:
        out = io.StringIO()
        with redirect_stdout(out), redirect_stderr(io.StringIO()):
            code = main(["-c", str(path), *words, "--json"])
        return int(code), json.loads(out.getvalue())

    code, document = ran("admit", "--count", "3")
    assert (code, document["attempts"]) == (0, 3)
    hosts = {nova.shown(one)["OS-EXT-SRV-ATTR:host"] for one in document["admitted"]}
    assert len(hosts) == 3
    code, document = ran("audit", "--stated")
    assert (code, {pair["strength"] for pair in document["pairs"]}) == (0, {"conclusive"})
    assert ran("gc")[1]["found"] == []


def test_killed_at_any_arrow_nothing_is_lost_nor_doubled(
    nova: Nova, standing: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the process dies: two members in the end, on hosts of their own."""
    monkeypatch.setattr(once, "QUIET", 2.0)
    path, store = tmp_path / "keepapart.toml", tmp_path / "keepapart.db"
    path.write_text(f'{example(PAGE)}[store]\nurl = "sqlite:///{store}"\n', encoding="utf-8")
    (decoy,) = nova.launch("ka-0123456789abcdef0123", metadata={CLUSTER_TAG: "orders-2"})

    def again() -> None:
        assert killed.admitted(path, 2) == 0
        assert killed.swept(path) == []
        there = {one["id"] for one in nova.call("GET", "/servers")["servers"]} - {*standing, decoy}
        assert len(there) == len({nova.shown(one)["OS-EXT-SRV-ATTR:host"] for one in there}) == 2
        nova.clear([*standing, decoy])
        store.unlink()

    assert killed.arrows(lambda arrow: killed.admitted(path, 2, arrow), again, tmp_path, step=17) > 20


def test_the_demo_mends_what_the_scheduler_packed(tmp_path: Path) -> None:
    """`make demo-openstack`: every verdict is Nova's own, and the project holds the members alone."""
    with serving(openstack_demo.COMPUTES, apart="") as packing:
        figures = openstack_demo.play(packing, tmp_path)
    assert figures == "6 verdicts held against Nova's own, 0 wrong, 3 members on 3 hosts"
