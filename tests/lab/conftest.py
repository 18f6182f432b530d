"""Labs for tests: in a folder of their own, on a lifeline, so that nothing survives the test process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from keepapart.lab import client
from keepapart.lab.client import Lab
from keepapart.lab.ec2.process import environment
from keepapart.lab.world import world
from keepapart.lab.world.world import World

BringUp = Callable[..., Lab]


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every lab of a test apart from those that the machine's user runs."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def lifeline() -> Iterator[int]:
    """Yield the read end of a pipe whose write end closes with the test."""
    read, write = os.pipe()
    yield read
    os.close(write)
    os.close(read)


@pytest.fixture
def bring_up(lifeline: int) -> BringUp:
    """Return what brings up a lab of two racks of two hosts, or of another world."""

    def start(document: Mapping[str, Any] | World | None = None, **options: Any) -> Lab:
        if not isinstance(document, World):
            document = world.parse({**small(), **(document or {})}, "test")
        return client.up(document, **{"lifeline": lifeline, **options})

    return start


@pytest.fixture
def real(bring_up: BringUp) -> BringUp:
    """Return the same for labs that must be real; skip, saying why, where they can't be."""

    def start(document: Mapping[str, Any] | World | None = None, **options: Any) -> Lab:
        lab = bring_up(document, **options)
        if lab.kind != "netns":
            pytest.skip(lab.because)
        return lab

    return start


def small() -> dict[str, Any]:
    """Return a world that has every distance: a host shared, a rack shared, nothing shared."""
    return {
        "name": "small",
        "racks": [{"name": "a", "hosts": 2, "capacity": 3}, {"name": "b", "hosts": 2, "capacity": 3}],
        "clusters": [{"name": "orders", "size": 9}],
    }


def of_no_account(patch: pytest.MonkeyPatch) -> None:
    """Keep boto3 from AWS, and from the account of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    for name, value in environment("").items():
        patch.setenv(name, value)
    patch.delenv("AWS_ENDPOINT_URL")
