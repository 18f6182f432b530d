"""What kind of address a text is. Pure."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, ip_address

BROADCAST = IPv4Address("255.255.255.255")


def of_a_machine(text: str) -> str:
    """Return an address by which others may reach a machine, as everybody writes it.

    Raises `ValueError`, which says why it is none.
    """
    if "%" in text:
        raise ValueError(f"{text!r} is of one link only")
    try:
        address = ip_address(text)
    except ValueError:
        raise ValueError(f"{text!r} is neither an IPv4 nor an IPv6 address") from None
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_multicast or address.is_unspecified or address == BROADCAST:
        raise ValueError(f"{text!r} is no machine's")
    return str(address)


def is_public(text: str) -> bool:
    """Say whether a text is one machine's public IPv4 address, by IANA's registries of special ones."""
    try:
        address = IPv4Address(text)
    except AddressValueError:
        return False
    return address.is_global and not address.is_multicast
