"""Keyed hashes: what seals a datagram, so that nobody without the round's key can write one.

Handed over to every instance together with node.py: standard library only, Python 3.6 or later. A Python that
keeps to FIPS 140 has no BLAKE2: the module is missing, or the function, or it refuses to work. So each is
tried before it is named, and a round takes the first of `HASHES` that all its nodes have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Sealing: TypeAlias = "Callable[[bytes], bytes]"

HASHES = ("blake2b", "hmac-sha256")  # the strongest first


def sealing(name: str, key: bytes, size: int) -> Sealing:
    """Return what computes the hash of that name, `size` bytes of it, under a key of at most 64 bytes.

    Raises one of `MISSING` where this Python doesn't have it.
    """
    seal = _blake2b(key, size) if name == "blake2b" else _hmac_sha256(key, size)
    seal(b"")  # what FIPS forbids is often there, and refuses to work
    return seal


MISSING = (ImportError, AttributeError, ValueError, TypeError)


def hashes() -> list[str]:
    """Return those of `HASHES` that this Python has.

    HMAC takes long to import. Where BLAKE2 works it is not tried, for every Python has SHA-256.
    """
    for number, name in enumerate(HASHES):
        try:
            sealing(name, bytes(32), 16)
        except MISSING:
            continue
        return list(HASHES[number:])
    return []


def _blake2b(key: bytes, size: int) -> Sealing:
    try:
        from _blake2 import blake2b  # what hashlib hands on, without the rest of it
    except ImportError:
        from hashlib import blake2b
    return _begun(blake2b(key=key, digest_size=size), size)


def _hmac_sha256(key: bytes, size: int) -> Sealing:
    import hmac

    return _begun(hmac.new(key, b"", "sha256"), size)


def _begun(begun: Any, size: int) -> Sealing:
    """Return what goes on from a hash that has taken the key in, each time anew."""
    again = begun.copy

    def seal(data: bytes) -> bytes:
        one = again()
        one.update(data)
        digest: bytes = one.digest()
        return digest if len(digest) == size else digest[:size]

    return seal
