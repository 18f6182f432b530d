"""docs/how-to/testing-a-cloud.md: its code runs as it stands there, and the examples keep all the rules."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.examples.conftest import Run

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "testing-a-cloud.md"
COMMANDS = {f'"{name}": "{name}"': f'"{name}": "env -i {sys.executable}"' for name in ("web-1", "web-2")}


def blocks() -> list[str]:
    """Return the page's blocks of Python, in order."""
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("test_my_cloud.py", {"my_cloud": "keepapart_example_cloud", '"region": "test"': '"file": "cloud"'}),
        ("test_my_way_in.py", {"my_way_in": "keepapart_example_way_in", **COMMANDS}),
    ],
    ids=["cloud", "way in"],
)
def test_the_examples_keep_every_rule(run: Run, tmp_path: Path, name: str, instead: dict[str, str]) -> None:
    """The page's lines, with an example named in them, pass, and skip only what they don't provoke."""
    (text,) = [block for block in blocks() if block.startswith(f"# {name}\n")]
    for words, others in instead.items():
        assert words in text
        text = text.replace(words, others)
    (tmp_path / name).write_text(text)
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert re.search(r"^\d+ passed, \d+ skipped", done.stdout, re.M), done.stdout + done.stderr


def test_the_programmable_cloud_is_told_as_the_page_shows() -> None:
    """The last block runs."""
    told: dict[str, object] = {}
    exec(blocks()[-1], told)  # noqa: S102  # the page's own code
    assert told["cloud"].members() == ["m-1"]  # type: ignore[attr-defined]  # a programmable cloud
