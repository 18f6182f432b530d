"""`[facts]`: a file or a program of the operator's states where instances are, and what it says grows old."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from keepapart.cli import main
from keepapart.clouds.by_hand import joined
from keepapart.config import load
from keepapart.model import Instance, timestamp

Printed = pytest.CaptureFixture[str]
NOW, OLD = "the time of the test", "2020-01-01T00:00:00+01:00"
APART: dict[str, dict[str, Any]] = {
    "web-1": {"host": "pve-3"},
    "web-2": {"host": "pve-7", "whole_host": False, "zone": None},
}
SHARED: dict[str, dict[str, Any]] = {"web-1": {"host": "pve-3"}, "web-2": {"host": "pve-3"}}


def config(folder: Path, facts: str, *instances: str) -> str:
    """Write a configuration of two members with this `[facts]` section, and `instances` for further keys."""
    keys = instances or ("", "")
    path = folder / "keepapart.toml"
    tables = "".join(f'[[instances]]\nid = "web-{n}"\n{more}\n' for n, more in enumerate(keys, 1))
    path.write_text(f'[cluster]\nname = "orders"\n[facts]\n{facts}\n{tables}', encoding="utf-8")
    return str(path)


def dumped(told: Any) -> str:
    """Return this as JSON, with the time that it is for NOW."""
    return (told if isinstance(told, str) else json.dumps(told)).replace(NOW, timestamp(time.time()))


def of_file(folder: Path, told: Any, *instances: str) -> str:
    """Write a configuration whose facts are in a file beside it."""
    (folder / "facts.json").write_text(dumped(told), encoding="utf-8")
    return config(folder, 'file = "facts.json"', *instances)


def of_command(folder: Path, command: str, seconds: float = 30) -> str:
    """Write a configuration whose facts a command prints."""
    return config(folder, f"command = {json.dumps(command)}\nseconds = {seconds}")


def audited(path: str, capsys: Printed) -> dict[str, Any]:
    """Return the document of an audit by stated facts."""
    main(["-c", path, "audit", "--stated", "--json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize(
    ("told", "verdict", "strength"),
    [
        ({"at": NOW, **APART}, "separate", "conclusive"),
        ({"at": NOW, **SHARED}, "co-resident", "conclusive"),
        (APART, "unknown", None),
        (SHARED, "co-resident", "strong"),
        ({"at": OLD, **APART}, "unknown", None),
        ({"at": OLD, **SHARED}, "unknown", None),
        (
            {"at": OLD, **{name: {**facts, "at": NOW} for name, facts in APART.items()}},
            "separate",
            "conclusive",
        ),
        ({"at": NOW, **APART, "web-2": {"host": "pve-7", "at": OLD}}, "unknown", None),
        ({"at": NOW, "web-1": {"host": "pve-3"}, "web-2": {"host": "PVE-3.lan"}}, "unknown", None),
        ({"at": NOW, "web-1": {"host": "pve-3"}, "web-2": {"host": "None"}}, "unknown", None),
        ({"at": NOW, "web-1": {"zone": "n/a"}, "web-2": {"zone": " - "}}, "unknown", None),
        ({"at": NOW, **APART, "others-1": {"host": "pve-3"}, "at-work": {}}, "separate", "conclusive"),
    ],
)
def test_what_was_read_just_now_is_conclusive_and_what_is_old_is_weak(
    tmp_path: Path, capsys: Printed, told: Any, verdict: str, strength: str | None
) -> None:
    """Times stand for all or for each; without any, *same* is strong still and *different* is weak."""
    (pair,) = audited(of_file(tmp_path, told), capsys)["pairs"]
    assert (pair["verdict"], pair["strength"]) == (verdict, strength)


def test_the_source_and_the_time_are_told(tmp_path: Path, capsys: Printed) -> None:
    """The reason names the file; the document has the facts of each with their source and time."""
    path = of_file(tmp_path, {"at": NOW, **APART})
    read = json.loads((tmp_path / "facts.json").read_text())["at"]
    found = audited(path, capsys)
    assert found["pairs"][0]["because"] == "facts.json puts them on hosts pve-3 and pve-7"
    assert found["instances"][1]["stated"] == [
        {"by": "facts.json", "source": "api", "at": read, "facts": {"host": "pve-7", "whole_host": "false"}}
    ]


@pytest.mark.parametrize(
    ("at", "when"), [({}, "without a time"), ({"at": OLD}, "read 2019-12-31T23:00:00Z"), ({"at": NOW}, "")]
)
def test_that_facts_may_have_changed_since_is_told(
    tmp_path: Path, capsys: Printed, at: dict[str, str], when: str
) -> None:
    """Whoever differs by a label may share a host by now: the audit says so where it names its facts."""
    main(["-c", str(of_file(tmp_path, {**at, **APART})), "audit", "--stated"])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("facts ")]
    assert line.endswith(f", {when}: who differs there may share a host by now" if when else " member")


def test_a_file_that_differs_from_the_configuration_makes_nothing_separate(
    tmp_path: Path, capsys: Printed
) -> None:
    """Two words of now that differ: the pair is unknown, and the difference is told."""
    path = of_file(tmp_path, {"at": NOW, **APART}, 'host = "pve-7"', 'host = "pve-9"')
    assert main(["-c", path, "audit", "--stated"]) == 3
    out = " ".join(capsys.readouterr().out.split())
    assert "facts differ: host of web-1: facts.json says pve-3" in out
    assert "its sources differ, and none counts more" in out


def test_a_command_prints_what_a_file_holds(tmp_path: Path, capsys: Printed) -> None:
    """It is a line for sh, run in the folder of the configuration; what it says of errors is no answer."""
    (tmp_path / "some.json").write_text(dumped({"at": NOW, **SHARED}))
    path = of_command(tmp_path, "echo noise >&2; cat some.json | cat")
    assert audited(path, capsys)["pairs"][0]["verdict"] == "co-resident"


WRONG: dict[str, tuple[Any, str]] = {
    "no JSON": ("hosts: none", "[facts] file: not JSON that can be meant: "),
    "empty": ("", "[facts] file: not JSON that can be meant: "),
    "a list": ([], "[facts] file: no JSON object of facts by id; "),
    "facts as text": ({"web-1": "pve-3"}, "[facts] file: web-1: no JSON object of facts; "),
    "a fact misspelt": (
        {"web-1": {"hots": "pve-3"}},
        "[facts] file: web-1 hots: no such key; did you mean 'host'?",
    ),
    "a fact that is a list": ({"web-1": {"host": ["a"]}}, "[facts] file: web-1 host: "),
    "no time": ({"at": "yesterday", "web-1": {}}, "[facts] file: at: 'yesterday' is no time with its zone; "),
    "no zone of time": ({"web-1": {"at": "2026-11-28T10:00:00"}}, "[facts] file: web-1 at: "),
    "strangers": (
        {"at": NOW, "i-1": {"host": "x"}},
        "[facts] file: tells of no member; keys are ids: web-1, …",
    ),
    "two of one name": (
        f'{{"at": "{NOW}", "web-1": {{"host": "x"}}, "web-2": {{"host": "x"}}, "web-1": {{"host": "y"}}}}',
        "[facts] file: not JSON that can be meant: 'web-1' stands twice in an object; ",
    ),
    "no number": ('{"web-1": {"host": NaN}}', "[facts] file: not JSON that can be meant: NaN is no number; "),
    "too deep": ("[" * 100_000, "[facts] file: "),
}


@pytest.mark.parametrize(("told", "line"), WRONG.values(), ids=WRONG)
def test_a_file_that_can_not_be_meant_is_one_line(
    tmp_path: Path, capsys: Printed, told: Any, line: str
) -> None:
    """Exit code 2 and one line that names the configuration, the place and the mend."""
    path = of_file(tmp_path, told)
    assert main(["-c", path, "audit", "--stated"]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"keepapart: {path}: {line}")
    assert err.count("\n") == 1


@pytest.mark.parametrize("section", ['file = "nowhere.json"', 'file = "x"\ncommand = "y"', "file = 3"])
def test_a_section_that_can_not_be_meant_is_one_line(tmp_path: Path, capsys: Printed, section: str) -> None:
    """A file that isn't there, both at once, a number: exit code 2."""
    assert main(["-c", config(tmp_path, section), "audit", "--stated"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_pipe_in_a_file_s_place_is_not_waited_for(tmp_path: Path, capsys: Printed) -> None:
    """A file that nobody may ever write is an error that names the key for what a program prints."""
    os.mkfifo(tmp_path / "facts.json")
    assert main(["-c", config(tmp_path, 'file = "facts.json"'), "audit", "--stated"]) == 2
    assert "no plain file" in (err := capsys.readouterr().err)
    assert "`command` runs what prints facts" in err


def test_a_hundred_thousand_instances_get_their_own_facts(tmp_path: Path) -> None:
    """However many there are, each has what the file says of it."""
    ids = [f"web-{number}" for number in range(100_000)]
    hosts = {name: {"host": f"pve-{number // 4}"} for number, name in enumerate(ids)}
    settings = load(of_file(tmp_path, {"at": NOW, **hosts}))
    found = joined(settings, [Instance(name) for name in ids], members=True)
    assert [one.said[0].facts for one in found] == list(hosts.values())


FAILING = {
    "fails": ("echo 'no token' >&2; echo '{}'; exit 7", "it ended with 7: no token"),
    "is killed": ("kill -9 $$", "it ended with -9"),
    "isn't there": ("no-such-program", "it ended with 127: "),
    "prints junk": ("echo '<html>'", "not JSON that can be meant: "),
    "prints nothing": ("true", "not JSON that can be meant: "),
    "hangs": ("sleep 600 & sleep 600", "no answer within 1 seconds; give it more with `seconds`"),
    "never ends": ("trap '' TERM; exec >&-; sleep 600", "no answer within 1 seconds; "),
    "prints for ever": ("yes 2>/dev/null", "it printed more than 256 MB"),
    "complains for ever": ("yes >&2", "no answer within 1 seconds; "),
}


@pytest.mark.parametrize(("command", "line"), FAILING.values(), ids=FAILING)
def test_a_command_that_fails_is_one_line(tmp_path: Path, capsys: Printed, command: str, line: str) -> None:
    """Exit code 4, one line that says what went wrong, and nothing of it goes on running."""
    seconds = 60 if "yes 2" in command else 1
    assert main(["-c", of_command(tmp_path, f"echo $$ > pid; {command}", seconds), "audit", "--stated"]) == 4
    err = capsys.readouterr().err
    assert err.startswith(f"keepapart: [facts] command: {line}")
    assert err.count("\n") == 1
    assert _is_over((tmp_path / "pid").read_text().strip())


def test_what_a_command_leaves_running_is_not_waited_for(tmp_path: Path, capsys: Printed) -> None:
    """Its answer is over when it has ended, though another holds its output; that one is ended too."""
    told = dumped({"at": NOW, **APART})
    path = of_command(tmp_path, f"echo $$ > pid; sleep 600 & echo '{told}'")
    assert audited(path, capsys)["pairs"][0]["verdict"] == "separate"
    assert _is_over((tmp_path / "pid").read_text().strip())


def test_a_measured_audit_takes_them_for_evidence_too(tmp_path: Path, capsys: Printed) -> None:
    """What the file says stands beside what was measured, and is judged with it."""
    keys = [f'reach = "local"\naddress = "127.0.0.{n}"' for n in (1, 2)]
    path = of_file(tmp_path, {"at": NOW, **SHARED}, *keys)
    assert main(["-c", path, "check", "web-1", "web-2", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["strength"]) == ("co-resident", "conclusive")
    because = "facts.json puts both on host pve-3"
    assert because in [one["because"] for one in found["evidence"]]


def test_ctrl_c_ends_the_command_too(tmp_path: Path) -> None:
    """Exit code 130, and nothing that the command started goes on running."""
    pid = tmp_path / "pid"
    os.mkfifo(pid)
    path = of_command(tmp_path, "echo $$ > pid; sleep 600 & sleep 600")
    words = [sys.executable, "-m", "keepapart", "-c", path, "audit", "--stated"]
    with subprocess.Popen(words, stderr=subprocess.PIPE) as process:
        leader = pid.read_text().strip()  # waits for the command to be run
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    assert _is_over(leader)


def _is_over(leader: str) -> bool:
    """Whether nothing of a session is alive; what was killed may take a moment."""
    deadline = time.monotonic() + 10
    while left := _session(leader):
        if time.monotonic() > deadline:
            return not left
        time.sleep(0.01)
    return True


def _session(leader: str) -> list[str]:
    """List the processes of a session that are alive."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session = stat.read_text().rpartition(") ")[2].split()[:4]
        except OSError:  # it ended meanwhile
            continue
        if session == leader and state != "Z":
            found.append(stat.parent.name)
    return found
