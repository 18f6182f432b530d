"""exec: any command that gives a Python on the instance its standard streams; real processes run it."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from keepapart.config import parse
from keepapart.errors import ConfigError
from keepapart.model import Instance
from keepapart.reach.exec import command, open_transport
from keepapart.reach.transports import Transports
from keepapart.settings import ReachSettings
from keepapart.testing.reach import TRANSPORT_RULES, TransportRule, TransportUnderTest
from tests.measuring import one_round

PYTHON = sys.executable
COMMANDS = {
    "a Python": f"{PYTHON} -u -",
    "without a dash": PYTHON,
    "with options": f"{PYTHON} -u -B",
    "through env": f"env A=1 {PYTHON} -u -",
    "through a shell that joins words": f"sh -c 'exec $*' sh {PYTHON} -u -",
    "unshare": f"unshare --user --map-root-user --mount {PYTHON} -u -",
    "unshare with a pid namespace": f"unshare --user --map-root-user --pid --fork {PYTHON} -u -",
    "nsenter": f"nsenter --target 1 --pid {PYTHON} -u -",
}


def tried(where: str) -> None:
    """Skip where such a command can't be run here by anybody."""
    words = [*command("a", where, "127.0.0.1")[:-2], "-c", "pass"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        pytest.skip(done.stderr.strip())


@pytest.mark.parametrize("where", COMMANDS.values(), ids=list(COMMANDS))
def test_whatever_starts_a_python_is_a_way_in(where: str) -> None:
    """Two instances that are reached by a command, and asked for their address, measure each other."""
    tried(where)
    instances = [Instance(name, "127.0.0.1", f"exec:{where}") for name in "ab"]
    found = one_round(instances)
    assert not found.lost
    assert found.tally.way.tolist() == [[0, 1], [1, 0]]


def test_a_script_of_the_operator_s_ends_in_a_python_that_goes_line_by_line(tmp_path: Path) -> None:
    """A command that names no Python is run as it stands."""
    script = tmp_path / "into.sh"
    script.write_text(f"#!/bin/sh\necho welcome to $1\nexec {PYTHON} -iIS -\n")
    script.chmod(0o755)
    instances = [Instance(name, "127.0.0.1", f"exec:{script} {{id}}") for name in "ab"]
    assert not one_round(instances).lost


def test_why_a_command_fails_is_said() -> None:
    """What it complains of is the reason, and a program that isn't there is named."""
    ways = {
        "says": "exec:sh -c 'echo no such pod >&2; exit 1'",
        "prints": "exec:sh -c 'echo not logged in; exit 1'",
        "missing": "exec:no-such-tool exec {id} python3",
    }
    instances = [Instance(name, "127.0.0.1", reach) for name, reach in ways.items()]
    lost = one_round(instances).lost
    assert lost["says"].endswith("no such pod")
    assert lost["prints"].endswith("not logged in")
    assert lost["missing"] == "no-such-tool can't be run: No such file or directory"


def test_words_are_a_shell_s_and_parts_are_filled_in() -> None:
    """{id} and {address} are filled in word by word, whatever is in them."""
    where = "kubectl exec -i {id} -c 'main one' -- python3 -u -"
    words = command("pod; rm", where, "")
    assert words == ["kubectl", "exec", "-i", "pod; rm", "-c", "main one", "--", "python3", "-u", "-iIS", "-"]
    assert command("a", "ssh -T root@{address} python3", "10.0.0.1")[2] == "root@10.0.0.1"


@pytest.mark.parametrize("where", ["", "  ", "sh -c 'unclosed", "ssh {address} python3"])
def test_what_can_t_be_meant_is_an_error(where: str) -> None:
    """No command, half a command, or an address that nobody knows."""
    with pytest.raises(ConfigError, match="exec:"):
        command("a", where, "")


def test_a_part_misspelt_gets_the_nearest() -> None:
    """Braces that mean something to the command alone are left as they are."""
    with pytest.raises(ConfigError, match=r"no \{idd\} to fill in; did you mean \{id\}\?"):
        command("a", "podman exec -i {idd} python3", "")
    own = "docker exec -i {id} --format {{.Id}} sh -c '${idd} {print}' python3"
    assert command("a", own, "")[3:8] == ["a", "--format", "{{.Id}}", "sh", "-c"]


def test_a_template_in_reach_is_for_all(tmp_path: Path) -> None:
    """`[reach] via` may be a whole way in, with {id} in it."""
    document = {"reach": {"via": "exec:podman exec -i {id} python3"}, "instances": [{"id": "a"}, {"id": "b"}]}
    config = parse(document, tmp_path / "keepapart.toml")
    assert [one.reach for one in config.instances] == [config.reach.via] * 2
    with pytest.raises(ConfigError, match="no way in 'exce' is installed"):
        parse({"reach": {"via": "exce:x"}}, tmp_path / "keepapart.toml")


@pytest.mark.parametrize("rule", TRANSPORT_RULES, ids=lambda rule: rule.__name__)
def test_exec_keeps_the_rules_of_ways_in(rule: TransportRule) -> None:
    """Nodes started by commands keep all rules, and nothing is left of them."""

    def children() -> list[str]:
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        return [line for line in listed.splitlines() if f"{PYTHON} -B -iIS -" in line]

    asyncio.run(
        rule(
            TransportUnderTest(
                lambda: open_transport(ReachSettings()),
                dict.fromkeys("abc", f"{PYTHON} -B"),
                dict.fromkeys("abc", "127.0.0.1"),
                nowhere="false",
                meaningless="",
                running=children,
            )
        )
    )


@pytest.fixture
def containers() -> Iterator[list[str]]:
    """Yield the names of two podman containers on this machine's own files; skip where podman can't."""
    if not shutil.which("podman"):
        pytest.skip("no podman here; on Debian: apt-get install podman crun")
    names = ["keepapart-test-a", "keepapart-test-b"]
    options = ["--network", "host", "--cgroups", "disabled", "--ulimit", "host", "--log-driver", "none"]
    try:
        for name in names:
            done = subprocess.run(
                ["podman", "run", "-d", "--rm", "--name", name, *options, "--rootfs", "/:O", "sleep", "120"],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                pytest.skip(f"podman: {done.stderr.strip().splitlines()[-1]}")
        yield names
    finally:
        subprocess.run(["podman", "rm", "-f", "-t", "0", *names], capture_output=True, check=False)


def test_podman_s_containers_are_reached(containers: list[str]) -> None:
    """`exec:podman exec -i {id} python3 -u -` gets into real containers."""
    ways = Transports(ReachSettings(via=f"exec:podman exec -i {{id}} {PYTHON} -u -"))
    assert not one_round([Instance(name, "127.0.0.1") for name in containers], ways).lost
