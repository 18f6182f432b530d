"""How a way in by ssh is written, and what is sent to a shell."""

from __future__ import annotations

import ast
import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from keepapart.errors import ConfigError, OperationError
from keepapart.model import Instance
from keepapart.reach import bootstrap
from keepapart.reach.bootstrap import READY, handed_over
from keepapart.reach.conversation import encoded
from keepapart.reach.ssh import COMMAND
from keepapart.reach.ssh_client import Resolved, Target, refusal, target, turned_away
from keepapart.reach.transports import Transports


@pytest.mark.parametrize(
    ("where", "right"),
    [
        ("", Target("10.0.0.9")),
        ("//web-1", Target("web-1")),
        ("Web-1", Target("Web-1")),
        ("ubuntu@web-1", Target("ubuntu@web-1")),
        ("fd00::1", Target("fd00::1")),
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
        with pytest.raises(ConfigError, match="ssh://USER@HOST:PORT or ssh:NAME is wanted"):
            target("i", where, "10.0.0.9")


WEB = Resolved({"hostname": "10.0.0.9", "port": "2222", "user": "me", "hostkeyalias": "none"})


def test_where_ssh_asks_nobody_to_look_there_is_no_advice() -> None:
    """Under StrictHostKeyChecking it refuses what it doesn't know: the key has to be added."""
    strict = Resolved({**WEB.values, "stricthostkeychecking": "true"})
    assert "`ssh` there once" in str(refusal("Host key verification failed.", Target("web"), WEB))
    assert "`ssh` there once" not in str(refusal("Host key verification failed.", Target("web"), strict))


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        (
            "ssh: connect to host 10.0.0.9 port 22: Connection refused",
            "ssh: connect to host 10.0.0.9 port 22: Conn",
        ),
        ("me@10.0.0.9: Permission denied (publickey).", "with no key of yours: try `ssh -p 2222 web`"),
        ("Host key verification failed.", "`ssh-keyscan -p 2222 10.0.0.9`"),
        (
            "@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification",
            "is NOT the one",
        ),
        (
            "Offending ECDSA key in /keys/of mine:3\nREMOTE HOST IDENTIFICATION HAS CHANGED",
            "`ssh-keygen -f '/keys/of mine' -R '[10.0.0.9]:2222'`",
        ),
        ("Warning: Permanently added 'x'.\nbad \x1b[31mword", "ssh: bad [31mword"),
        ("kex_exchange_identification: Connection closed by remote host", "closed by remote host"),
        ("usage: ssh [-46A]\n           destination [command]", "is no destination that it takes"),
        ("proxy: no such host\nConnection closed by UNKNOWN port 65535", "ssh: proxy: no such host"),
        ("", "ssh: it ended without a word"),
    ],
)
def test_why_ssh_does_not_get_in_is_said_in_one_line(errors: str, words: str) -> None:
    """What ssh complains of becomes a reason of one line, with the mend where there is one."""
    said = str(refusal(errors, Target("web", 2222), WEB))
    assert words in said
    assert said.isprintable()


@pytest.mark.parametrize(
    ("errors", "away"),
    [
        ("kex_exchange_identification: Connection closed by remote host\nConnection closed by 10.0.0", True),
        ("kex_exchange_identification: read: Connection reset by peer\nConnection reset by 10.0.0.9", True),
        ("kex_exchange_identification: Connection closed by remote host\nConnection closed by UNKNOWN", True),
        ("ssh_exchange_identification: Connection closed by remote host", True),
        ("channel 0: open failed: connect failed: Connection refused\nstdio forwarding failed\n"
         "kex_exchange_identification: Connection closed by remote host", False),
        ("kex_exchange_identification: banner line contains invalid characters", False),
        ("me@10.0.0.9: Permission denied (publickey).", False),
        ("", False),
    ],
)  # fmt: skip
def test_who_is_turned_away_unheard_is_told_from_who_is_refused(errors: str, *, away: bool) -> None:
    """Only what an sshd that has no time leaves to read makes ssh worth trying again."""
    assert turned_away(errors) is away


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


def test_one_thread_at_a_time_packs_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that is in early wants it while an audit packs it: in Python 3.11 both at once may fail."""
    within, all_at_once, parsed = threading.Lock(), threading.Barrier(3), bootstrap._node.__wrapped__
    bootstrap._packed.cache_clear()

    def alone() -> ast.Module:
        assert within.acquire(blocking=False)
        try:
            return parsed()
        finally:
            within.release()

    def wanted(number: int) -> bytes:
        all_at_once.wait()
        return handed_over(compiled=number > 0)

    monkeypatch.setattr(bootstrap, "_node", alone)
    with ThreadPoolExecutor(3) as pool:
        source, *code = pool.map(wanted, range(3))
    assert source.startswith(b"s")
    assert code[0] is code[1]


def test_without_ssh_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no ssh, the error says what to type."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(OperationError, match="apt-get install openssh-client"):
        Transports().group([Instance("a", "10.0.0.1", "ssh://a")])
