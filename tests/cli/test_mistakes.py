"""Mistakes that only come out when a verb runs: one line that names the file, and the exit code for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from keepapart.cli import main

ONE = '[[instances]]\nid = "a"\naddress = "127.0.0.1"\nreach = "local"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[store]\nurl = "foo://x"\n' + ONE, "[store] url: "),
        (ONE.replace("local", "telnet:a"), "reach 'telnet' of 'a': the ways in are"),
    ],
    ids=["store", "survive", "reach"],
)
def test_the_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, told: str) -> None:
    """What the file alone doesn't show to be wrong ends with 2 all the same, and says where to mend it."""
    config = tmp_path / "keepapart.toml"
    config.write_text(text)
    assert main(["-c", str(config), "audit"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"keepapart: {config}: {told}")
    assert said.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", [["audit"], ["audit", "--json"], ["hops"]], ids=" ".join)
def test_output_that_can_t_be_written_is_a_failure(tmp_path: Path, words: list[str]) -> None:
    """A full disk ends an audit with one line and exit code 4, never with a code that means a verdict."""
    config = tmp_path / "keepapart.toml"
    config.write_text(ONE)
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "keepapart", "-c", str(config), *words]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 4
    assert done.stderr == "keepapart: the output can't be written: No space left on device\n"
