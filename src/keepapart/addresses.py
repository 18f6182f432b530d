"""What kind of address a text is. Pure."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address


def is_public(text: str) -> bool:
    """Say whether a text is a public IPv4 address, as IANA's registry of special ones has it."""
    try:
        return IPv4Address(text).is_global
    except AddressValueError:
        return False
