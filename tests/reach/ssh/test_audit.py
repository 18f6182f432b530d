"""Audits over a real sshd, and one instance at a time that makes trouble."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from keepapart.auditing.assess import Audit
from keepapart.model import Verdict
from keepapart.reach import conversation
from tests.reach.ssh.conftest import PYTHON, Reached

VICTIM = "i-0003"
REAL = f'exec {PYTHON} "$@"'


def assert_right(six: Reached, found: Audit | None = None, *, lost: str = "", because: str = "") -> None:
    """Hold an audit against the lab's truth; only pairs of the one that is lost are unknown."""
    found = found or six.audit()
    truth = six.lab.truth()
    assert set(found.round.lost) == ({lost} if lost else set())
    if lost:
        assert because in found.round.lost[lost], found.round.lost[lost]
        assert "\n" not in found.round.lost[lost]
    for a in six.ids:
        for b in six.ids:
            if a < b:
                together = truth[a].host == truth[b].host
                right = Verdict.CO_RESIDENT if together else Verdict.SEPARATE
                assert found.pair(a, b).verdict is (Verdict.UNKNOWN if lost in (a, b) else right), (a, b)


def test_verdicts_over_ssh_are_the_lab_s_truth(six: Reached) -> None:
    """Over real sshd every pair is judged as it truly is."""
    assert_right(six)


def test_output_of_a_login_is_skipped(six: Reached) -> None:
    """A motd, a broken line and binary noise before the node's first line change nothing."""
    six.say_at_login(
        VICTIM, 'echo Welcome; echo \'{"error": "no"}\'; head -c 20000 /dev/zero; printf "no end"'
    )
    assert_right(six)


def test_a_login_that_never_stops_talking_is_lost(six: Reached) -> None:
    """Noise is bounded: more of it than any motd makes the one instance unknown."""
    six.python(VICTIM, "while :; do echo blah blah blah blah blah blah blah blah blah blah blah; done")
    assert_right(six, lost=VICTIM, because="prints more than 64 KiB")


def test_an_instance_without_python3_is_unknown(six: Reached) -> None:
    """Where there is no python3 the reason says so, for that instance alone."""
    six.python(VICTIM, None)
    assert_right(six, lost=VICTIM, because="there is no python3 that runs")


def test_what_python3_complains_of_is_the_reason(six: Reached) -> None:
    """The last word on standard error is shown, in one line."""
    six.python(VICTIM, "echo first >&2; echo 'the\033[31mbad  news' >&2; exit 3")
    assert_right(six, lost=VICTIM, because="python3 did not start there: the [31mbad news")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for answers as long as a slow machine needs, and no longer."""
    monkeypatch.setattr(conversation, "PATIENCE", 5.0)
    monkeypatch.setattr("keepapart.reach.ssh.PATIENCE", 2.0)
    monkeypatch.setattr("keepapart.reach.ssh_client.CONNECT", 4)


@pytest.mark.usefixtures("impatient")
def test_an_instance_that_hangs_is_unknown(six: Reached) -> None:
    """Where nothing is answered, that one is given up and the others are measured."""
    six.python(VICTIM, "exec sleep 12")
    assert_right(six, lost=VICTIM, because="no answer within")


@pytest.mark.parametrize("limit", ["-n 3", "-n 6", "-n 9"])
def test_a_small_limit_of_open_files_is_the_reason(six: Reached, limit: str) -> None:
    """Too few descriptors for Python itself, or for a node's sockets: unknown for that instance alone."""
    six.python(VICTIM, f"ulimit {limit}; {REAL}")
    assert_right(six, lost=VICTIM, because="")


@pytest.mark.parametrize("limit", ["-v 30000", "-u 1", "-f 0"])
def test_other_small_limits_change_nothing(six: Reached, limit: str) -> None:
    """A node makes do with 30 MB of address space, starts no process of its own and writes no file."""
    six.python(VICTIM, f"ulimit {limit}; {REAL}")
    assert_right(six)


def test_a_wrong_clock_changes_nothing(six: Reached) -> None:
    """An instance whose clock stands at 1970 is measured like any other."""
    begin = (
        "import sys, time; time.time = lambda: 0.0; code = sys.argv[2]; sys.argv = sys.argv[2:]; exec(code)"
    )
    six.python(VICTIM, f"exec {PYTHON} -c '{begin}' \"$@\"")
    assert_right(six)


def killing(six: Reached, which: Callable[[list[str]], bool]) -> Callable[[str, float], None]:
    """Return a progress that kills these processes of the victim as soon as sending begins."""
    done: list[int] = []

    def progress(what: str, _share: float) -> None:
        if what == "send" and not done:
            for pid, words in six.processes(VICTIM).items():
                if which(words):
                    os.kill(pid, signal.SIGKILL)
                    done.append(pid)
            assert done

    return progress


def test_a_node_that_drops_in_the_middle_is_unknown(six: Reached) -> None:
    """A node killed when sending begins makes its own pairs unknown, no others."""
    found = six.audit(progress=killing(six, lambda words: "-ISc" in words))
    assert_right(six, found, lost=VICTIM, because="its node ended")


def test_an_sshd_killed_in_the_middle_is_unknown(six: Reached) -> None:
    """A connection that dies when sending begins makes its own pairs unknown, and leaves no process."""
    found = six.audit(progress=killing(six, lambda words: words[0].startswith("sshd: ")))
    assert_right(six, found, lost=VICTIM, because="its node ended")
    six.wait_until_nothing_is_left()
