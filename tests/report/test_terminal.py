"""What stands in the terminal: the answer first, everybody once, nothing that steers the terminal."""

from __future__ import annotations

import pytest

from keepapart.model import Verdict
from keepapart.report.ground import Step
from keepapart.report.terminal import print_audit, print_hops, print_pair
from tests.report.audits import APART, SHARED, audit_of, with_refuted_chain

Printed = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe of a known width and no colour."""
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


def test_answer_comes_first(capsys: Printed) -> None:
    """The first line is the answer, and the last two are what to do next."""
    print_audit(audit_of(SHARED), [Step("keepapart replace web-2", "so that …")], all_pairs=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("✗ 2 of 5 members share a host")
    assert "keepapart replace web-2" in lines[-2]


def test_everybody_is_drawn_once(capsys: Printed) -> None:
    """Every instance has its address in exactly one box."""
    audit = audit_of(SHARED)
    print_audit(audit, all_pairs=False)
    out = capsys.readouterr().out
    for instance in audit.instances:
        assert out.count(f"{instance.id}  {instance.address}") == 1
    for rack in ("rack-1", "rack-2"):
        assert rack in out


def test_pipes_get_no_colour(capsys: Printed) -> None:
    """Piped output holds no escape sequence."""
    print_audit(audit_of(SHARED), all_pairs=True)
    assert "\x1b" not in capsys.readouterr().out


def test_ids_can_neither_style_nor_steer(capsys: Printed) -> None:
    """Markup in an id is text, and control characters in a reason don't reach the terminal."""
    audit = audit_of(APART, ids=["[red]a", "b", "c", "d", "e"], lost={"e": "banner \x1b[2J\x07 of a host"})
    print_audit(audit, all_pairs=True)
    print_pair(audit, audit.pair("[red]a", "e"))
    print_hops(audit)
    out = capsys.readouterr().out
    assert "[red]a" in out
    assert "\x1b" not in out
    assert "\x07" not in out


def test_unreached_with_why(capsys: Printed) -> None:
    """Whoever couldn't be reached is named with the reason, equal reasons together."""
    lost = {"web-1": "timed out", "web-2": "timed out", "web-3": "refused"}
    print_audit(audit_of(APART, lost=lost), all_pairs=False)
    out = capsys.readouterr().out
    assert "web-1 and web-2: timed out" in out
    assert "web-3: refused" in out


def test_contradictions_are_printed(capsys: Printed) -> None:
    """A contradiction stands out by its word."""
    print_audit(with_refuted_chain(), all_pairs=False)
    assert "contradiction: " in capsys.readouterr().out


def test_hundreds_of_hosts_are_a_line_each(capsys: Printed) -> None:
    """A large cluster is listed by shared host, and lone hosts are only counted."""
    where = [(k % 5, k) for k in range(200)] + [(0, 0)] * 3
    print_audit(audit_of(where), all_pairs=False)
    out = capsys.readouterr().out
    assert "host-1 ×4  web-1, web-201, web-202, web-203" in out
    assert "40 hosts with one member each" in out
    assert len(out.splitlines()) < 40


def test_all_pairs(capsys: Printed) -> None:
    """Asked for all pairs, each has a line with its verdict."""
    print_audit(audit_of(APART), all_pairs=True)
    out = capsys.readouterr().out
    assert out.count("✓ separate") == 10


@pytest.mark.parametrize(
    ("b", "verdict", "says"),
    [("web-2", "CO-RESIDENT", "2 hops in 16 of 16 flows"), ("web-3", "SEPARATE", "4 hops in all 16 flows")],
)
def test_pair(capsys: Printed, b: str, verdict: str, says: str) -> None:
    """A pair shows its verdict, its reason and its evidence."""
    audit = audit_of(SHARED)
    print_pair(audit, audit.pair("web-1", b))
    out = capsys.readouterr().out
    assert verdict in out
    assert out.count(says) == 2


def test_unknown_pair_says_why(capsys: Printed) -> None:
    """An unknown pair names the end that couldn't be reached."""
    audit = audit_of(APART, lost={"web-2": "timed out"})
    pair = audit.pair("web-1", "web-2")
    assert pair.verdict is Verdict.UNKNOWN
    print_pair(audit, pair)
    out = capsys.readouterr().out
    assert "UNKNOWN" in out
    assert "web-2: timed out" in out


def test_hops_of_a_small_cluster_carry_ids(capsys: Printed) -> None:
    """Ids head rows and columns; what wasn't measured is a dash."""
    print_hops(audit_of(SHARED, missing=[(0, 2)]))
    lines = capsys.readouterr().out.splitlines()
    head = next(line for line in lines if "from" in line)
    row = next(line for line in lines if line.split()[:1] == ["web-1"])
    assert head.split()[-5:] == [f"web-{k}" for k in range(1, 6)]
    assert row.split() == ["web-1", "·", "2", "–", "6", "6"]


def test_hops_of_a_large_cluster_are_bounded(capsys: Printed) -> None:
    """No line is wider than the terminal, and where all of it is to be had is said."""
    print_hops(audit_of([(k % 5, k) for k in range(300)]))
    out = capsys.readouterr().out
    table = [line for line in out.splitlines() if "web-" in line]
    assert 0 < len(table) <= 64
    assert max(map(len, table)) <= 80
    assert "keepapart hops -o wide" in out


def test_zones_are_listed_with_their_members(capsys: Printed) -> None:
    """What the platform states has a line for each domain, called by its level and name."""
    zones = [
        {"zone": "eu-1a"},
        {"zone": "eu-1a"},
        {"zone": "eu-1b"},
        {"zone": "eu-1b", "fault_domain": "1"},
        {},
    ]
    print_audit(audit_of(APART, facts=zones), all_pairs=False)
    lines = capsys.readouterr().out.splitlines()
    assert "zone eu-1a  2 members: web-1 and web-2" in lines
    assert "zone eu-1b  2 members: web-3 and web-4" in lines
    assert "fault domain 1 of eu-1b  1 member: web-4" in lines


def test_of_many_zones_some_are_counted(capsys: Printed) -> None:
    """A fleet in forty zones is told in as few lines as one in twelve."""
    print_audit(
        audit_of([(0, k) for k in range(40)], facts=[{"zone": f"z{k}"} for k in range(40)]), all_pairs=False
    )
    out = capsys.readouterr().out
    assert out.count("\nzone z") == 12
    assert "and 28 more (all: --json)" in out


@pytest.mark.parametrize("many", [2, 30])
def test_racks_are_drawn_in_their_pods(many: int, capsys: Printed) -> None:
    """Pods, their racks and these hosts follow in order, as frames or, of many hosts, as lines."""
    where = [(rack, 100 * rack + host) for rack in range(3) for host in range(many)] + [(1, 100)]
    print_audit(audit_of(where, pods=[0, 0, 1]), all_pairs=False)
    out = capsys.readouterr().out
    headings = ["pod-1  2 racks", "rack-1  ", "rack-2  ", f"host-{many + 1} ×2", "pod-2  1 rack", "rack-3  "]
    at = [out.index(heading) for heading in headings]
    assert at == sorted(at)
    assert all(len(line) <= 80 for line in out.splitlines() if line.startswith(("┌", "│", "└")))
