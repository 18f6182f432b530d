"""What a node reads of the machine that it runs in."""

from __future__ import annotations

import ast
import os
import socket
import sys
from pathlib import Path

import pytest

from keepapart.node import hardware
from keepapart.reach.bootstrap import NODE
from keepapart.signals.hardware import Guest


def test_facts_of_this_machine_are_text_and_small() -> None:
    """All facts are text; the kernel's boot is always among them, and all of it fits in a few KiB."""
    found = hardware.facts()
    assert Guest.of(found).boot_id
    assert "cpuinfo" in found
    assert sum(map(len, found.values())) < 8192


def test_a_pool_is_passed_on_with_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pool comes whole, with the time that it was written, or, where it is too large, not at all."""
    pool = tmp_path / "pool"
    monkeypatch.setattr(hardware, "POOL", str(pool))
    pool.write_bytes(b"PhysicalHostName".ljust(512, b"\0") + b"HOST-1".ljust(2048, b"\0"))
    assert Guest.of(hardware.facts()).host_name == "host-1"
    os.utime(pool, (1, 1))
    assert Guest.of(hardware.facts()).host_name == ""
    pool.write_bytes(bytes(hardware.POOL_SIZE + 1))
    assert "kvp" not in hardware.facts()


def test_what_can_t_be_read_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are not there are no failure."""
    monkeypatch.setattr(hardware, "TEXTS", {"maker": "/nonexistent"})
    monkeypatch.setattr(hardware, "POOL", "/nonexistent")
    assert hardware.facts().keys() <= {"booted"}


@pytest.mark.parametrize(
    ("kind", "payload", "expected"),
    [(2, b"7", "7"), (16, b"ENOENT\0", ""), (2, b"", "")],
    ids=["7", "error", "none"],
)
def test_the_xen_store_is_asked_as_its_own_tool_asks(kind: int, payload: bytes, expected: str) -> None:
    """The domain id is what the store answers to a read of "domid"; errors are no id."""
    here, there = socket.socketpair()
    with here, there:
        there.send(hardware.XENSTORE.pack(kind, 0, 0, len(payload)))
        there.send(payload)
        assert hardware.xen_domain(here.fileno()) == expected
        assert there.recv(99) == hardware.XENSTORE.pack(2, 0, 0, 6) + b"domid\0"


def test_a_store_that_keeps_silent_is_not_waited_for() -> None:
    """Without an answer there is no id, half a second later."""
    here, there = socket.socketpair()
    with here, there:
        assert hardware.xen_domain(here.fileno()) == ""


@pytest.mark.parametrize("name", NODE)
def test_what_is_handed_over_is_of_the_standard_library(name: str) -> None:
    """The files that run on instances import nothing that isn't always there."""
    tree = ast.parse(Path(hardware.__file__).with_name(f"{name}.py").read_text())
    for node in ast.walk(tree):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for module in modules:
            assert module.split(".")[0] in sys.stdlib_module_names or module.startswith("keepapart.node.")
