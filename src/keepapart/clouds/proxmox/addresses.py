"""What a guest says of its own addresses: a virtual machine by its guest agent, a container by its kernel.

A call is made once, and nothing that it fails of is an error: an agent may not be installed, not be up yet,
or not be the token's to ask. Networks within the guest (bridges of Docker, tunnels) are no way to it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field

from keepapart.clouds.rest import RestError

if TYPE_CHECKING:
    from keepapart.clouds.rest import Rest

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
WITHIN = re.compile(
    r"lo$|docker|br-|veth|virbr|cni|cali|flannel|cilium|kube|tun|tap|wg|tailscale|podman|lxd?c?br"
)


class Address(Struct):
    """One address of an interface."""

    address: str = field(name="ip-address", default="")


class Interface(Struct):
    """One interface; containers of older versions tell `inet` and `inet6` alone."""

    name: str = ""
    listed: list[Address] | None = field(name="ip-addresses", default=None)
    inet: str = ""
    inet6: str = ""


class OfAgent(Struct):
    """What the agent answers."""

    result: list[Interface]


class OfMachine(Struct):
    """The answer of …/agent/network-get-interfaces."""

    data: OfAgent


class OfContainer(Struct):
    """The answer of …/interfaces; null of one that doesn't run."""

    data: list[Interface] | None


def addresses(rest: Rest, path: str) -> dict[str, str]:
    """Return the private, public and IPv6 address of the guest at `path`, as far as they can be told."""
    try:
        if "/lxc/" in path:
            found = rest.get(f"{path}/interfaces", OfContainer, once=True).data or []
        else:
            found = rest.get(f"{path}/agent/network-get-interfaces", OfMachine, once=True).data.result
    except RestError:
        return {}
    return _kinds([address for each in found if not WITHIN.match(each.name) for address in _of(each)])


def _of(interface: Interface) -> list[IPAddress]:
    texts = [one.address for one in interface.listed or ()]
    texts = texts or [text.partition("/")[0] for text in (interface.inet, interface.inet6)]
    found: list[IPAddress] = []
    for text in texts:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue
        if not (address.is_loopback or address.is_link_local):
            found.append(address)
    return found


def _kinds(found: Sequence[IPAddress]) -> dict[str, str]:
    old = [str(address) for address in found if address.version == 4]
    worldwide = {str(address) for address in found if address.is_global}
    kinds = {
        "private": [text for text in old if text not in worldwide] or old,
        "public": [text for text in old if text in worldwide],
        "ipv6": [str(address) for address in found if address.version == 6],
    }
    return {kind: texts[0] for kind, texts in kinds.items() if texts}
