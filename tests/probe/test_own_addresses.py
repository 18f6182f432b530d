"""Which public addresses members have, beside those that they are listed by."""

from __future__ import annotations

import pytest

from keepapart.errors import UsageError
from keepapart.model import Instance
from keepapart.probe.own_addresses import ONE_MACHINE, public_address
from tests.measuring import one_round


@pytest.mark.parametrize(
    ("instance", "public"),
    [
        (Instance("a", "10.0.0.1", public="1.1.1.1"), "1.1.1.1"),
        (Instance("a", "10.0.0.1", "ssh://root@1.1.1.2:2201", public="1.1.1.1"), "1.1.1.1"),
        (Instance("a", "10.0.0.1", "ssh://root@1.1.1.2:2201"), "1.1.1.2"),
        (Instance("a", "10.0.0.1", "ssh:1.1.1.2"), "1.1.1.2"),
        (Instance("a", "1.1.1.2", "ssh://1.1.1.2"), ""),
        (Instance("a", "1.1.1.2", "ssh://root@[2606:4700::1111]"), ""),
        (Instance("a", "10.0.0.1", "ssh://root@[1.1.1.2"), ""),
        (Instance("a", "10.0.0.1", "ssh:bastion"), ""),
        (Instance("a", "10.0.0.1", "ssh:10.0.0.1", public="192.168.0.1"), ""),
        (Instance("a", "10.0.0.1", "exec:into 1.1.1.2"), ""),
        (Instance("a", "10.0.0.1", public="224.0.0.1"), ""),
    ],
)
def test_a_public_address_is_told_or_that_of_the_way_in(instance: Instance, public: str) -> None:
    """The list's word is before the way in by ssh; what isn't public, or is the listed address, is none."""
    assert public_address(instance) == public


def test_one_port_serves_instances_whose_addresses_are_yet_to_be_asked_for() -> None:
    """Nobody knows yet whether they share one, and who comes out with another's takes no part."""
    found = one_round([Instance("a", reach="local"), Instance("b", reach="local")], port=4999)
    assert all(ONE_MACHINE in found.lost[name] for name in "ab")
    with pytest.raises(UsageError, match="share an address"):
        one_round([Instance("a", "127.0.0.1", "local"), Instance("b", "127.0.0.1", "local")], port=4999)
