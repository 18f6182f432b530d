"""The verbs `admit`, `replace` and `gc`, as the shell meets them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from keepapart import clouds
from keepapart.auditing import members
from keepapart.cli import main
from keepapart.clouds import CANDIDATE
from keepapart.errors import CloudError
from keepapart.store import Store
from keepapart.testing import ProgrammableCloud


@pytest.fixture
def opened() -> list[ProgrammableCloud]:
    """The clouds that were opened so far."""
    return []


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: list[ProgrammableCloud]) -> str:
    """A configuration whose cloud is a file; every verb opens it anew."""

    def connect(*_: object) -> ProgrammableCloud:
        opened.append(ProgrammableCloud(tmp_path / "cloud.json"))
        return opened[-1]

    path = tmp_path / "keepapart.toml"
    path.write_text('[cluster]\nname = "orders"\n[cloud]\nprovider = "file"\n[launch]\nboot_minutes = 0\n')
    monkeypatch.setattr(clouds, "connect", connect)
    monkeypatch.setattr(members, "connect", connect)
    return str(path)


@pytest.mark.parametrize("verb", [["admit"], ["admit", "--dry-run"], ["replace", "a"], ["gc"], ["audit"]])
def test_a_cloud_that_was_opened_is_closed(
    config: str, verb: list[str], opened: list[ProgrammableCloud], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether a verb succeeds or not, it closes the cloud that it opened."""
    main(["-c", config, *verb])
    assert capsys.readouterr().err.count("Traceback") == 0
    assert [cloud.closed for cloud in opened] == [True]


@pytest.mark.parametrize("verb", [["admit"], ["replace", "a"], ["gc"]])
def test_static_inventory_can_launch_nothing(
    verb: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With `provider = "static"` it is a usage error, in one line that names the key and the mend."""
    path = tmp_path / "keepapart.toml"
    path.write_text('[[instances]]\nid = "a"\naddress = "10.0.0.1"\n')
    assert main(["-c", str(path), *verb]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert "[cloud] provider" in told.err


def test_first_member(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`admit --json` prints exactly one document on stdout; progress goes to stderr."""
    assert main(["-c", config, "admit", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["admitted"] == ["i-0001"]
    assert "attempt 1: launching" in told.err


def test_dry_run(config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`admit --dry-run` says what would happen and launches nothing."""
    assert main(["-c", config, "admit", "--dry-run", "--count", "2"]) == 0
    assert "launch a candidate" in capsys.readouterr().out
    assert ProgrammableCloud(tmp_path / "cloud.json").all() == {}


def test_unknown_member(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`replace` of nobody is exit code 2, in one line."""
    assert main(["-c", config, "replace", "web-9"]) == 2
    assert capsys.readouterr().err == "keepapart: web-9: no such member; the members are none yet\n"


def test_gc(config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`gc --dry-run` lists, `gc` releases, and then there is nothing left."""
    ProgrammableCloud(tmp_path / "cloud.json").add("lost", 0, role=CANDIDATE)
    assert main(["-c", config, "gc", "--dry-run", "--json"]) == 0
    assert [f["id"] for f in json.loads(capsys.readouterr().out)["found"]] == ["lost"]
    assert main(["-c", config, "gc"]) == 0
    assert "released: lost" in capsys.readouterr().out
    assert main(["-c", config, "gc"]) == 0
    assert "nothing of 'orders' is left behind" in capsys.readouterr().out


def test_money_needs_a_price(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A budget of money without a price is a configuration error that names the missing key."""
    with Path(config).open("a", encoding="utf-8") as file:
        file.write("max_money = 5\n")
    assert main(["-c", config, "admit"]) == 2
    assert "[launch] max_money: needs price_per_hour" in capsys.readouterr().err


def test_user_data_goes_to_the_instance_and_nowhere_else(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each launched instance is handed the file, byte by byte; no journal, document or line has any of it."""
    secret = "a-password-\xe9\r\n"
    (tmp_path / "init.yaml").write_bytes(f"#cloud-config\n{secret}".encode())
    with Path(config).open("a", encoding="utf-8") as file:
        file.write('user_data = "init.yaml"\n')
    assert main(["-c", config, "-v", "admit", "--json"]) == 0
    cloud = ProgrammableCloud(tmp_path / "cloud.json")
    assert cloud.handed("i-0001") == (tmp_path / "init.yaml").read_bytes()
    told = capsys.readouterr()
    stored = b"".join(each.read_bytes() for each in tmp_path.glob("keepapart.db*"))
    assert b"a-password-" not in stored + told.out.encode() + told.err.encode()


@pytest.mark.parametrize(
    ("size", "says"), [(None, "init.yaml: No such file"), (16_385, "16385 bytes, and 16384 are taken here")]
)
def test_user_data_that_can_not_be_handed_on_launches_nothing(
    config: str, tmp_path: Path, size: int | None, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing file and one that is too long are configuration errors."""
    if size:
        (tmp_path / "init.yaml").write_bytes(b"x" * size)
    with Path(config).open("a", encoding="utf-8") as file:
        file.write('user_data = "init.yaml"\n')
    assert main(["-c", config, "admit"]) == 2
    told = capsys.readouterr().err
    assert "[launch] user_data:" in told and says in told
    assert not ProgrammableCloud(tmp_path / "cloud.json").alive()


def test_waiting_for_another_admission(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who may not wait long enough is told who holds the lease, and ends with 4."""
    with Store(f"sqlite:///{tmp_path / 'keepapart.db'}") as store:
        store.leases.acquire("orders", "pid 7 on elsewhere", time.time(), 600.0, lambda _: False)
    assert main(["-c", config, "admit", "--wait", "0.1"]) == 4
    told = capsys.readouterr().err
    assert "waiting: an admission of 'orders' is running already: pid 7 on elsewhere" in told
    assert "pid 7 on elsewhere holds it until" in told


def test_hooks_are_commands(config: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`[hooks]` are commands with the id behind; what they say is on stderr, so stdout stays a document."""
    with Path(config).open("a", encoding="utf-8") as file:
        file.write('[hooks]\non_join = "echo joined:"\nbefore_release = "sh -c \'exit 7\' gate"\n')
        file.write('[reach]\nvia = "exec:false"\n')  # nobody listens at these addresses
    assert main(["-c", config, "admit", "--json"]) == 0
    told = capfd.readouterr()
    assert json.loads(told.out)["admitted"] == ["i-0001"]
    assert "joined: i-0001\n" in told.err
    assert main(["-c", config, "replace", "--yes", "i-0001", "--json"]) == 4
    told = capfd.readouterr()
    document = json.loads(told.out)
    text = "[hooks] before_release: `sh -c 'exit 7' gate i-0001` ended with 7"
    assert (document["code"], document["admitted"], document["released"]) == (4, ["i-0002"], [])
    assert document["error"]["text"].startswith(text)
    assert text in told.err.splitlines()[-1]
    assert ProgrammableCloud(tmp_path / "cloud.json").members() == ["i-0001", "i-0002"]


@pytest.mark.parametrize("line", ["no-such-command", "'"])
def test_hook_that_is_no_command(config: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line that names the key, and no traceback."""
    with Path(config).open("a", encoding="utf-8") as file:
        file.write(f'[hooks]\non_join = "{line}"\n')
    assert main(["-c", config, "admit"]) == (2 if line == "'" else 4)
    told = capsys.readouterr().err
    assert "[hooks] on_join" in told
    assert "Traceback" not in told


def test_size(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--to` and `--count` exclude each other; a size that is there already is code 0 with a document."""
    assert main(["-c", config, "admit", "--to", "1"]) == 0
    capsys.readouterr()
    assert main(["-c", config, "admit", "--to", "1", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["admitted"], document["attempts"], document["code"]) == ([], 0, 0)
    with pytest.raises(SystemExit):
        main(["-c", config, "admit", "--to", "1", "--count", "1"])


def test_every_failure_of_a_run_has_its_document(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the platform fails in the middle the document says what is in, what is left, and what failed."""

    def breaking(*_: object) -> object:
        raise CloudError("the platform is down")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ProgrammableCloud, "describe", breaking)
        patch.setattr("keepapart.admit.guarded_cloud.RETRIES", ())
        assert main(["-c", config, "admit", "--json"]) == 4
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "keepapart.admit/1"
    text = "the platform is down; not released: i-0001"
    assert document["error"] == {"kind": "cloud", "text": text, "mend": None}
    assert [x["id"] for x in document["left"]] == ["i-0001"]
    assert main(["-c", config, "gc", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["released"] == ["i-0001"]
