"""How a way in by ssh is written, and what is sent to a shell."""

from __future__ import annotations

import builtins
import shutil
import subprocess
import sys
from typing import Any

import pytest

from keepapart.errors import ConfigError, OperationError
from keepapart.reach.bootstrap import READY, handed_over
from keepapart.reach.pipe import encoded
from keepapart.reach.ssh import COMMAND, target
from keepapart.reach.ssh_connections import Target, in_words


@pytest.mark.parametrize(
    ("where", "right"),
    [
        ("", Target("10.0.0.9")),
        ("//web-1", Target("web-1")),
        ("Web-1", Target("Web-1")),
        ("//ubuntu@10.0.0.1:2222", Target("10.0.0.1", 2222, "ubuntu")),
        ("//root@[fd00::1]:22", Target("fd00::1", 22, "root")),
        ("//[fd00::1]", Target("fd00::1")),
        ("//ubuntu@web-1/", None),
        ("//u:secret@web-1", None),
        ("//web-1:99999", None),
        ("//web-1:ssh", None),
        ("//@:22", None),
    ],
)
def test_a_way_in_is_read_or_refused(where: str, right: Target | None) -> None:
    """USER@HOST:PORT is read with any part left out; anything else is a configuration error."""
    if right:
        assert target("i", where, "10.0.0.9") == right
    else:
        with pytest.raises(ConfigError, match="ssh://USER@HOST:PORT is wanted"):
            target("i", where, "10.0.0.9")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            ConnectionRefusedError(111, "Connect call failed ('10.0.0.9', 22)"),
            "ssh: connection refused: no sshd",
        ),
        (OSError(113, "Connect call failed ('10.0.0.9', 22)"), "ssh: No route to host"),
        (OSError("Multiple exceptions: a, b"), "ssh: Multiple exceptions: a, b"),
        (TimeoutError(), "ssh: no answer in time"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_why_there_is_no_connection_is_said_plainly(error: Exception, words: str) -> None:
    """The reason is the system's, in its words, not the call's that met it."""
    assert in_words(error).startswith(words)


@pytest.mark.parametrize("shell", ["sh", "bash", "dash", "busybox sh", "zsh", "ksh", "tcsh", "fish"])
def test_the_command_means_the_same_to_every_shell(shell: str) -> None:
    """Whatever shell an account has, the loader starts and the node answers."""
    program, *words = shell.split()
    if not shutil.which(program):
        pytest.skip(f"no {program} here")
    opening = encoded({"do": "open", "family": 4, "port": 0, "flows": 1})
    done = subprocess.run(
        [program, *words, "-c", COMMAND],
        input=handed_over(compiled=False) + opening,
        capture_output=True,
        check=True,
    )
    ready, answer = done.stdout.strip().split(b"\n")
    assert ready.startswith(READY)
    assert answer.startswith(b'{"ports":[')


def test_without_asyncssh_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is an extra: where it is missing, the error says what to type."""
    for name in ("keepapart.reach.ssh", "keepapart.reach.ssh_connections", "asyncssh"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "asyncssh":
            raise ModuleNotFoundError("No module named 'asyncssh'", name="asyncssh")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    from keepapart.model import Instance
    from keepapart.reach.transports import Transports

    with pytest.raises(OperationError, match=r"pip install 'keepapart\[ssh\]'"):
        Transports().group([Instance("a", "10.0.0.1", "ssh://a")])
