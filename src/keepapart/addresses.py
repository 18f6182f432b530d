"""What kind of address a text is. Pure."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address


def is_public(text: str) -> bool:
    """Say whether a text is one machine's public IPv4 address, by IANA's registries of special ones."""
    try:
        address = IPv4Address(text)
    except AddressValueError:
        return False
    return address.is_global and not address.is_multicast
