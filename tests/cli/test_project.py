"""`audit --stated` over a whole project: without a configuration, from the environment, group by group."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keepapart.cli import main
from keepapart.clouds import LaunchRequest, connect
from keepapart.documents import base
from keepapart.documents.project import GroupsDocument
from keepapart.lab import client
from keepapart.lab.client import Lab
from keepapart.lab.ec2.process import environment
from keepapart.lab.world import world
from keepapart.model import Instance

pytest.importorskip("boto3")
pytest.importorskip("moto")
Printed = pytest.CaptureFixture[str]
WORLD: dict[str, Any] = {
    "name": "project",
    "racks": [{"name": f"r{n}", "hosts": 4, "capacity": 4} for n in range(4)],
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Yield a lab that answers the EC2 API."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        with client.running(world.parse(WORLD, "test"), simulated=True, api="ec2") as lab:
            yield lab


@pytest.fixture(autouse=True)
def empty(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in an empty folder, at home nowhere, with the environment that boto3 has for the lab."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "OS_", "KEEPAPART_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name, value in environment(lab.api).items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def launched(lab: Lab) -> list[Instance]:
    """Launch seven instances: three of a spread group, four with tags of two clusters and in no group."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        for name, value in environment(lab.api).items():
            patch.setenv(name, value)
        found = []
        for number, (group, cluster) in enumerate(
            [("auto", "orders")] * 3 + [("", "web"), ("", "web"), ("", "db"), ("", "")]
        ):
            settings = {"image_id": "ami-lab", **({"placement_group": group} if group else {})}
            cloud: Any = connect("ec2", settings, ())
            tags = {"keepapart:cluster": cluster, "role": cluster or "none"}
            found.append(cloud.launch(LaunchRequest(f"token-{number}", tags, cloud.parameters(tags))))
            cloud.close()
        return found


def document(capsys: Printed, *words: str) -> dict[str, Any]:
    """Return what a whole project's audit prints as JSON."""
    main(["audit", "--stated", "--json", *words])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_everything_that_the_provider_lists_is_one_cluster(launched: list[Instance], capsys: Printed) -> None:
    """No configuration is needed, and none of keepapart's tags: what the account has is judged."""
    found = document(capsys, "--provider", "ec2")
    assert found["cluster"] == "ec2"
    assert sorted(i["id"] for i in found["instances"]) == sorted(i.id for i in launched)
    assert found["verdicts"]["separate"] == 3


def test_what_the_environment_shows_need_not_be_named(launched: list[Instance], capsys: Printed) -> None:
    """`keepapart audit --stated` in an empty folder takes the one platform that this shell is set up for."""
    assert len(document(capsys)["instances"]) == len(launched)


def test_where_several_are_set_up_one_is_to_be_named(
    monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    """Which is meant isn't guessed: one line names all that are seen."""
    monkeypatch.setattr(
        "keepapart.clouds.environments.SIGNS",
        [*_signs(), type(_signs()[0])("command", ("HOME",))],
    )
    assert main(["audit", "--stated"]) == 2
    err = capsys.readouterr().err
    assert "several platforms are set up: ec2 (AWS_ACCESS_KEY_ID), command (HOME)" in err
    assert err.rstrip().endswith("name one with --provider")


def _signs() -> list[Any]:
    from keepapart.clouds.environments import SIGNS

    return list(SIGNS)


def test_a_configuration_goes_before_the_environment(tmp_path: Path, capsys: Printed) -> None:
    """Where there is one, it says what is meant, and `--provider` that it isn't."""
    (tmp_path / "keepapart.toml").write_text('[[instances]]\nid = "a"\nhost = "x"\n')
    assert [i["id"] for i in document(capsys)["instances"]] == ["a"]
    assert "a" not in [i["id"] for i in document(capsys, "--provider", "ec2")["instances"]]


def test_each_server_group_and_each_tag(launched: list[Instance], capsys: Printed) -> None:
    """Groups are named as the platform names them, with who is in them; who is in none is counted."""
    found = document(capsys, "--provider", "ec2", "--each", "group")
    assert base.plain(msgspec.convert(found, GroupsDocument))["schema"] == "keepapart.groups/1"
    (group,) = found["groups"]
    assert sorted(group["instances"]) == sorted(i.id for i in launched[:3])
    assert group["verdicts"] == {"separate": 3, "co-resident": 0, "unknown": 0}
    assert (found["instances"], found["ungrouped"]) == (7, 4)
    found = document(capsys, "--provider", "ec2", "--each", "tag:role")
    assert [(group["name"], len(group["instances"])) for group in found["groups"]] == [
        ("role=web", 2),
        ("role=orders", 3),
        ("role=db", 1),
        ("role=none", 1),
    ]


@pytest.mark.parametrize(("each", "code"), [("group", 0), ("tag:role", 3), ("tag:no", 3)])
def test_the_groups_that_are_in_trouble_are_printed(
    launched: list[Instance], capsys: Printed, each: str, code: int
) -> None:
    """The answer comes first; groups that are well are only counted."""
    assert len(launched) == 7
    assert main(["audit", "--stated", "--provider", "ec2", "--each", each]) == code
    out = capsys.readouterr().out
    assert ("role=web  2 members: 1 of 1 pair unknown" in out) == (each == "tag:role")
    assert out[0] in "✓?"


def test_a_group_that_shares_a_host_is_a_failure(tmp_path: Path, capsys: Printed) -> None:
    """With a configuration, `--each` takes all that its cloud lists; who shares a host is named with it."""
    tables = "".join(
        f'[[instances]]\nid = "{name}"\nhost = "{host}"\ngroup = "{group}"\n'
        for name, host, group in (("a", "x", "g"), ("b", "x", "g"), ("c", "y", "h"))
    )
    (tmp_path / "keepapart.toml").write_text(tables)
    assert main(["audit", "--stated", "--each", "group"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("✗ 2 server groups: 1 shares a host, 1 is well")
    assert "g  2 members: a and b share x: the majority doesn't outlive it" in out


def test_a_group_without_a_majority_now_comes_before_all(launched: list[Instance], capsys: Printed) -> None:
    """Two of the three of a spread group are stopped: exit code 5, and it is the first to be told."""
    cloud: Any = connect("ec2", {}, ())
    for instance in launched[:2]:
        cloud.stop(instance.id)
    try:
        assert main(["audit", "--stated", "--each", "tag:role"]) == 5
        _, _, _, first, *_ = (out := capsys.readouterr().out).splitlines()
        assert out.startswith("✗ 4 values of tag:role: 1 has no majority now, ")
        assert first.startswith(
            "✗ role=orders  3 members: 2 of 3 members are stopped: it has no majority now; "
        )
        group = document(capsys, "--each", "group")["groups"][0]
        assert (group["quorate"], sorted(group["down"])) == (False, sorted(i.id for i in launched[:2]))
    finally:
        for instance in launched[:2]:
            cloud.start(instance.id)
        cloud.close()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--provider", "ec3", "--stated"], "--provider: no 'ec3' here; did you mean 'ec2'?"),
        (["--provider", "ec2"], "--provider: a whole project is judged by stated facts alone; add --stated"),
        (["--each", "group"], "--each: a whole project is judged by stated facts alone; add --stated"),
        (
            ["--stated", "--each", "group", "--pairs", "all"],
            "--pairs: --each only shows every group",
        ),
        (["--stated", "--provider", "static"], "--provider static: 'static' lists no instances"),
        (["--stated", "--provider", "command"], "--provider command: [cloud]: command is missing"),
    ],
)
def test_what_can_not_be_meant_is_one_line(capsys: Printed, words: list[str], line: str) -> None:
    """Exit code 2, and the mend."""
    assert main(["audit", *words]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"keepapart: {line}")
    assert err.count("\n") == 1
