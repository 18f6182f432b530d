"""Held to cloud-init: no metadata service is asked where Debian's own `ds-identify` sees no such platform."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from keepapart.node.hardware import facts
from keepapart.signals.metadata import SERVICES, service_of
from keepapart.signals.platform import MARKS, platform_of

FILES = {
    "maker": "sys_vendor",
    "product": "product_name",
    "asset_tag": "chassis_asset_tag",
    "chassis_vendor": "chassis_vendor",
    "bios_version": "bios_version",
}
SOURCES = {
    "ec2": "Ec2",
    "google": "GCE",
    "azure": "Azure",
    "oracle": "Oracle",
    "openstack": "OpenStack",
    "huawei": "OpenStack",
    "otc": "OpenStack",
    "digitalocean": "DigitalOcean",
    "hetzner": "Hetzner",
    "vultr": "Vultr",
    "scaleway": "Scaleway",
    "alibaba": "AliYun",
    "exoscale": "Exoscale",
    "upcloud": "UpCloud",
}
NEWER = {"Linode", "Akamai", "Samsung Cloud Platform"}  # what Debian 12's cloud-init doesn't know yet


@pytest.fixture(scope="session")
def ds_identify(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return Debian's script, out of its package, in a folder where every machine is a virtual one."""
    folder = tmp_path_factory.mktemp("cloud-init")
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        pytest.skip("Debian's cloud-init is not to be had: this is no Debian")
    got = subprocess.run(["apt-get", "download", "cloud-init"], cwd=folder, capture_output=True, check=False)
    if got.returncode:
        pytest.skip("Debian's cloud-init is not to be had: apt-get can't download it")
    (package,) = folder.glob("*.deb")
    subprocess.run(["dpkg", "-x", str(package), str(folder)], check=True)
    detect = folder / "bin" / "systemd-detect-virt"
    detect.parent.mkdir(exist_ok=True)
    detect.write_text("#!/bin/sh\necho kvm\n")
    detect.chmod(0o755)
    return folder / "usr/lib/cloud-init/ds-identify"


def seen(script: Path, root: Path) -> str:
    """Return which data sources cloud-init sees on a machine whose files are below a root."""
    path = f"{script.parents[3] / 'bin'}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PATH_ROOT": str(root), "DI_LOG": str(root / "log")}
    subprocess.run(["sh", str(script), "--force"], env=environment, capture_output=True, check=False)
    return (root / "run/cloud-init/cloud.cfg").read_text()


def machine(root: Path, texts: Mapping[str, str]) -> None:
    """Write the firmware's texts, and what cloud-init wants to see of any machine."""
    for folder in ("sys/class/dmi/id", "proc/1", "run", "etc"):
        (root / folder).mkdir(parents=True)
    (root / "proc/cmdline").write_text("BOOT_IMAGE=/vmlinuz\n")
    for name, text in texts.items():
        if name in FILES:
            (root / "sys/class/dmi/id" / FILES[name]).write_text(f"{text}\n")
    if texts.get("maker") == "Amazon EC2":  # who made it shows itself to root by its id, too
        for name in ("product_uuid", "product_serial"):
            (root / "sys/class/dmi/id" / name).write_text("ec2e1916-9099-7caf-fd21-012345abcdef\n")


def variants() -> list[dict[str, str]]:
    """Return the marks of every platform, each as it is and nearly so, and on another's hypervisor."""
    found = []
    for mark in MARKS:
        texts = {name: text.replace("…", "x") for name, text in mark.texts.items()}
        found += [texts, {**texts, "asset_tag": "OracleCloud.com"}, {"maker": "QEMU", **texts}]
        for name, text in texts.items():
            near = (text.upper(), f"{text} Ltd", f"The {text}", text[:-1])
            found += [{**texts, name: other} for other in near if other != text]
    return found


def test_nobody_is_asked_where_cloud_init_sees_no_such_platform(ds_identify: Path, tmp_path: Path) -> None:
    """Over the marks of all platforms, near misses among them: where we would ask, it sees the same."""
    asked = set()
    for number, texts in enumerate(variants()):
        root = tmp_path / str(number)
        machine(root, texts)
        told = facts(str(root))
        if service_of(told) and NEWER.isdisjoint(told.values()):
            platform = platform_of(told)
            asked.add(platform)
            assert SOURCES[platform] in seen(ds_identify, root), texts
    assert asked == SERVICES.keys() - {"linode"}
