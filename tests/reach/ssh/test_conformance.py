"""ssh keeps the rules that `keepapart.testing.reach` has for every way in."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from keepapart.reach import NodeGroup
from keepapart.reach.ssh import SshTransport
from keepapart.testing.reach import TRANSPORT_RULES, TransportRule, TransportUnderTest
from tests.reach.ssh.conftest import Reached


@pytest.mark.parametrize("rule", TRANSPORT_RULES, ids=lambda rule: rule.__name__)
def test_ssh(rule: TransportRule, six: Reached) -> None:
    """Instances with a real sshd are reached by the rules, and nothing is left on them: half of the lab's."""
    there = {one.id: one.address for one in six.lab.instances()[::2]}

    def processes() -> list[int]:
        return [pid for name in there for pid in six.processes(name)]

    def die(_: NodeGroup, name: str) -> None:
        for pid, words in six.processes(name).items():
            if "python" in words[0]:
                os.kill(pid, signal.SIGKILL)

    under_test = TransportUnderTest(
        lambda: SshTransport(six.config().reach),
        dict.fromkeys(there, ""),
        there,
        port=4000,
        nowhere="//127.0.0.1:1",
        meaningless="//host:no-port",
        die=die,
        running=processes,
    )
    asyncio.run(rule(under_test))
