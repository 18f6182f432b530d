"""Audits over ssh that are interrupted: they end at once, and say nothing but that."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from tests.reach.ssh.conftest import Reached

ENDED = (130, 0, 1)  # interrupted, or done before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("again", [None, 0.05], ids=["once", "twice"])
def test_an_audit_ends_whenever_it_is_interrupted(
    six: Reached, number: signal.Signals, again: float | None
) -> None:
    """While ssh starts, while nodes talk, while connections close: no error of Python's, and no hanging."""
    config = six.folder / "keepapart.toml"
    config.write_text(
        f'[cluster]\nname = "orders"\n[cloud]\nprovider = "lab"\nlab = "{six.lab.name}"\nway = "ssh"\n'
        f'[reach]\nssh_config = "{six.ssh_config}"\n[store]\nurl = "sqlite:///{six.folder}/keepapart.db"\n'
    )
    command = [sys.executable, "-m", "keepapart", "-c", str(config), "-q", "audit"]
    for tenths in range(2, 12, 2):
        audit = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        time.sleep(tenths / 10)  # it is the moment that varies
        audit.send_signal(number)
        if again is not None:
            time.sleep(again)
            audit.send_signal(signal.SIGINT)
        _, errors = audit.communicate(timeout=30)
        assert audit.returncode in ENDED, errors
        assert errors in ("", "keepapart: interrupted\n"), errors
