"""What a node reads of the machine that it runs in."""

from __future__ import annotations

import ast
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from keepapart.node import hardware
from keepapart.reach.bootstrap import NODE
from keepapart.signals.hardware import Hardware


def test_facts_of_this_machine_are_text_and_small() -> None:
    """All facts are text; the kernel's boot is always among them, and all of it fits in a few KiB."""
    found = hardware.facts()
    assert Hardware.of(found).boot_id
    assert "cpuinfo" in found
    assert sum(map(len, found.values())) < 8192


def write(root: Path, path: str, content: str | bytes) -> None:
    """Write one file of a machine that is made up below a root."""
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())


def test_a_pool_is_passed_on_with_its_time(tmp_path: Path) -> None:
    """The pool comes whole, with the time that it was written, or, where it is too large, not at all."""
    write(tmp_path, "/proc/sys/kernel/random/boot_id", "1\n")
    write(tmp_path, "/proc/stat", "cpu 1\nbtime 1000\n")
    write(tmp_path, hardware.POOL, b"PhysicalHostName".ljust(512, b"\0") + b"HOST-1".ljust(2048, b"\0"))
    assert Hardware.of(hardware.facts(str(tmp_path))).host_name == "host-1"
    os.utime(tmp_path / hardware.POOL.lstrip("/"), (1, 1))
    assert Hardware.of(hardware.facts(str(tmp_path))).host_name == ""
    write(tmp_path, hardware.POOL, bytes(hardware.POOL_SIZE + 1))
    assert "kvp" not in hardware.facts(str(tmp_path))


@pytest.mark.parametrize("name", ["hv_kvp_daemon", "hypervkvpd"])
def test_it_is_told_whether_somebody_keeps_the_pool(tmp_path: Path, name: str) -> None:
    """Whether its daemon runs is known where processes are in sight, and said of a pool that is there."""
    root = str(tmp_path)
    write(tmp_path, "/proc/1/comm", "systemd\n")
    assert "kvp_daemon" not in hardware.facts(root)
    write(tmp_path, hardware.POOL, bytes(2560))
    assert hardware.facts(root)["kvp_daemon"] == "missing"
    write(tmp_path, "/proc/77/comm", f"{name}\n")
    assert hardware.facts(root)["kvp_daemon"] == "running"
    (tmp_path / "proc" / "77" / "comm").unlink()
    (tmp_path / "proc" / "1").rename(tmp_path / "proc" / "12")
    assert "kvp_daemon" not in hardware.facts(root)


def test_who_made_the_machine_is_read_without_a_packet(tmp_path: Path) -> None:
    """Every text that DMI shows to anybody comes home, trimmed and cut, under a name of its own."""
    names = ["sys_vendor", "product_name", "product_version", "chassis_asset_tag", "chassis_vendor"]
    for name in [*names, "board_vendor", "bios_vendor", "bios_version"]:
        write(tmp_path, f"/sys/class/dmi/id/{name}", f" {name} \n")
    write(tmp_path, "/sys/class/dmi/id/bios_version", "x" * 10_000)
    write(tmp_path, "/sys/hypervisor/uuid", "ec2e1916-9099-7caf-fd21-012345abcdef\n")
    assert hardware.facts(str(tmp_path)) == {
        "maker": "sys_vendor",
        "product": "product_name",
        "product_version": "product_version",
        "asset_tag": "chassis_asset_tag",
        "chassis_vendor": "chassis_vendor",
        "board_vendor": "board_vendor",
        "bios_vendor": "bios_vendor",
        "bios_version": "x" * hardware.TEXT,
        "xen_uuid": "ec2e1916-9099-7caf-fd21-012345abcdef",
    }


def test_a_machine_s_id_leaves_it_as_a_hash_alone(tmp_path: Path) -> None:
    """The same id gives the same text, another one another, neither of them the id; no id gives none."""
    told = []
    for number in (1, 2, 1):
        write(tmp_path, hardware.MACHINE_ID, f"{number:032x}\n")
        told.append(hardware.facts(str(tmp_path))["machine"])
    assert told[0] == told[2] != told[1]
    assert all(len(one) == 32 and not one.startswith("0" * 8) for one in told)
    write(tmp_path, hardware.MACHINE_ID, "uninitialized\n")
    assert hardware.facts(str(tmp_path)) == {}


@pytest.mark.parametrize(
    ("odd", "kernel"),
    [("", "own"), ("pid", "shared"), ("user", "shared"), ("uts", "shared"), ("cgroup", "shared")],
)
def test_a_container_s_kernel_is_shared(tmp_path: Path, odd: str, kernel: str) -> None:
    """In the namespaces that a kernel began with it is the instance's own; in any other one it is shared."""
    for path, link in hardware.NAMESPACES.items():
        place = tmp_path / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(f"{odd}:[4026532001]" if path.endswith(f"/{odd}") else link)
    assert hardware.facts(str(tmp_path)) == {"kernel": kernel}


@pytest.mark.parametrize(("odd", "told"), [("", {}), ("pid", {"kernel": "shared"})])
def test_a_kernel_without_some_kind_of_namespace_tells_containers_all_the_same(
    tmp_path: Path, odd: str, told: dict[str, str]
) -> None:
    """Before Linux 4.6 there are none of cgroups; another that isn't the first still shows a container."""
    for path, link in hardware.NAMESPACES.items():
        place = tmp_path / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if not path.endswith("/cgroup"):
            place.symlink_to(f"{odd}:[4026532001]" if path.endswith(f"/{odd}") else link)
    assert hardware.facts(str(tmp_path)) == told


def test_a_process_in_namespaces_of_its_own_is_told() -> None:
    """By the real kernel's links too."""
    tell = "from keepapart.node.hardware import facts; print(facts().get('kernel'))"
    if subprocess.run(["unshare", "--pid", "--fork", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no namespaces to be had here")
    command = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", tell]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "shared\n"


def test_what_can_t_be_read_is_left_out(tmp_path: Path) -> None:
    """Files that are not there, or are folders, are no failure."""
    (tmp_path / "proc" / "cpuinfo").mkdir(parents=True)
    assert hardware.facts(str(tmp_path)) == {}


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
