"""Launching by REST: each platform is a cloud like any other, and builds a cluster as its page says."""

from __future__ import annotations

import io
import json
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from keepapart.cli import main
from keepapart.testing.clouds import CLOUD_RULES, CloudRule
from tests.platforms import killed, wrong
from tests.platforms.launched import Platform


@pytest.mark.parametrize("rule", CLOUD_RULES, ids=lambda rule: rule.__name__)
def test_conformance(rule: CloudRule, anywhere: Platform) -> None:
    """Each is a cloud like any other, and what a rule launched leaves nothing."""
    with anywhere.under_test() as it:
        rule(it)
    assert anywhere.account.left == []


def ran(path: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Run a verb of keepapart's, and return its exit code and document."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(io.StringIO()):
        code = main(["-c", str(path), *words, "--json"])
    return int(code), json.loads(out.getvalue())


def test_a_cluster_is_built_as_the_page_configures_it(platform: Platform, tmp_path: Path) -> None:
    """Three members in fault domains of their own, by the platform's word, and nothing left behind."""
    path, account = platform.configured(tmp_path), platform.account
    code, document = ran(path, "admit", "--count", "3")
    assert (code, document["attempts"], len(document["admitted"])) == (0, 3, 3)
    assert sorted(account.placed) == sorted(document["admitted"])
    assert len(set(account.placed.values())) == 3
    code, document = ran(path, "audit", "--stated")
    assert (code, {pair["strength"] for pair in document["pairs"]}) == (0, {"conclusive"})
    assert ran(path, "gc")[1]["found"] == []


@pytest.mark.timeout(400)
@pytest.mark.parametrize("lost", [False, True])
def test_killed_at_any_arrow_nothing_is_lost_nor_doubled(
    platform: Platform, lost: bool, tmp_path: Path
) -> None:
    """Wherever the process dies, also where each answer is lost: two members, in domains of their own."""
    path, account = platform.configured(tmp_path), platform.account
    account.decoys()
    decoys = account.left
    wrongly = ExitStack()

    def lose() -> None:
        if lost:
            wrongly.enter_context(wrong.lost_after(account))

    def again() -> None:
        wrongly.close()
        assert killed.admitted(path, 2) == 0
        assert killed.swept(path) == []
        assert len(account.placed) == len(set(account.placed.values())) == 2
        with killed.opened(path) as (context, _):
            for one in account.placed:
                context.cloud.terminate(one)
        assert account.left == decoys
        (tmp_path / "keepapart.db").unlink()
        lose()

    lose()
    with wrongly:
        step = 23 if lost else 11
        passed = killed.arrows(lambda arrow: killed.admitted(path, 2, arrow), again, tmp_path, step)
    assert passed > 40
