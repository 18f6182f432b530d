"""`provider = "command"`: a program of the operator's as a cloud; the one for Incus keeps every rule."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from keepapart.cli import main
from keepapart.clouds import Cloud, Listing, connect
from keepapart.errors import CapacityError, CloudError, ConfigError, NotFoundError, RefusedError
from keepapart.testing.clouds import CLOUD_RULES, LISTING_RULES, CloudRule, CloudUnderTest

ROOT = Path(__file__).parents[2]
INCUS = ROOT / "examples" / "keepapart-incus" / "keepapart-incus"
HELLO = '{"does": ["instances"]}'
needs_jq = pytest.mark.skipif(not shutil.which("jq"), reason="needs jq: apt-get install jq")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the stand-in for `incus` on PATH, and return the file of its world."""
    binary = tmp_path / "bin" / "incus"
    binary.parent.mkdir()
    stand_in = Path(__file__).with_name("incus_stand_in.py")
    binary.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "{stand_in}" "$@"\n')
    binary.chmod(0o755)
    monkeypatch.setenv("PATH", f"{binary.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("INCUS_WORLD", str(tmp_path / "world"))
    return tmp_path / "world"


def incus(**settings: Any) -> Listing:
    """Open the example for Incus."""
    return connect("command", {"command": str(INCUS), "settings": {"image": "debian", **settings}}, ())


def fault(world: Path, what: str) -> Callable[[Listing], AbstractContextManager[None]]:
    """Return what lets something go wrong at the stand-in as long as a context lasts."""

    @contextmanager
    def wrong(_: Listing) -> Iterator[None]:
        world.with_suffix(".fault").write_text(what)
        yield
        world.with_suffix(".fault").unlink()

    return wrong


@needs_jq
@pytest.mark.parametrize("rule", CLOUD_RULES, ids=lambda rule: rule.__name__)
def test_incus(rule: CloudRule, world: Path) -> None:
    """The program for Incus keeps every rule of a cloud that launches."""
    faults = {"full": "full", "refused": "image", "failing": "down", "cut_short": "cut", "unanswered": "lost"}
    provoked: dict[str, Any] = {name: fault(world, what) for name, what in faults.items()}
    with CloudUnderTest(incus, patience=10, unknown="no-such", **provoked) as cloud:
        rule(cloud)


@needs_jq
@pytest.mark.parametrize(("members", "hosts"), [("node-1 node-2", {"node-1", "node-2"}), ("one", {"one"})])
def test_incus_puts_instances_on_members_of_its_cluster_or_on_the_one_server(
    world: Path, monkeypatch: pytest.MonkeyPatch, members: str, hosts: set[str]
) -> None:
    """A member of the cluster is a host; where there is no cluster, all are on the server itself."""
    monkeypatch.setenv("INCUS_MEMBERS", members)
    with CloudUnderTest(incus, patience=10) as cloud:
        cloud.running(2)
        found = cloud.listing.instances(cloud.tags)
        assert {i.facts["host"] for i in found} == hosts
        assert {i.address for i in found} == {"127.7.0.1", "127.7.0.2"}
    assert json.loads(world.read_text()) == {}


@needs_jq
def test_a_cluster_is_built_with_incus(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Admission lets in who is on a member of its own, and releases whom Incus put beside one."""
    config = tmp_path / "keepapart.toml"
    settings = 'image = "debian"\nreach = "local"\noptions = ["-p", "db"]'
    config.write_text(f'[cloud]\nprovider = "command"\ncommand = "{INCUS}"\n[cloud.settings]\n{settings}\n')
    assert main(["-c", str(config), "admit", "--count", "3", "--json"]) == 0
    admitted = json.loads(capsys.readouterr().out)["admitted"]
    config.write_text(f"{config.read_text()}[launch]\nmax_attempts = 2\n")
    assert main(["-c", str(config), "admit", "--json"]) == 1
    refused = json.loads(capsys.readouterr().out)
    assert "the platform puts both on host" in refused["rejected"][0]["because"]
    assert sorted(json.loads(world.read_text())) == sorted(admitted)
    assert main(["-c", str(config), "audit", "--stated"]) == 0


@needs_jq
def test_incus_without_an_image_only_lists(world: Path) -> None:
    """Who names no image wants nothing launched."""
    found = incus(image=None)
    assert not isinstance(found, Cloud)
    assert found.instances({}) == []
    assert not world.with_suffix(".fault").exists()


def lists(folder: Path, answer: str, hello: str = HELLO, seconds: float = 10) -> Listing:
    """Open a program that answers this to whatever it is asked for, `hello` apart."""
    (folder / "hello").write_text(hello)
    (folder / "answer").write_text(answer)
    line = 'case $(cat) in *\'"do":"hello"\'*) cat hello ;; *) cat answer ;; esac'
    return connect("command", {"command": line, "folder": str(folder), "seconds": seconds}, ())


@pytest.mark.parametrize("rule", LISTING_RULES, ids=lambda rule: rule.__name__)
def test_a_program_that_only_lists(rule: CloudRule, tmp_path: Path) -> None:
    """It prints what there is, whatever it is asked for, and keeps every rule of a listing."""
    tags = {"keepapart:cluster": "orders"}
    rows = [
        {"id": f"web-{n}", "address": f"10.0.0.{n}", "tags": tags, "facts": {"host": "x"}} for n in (1, 2)
    ]
    answer = json.dumps(
        {"instances": [*rows, {"id": "db-1", "address": None, "tags": {"keepapart:cluster": "no"}}]}
    )
    hello = lists(tmp_path, answer)
    assert not isinstance(hello, Cloud)

    @contextmanager
    def failing(_: Listing) -> Iterator[None]:
        (tmp_path / "answer").write_text("")
        yield
        (tmp_path / "answer").write_text(answer)

    @contextmanager
    def cut_short(_: Listing) -> Iterator[None]:
        (tmp_path / "answer").write_text(answer[:-30])
        yield
        (tmp_path / "answer").write_text(answer)

    with CloudUnderTest(
        lambda: lists(tmp_path, answer),
        listed=["web-1", "web-2"],
        tags=tags,
        failing=failing,
        cut_short=cut_short,
    ) as cloud:
        rule(cloud)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("[]", "no JSON object"),
        ("{}", '"instances" is no list'),
        ('{"instances": [3]}', "an instance"),
        ('{"instances": [{"id": "a"}, {"id": "a"}]}', "two instances have one id"),
        ('{"instances": [{"address": "10.0.0.1"}]}', "an instance: id is missing"),
        ('{"instances": [{"id": "a", "adress": "10.0.0.1"}]}', "did you mean 'address'?"),
        ('{"instances": [{"id": "a,b"}]}', "'a,b' can't be an id"),
        ('{"instances": [{"id": "a", "address": "web-1"}]}', "a: 'web-1' is no IPv4 or IPv6 address"),
        (
            '{"instances": [{"id": "a", "facts": {"hots": "x"}}]}',
            "a facts hots: no such key; did you mean 'host'?",
        ),
        (
            '{"instances": [{"id": "a", "facts": {"at": "noon"}}]}',
            "a facts at: 'noon' is no time with its zone",
        ),
        ("<html>", "no JSON: "),
    ],
)
def test_an_answer_that_can_not_be_meant_is_one_error(tmp_path: Path, answer: str, why: str) -> None:
    """It is a `CloudError` that says what is wrong with it, and no list."""
    with pytest.raises(CloudError) as raised:
        lists(tmp_path, answer).instances({})
    assert str(raised.value).startswith("[cloud] command: ")
    assert why in str(raised.value)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("capacity", CapacityError),
        ("refused", RefusedError),
        ("not-found", NotFoundError),
        ("odd", CloudError),
    ],
)
def test_it_tells_what_kind_of_failure_it_was(tmp_path: Path, kind: str, error: type[CloudError]) -> None:
    """Admission does something else for each kind; what isn't known is a `CloudError`."""
    answer = json.dumps({"error": {"kind": kind, "text": "so it is"}})
    with pytest.raises(CloudError) as raised:
        lists(tmp_path, answer).instances({})
    assert type(raised.value) is error
    assert str(raised.value) == "[cloud] command: instances: so it is"


@pytest.mark.parametrize(
    ("hello", "why"),
    [
        ("{}", '"does" is no list with "instances" in it'),
        ('{"does": ["instances", "launch", "terminate"]}', "start is lacking"),
        ("", "hello: no JSON: "),
    ],
)
def test_it_says_what_it_does(tmp_path: Path, hello: str, why: str) -> None:
    """Who launches can also stop, end and tag: anything else is an error before anything is launched."""
    with pytest.raises(CloudError) as raised:
        lists(tmp_path, "{}", hello)
    assert why in str(raised.value)


@pytest.mark.parametrize("keys", [{}, {"command": ""}, {"command": "x", "second": 3}])
def test_keys_that_can_not_be_meant(keys: dict[str, Any]) -> None:
    """A mistake in [cloud] is a `ConfigError` as anywhere."""
    with pytest.raises(ConfigError):
        connect("command", keys, ())


def test_what_does_not_run_has_no_place_and_what_is_old_is_old(tmp_path: Path) -> None:
    """Facts of a place go with the state; those with a time are as old as that."""
    place = {"platform": "incus", "host": "x", "whole_host": False, "zone": None}
    rows = [
        {"id": "a", "state": "stopped", "facts": place},
        {"id": "b", "facts": {**place, "at": "1970-01-01T00:01:00Z"}},
    ]
    a, b = lists(tmp_path, json.dumps({"instances": rows})).instances({})
    assert a.facts == {"platform": "incus"}
    assert b.facts == {}
    assert [(s.by, s.at, s.facts["host"]) for s in b.said] == [("the program", 60.0, "x")]


def test_it_runs_in_the_folder_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A relative path means the program beside keepapart.toml; what it lists without tags are members."""
    program = tmp_path / "here" / "my-cloud"
    program.parent.mkdir()
    rows = '[{"id": "a", "facts": {"host": "x"}}, {"id": "b", "facts": {"host": "y"}}]'
    program.write_text(f"""#!/bin/sh\necho '{{"does": ["instances"], "instances": {rows}}}'\n""")
    program.chmod(0o755)
    config = tmp_path / "here" / "keepapart.toml"
    config.write_text('[cloud]\nprovider = "command"\ncommand = "./my-cloud"\n')
    monkeypatch.chdir("/")
    assert main(["-c", str(config), "audit", "--stated"]) == 0
    assert "every member is on a host of its own" in capsys.readouterr().out
