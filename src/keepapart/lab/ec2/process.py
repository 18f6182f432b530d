"""Starts the EC2 API beside a lab. It ends with whoever started it, however that ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from keepapart.errors import LabError
from keepapart.lab import protocol
from keepapart.lab.world.world import World

REGION = "us-east-1"


def no_url() -> str:
    """Return the address of an API that nobody asked for."""
    return ""


@contextmanager
def started(name: str, world: World) -> Iterator[Callable[[], str]]:
    """Start the API of the lab of this name; yield what waits for its address. Raises `LabError`.

    It starts up while the lab is being built. Its standard input is its lifeline: when the write end closes
    with this process, it ends.
    """
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "keepapart.lab.ec2"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as api:
        assert api.stdin and api.stdout and api.stderr

        def url() -> str:
            assert api.stdout and api.stderr
            line = api.stdout.readline()
            if not line:
                last = api.stderr.read().decode(errors="replace").strip().rpartition("\n")[2]
                if "No module named" in last:
                    last = f"{last}: pip install 'keepapart[lab-ec2]'"
                raise LabError(f"the lab's EC2 API did not come up: {last or 'it ended without a word'}")
            address: str = protocol.decode(line)["url"]
            return address

        try:
            with suppress(BrokenPipeError):  # where it ended already, `url` says why
                api.stdin.write(protocol.encode({"lab": name, "world": world.document()}))
                api.stdin.flush()
            yield url
        finally:
            api.kill()


def environment(url: str) -> dict[str, str]:
    """Return the environment in which boto3, the aws command and keepapart use the API at `url`.

    The credentials open nothing but the lab.
    """
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "lab",
        "AWS_SECRET_ACCESS_KEY": "lab",
        "AWS_DEFAULT_REGION": REGION,
    }
