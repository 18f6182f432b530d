"""Moving on OpenStack, against a real Nova: shelved and unshelved, or to a host that is named."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG
from keepapart.errors import UsageError
from tests.platforms import killed
from tests.platforms.asking import said, told
from tests.platforms.nova_double import Nova

ORDERS = {CLUSTER_TAG: "orders", ROLE_TAG: MEMBER}

pytestmark = pytest.mark.timeout(1200)  # nova is installed once, and is slow to answer


@pytest.fixture
def packed(nova: Nova) -> list[str]:
    """Launch three members, the first two of them on one host."""
    hosts = ("compute-1", "compute-1", "compute-2")
    return [nova.launch(f"db-{n}", host=host, metadata=ORDERS)[0] for n, host in enumerate(hosts)]


@pytest.fixture
def configured(tmp_path: Path) -> Path:
    """Return a configuration of a member of the project, by which host ids decide."""
    path = tmp_path / "keepapart.toml"
    own = f'[store]\nurl = "sqlite:///{tmp_path}/keepapart.db"\n[cluster]\nname = "orders"\n'
    cloud = '[cloud]\nprovider = "openstack"\ncloud = "operator"\n'
    path.write_text(f'{own}assurance = "conclusive"\n{cloud}', encoding="utf-8")
    return path


def as_administrator(path: Path) -> Path:
    """Have the configuration name an administrator."""
    path.write_text(path.read_text(encoding="utf-8").replace('"operator"', '"admin"'), encoding="utf-8")
    return path


def where(nova: Nova, server: str) -> tuple[str, str]:
    """Tell host and status of a server, as the administrator is shown them."""
    shown = nova.shown(server)
    return str(shown["OS-EXT-SRV-ATTR:host"]), str(shown["status"])


def apart(nova: Nova, servers: list[str]) -> bool:
    """Say whether all of them run, on hosts of their own."""
    found = [where(nova, one) for one in servers]
    return len(dict(found)) == len(servers) and {status for _, status in found} == {"ACTIVE"}


def test_what_an_audit_advises_is_done(configured: Path, nova: Nova, packed: list[str]) -> None:
    """By stated facts two share a host; the command that keeps disks gives one of them another."""
    code, text = told(configured, "audit", "--stated")
    (advised,) = re.findall(r"keepapart -c \S+ move (\S+)", text)
    assert (code, advised in packed[:2]) == (1, True)
    code, document, _ = said(configured, "move", "--yes", advised)
    assert (code, document["moved"]) == (0, [advised])
    assert apart(nova, packed)
    assert said(configured, "audit", "--stated")[0] == 0


def test_a_strict_group_is_kept_to(configured: Path, nova: Nova, packed: list[str]) -> None:
    """It is scheduled within the group that it was launched into, and in no other: the plan says which."""
    text = said(configured, "move", "--dry-run", packed[1])[2]
    assert "where Nova's scheduler puts it, shelved and unshelved, in no server group" in text
    group = nova.group("shards", "anti-affinity")
    (grouped,) = nova.launch("db-3", host="compute-2", group=group, metadata=ORDERS)
    assert "within anti-affinity group shards" in said(configured, "move", "--dry-run", grouped)[2]


def test_a_server_that_stays_while_it_is_shelved_is_not_moved(
    configured: Path, nova: Nova, packed: list[str]
) -> None:
    """It is stopped once and started where it was, and who could take it off its host is told."""
    nova.configure(None, "shelved_offload_time", -1)
    try:
        outcome = killed.moved(configured, packed[1])
    finally:
        nova.configure(None, "shelved_offload_time", 0)
    assert (outcome.code, outcome.moved, outcome.stops) == (4, (), 1)
    assert "shelved_offload_time" in outcome.unmoved[0].because
    assert where(nova, packed[1]) == ("compute-1", "ACTIVE")


def test_a_disk_that_shelving_would_lose_keeps_a_server_running(configured: Path, nova: Nova) -> None:
    """An ephemeral disk is in no image and on no volume: it isn't even stopped, nor shelved once it is."""
    about = {"name": "scratch", "ram": 64, "vcpus": 1, "disk": 1, "OS-FLV-EXT-DATA:ephemeral": 1}
    flavor = nova.call("POST", "/flavors", {"flavor": about})["flavor"]["id"]
    for _ in range(3):
        (one,) = nova.launch("db", host="compute-1", metadata=ORDERS, flavorRef=flavor)
    outcome = killed.moved(configured, one)
    assert (outcome.code, outcome.stops) == (4, 0)
    assert "has an ephemeral disk, which shelving would lose" in outcome.unmoved[0].because
    nova.act(one, {"os-stop": None}, "SHUTOFF")
    with pytest.raises(UsageError, match="an ephemeral disk, which shelving would lose"):
        killed.moved(as_administrator(configured), one, host="compute-2")
    nova.call("DELETE", f"/flavors/{flavor}")


def test_no_room_is_waited_out(configured: Path, nova: Nova, packed: list[str]) -> None:
    """Nova takes the call, finds no host and says nothing: it is unshelved again until there is one."""
    tries = 0

    def on_arrow(name: str) -> None:
        nonlocal tries
        if name == "after journal placedanew":
            nova.services("disabled")
        tries += name == "before start"
        if tries == 4:
            nova.services("enabled")

    try:
        outcome = killed.moved(configured, packed[1], on_arrow)
    finally:
        nova.services("enabled")
    assert (outcome.code, tries >= 4) == (0, True)
    assert apart(nova, packed)


def test_only_an_administrator_names_a_host(configured: Path, nova: Nova, packed: list[str]) -> None:
    """As a member it is refused before anything is done; as one it goes there as it runs."""
    with pytest.raises(UsageError, match="only an administrator may name a host"):
        killed.moved(configured, packed[1], host="compute-3")
    with pytest.raises(UsageError, match="there is no host 'compute-33'; did you mean 'compute-3'"):
        killed.moved(as_administrator(configured), packed[1], host="compute-33")
    outcome = killed.moved(configured, packed[1], host="compute-3")
    assert (outcome.code, outcome.stops, where(nova, packed[1])) == (0, 0, ("compute-3", "ACTIVE"))
    nova.act(packed[1], {"os-stop": None}, "SHUTOFF")
    outcome = killed.moved(configured, packed[1], host="compute-1", excuse=[packed[0]])
    assert where(nova, packed[1]) == ("compute-1", "ACTIVE")


@pytest.fixture
def crashing(nova: Nova, standing: list[str], packed: list[str]) -> Callable[[], None]:
    """Return what checks that the members are those that there were, apart, and packs them anew."""
    (decoy,) = nova.launch("db-1", host="compute-2", metadata={CLUSTER_TAG: "orders-2"})
    before = where(nova, decoy)

    def pack() -> None:
        assert apart(nova, packed)
        there = {one["id"] for one in nova.call("GET", "/servers")["servers"]}
        assert there == {*standing, *packed, decoy}
        assert where(nova, decoy) == before
        nova.act(packed[1], {"os-migrateLive": {"host": "compute-1", "block_migration": "auto"}}, "ACTIVE")

    return pack


def test_killed_at_any_arrow_it_is_gone_on_with(
    configured: Path, crashing: Callable[[], None], packed: list[str], tmp_path: Path
) -> None:
    """Wherever the process dies: the member runs in the end, on a host of its own, and is who it was."""

    def again() -> None:
        outcome = killed.moved(configured, packed[1])
        assert outcome.moved == (packed[1],), outcome
        assert killed.swept(configured) == []
        (tmp_path / "keepapart.db").unlink()
        crashing()

    assert (
        killed.arrows(lambda arrow: killed.moved(configured, packed[1], arrow), again, tmp_path, step=17) > 30
    )
