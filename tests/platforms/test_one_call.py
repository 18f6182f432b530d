"""Launching on Hetzner Cloud, DigitalOcean and Linode: one call, that answers before it is done."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from keepapart.cli import main
from keepapart.clouds import once
from tests.platforms import killed
from tests.platforms.apart import apart
from tests.platforms.digitalocean_stub import DigitalOcean
from tests.platforms.hetzner_stub import Hetzner
from tests.platforms.killed import example
from tests.platforms.launching_stub import STRANGERS, LaunchingAccount
from tests.platforms.linode_stub import Linode

PAGES = Path(__file__).parents[2] / "docs" / "platforms"


def configured(path: Path, name: str, endpoint: str) -> Path:
    """Write the configuration of a platform's page, for its double: by it, what is stated decides."""
    provider = f'provider = "{name}"\n'
    text = example(PAGES / f"{name}.md").replace(provider, f'{provider}endpoint = "{endpoint}"\ntries = 1\n')
    path.write_text(f'{text}[store]\nurl = "sqlite:///{path.parent}/keepapart.db"\n', encoding="utf-8")
    return path


def ran(path: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Run a verb of keepapart's, and return its exit code and document."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(io.StringIO()):
        code = main(["-c", str(path), *words, "--json"])
    return int(code), json.loads(out.getvalue())


@pytest.mark.parametrize(("name", "launches"), [("digitalocean", 3), ("hetzner", 2), ("linode", 2)])
def test_a_cluster_is_built_as_the_page_configures_it(
    name: str, launches: int, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Two members on hosts of their own; where separation can be asked for, with one launch for each."""
    account: LaunchingAccount = request.getfixturevalue(name)
    path = configured(tmp_path / "keepapart.toml", name, account.endpoint)
    code, document = ran(path, "admit", "--count", "2")
    assert (code, document["attempts"], len(document["admitted"])) == (0, launches, 2)
    assert len({one["on"] for one in account.shown()}) == len(account.shown()) == 2
    assert ran(path, "audit", "--stated")[0] == 0
    assert ran(path, "gc")[1]["found"] == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("kind", "step"), [(DigitalOcean, 23), (Hetzner, 17), (Linode, 17)])
def test_killed_at_any_arrow_nothing_is_lost_nor_doubled(
    kind: type[LaunchingAccount], step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is lost, and wherever the process dies: two members in the end, and no stranger is touched."""
    monkeypatch.setattr(once, "QUIET", 0.5)
    for variable in ("DIGITALOCEAN_TOKEN", "HCLOUD_TOKEN", "LINODE_TOKEN"):
        monkeypatch.setenv(variable, "t0ken")
    losses = itertools.cycle(
        [("POST", "after", 3), ("PUT", "before", 2), ("POST", "before", 2), ("PUT", "after", 3)]
    )
    here = kind()
    here.slots = 1  # a candidate that is turned down would be held and let go: seconds in each round
    with apart(here) as account:
        path = configured(tmp_path / "keepapart.toml", kind.provider, account.endpoint)
        account.order("strangers")

        def work(on_arrow: Callable[[str], None]) -> None:
            killed.admitted(path, 2, on_arrow)

        def again() -> None:
            account.order("lose", "")
            assert killed.admitted(path, 2) == 0
            assert killed.swept(path) == []
            there = [one for one in account.order("shown") if one["id"] not in STRANGERS]
            assert len(there) == len({one["on"] for one in there}) == 2
            assert len(account.order("shown")) == 2 + len(STRANGERS)
            account.order("clear", STRANGERS)
            (tmp_path / "keepapart.db").unlink()
            account.order("lose", *next(losses))

        assert killed.arrows(work, again, tmp_path, step=step) > 40
