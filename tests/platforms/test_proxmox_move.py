"""Moving on Proxmox VE: a member is migrated to a node that has no other, as it runs wherever that can be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from keepapart.errors import UsageError
from tests.platforms import killed
from tests.platforms.asking import said
from tests.platforms.pve_double import USER, Pve
from tests.platforms.test_proxmox_launch import RIGHTS

NODES = ("pve-1", "pve-2", "pve-3")


@pytest.fixture
def packed(pve: Pve) -> Pve:
    """Return three nodes, and two members on the first."""
    for node in NODES:
        pve.tell("add_node", {"args": [node]})
    pve.vm(101, "pve-1")
    pve.vm(102, "pve-1")
    return pve


@pytest.fixture
def configured(packed: Pve, tmp_path: Path) -> Path:
    """Return a configuration by which the node decides."""
    path = tmp_path / "keepapart.toml"
    own = f'[store]\nurl = "sqlite:///{tmp_path}/keepapart.db"\n[cluster]\nname = "orders"\n'
    path.write_text(f'{own}assurance = "conclusive"\n[cloud]\n{packed.cloud}', encoding="utf-8")
    return path


def where(pve: Pve) -> dict[str, tuple[str, str]]:
    """Tell node and status of every guest, as the fake itself has them."""
    return {name: (one["node"], one["status"]) for name, one in pve.shown()["guests"].items()}


def test_a_member_goes_to_a_free_node_as_it_runs(configured: Path, packed: Pve) -> None:
    """Nothing is stopped, so two members are enough for it, of which both must run."""
    code, document, text = said(configured, "move", "--dry-run", "102")
    assert "move 102 as it runs, unless it is on a host of its own already: on node pve-2" in text
    code, document, _ = said(configured, "move", "--yes", "102")
    assert (code, document["moved"], document["stops"]) == (0, ["102"], 0)
    assert where(packed) == {"101": ("pve-1", "running"), "102": ("pve-2", "running")}
    assert said(configured, "move", "--yes", "101", "102")[1]["moved"] == ["101", "102"]
    assert where(packed)["101"] == ("pve-1", "running")


def test_what_can_not_go_as_it_runs_is_stopped_for_that(configured: Path, packed: Pve) -> None:
    """Then it is migrated offline and started there; the reason is told. A container is stopped at once."""
    packed.vm(103, "pve-3")
    packed.tell("set", "live_error", "can't live migrate: the processor of the target lacks features")
    outcome = killed.moved(configured, "102")
    assert (outcome.code, outcome.moved, outcome.stops) == (0, ("102",), 1)
    assert where(packed)["102"] == ("pve-2", "running")
    tags = {"tags": "keepapart-cluster.orders;keepapart-role.member"}
    packed.tell("add_ct", {"args": [104, "ct"], "node": "pve-1", "status": "running", "config": tags})
    packed.tell("add_node", {"args": ["pve-4"]})
    assert (outcome := killed.moved(configured, "104")).code == 0
    assert (outcome.stops, where(packed)["104"]) == (1, ("pve-4", "running"))


def test_what_can_not_be_migrated_runs_where_it_was(configured: Path, packed: Pve) -> None:
    """It is stopped once, not again and again, and the platform's reason is the end."""
    packed.vm(103, "pve-3")
    packed.tell("set", "move_error", "can't migrate VM which uses local devices: hostpci0")
    outcome = killed.moved(configured, "102")
    assert (outcome.code, outcome.moved, outcome.stops) == (4, (), 1)
    assert "local devices: hostpci0" in outcome.unmoved[0].because
    assert where(packed)["102"] == ("pve-1", "running")


def test_where_every_node_has_a_member_nobody_is_touched(configured: Path, packed: Pve) -> None:
    """Moving can't help there: that is the error, and the mend."""
    packed.vm(103, "pve-2")
    packed.vm(104, "pve-3", status="stopped")
    before = where(packed)
    outcome = killed.moved(configured, "102", excuse=["104"])
    assert (outcome.code, outcome.stops) == (4, 0)
    assert (
        "every node that may be used has a member already: pve-2, pve-3; add a" in outcome.unmoved[0].because
    )
    assert where(packed) == before


def test_a_node_can_be_named(configured: Path, packed: Pve) -> None:
    """One that is not there, and one with another member, are refused before anything is done."""
    with pytest.raises(UsageError, match="'pve-9' is no node that may be used; there is pve-1, pve-2, pve-3"):
        killed.moved(configured, "102", host="pve-9")
    packed.vm(103, "pve-2")
    with pytest.raises(UsageError, match="node pve-2 has another member already"):
        killed.moved(configured, "102", host="pve-2")
    assert killed.moved(configured, "102", host="pve-3").moved == ("102",)
    assert where(packed)["102"] == ("pve-3", "running")


def test_start_and_stop_are_no_strategy_here(configured: Path) -> None:
    """A guest that is started again is where it was: `restart` is refused with that reason."""
    text = configured.read_text(encoding="utf-8")
    configured.write_text(f'{text}template = "debian"\n[launch]\non_reject = "restart"\n', encoding="utf-8")
    code, _, text = said(configured, "admit", "--dry-run")
    assert (code, "no use at 'proxmox': a guest that is stopped and started stays on its node" in text) == (
        2,
        True,
    )


def test_killed_at_any_arrow_it_is_gone_on_with(configured: Path, packed: Pve, tmp_path: Path) -> None:
    """Live or not: wherever the process dies the member runs in the end, on a node of its own, and is one."""
    packed.vm(103, "pve-3")
    packed.vm(700, "pve-2", config={"tags": "keepapart-cluster.orders-2"})

    def again() -> None:
        outcome = killed.moved(configured, "102")
        assert (outcome.code, outcome.moved) == (0, ("102",))
        assert killed.swept(configured) == []
        on = where(packed)
        assert on == {"101": ("pve-1", "running"), "102": ("pve-2", "running"), "103": ("pve-3", "running"),
                      "700": ("pve-2", "running")}  # fmt: skip
        (tmp_path / "keepapart.db").unlink()
        packed.tell("guest", 102, "node", "pve-1")

    def work(arrow: Callable[[str], None]) -> None:
        killed.moved(configured, "102", arrow)

    assert killed.arrows(work, again, tmp_path, step=7) > 15
    packed.tell("set", "live_error", "not this one")
    assert killed.arrows(work, again, tmp_path, step=13) > 30


@pytest.mark.parametrize("missing", ["", "VM.Migrate"])
def test_moving_needs_one_right_more(configured: Path, packed: Pve, missing: str) -> None:
    """VM.Migrate, beside those of the page; without it nobody is stopped, and the page is named."""
    rights = [right for right in (*RIGHTS, "VM.Migrate") if right != missing]
    packed.tell("set", "acl", {USER: [["/", rights]]})
    outcome = killed.moved(configured, "102")
    assert (outcome.code, outcome.stops) == (4 if missing else 0, 0)
    if missing:
        assert "docs/platforms/proxmox.md" in outcome.unmoved[0].because
