"""`keepapart audit --stated`: facts in the configuration or from a cloud, verdicts out, and nothing sent."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from contextlib import redirect_stdout
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepapart.cli import main
from keepapart.documents import base
from keepapart.documents.audit import AuditDocument
from keepapart.judging.judge import judge
from keepapart.model import Instance, Strength, Verdict
from keepapart.signals import stated
from tests.auditing.test_stated import Facts, facts

SHARED = ({"host": "pve-3", "zone": "a"}, {"host": "pve-3", "zone": "a"}, {"host": "pve-7", "zone": "b"})
APART = ({"host": "pve-3"}, {"host": "pve-7"}, {"host": "pve-9"})
Printed = pytest.CaptureFixture[str]


def written(folder: Path, some: tuple[Mapping[str, object], ...]) -> str:
    """Write a configuration that states these facts of web-1, web-2, … and nothing else of them."""
    lines = ['[cluster]\nname = "orders"\n']
    for number, stated_of in enumerate(some, 1):
        keys = "".join(f"{key} = {json.dumps(value)}\n" for key, value in stated_of.items())
        lines.append(f'[[instances]]\nid = "web-{number}"\n{keys}')
    path = folder / "keepapart.toml"
    path.write_text("".join(lines), encoding="utf-8")
    return str(path)


def document(config: str, *words: str) -> dict[str, Any]:
    """Return what `audit --stated --json` prints."""
    out = io.StringIO()
    with redirect_stdout(out):
        main(["-c", config, "audit", "--stated", "--json", *words])
    found: dict[str, Any] = json.loads(out.getvalue())
    assert base.text(msgspec.convert(found, AuditDocument)) + "\n" == out.getvalue()
    return found


@pytest.mark.parametrize(
    ("some", "code", "told"),
    [
        (SHARED, 1, "✗ 2 of 3 members share a host: losing pve-3 takes 2"),
        (APART, 0, "✓ every member is on a host of its own"),
        ((*APART, {}), 3, "? no two are known to share a host, but 3 of 6 pairs are unknown"),
        (({}, {}), 3, "? it is not known which members share a host: 1 of 1 pair is unknown"),
    ],
    ids=["shared", "apart", "one without facts", "no facts"],
)
def test_the_answer_and_its_exit_code(
    tmp_path: Path, capsys: Printed, some: tuple[Facts, ...], code: int, told: str
) -> None:
    """The code is that of any audit, the first line the answer; nothing is left beside the configuration."""
    assert main(["-c", written(tmp_path, some), "audit", "--stated"]) == code
    out = capsys.readouterr().out
    assert out.startswith(told)
    assert "stated facts alone" in out
    assert [path.name for path in tmp_path.iterdir()] == ["keepapart.toml"]


def test_hosts_and_zones_are_shown_by_their_names(tmp_path: Path, capsys: Printed) -> None:
    """Hosts are drawn with who is on them, zones are listed, and who has no facts is named with why."""
    assert main(["-c", written(tmp_path, (*SHARED, {})), "audit", "--stated"]) == 1
    out = capsys.readouterr().out
    assert "┏━ pve-3 ×2 ━┓" in out
    assert "zone a  2 members: web-1 and web-2" in out
    assert "without facts: 1\n  web-4: nothing is stated of where it is" in out
    assert "facts    stated facts alone – host of 3 members, zone of 3 members" in out


def test_the_document_is_that_of_an_audit(tmp_path: Path) -> None:
    """It has hosts, zones, verdicts, pairs with their evidence and the risk; nobody was reached."""
    found = document(written(tmp_path, SHARED))
    assert found["hosts"] == [
        {"name": "pve-3", "instances": ["web-1", "web-2"]},
        {"name": "pve-7", "instances": ["web-3"]},
    ]
    assert [zone["name"] for zone in found["zones"]] == ["a", "b"]
    assert found["verdicts"] == {"separate": 2, "co-resident": 1, "unknown": 0}
    assert found["pairs"][0]["because"] == "the platform puts both on host pve-3"
    assert found["risk"]["replace"] == ["web-2"]
    assert not any(instance["reached"] for instance in found["instances"])
    assert (found["network"]["standing"], found["network"]["established"]) == ("opaque", False)


def test_some_members_are_judged_by_themselves(tmp_path: Path, capsys: Printed) -> None:
    """Names choose members; a name that none has is a mistake of use."""
    config = written(tmp_path, SHARED)
    assert [i["id"] for i in document(config, "web-1", "web-3")["instances"]] == ["web-1", "web-3"]
    assert main(["-c", config, "audit", "--stated", "web-9"]) == 2
    assert "'web-9' is not a member of 'orders'" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--known-same", "--known-separate"])
def test_the_operator_s_word_is_no_stated_fact(tmp_path: Path, capsys: Printed, flag: str) -> None:
    """What contradicts the flag's own meaning is refused, and the mend is named."""
    assert main(["-c", written(tmp_path, SHARED), "audit", "--stated", flag, "web-1,web-2"]) == 2
    assert capsys.readouterr().err.startswith(f"keepapart: {flag}: --stated judges by stated facts alone")


def test_without_packets_no_address_is_needed_and_with_them_it_is(tmp_path: Path, capsys: Printed) -> None:
    """With packets each is asked for its own: where there is no way in, one line says so."""
    assert main(["-c", written(tmp_path, APART), "audit"]) == 4
    said = capsys.readouterr().err
    assert re.match(r"keepapart: no way in to any instance; web-\d: ssh: ", said)
    assert said.count("\n") == 1


def test_a_page_is_drawn(tmp_path: Path) -> None:
    """The page names hosts, and that it rests on stated facts."""
    page = tmp_path / "page.html"
    assert main(["-c", written(tmp_path, (*SHARED, {})), "audit", "--stated", "--html", str(page)]) == 1
    text = page.read_text(encoding="utf-8")
    assert 'data-host="pve-3"' in text
    assert "stated facts alone" in text
    assert "nothing is stated of where it is" in text


def test_numbers_and_truth_are_taken_for_their_text(tmp_path: Path) -> None:
    """A partition that is written as a number is that number's text, and true is the fact's "true"."""
    group = {"group": "g", "group_strategy": "partition"}
    found = document(
        written(tmp_path, ({**group, "partition": 1}, {**group, "partition": 2}, {"whole_host": True}))
    )
    assert found["verdicts"] == {"separate": 3, "co-resident": 0, "unknown": 0}
    assert [one["name"] for one in found["partitions"]] == ["1 of g", "2 of g"]


def test_thousands_are_told_in_a_few_lines(tmp_path: Path, capsys: Printed) -> None:
    """The worst hosts come first, the others are counted; so are the pairs that the document leaves out."""
    size = 3_000
    some = tuple({"host": f"h-{number % 700}"} if number else {} for number in range(size))
    config = written(tmp_path, some)
    assert main(["-c", config, "audit", "--stated"]) == 1
    out = capsys.readouterr().out
    assert len(out.splitlines()) < 70
    assert "■ h-1 ×5  web-2, web-702, web-1402, web-2102, web-2802" in out
    found = document(config)
    assert len(found["pairs"]) < 13_000
    assert (
        sum(kind["pairs"] for kind in found["pairs_left_out"]) + len(found["pairs"]) == size * (size - 1) // 2
    )
    assert sum(len(host["instances"]) for host in found["hosts"]) == size - 1


@settings(deadline=None, max_examples=60)
@given(st.lists(facts(), min_size=2, max_size=6))
def test_verdicts_are_those_of_the_judge_of_all_pairs(drawn: list[Facts]) -> None:
    """Through the command line, every pair is as all pairs judged by the same facts have it, or unknown."""
    with TemporaryDirectory() as folder:
        found = document(written(Path(folder), tuple(drawn)), "--pairs", "all")
    instances = [Instance(f"web-{number}", facts=some) for number, some in enumerate(drawn, 1)]
    dense = judge([i.id for i in instances], stated.testimonies(instances), Strength.STRONG)
    for (i, j), pair in zip(combinations(range(len(drawn)), 2), found["pairs"], strict=True):
        assert (pair["a"], pair["b"]) == (instances[i].id, instances[j].id)
        assert Verdict(pair["verdict"]) in (dense.pair(i, j).verdict, Verdict.UNKNOWN)
