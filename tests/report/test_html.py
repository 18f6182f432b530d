"""The page: complete, self-contained, and safe to open whatever an instance is called."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from keepapart.auditing.assess import Audit
from keepapart.errors import OperationError
from keepapart.report.html import page, write_page
from tests.report.audits import APART, SHARED, audit_of, with_refuted_chain

EVIL = "<script>alert('x')</script>"


class Read(HTMLParser):
    """What a program finds on the page."""

    def __init__(self, audit: Audit) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.members: dict[str | None, list[str]] = {}
        self.title = ""
        self._host: str | None = None
        self._open: list[str] = []
        self.feed(page(audit))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attrs
        given = dict(attrs)
        self._open.append(tag)
        if tag == "article":
            self._host = given["data-host"]
        if "data-instance" in given:
            self.members.setdefault(self._host, []).append(given["data-instance"] or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "article":
            self._host = None

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "title":
            self.title += data.strip()


def cells(audit: Audit) -> Counter[str]:
    """Count the matrix's cells by verdict."""
    found = Counter(value for name, value in Read(audit).attributes if name == "class" and value)
    return Counter({name.removeprefix("cell "): n for name, n in found.items() if name.startswith("cell ")})


def test_hosts_and_members_can_be_found() -> None:
    """Each host box holds just its own instances, in attributes a program can read."""
    found = Read(audit_of(SHARED))
    assert found.members == {
        "host-1": ["web-1", "web-2"],
        "host-2": ["web-3"],
        "host-3": ["web-4"],
        "host-4": ["web-5"],
    }
    assert found.title.startswith("orders: 2 of 5 members share a host")


def test_everybody_appears_once() -> None:
    """Placed or not, reached or not, each instance appears exactly once."""
    found = Read(audit_of(SHARED, lost={"web-4": "timed out"}))
    listed = [name for members in found.members.values() for name in members]
    assert sorted(listed) == [f"web-{k}" for k in range(1, 6)]
    assert "web-4" in found.members[None]


def test_names_are_escaped() -> None:
    """An id or a reason with HTML in it is shown, never run."""
    audit = audit_of(SHARED, ids=[EVIL, "b", "c", 'd" onclick="x', "e"], lost={"e": EVIL})
    found = Read(audit)
    assert found.tags["script"] == 1  # its own, which searches
    assert "onclick" not in dict(found.attributes)
    assert EVIL in found.members["host-1"]
    assert EVIL not in page(audit)


def test_nothing_comes_from_elsewhere() -> None:
    """The page names no other file: it works from a disk, years later."""
    found = Read(audit_of(SHARED))
    assert not found.tags.keys() & {"link", "img", "iframe", "object"}
    assert not {"src", "href"} & {name for name, _ in found.attributes}
    assert "url(" not in page(audit_of(SHARED))
    assert "@import" not in page(audit_of(SHARED))


def test_matrix_shows_every_pair_both_ways() -> None:
    """Up to 64 instances every pair has a cell each way, coloured and lettered by verdict."""
    legend = {"co-resident": 1, "separate": 1, "unknown": 1}
    audit = audit_of(SHARED, missing=[(2, 4)])
    found = cells(audit)
    for verdict, count in audit.counts.items():
        assert found[verdict] == 2 * count + legend[verdict]


def test_cells_say_why() -> None:
    """Pointing at a cell tells the pair, the verdict and the reason."""
    titles = [value or "" for name, value in Read(audit_of(SHARED)).attributes if name == "title"]
    assert "web-1 and web-2: co-resident\n2 hops in 16 of 16 flows" in titles


def test_a_large_cluster_lists_what_is_not_separate() -> None:
    """Above 64 instances there is no matrix, but each pair that isn't separate is listed."""
    where = [(k % 3, k) for k in range(70)] + [(0, 0), (0, 3)]
    found = page(audit_of(where))
    assert 'class="matrix' not in found
    assert found.count("<td>co-resident</td>") == 2


def test_an_open_network_says_what_is_missing() -> None:
    """Where nobody vouches for the network, the page says so, what would mend it, and sounds undecided."""
    found = page(audit_of([(0, 0), (0, 1), (1, 0)], model="auto"))
    assert 'data-tone="open"' in found
    assert "nobody vouches for it" in found


def test_what_is_stated_is_on_the_page() -> None:
    """A program finds each zone and partition by its name; a reader what its loss takes."""
    group = {"zone": "eu-1b", "group": "<b>", "group_strategy": "partition", "partition": "1"}
    audit = audit_of(APART, facts=[{"zone": "eu-1a"}, {"zone": "eu-1a"}, {"zone": "eu-1a"}, group, group])
    found = Read(audit)
    levels = ("data-zone", "data-partition")
    assert [value for name, value in found.attributes if name in levels] == ["eu-1a", "eu-1b", "1 of <b>"]
    assert "<td>zone eu-1a</td><td>3 of 5: the majority goes</td>" in page(audit)
    assert "<b>" not in page(audit)


def test_contradictions_are_on_the_page() -> None:
    """A contradiction has a section of its own."""
    assert "Contradictions" in page(with_refuted_chain())
    assert "Contradictions" not in page(audit_of(APART))


def test_written_where_asked(tmp_path: Path) -> None:
    """The page is written to the path given."""
    write_page(audit_of(APART), tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page(audit_of(APART))


def test_a_path_that_can_t_be_written_is_named(tmp_path: Path) -> None:
    """A path that can't be written is one clear line that names it."""
    with pytest.raises(OperationError, match="missing"):
        write_page(audit_of(APART), tmp_path / "missing" / "report.html")


def test_hosts_stand_in_racks_and_racks_in_pods() -> None:
    """A program finds each level by its name, in the order of the page."""
    found = Read(audit_of(((0, 0), (0, 0), (0, 1), (1, 2), (2, 3), (2, 4)), pods=[0, 0, 1]))
    levels = ("data-pod", "data-rack", "data-host")
    assert [value for name, value in found.attributes if name in levels] == [
        *("pod-1", "rack-1", "host-1", "host-2", "rack-2", "host-3"),
        *("pod-2", "rack-3", "host-4", "host-5"),
    ]


def test_the_page_s_one_script_is_allowed_by_its_hash() -> None:
    """The policy names the hash of just the script that is there: whatever else were, would not run."""
    text = page(audit_of(SHARED))
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'\">" in text


def test_an_id_is_at_least_as_large_as_an_address() -> None:
    """Ids are what is read: in a box, whatever its size, the address is smaller."""
    text = page(audit_of(SHARED))
    assert ".chip .id { font-size: 1em; }" in text
    assert re.search(r"\.chip \.address \{[^}]*font-size: \.8em", text)
    assert text.index(".chip .id {") < text.index(".chip .address {")
