"""Hosts with libvirt: real daemons, each with libvirt's own test driver in it, and what is between.

A daemon keeps the world of `test:///default` for all who connect to it, so domains outlive whoever made them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from keepapart.clouds.libvirt import library
from keepapart.errors import ConfigError

HOSTS = ("a", "b", "c")
POOL, BASE, TEMPLATE = "default-pool", "debian.qcow2", "debian"
DEFINE, CREATE, DESTROY, UNDEFINE, METADATA, VOLUME = 11, 9, 12, 231, 264, 93  # procedures, by number
CHANGES = (DEFINE, CREATE, DESTROY, UNDEFINE, METADATA, VOLUME)
CONFIGURATION = """unix_sock_dir = "{folder}"
auth_unix_rw = "none"
auth_unix_ro = "none"
"""
DOMAIN = """<domain type="test"><name>{name}</name><uuid>{uuid}</uuid><memory>1024</memory>
<metadata>{metadata}</metadata><os><type arch="i686">hvm</type></os><devices>{devices}</devices></domain>"""
DISK = """<disk type="file" device="disk"><driver name="qemu" type="qcow2"/>
<source file="/{pool}/{base}"/><target dev="vda" bus="virtio"/></disk>"""
VOLUME_XML = """<volume><name>{name}</name><capacity>{size}</capacity>
<target><format type="qcow2"/></target></volume>"""
SIZE = 2**30
STRANGER = "test"  # the domain that each daemon has from its start: nobody's


@dataclass(frozen=True)
class Machines:
    """The daemons, each asked by itself, without what is between."""

    folder: Path
    directly: dict[str, Any]
    proxy: subprocess.Popen[str]

    def uri(self, host: str, socket: str = "") -> str:
        """Return the address of a host, as keepapart is told it."""
        return f"test+unix:///default?socket={self.folder}/{socket or f'{host}.sock'}"

    @property
    def uris(self) -> list[str]:
        """The addresses of all hosts."""
        return [self.uri(host) for host in self.directly]

    def order(self, *words: object) -> None:
        """Have the proxy lose answers, or all of them."""
        _order(self.proxy, *words)

    def domains(self) -> dict[str, tuple[str, str]]:
        """Return the host and the definition of every domain, by its name, but strangers and templates."""
        return {
            one.name(): (host, one.XMLDesc())
            for host, asked in self.directly.items()
            for one in asked.listAllDomains()
            if one.name() not in (STRANGER, TEMPLATE)
        }

    def volumes(self) -> dict[str, list[str]]:
        """Return the names of the volumes on each host, but the template's."""
        found = {}
        for host, asked in self.directly.items():
            names = asked.storagePoolLookupByName(POOL).listVolumes()
            found[host] = sorted(name for name in names if name != BASE)
        return found

    def define(
        self, host: str, name: str, uuid: str, *, devices: str = "", runs: bool = True, **tags: str
    ) -> None:
        """Make a domain by hand."""
        attributes = " ".join(f"{key}='{text}'" for key, text in tags.items())
        metadata = f"<ka:tags xmlns:ka='urn:keepapart:1' {attributes}/>" if tags else ""
        text = DOMAIN.format(name=name, uuid=uuid, metadata=metadata, devices=devices)
        made = self.directly[host].defineXML(text)
        if runs:
            made.create()

    def volume(self, host: str, name: str, size: int = SIZE) -> None:
        """Make a volume by hand."""
        pool = self.directly[host].storagePoolLookupByName(POOL)
        pool.createXML(VOLUME_XML.format(name=name, size=size))

    def fill(self) -> None:
        """Leave no room in any pool."""
        for host, asked in self.directly.items():
            self.volume(host, "filling", asked.storagePoolLookupByName(POOL).info()[3] - 1)

    def clear(self) -> None:
        """Remove all but strangers; have the template on each host, and nothing go wrong."""
        self.order("clear")
        for host, asked in self.directly.items():
            for one in asked.listAllDomains():
                if one.name() != STRANGER:
                    if one.isActive():
                        one.destroy()
                    one.undefine()
            pool = asked.storagePoolLookupByName(POOL)
            for name in pool.listVolumes():
                pool.storageVolLookupByName(name).delete()
            self.volume(host, BASE)
            disk = DISK.format(pool=POOL, base=BASE)
            uuid = f"00000000-0000-4000-8000-00000000000{host}"
            self.define(host, TEMPLATE, uuid, devices=disk, runs=False)


@contextmanager
def serving(folder: Path, hosts: Sequence[str] = HOSTS) -> Iterator[Machines]:
    """Yield the hosts; skip the test where the binding or the daemon can't be had."""
    try:
        libvirt: Any = library.load()
    except ConfigError as error:
        pytest.skip(str(error))
    daemon = _daemon()
    libvirt.registerErrorHandler(lambda *_: None, None)
    with ExitStack() as stack:
        for host in hosts:
            stack.enter_context(_running(daemon, folder / host))
        pairs = [str(folder / name) for host in hosts for name in (f"{host}.sock", f"{host}/libvirt-sock")]
        command = [sys.executable, str(Path(__file__).with_name("libvirt_proxy.py")), *pairs]
        proxy = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        assert proxy.stdin and proxy.stdout and proxy.stdout.readline() == "listening\n"
        stack.callback(proxy.stdin.close)
        directly = {
            host: libvirt.open(f"test+unix:///default?socket={folder}/{host}/libvirt-sock") for host in hosts
        }
        for each in directly.values():
            stack.callback(each.close)
        yield Machines(folder, directly, proxy)


@contextmanager
def _running(daemon: Path, folder: Path) -> Iterator[None]:
    """Run a daemon that has no driver but the test driver, until it answers no more."""
    (folder / "drivers").mkdir(parents=True)
    configuration, ready = folder / "libvirtd.conf", folder / "libvirt-sock"
    configuration.write_text(CONFIGURATION.format(folder=folder), encoding="utf-8")
    command = [str(daemon), "-f", str(configuration), "-p", str(folder / "pid")]
    environ = {**os.environ, "LIBVIRT_DRIVER_DIR": str(folder / "drivers")}
    with (folder / "log").open("w") as log, subprocess.Popen(command, env=environ, stderr=log) as child:
        try:
            while not ready.exists():
                assert child.poll() is None, (folder / "log").read_text(encoding="utf-8")
                os.sched_yield()
            yield
        finally:
            child.terminate()


def _order(proxy: subprocess.Popen[str], *words: object) -> None:
    assert proxy.stdin and proxy.stdout
    proxy.stdin.write(" ".join(map(str, words)) + "\n")
    proxy.stdin.flush()
    assert proxy.stdout.readline() == "done\n"


def _daemon() -> Path:
    """Return libvirtd."""
    if found := shutil.which("libvirtd", path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
        return Path(found)
    pytest.skip("there is no libvirtd: apt-get install --no-install-recommends libvirt-daemon")
