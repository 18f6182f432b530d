"""Each platform's page: its example is accepted by that very platform, and every key is on it."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keepapart.clouds.listed import ListedSettings, parse
from keepapart.plugins import CLOUDS
from keepapart.tables import Table

ROOT = Path(__file__).parents[2]
EXTRAS = ROOT / "pyproject.toml"


def settings_of(provider: str) -> type[Table]:
    """Return the keys of `[cloud]` of a platform."""
    (point,) = entry_points(group=CLOUDS, name=provider)
    found: type[Table] = getattr(__import__(point.module, fromlist=["Settings"]), "Settings", Table)
    return found


def pages() -> list[Path]:
    """Return the pages of the platforms that are read as a whole."""
    names = (point.name for point in entry_points(group=CLOUDS))
    there = [ROOT / "docs" / "platforms" / f"{name}.md" for name in sorted(names)]
    return [page for page in there if page.exists() and issubclass(settings_of(page.stem), ListedSettings)]


every_page = pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)


@every_page
def test_the_example_is_accepted(page: Path) -> None:
    """A page begins with a configuration that can be copied."""
    text = page.read_text(encoding="utf-8")
    document: dict[str, Any] = tomllib.loads(re.findall(r"```toml\n(.*?)```", text, re.S)[0])
    cloud = document["cloud"]
    assert cloud.pop("provider") == page.stem
    words = re.findall(r"`(\w+)`", "".join(re.findall(r"\| `member_filter` \|([^|]*)", text)))
    kind = settings_of(page.stem)
    assert issubclass(kind, ListedSettings) and parse(cloud, kind, (), words)


@every_page
def test_every_key_is_told(page: Path) -> None:
    """The platform's own keys stand on its page, those of all on the page before it."""
    text = page.read_text(encoding="utf-8")
    shared = {key.name for key in msgspec.structs.fields(ListedSettings)}
    own = {key.name for key in msgspec.structs.fields(settings_of(page.stem))} - shared
    assert {key for key in own if f"`{key}`" not in text} == set()
    overview = page.with_name("listed.md").read_text(encoding="utf-8")
    assert {key for key in shared if f"`{key}`" not in overview} == set()
    assert f"({page.name})" in overview


@every_page
def test_the_extra_is_there(page: Path) -> None:
    """What the page tells to install is an extra, and one of `all`; libvirt's is Debian's package."""
    if page.stem == "libvirt":
        assert "python3-libvirt" in page.read_text(encoding="utf-8")
        return
    extras = tomllib.loads(EXTRAS.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert f"pip install 'keepapart[{page.stem}]'" in page.read_text(encoding="utf-8")
    assert page.stem in extras
    assert page.stem == "oci" or page.stem in extras["all"][0]  # 286 MB
