"""Keyed hashes: a Python without BLAKE2, in each of the ways that Pythons are without it, takes part."""

from __future__ import annotations

import hashlib
import hmac
import logging
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from keepapart.model import Instance
from keepapart.node.keyed import HASHES, hashes, sealing
from keepapart.reach.bootstrap import LOADER
from keepapart.reach.local import ChildPipe, LocalNodes, process
from keepapart.reach.transports import Transports
from tests.measuring import one_round

KEY = bytes(range(32))
# Ways in which a Python lacks it, each a text that runs before the node does.
WITHOUT = {
    "neither module has it": (
        "import sys; sys.modules['_blake2'] = None; import hashlib; vars(hashlib).pop('blake2b', None)"
    ),
    "the function refuses": (
        "import sys; sys.modules['_blake2'] = None; import hashlib\n"
        "def blake2b(*_, **__): raise ValueError('[digital envelope routines] unsupported')\n"
        "hashlib.blake2b = blake2b"
    ),
    "OpenSSL's takes no key": (
        "import sys; sys.modules['_blake2'] = None; import hashlib\n"
        "hashlib.blake2b = lambda data=b'': hashlib.new('sha512', data)"
    ),
}


def test_each_is_what_the_standard_library_says_it_is() -> None:
    """The two are BLAKE2b under a key, and HMAC with SHA-256, cut to size."""
    blake = hashlib.blake2b(b"text", key=KEY, digest_size=16).digest()
    assert sealing("blake2b", KEY, 16)(b"text") == blake
    seal = sealing("hmac-sha256", KEY, 16)
    assert [seal(b"text"), seal(b"text")] == [hmac.digest(KEY, b"text", "sha256")[:16]] * 2
    assert hashes() == list(HASHES)


class Poorer(LocalNodes):
    """Nodes on this machine, the first of which runs on a Python without BLAKE2."""

    without = ""

    async def connect(self, name: str) -> ChildPipe:
        if name != "a":
            return await process([sys.executable, "-ISc", LOADER])
        return await process([sys.executable, "-ISc", f"{self.without}\n{LOADER}"])


class PoorerTransports(Transports):
    """The way in to those nodes."""

    def group(self, instances: Any) -> list[Any]:
        return [Poorer({one.id: one.address for one in instances})]


@pytest.mark.parametrize("way", WITHOUT, ids=str)
def test_a_node_without_blake2_takes_part(
    way: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With one of three, everybody is measured, by the strongest hash that all have, and that is said."""
    monkeypatch.setattr(Poorer, "without", WITHOUT[way])
    caplog.set_level(logging.INFO, "keepapart")
    found = one_round([Instance(name, "127.0.0.1") for name in "abc"], PoorerTransports())
    assert not found.lost
    assert int((found.tally.way > 0).sum()) == 6
    assert "sealed by keyed hmac-sha256" in caplog.text
    guests: Mapping[str, str] = found.extras.guests[0] if found.extras else {}
    assert "boot_id" in guests


def test_where_all_have_blake2_it_is_used(caplog: pytest.LogCaptureFixture) -> None:
    """The strongest comes first."""
    caplog.set_level(logging.INFO, "keepapart")
    instances = [Instance(name, "127.0.0.1", "local") for name in "ab"]
    assert not one_round(instances).lost
    assert "sealed by keyed blake2b" in caplog.text
