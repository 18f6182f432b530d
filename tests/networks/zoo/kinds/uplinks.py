"""Members on the link above hosts: bare metal, or machines that are bridged onto it.

They send by the link's router, and hosts answer them directly.
"""

from __future__ import annotations

from tests.networks.zoo.kind import Word, kind
from tests.networks.zoo.network import Network
from tests.networks.zoo.parts import some_of, tight


def with_metal(net: Network, *numbers: int, elsewhere: int = 0, on: str = "metal") -> None:
    """Add hosts with these numbers of guests and a member on one link, and so many hosts elsewhere."""
    net.lan("l", net.router("r"))
    tight(net, "l", some_of(net, *numbers))
    if elsewhere:
        tight(net, net.router("q", "r"), some_of(net, *[2] * elsewhere), "k")
    net.guest("beside", "l", on=on)
    net.hide(list(net.members))


@kind(Word.SOUND)
def metal_beside_one_host(net: Network) -> None:
    """One host with guests, and a machine of its own on the host's link."""
    with_metal(net, 2)


@kind(Word.SOUND)
def metal_beside_one_host_more(net: Network) -> None:
    """The same, and guests of hosts elsewhere."""
    with_metal(net, 2, elsewhere=2)


@kind(Word.SOUND)
def metal_beside_hosts(net: Network) -> None:
    """Several hosts and a machine of its own on their link."""
    with_metal(net, 2, 1, 2)


@kind(Word.SOUND)
def bridged_beside_host(net: Network) -> None:
    """A guest is bridged onto the link of two hosts, each of which has another guest: three members."""
    with_metal(net, 1, 1, on="h1")


@kind(Word.SOUND)
def bridged_beside_host_more(net: Network) -> None:
    """The bridged guest's host has no other, and there are hosts elsewhere."""
    with_metal(net, 1, elsewhere=2)
