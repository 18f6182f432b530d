"""docs/how-to/testing-a-cloud.md: its code runs as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "testing-a-cloud.md"
MINE = {
    "my_cloud.py": """
from pathlib import Path
from keepapart.testing import ProgrammableCloud

def connect(settings, instances):
    return ProgrammableCloud(Path(__file__).with_name("cloud"))
""",
    "my_way_in.py": "from keepapart.reach.local import open_transport\n",
}


def blocks() -> list[str]:
    """Return the page's blocks of Python, in order."""
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)


def test_the_suites_run_as_the_page_shows(tmp_path: Path) -> None:
    """An author's files with these lines pass, and skip what they don't provoke."""
    for name, text in MINE.items():
        (tmp_path / name).write_text(text)
    for text in blocks():
        if named := re.match(r"# (test_\w+\.py)\n", text):
            (tmp_path / named[1]).write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert re.search(r"^\d\d passed, \d\d skipped", done.stdout, re.M), done.stdout + done.stderr


def test_the_programmable_cloud_is_told_as_the_page_shows() -> None:
    """The last block runs."""
    told: dict[str, object] = {}
    exec(blocks()[-1], told)  # noqa: S102  # the page's own code
    assert told["cloud"].members() == ["m-1"]  # type: ignore[attr-defined]  # a programmable cloud
