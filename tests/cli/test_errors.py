"""A failure under `--json`: one document on stdout, the same line as ever on stderr, the same exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from keepapart import errors
from keepapart.cli import main

ONE = '[[instances]]\nid = "a"\naddress = "127.0.0.1"\nreach = "local"\n'
TWO = ONE + '[[instances]]\nid = "b"\naddress = "127.0.0.2"\nreach = "ssh://127.0.0.1:1"\n'
Printed = pytest.CaptureFixture[str]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration of one instance, which is this machine."""
    path = tmp_path / "keepapart.toml"
    path.write_text(ONE)
    return path


@pytest.mark.parametrize(
    ("text", "words", "kind", "cause", "mend"),
    [
        (
            "[netwrok]\n",
            ["audit"],
            "config",
            "{config}: [netwrok]: no such section",
            "did you mean 'network'?",
        ),
        (
            "[store]\nurl = 'foo://x'\n" + ONE,
            ["hops"],
            "config",
            "{config}: [store] url: Can't load plugin: sqlalchemy.dialects:foo",
            "sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME is wanted",
        ),
        (
            ONE,
            ["explain", "a", "b"],
            "usage",
            "no audits of cluster 'default' are stored yet",
            "run `keepapart audit`",
        ),
        (ONE, ["check", "a", "a"], "usage", "'a' is one instance; check takes two", None),
        ('[cloud]\nprovider = "lab"\nlab = "none"\n', ["audit"], "lab", "no lab named 'none' is running", ""),
    ],
    ids=["section", "store", "explain", "check", "lab"],
)
def test_kind_text_and_mend(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Printed,
    text: str,
    words: list[str],
    kind: str,
    cause: str,
    mend: str | None,
) -> None:
    """The text is what people read, and the mend is its end; where nothing says what to do it is null."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    config = tmp_path / "keepapart.toml"
    config.write_text(text)
    plain = main(["-c", str(config), *words])
    said = capsys.readouterr()
    assert said.out == ""
    assert main(["-c", str(config), *words, "--json"]) == plain
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert document["schema"] == "keepapart.error/1"
    error = document["error"]
    assert told.err == said.err == f"keepapart: {error['text']}\n"
    assert error["kind"] == kind
    assert error["text"].startswith(cause.format(config=config))
    assert error["mend"] is None if mend is None else mend in error["mend"]
    assert error["text"].endswith(error["mend"] or "")


def test_a_command_line_that_can_t_be_read(config: Path, capsys: Printed) -> None:
    """What argparse refuses is a document too, with the same exit code."""
    with pytest.raises(SystemExit, match="2"):
        main(["-c", str(config), "audit", "--json", "--pairs", "some"])
    told = capsys.readouterr()
    error = json.loads(told.out)["error"]
    assert error["kind"] == "usage"
    assert error["text"] == "--pairs: no 'some'; there is all"
    assert error["mend"] == "there is all"
    assert told.err.startswith("keepapart audit: --pairs: no 'some'")
    assert told.err.count("\n") == 1


def test_a_verdict_with_a_failure_is_one_document(tmp_path: Path, capsys: Printed) -> None:
    """Where there is no way in to one of two, `check` prints its own document, and only that."""
    config = tmp_path / "keepapart.toml"
    config.write_text(TWO)
    assert main(["-c", str(config), "check", "a", "b", "--json"]) == 4
    told = capsys.readouterr()
    assert json.loads(told.out)["schema"] == "keepapart.check/1"
    assert told.err.startswith("keepapart: b: ")
    assert told.err.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", [["explain", "a", "a"], ["explain"]], ids=["verb", "arguments"])
def test_an_error_that_can_t_be_written(config: Path, words: list[str]) -> None:
    """A full disk under the document is one more line and exit code 4."""
    command = [sys.executable, "-m", "keepapart", "-c", str(config), *words, "--json"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 4
    assert done.stderr.endswith("\nkeepapart: the output can't be written: No space left on device\n")


def test_a_name_that_is_no_utf_8_is_escaped(config: Path) -> None:
    """Whatever bytes a file's name has, the document is JSON."""
    command: list[str | bytes] = [sys.executable, "-m", "keepapart", "-c", b"\xff.toml", "hops", "--json"]
    done = subprocess.run(command, capture_output=True, check=False, cwd=config.parent)
    assert json.loads(done.stdout)["error"]["text"].startswith("\udcff.toml: no such file")


def test_every_class_has_a_word_of_its_own() -> None:
    """The kinds are stable: they are what scripts compare."""
    classes = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.KeepapartError)
    ]
    assert {kind.__name__: kind.kind for kind in classes} == {
        "KeepapartError": "error",
        "UsageError": "usage",
        "ConfigError": "config",
        "SharedError": "shared",
        "UnknownError": "unknown",
        "InterruptionError": "interrupted",
        "OperationError": "operation",
        "UnsettledError": "unsettled",
        "ReachError": "reach",
        "CloudError": "cloud",
        "CapacityError": "capacity",
        "RefusedError": "refused",
        "DeniedError": "denied",
        "QuotaError": "quota",
        "UnforeseenError": "unforeseen",
        "NotFoundError": "not-found",
        "LabError": "lab",
        "StoreError": "store",
        "BusyError": "busy",
        "LeaseError": "lease",
    }
