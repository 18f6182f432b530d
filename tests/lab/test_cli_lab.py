"""`keepapart lab …` as an operator meets it: output, exit codes, one line for every mistake."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from keepapart import cli
from keepapart.lab import client

WORLD = str(Path(__file__).parents[2] / "worlds" / "three-racks.toml")
COMMAND = "import sys; from keepapart import cli; sys.exit(cli.main(sys.argv[1:]))"
WITHOUT_NAMESPACES = """
from pathlib import Path
from keepapart.lab.netns import linux
linux.enter_user_namespace()
Path("/proc/sys/user/max_net_namespaces").write_text("0")
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Return what runs one `keepapart lab` command: its exit code, stdout and stderr."""

    def once(*argv: str) -> tuple[int, str, str]:
        try:
            code = cli.main(["lab", *argv])
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        out, err = capfd.readouterr()
        return code, out, err

    yield once
    for name in client.labs():
        client.Lab.find(name).down()


def listed(run: Run, verb: str) -> list[dict[str, Any]]:
    """Return the instances of a `--json` document."""
    code, out, _ = run(verb, "--json")
    document = json.loads(out)
    assert (code, document["schema"], document["lab"]) == (0, "keepapart.lab/1", "three-racks")
    assert document["kind"] in ("netns", "simulated")
    return list(document["instances"])


def test_a_lab_from_up_to_down(run: Run) -> None:
    """Up says what came up and what to do next; every verb does its part; down leaves nothing."""
    code, out, err = run("up", WORLD, "--simulated")
    assert (code, err) == (0, "")
    assert "5 instances, 12 hosts in 3 racks; clusters: orders" in out
    assert "`keepapart init --lab three-racks`" in out
    first = listed(run, "ls")[0]
    assert first == {
        "id": "i-0001",
        "address": "10.1.1.3",
        "state": "running",
        "health": "ok",
        "cluster": "orders",
    }
    assert listed(run, "truth")[0] == {**first, "host": "a-1", "rack": "a", "pod": None}
    assert run("launch", "--count", "2", "--cluster", "web")[0] == 0
    assert [one["cluster"] for one in listed(run, "ls")][5:] == ["web", "web"]
    assert run("stop", "i-0006", "i-0007")[1] == "i-0006 – stopped\ni-0007 – stopped\n"
    assert listed(run, "truth")[5]["host"] is None
    assert run("start", "i-0006")[1].endswith("running\n")
    assert run("move", "i-0006", "c-4")[1].endswith("now on c-4\n")
    assert listed(run, "truth")[5]["host"] == "c-4"
    assert run("terminate", "i-0007")[1] == "i-0007 – terminated\n"
    assert run("fail", "a-1")[1] == "a-1 failed; lost with it: i-0001, i-0002, i-0003, i-0004\n"
    assert [one["health"] for one in listed(run, "ls")].count("impaired") == 4
    assert "three-racks (simulated: as asked)" in run("ls")[1]
    assert run("down") == (0, "lab three-racks is gone\n", "")
    assert client.labs() == []


def test_a_weaker_lab_than_asked_for_says_so(run: Run) -> None:
    """Without --simulated a lab is real, or one line on stderr says why it is not."""
    code, out, err = run("up", WORLD)
    assert code == 0
    assert ("(netns," in out) == (err == "")
    assert err == "" or ("simulated" in err and err.count("\n") == 1)


def test_without_namespaces_the_lab_is_simulated_and_says_so(run: Run) -> None:
    """Where the kernel grants no network namespace, one line on stderr says why the lab is simulated."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_NAMESPACES + COMMAND, "lab", "up", WORLD],
            capture_output=True,
            text=True,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no user namespace to forbid them in: {error.stderr}")
    assert "(simulated," in done.stdout
    assert done.stderr.count("\n") == 1
    assert "without real packets: network namespaces can't be had here: unshare: " in done.stderr
    assert "(simulated: network namespaces can't be had" in run("ls")[1]


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["up", "missing.toml"], "missing.toml"),
        (["up", WORLD, "--name", "No Name"], "--name No Name"),
        (["stop", "i-0001", "i-9999"], "no instance 'i-9999'"),
        (["exec", "i-9999", "--", "true"], "no instance 'i-9999'"),
        (["exec", "i-0001"], "no command"),
        (["fail", "nowhere"], "no host 'nowhere'"),
        (["move", "i-0001", "nowhere"], "no host 'nowhere'"),
        (["move", "i-9999", "a-1"], "no instance 'i-9999'"),
        (["launch", "--count", "0"], "a whole number from 1"),
        (["launch", "--cuont", "1"], "--cuont"),
        ([], "VERB"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(run: Run, argv: list[str], says: str) -> None:
    """What can't be meant is answered in one line, and nothing is done."""
    run("up", WORLD, "--simulated")
    code, out, err = run(*argv)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err
    assert {one["state"] for one in listed(run, "ls")} == {"running"}


def test_what_fails_exits_4(run: Run) -> None:
    """No lab, a name taken, a full lab and a simulated exec are failures of one line."""
    assert run("ls")[0] == 4
    run("up", WORLD, "--simulated")
    for argv in (["up", WORLD], ["launch", "--count", "44"], ["exec", "i-0001", "--", "true"]):
        code, _, err = run(*argv)
        assert (code, err.count("\n")) == (4, 1)


def test_exec_passes_output_and_exit_code_on(run: Run) -> None:
    """A command runs with this terminal's own output, and its exit code is the verb's."""
    run("up", WORLD)
    if client.Lab.find().kind != "netns":
        pytest.skip(client.Lab.find().because)
    code, out, _ = run("exec", "i-0001", "--", "sh", "-c", "echo here; exit 5")
    assert (code, out) == (5, "here\n")


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_lab_in_the_foreground_ends_with_its_command(ending: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end the lab, its socket goes with it."""
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, "lab", "up", WORLD, "--foreground"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as attached:
        assert attached.stdout
        assert select.select([attached.stdout], [], [], 30)[0]
        assert b"three-racks" in attached.stdout.readline()
        os.kill(attached.pid, ending)
        assert attached.wait(10) == 0
    assert client.labs() == []


def test_every_verb_has_help_with_an_example(run: Run) -> None:
    """`--help` of each verb shows how it is used."""
    for verb in ("up", "ls", "truth", "launch", "start", "stop", "terminate", "move", "fail", "exec", "down"):
        code, out, _ = run(verb, "--help")
        assert code == 0
        assert f"keepapart lab {verb}" in out.rpartition("example")[2]
