"""What is remembered of one network makes no verdict on another that has its names and addresses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.networks import build
from tests.networks.zoo.audit import Score, audited
from tests.networks.zoo.build import built
from tests.networks.zoo.network import Network
from tests.networks.zoo.parts import hidden, spread

pytestmark = pytest.mark.skipif(bool(build.possible()), reason=build.possible())

Declare = Callable[[Network], None]


def member(net: Network, number: int, behind: str, on: str) -> None:
    """Add a member that has the same name and address in each of these networks."""
    net.guest(f"g{number}", behind, on=on, gateway="192.0.2.254", address=f"192.0.2.{number}")


def sound(net: Network) -> None:
    """Declare three hosts that are gateways, the first with two guests."""
    spread(net, 3, net.router("r"), "h")
    for number, host in enumerate(("h0", "h0", "h1", "h2")):
        member(net, number, host, host)


def leaves(net: Network) -> None:
    """Declare leaf routers that are no hosts, placed as the hosts were: counts are the same, hosts aren't."""
    spread(net, 3, net.router("r"), "h")
    for number, (leaf, host) in enumerate((("h0", "m0"), ("h0", "m1"), ("h1", "m0"), ("h2", "m1"))):
        member(net, number, leaf, host)


def gateways(net: Network) -> None:
    """Declare one host with a gateway for each but the first two: counts are the same."""
    net.router("h")
    net.router("w", "h")
    member(net, 0, net.router("a", "w"), "h")
    member(net, 1, "a", "h")
    for number in (2, 3):
        member(net, number, net.router(f"a{number}", "w"), "h")


def moved(net: Network) -> None:
    """Declare the first network, with one of the pair moved to another's host."""
    spread(net, 3, net.router("r"), "h")
    for number, host in enumerate(("h0", "h1", "h1", "h2")):
        member(net, number, host, host)


def parted(net: Network) -> None:
    """Declare the first network after one of the pair left, and another came to the last host, hiding."""
    spread(net, 3, net.router("r"), "h")
    for number, host in ((0, "h0"), (2, "h1"), (3, "h2")):
        member(net, number, host, host)
    hidden(net, "new", "h2")


def in_pairs(net: Network) -> None:
    """Declare four hosts of two, all clones of one image."""
    spread(net, 4, net.router("r"), "h")
    for number in range(8):
        member(net, number, f"h{number // 2}", f"h{number // 2}")
    cloned(net)


def leaves_of_pairs(net: Network) -> None:
    """Declare leaf routers instead, and two hosts: counts are the same."""
    spread(net, 4, net.router("r"), "h")
    for number in range(8):
        member(net, number, f"h{number // 2}", f"m{number % 2}")
    cloned(net)


def cloned(net: Network) -> None:
    """Let all machines tell one id."""
    for name in net.members:
        net.nodes[name].files["etc/machine-id"] = "0123456789abcdef" * 2


def one_after_another(folder: Path, *networks: tuple[Declare, str], words: Sequence[str] = ()) -> list[Score]:
    """Audit networks by a model each, in one folder, the first one with these words."""
    found: list[Score] = []
    for declare, model in networks:
        net = Network()
        declare(net)
        with built(net) as prefix:
            found.append(audited(net, prefix, folder, model, *(() if found else words)))
    return found


@pytest.mark.parametrize("other", [leaves, gateways, moved, parted])
def test_what_was_vouched_for_vouches_for_nothing_else(tmp_path: Path, other: Declare) -> None:
    """The operator vouches for one network; of another that came in its place no verdict is false."""
    first, second = one_after_another(tmp_path, (sound, "routed-host"), (other, "auto"))
    assert first.wrong == first.unknown == []
    assert second.wrong == []


@pytest.mark.parametrize("other", [leaves, gateways, moved, parted])
def test_what_showed_itself_vouches_for_nothing_else(tmp_path: Path, other: Declare) -> None:
    """Nobody vouches for either."""
    found = one_after_another(tmp_path, (sound, "auto"), (other, "auto"), (other, "auto"))
    assert [score.wrong for score in found] == [[], [], []]


def test_what_controls_showed_is_not_remembered_of_clones(tmp_path: Path) -> None:
    """Controls vouch for one network, and all of its machines tell one id, as those of the next one do."""
    words = [word for n in range(0, 8, 2) for word in ("--known-same", f"g{n},g{n + 1}")]
    first, second = one_after_another(tmp_path, (in_pairs, "auto"), (leaves_of_pairs, "auto"), words=words)
    assert (first.standing, first.wrong) == ("vouched", [])
    assert second.wrong == []
