"""The published schemas: as the types have it, and true of whatever the command line prints."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import jsonschema
import msgspec
import pytest

from keepapart.cli import main
from keepapart.documents import base
from keepapart.documents.audit import AuditDocument
from keepapart.documents.schemas import DOCUMENTS, FOLDER, schemas
from keepapart.lab import client
from keepapart.lab.world import world

WORLD = {
    "name": "documents",
    "racks": [{"name": "a", "hosts": 3, "capacity": 3}, {"name": "b", "hosts": 3, "capacity": 3, "pod": "p"}],
    "clusters": [{"name": "orders", "size": 4}],
}
COMMANDS: dict[
    str, tuple[list[list[str]], int]
] = {  # by schema: what prints its documents, and the exit code
    "audit": ([["audit"], ["audit", "--pairs", "all"]], 1),
    "groups": ([["audit", "--stated", "--each", "tag"]], 3),
    "check": ([["check", "i-0001", "i-0002"]], 1),
    "hops": ([["hops"]], 0),
    "network": ([["network"], ["network", "--known-same", "i-0001,i-0002"]], 0),
    "plan": ([["admit", "--dry-run", "--count", "2"]], 0),
    "admit": ([["admit"], ["replace", "--yes", "i-0002"]], 0),
    "move": ([["move", "--yes", "i-0001"]], 0),
    "gc": ([["gc"], ["gc", "--dry-run"]], 0),
    "history": ([["history"], ["history", "--verb", "check"]], 0),
    "domains": (
        [
            ["export", "json", "--unknown", "merge"],
            ["export", "json", "--unknown", "merge", "--level", "rack"],
        ],
        0,
    ),
    "explain": ([["explain", "i-0001", "i-0003"]], 0),
    "simulate": ([["simulate", "--trials", "20"], ["simulate", "--habit", "sticky", "--trials", "20"]], 0),
    "lab": ([["lab", "ls"], ["lab", "truth"]], 0),
    "error": ([["check", "i-0001", "i-9999"], ["explain", "i-0001"], ["history", "--limit", "none"]], 2),
}

ANSWERED = ("watch", "survives", "news")


def published(name: str) -> jsonschema.Draft202012Validator:
    """Read a schema as whoever has the package does."""
    text = files("keepapart").joinpath("schemas", f"{name}-1.json").read_text(encoding="utf-8")
    return jsonschema.Draft202012Validator(json.loads(text))


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A configuration of a cluster in a simulated lab, whose store has an audit in it."""
    folder = tmp_path_factory.mktemp("documents")
    path = folder / "keepapart.toml"
    path.write_text('[cluster]\nname = "orders"\n[cloud]\nprovider = "lab"\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        with client.running(world.parse(WORLD, "test"), simulated=True):
            assert main(["-c", str(path), "audit"]) == 1
            yield str(path)


def test_the_files_are_what_the_types_say() -> None:
    """`make schemas` would change nothing; no file is there that no document has."""
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*")} == schemas()


def test_every_document_is_published() -> None:
    """No type of document is missing from the list.

    Each is printed by a command of the test below, or answered by `watch` (`tests/watch/test_api.py`).
    """
    assert set(DOCUMENTS) == set(base.Document.__subclasses__())
    assert {f"{name}-1.json" for name in (*COMMANDS, *ANSWERED)} == schemas().keys()


@pytest.mark.parametrize("name", [*COMMANDS, *ANSWERED])
def test_a_schema_is_one(name: str) -> None:
    """Each is a JSON Schema that refuses what is no document of its kind."""
    validator = published(name)
    validator.check_schema(validator.schema)
    assert not validator.is_valid({})
    assert not validator.is_valid({"schema": "keepapart.other/1"})


@pytest.mark.parametrize("name", COMMANDS)
def test_what_the_command_line_prints_is_as_published(
    name: str, config: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """One document on stdout, valid by its schema and read back by its type to the same document."""
    commands, code = COMMANDS[name]
    (kind,) = (d for d in DOCUMENTS if d.__struct_config__.tag == f"keepapart.{name}/1")
    for command in commands:
        try:
            ended = main(["-c", config, *command, *([] if "json" in command else ["--json"])])
        except SystemExit as usage:
            ended = int(usage.code or 0)
        out, told = capfd.readouterr()
        assert ended == code, told
        document = json.loads(out)
        assert document["schema"] == f"keepapart.{name}/1"
        published(name).validate(document)
        assert base.text(msgspec.convert(document, kind)) + "\n" == out


def test_audits_kept_by_an_earlier_keepapart_are_as_published() -> None:
    """The documents of a store made before there were schemas are valid, and read back to the very same."""
    store = Path(__file__).parents[1] / "fixtures" / "store-1.db"
    with sqlite3.connect(f"file:{store}?mode=ro&immutable=1", uri=True) as connection:
        kept = [json.loads(row)["audit"] for (row,) in connection.execute("select document from audits")]
    connection.close()
    assert kept
    for document in kept:
        published("audit").validate(document)
        assert base.text(msgspec.convert(document, AuditDocument)) == json.dumps(document)
