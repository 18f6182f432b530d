"""Networks of namespaces are taken down, whatever becomes of who built them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.networks import build
from tests.networks.zoo.build import NAMED, built, reap
from tests.networks.zoo.kinds import KINDS

pytestmark = pytest.mark.skipif(bool(build.possible()), reason=build.possible())

BUILDS = """import sys, time
from tests.networks.zoo.build import built
from tests.networks.zoo.kinds import KINDS
with built(KINDS["leaves"].network()) as prefix:
    print(prefix, flush=True)
    time.sleep(99)
"""


def there(prefix: str) -> list[str]:
    """Name the namespaces whose names begin so."""
    return [path.name for path in NAMED.glob(f"{prefix}*")]


def test_an_error_within_takes_the_network_down() -> None:
    """Whoever uses a network may fail: nothing of it stays."""
    with pytest.raises(LookupError), built(KINDS["hubs"].network()) as prefix:  # with tunnels
        assert there(prefix)
        raise LookupError
    assert prefix.startswith(f"zoo{os.getpid()}-")
    assert there(prefix) == []


def test_what_a_killed_process_left_is_reaped() -> None:
    """Of a process that is no more everything goes; of one that lives nothing does."""
    with built(KINDS["leaves"].network()) as own:
        command = [sys.executable, "-c", BUILDS]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout is not None
            left = other.stdout.readline().strip()
            reap()
            assert there(left)
            other.kill()
        reap()
        assert there(left) == []
        assert len(there(own)) == len(KINDS["leaves"].network().nodes)


def test_a_network_that_the_kernel_refuses_says_what_it_refuses() -> None:
    """An error names the commands that failed, and nothing stays."""
    net = KINDS["leaves"].network()
    net.nodes["a"].commands.append("route add nonsense")
    with pytest.raises(RuntimeError, match="route add nonsense"), built(net):
        pass
    assert there(f"zoo{os.getpid()}-") == []


def test_a_seed_draws_the_same_network_again() -> None:
    """A seed that showed something false can be built again; another draws another network."""
    first, again, other = (KINDS["nested"].network(seed) for seed in (3, 3, 5))
    assert list(first.members) == list(again.members) != list(other.members)
    assert first.truth() == again.truth()
    assert first.unseen == again.unseen
