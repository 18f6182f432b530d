"""`keepapart export`: what is printed and written, what is refused, and which audit it rests on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keepapart.auditing.baseline import Baseline
from keepapart.auditing.history import record
from keepapart.cli import main
from keepapart.exports import formats
from keepapart.store import Store
from tests.report.audits import SHARED, audit_of

Printed = pytest.CaptureFixture[str]
MEMBERS = [("a", "x"), ("b", "x"), ("c", "y"), ("d", "")]


def written(folder: Path, members: list[tuple[str, str]] = MEMBERS, more: str = "") -> str:
    """Write a configuration that states these hosts."""
    lines = [f'[cluster]\nname = "orders"\n{more}']
    for k, (name, host) in enumerate(members, 1):
        lines.append(f'[[instances]]\nid = "{name}"\naddress = "10.0.0.{k}"\nhost = "{host}"\n')
    path = folder / "keepapart.toml"
    path.write_text("".join(lines))
    return str(path)


def export(config: str, *words: str) -> int:
    """Export by stated facts."""
    return main(["-c", config, "export", *words, "--stated"])


def test_alone_it_lists_the_formats(tmp_path: Path, capsys: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every format has a line, with and without a configuration; each explains itself."""
    monkeypatch.chdir(tmp_path)
    assert main(["export"]) == 0
    listed = capsys.readouterr().out
    for name, form in formats().items():
        assert f"\n{name} " in f"\n{listed}"
        assert main(["export", name, "--help"]) == 0
        told = capsys.readouterr().out
        assert told.startswith(f"{name}: {form.row.title}\n")
        for word in ("names", "without one", "applied", "later"):
            assert f"  {word} " in told
    assert main(["export", "--help"]) == 0
    assert "usage: keepapart export" in capsys.readouterr().out


def test_a_format_misspelt_gets_the_nearest(tmp_path: Path, capsys: Printed) -> None:
    """One line, exit code 2."""
    assert export(written(tmp_path), "kafca") == 2
    assert capsys.readouterr().err == "keepapart: no format 'kafca'; did you mean 'kafka'?\n"


def test_an_unknown_pair_refuses_and_names_the_instance(tmp_path: Path, capsys: Printed) -> None:
    """Exit code 3, nothing on stdout, nothing written; the mend names what the format allows."""
    to = tmp_path / "out"
    assert export(written(tmp_path), "kafka", "--to", str(to)) == 3
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(
        "keepapart: these may share a host: d (nothing is stated of where it is) with a, b, c;"
    )
    assert "--unknown merge or --unknown apart" in told.err
    assert not to.exists()


def test_choices_for_unknown_pairs(tmp_path: Path, capsys: Printed) -> None:
    """Merged into one, left out where the consumer is safe with that, or apart by the operator's word."""
    config = written(tmp_path)
    domains = {}
    for choice in ("merge", "leave-out", "apart"):
        assert export(config, "json", "--unknown", choice) == 0
        domains[choice] = {d["name"]: d["instances"] for d in json.loads(capsys.readouterr().out)["domains"]}
    assert domains == {
        "merge": {"x": ["a", "b", "c", "d"]},
        "leave-out": {"x": ["a", "b"], "y": ["c"]},
        "apart": {"x": ["a", "b"], "y": ["c"], "host-of-d": ["d"]},
    }
    assert export(config, "kafka", "--unknown", "leave-out") == 2
    assert "--unknown leave-out: not safe there" in capsys.readouterr().err
    assert export(config, "elasticsearch", "--unknown", "leave-out") == 0
    assert "1 pairs" not in capsys.readouterr().out


def test_a_file_for_each_instance_replaced_only_where_it_changes(tmp_path: Path, capsys: Printed) -> None:
    """The same again changes no file; an instance that is left out has its file removed."""
    to = tmp_path / "crush"
    known = written(tmp_path, MEMBERS[:3])
    assert export(known, "ceph", "--to", str(to)) == 0
    assert "wrote 3 of 3 files" in capsys.readouterr().out
    first = {path: path.stat().st_mtime_ns for path in to.iterdir()}
    assert {path.name for path in first} == {"a.conf", "b.conf", "c.conf"}
    assert export(known, "ceph", "--to", str(to)) == 0
    assert "wrote 0 of 3 files" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in to.iterdir()} == first
    now = written(tmp_path, [("a", "x"), ("b", ""), ("c", "y")])
    assert export(now, "ceph", "--to", str(to), "--unknown", "leave-out") == 0
    assert "removed 1, of instances left out" in capsys.readouterr().out
    assert {path.name for path in to.iterdir()} == {"a.conf", "c.conf"}


def test_programs_can_be_run(tmp_path: Path) -> None:
    """A script is executable, and what isn't one is not."""
    config = written(tmp_path, MEMBERS[:3])
    assert export(config, "hdfs-script", "--to", str(tmp_path / "topology.sh")) == 0
    assert export(config, "hdfs", "--to", str(tmp_path / "topology.table")) == 0
    assert (tmp_path / "topology.sh").stat().st_mode & 0o111
    assert not (tmp_path / "topology.table").stat().st_mode & 0o111


def test_one_instance_s_part(tmp_path: Path, capsys: Printed) -> None:
    """Ids choose; one alone is printed as it is, for a pipe."""
    config = written(tmp_path, MEMBERS[:3])
    assert export(config, "kafka", "--only", "c") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "broker.rack=y"
    assert export(config, "kafka", "--only", "z") == 2
    assert "'z' is no member" in capsys.readouterr().err
    assert export(config, "json", "--only", "c") == 2


def test_names_that_the_consumer_won_t_take(tmp_path: Path, capsys: Printed) -> None:
    """Refused with the mend, which works; nothing is changed silently."""
    config = written(tmp_path, [("a", "rack 1/x"), ("b", "y")])
    assert export(config, "hdfs") == 2
    said = capsys.readouterr().err
    assert "'rack 1/x' can't be a name there: text without slashes and white space is wanted" in said
    assert "--rename 'rack 1/x=NAME'" in said
    assert export(config, "hdfs", "--rename", "rack 1/x=x") == 0
    assert capsys.readouterr().out == "10.0.0.1 /x\n10.0.0.2 /y\n"
    assert export(config, "hdfs", "--rename", "rack 1/x=y") == 2
    assert "two would be called 'y'" in capsys.readouterr().err
    assert export(config, "hdfs", "--rename", "z=y") == 2


def test_names_that_fold_into_one_are_refused(tmp_path: Path, capsys: Printed) -> None:
    """Ansible's groups have no hyphens: two hosts that would be one group are none."""
    assert export(written(tmp_path, [("a", "h-1"), ("b", "h_1")]), "ansible") == 2
    assert "two things would be called 'h_1'" in capsys.readouterr().err


def test_one_name_for_two_things_is_refused_where_it_matters(tmp_path: Path, capsys: Printed) -> None:
    """Ceph's buckets have one name each: a host that is called as an instance is refused."""
    config = written(tmp_path, [("a", "b"), ("b", "y")])
    assert export(config, "ceph") == 2
    assert "two things would be called 'b'" in capsys.readouterr().err
    assert export(config, "ceph", "--rename-id", "b=b-vm") == 0


def test_settings(tmp_path: Path, capsys: Printed) -> None:
    """`--set` and `--key` change what the format writes; others are refused with the nearest."""
    config = written(tmp_path, MEMBERS[:3])
    assert export(config, "elasticsearch", "--only", "a", "--key", "hypervisor") == 0
    assert 'node.attr.hypervisor: "x"' in capsys.readouterr().out
    assert export(config, "cassandra", "--only", "a", "--set", "racks=2", "--set", "dc=eu") == 0
    assert capsys.readouterr().out.endswith("dc=eu\nrack=rack1\n")
    assert export(config, "kafka", "--set", "rak=2") == 2
    assert export(config, "cassandra", "--set", "rack=2") == 2
    assert "no setting 'rack'; did you mean 'racks'?" in capsys.readouterr().err
    assert export(config, "ceph", "--set", "root=a b") == 2


def test_racks_are_for_good(tmp_path: Path, capsys: Printed) -> None:
    """What was told is told again; what a cluster has already is taken over; a node on two is an error."""
    config = written(tmp_path, [("a", "x"), ("b", "y")])
    (tmp_path / "now").write_text("a RAC2\nb RAC1\n")
    two = ["cassandra", "--set", "racks=2"]
    assert export(config, *two, "--racks-now", str(tmp_path / "now")) == 0
    capsys.readouterr()
    written(tmp_path, [("new", "z"), ("a", "x"), ("b", "y")])
    assert export(config, *two, "--only", "a") == 0
    assert "rack=RAC2" in capsys.readouterr().out
    written(tmp_path, [("new", "z"), ("a", "x"), ("b", "x")])
    assert export(config, *two) == 1
    assert "a was told RAC2 and b RAC1, and they share x" in capsys.readouterr().err
    assert export(config, *two, "--anew", "--only", "a") == 0
    assert "rack=rack1" in capsys.readouterr().out
    assert export(config, "kafka", "--anew") == 2


@pytest.mark.parametrize("words", [["--only", "nope"], ["--set", "dc=e u"]])
def test_racks_that_nobody_was_told_are_not_given(tmp_path: Path, words: list[str]) -> None:
    """Where nothing can be written, nothing is kept: a mistake is no rack for good."""
    config = written(tmp_path, [("a", "x"), ("b", "y")])
    assert export(config, "cassandra", "--set", "racks=2", *words) == 2
    with Store(f"sqlite:///{tmp_path}/keepapart.db") as store:
        assert store.told.of("orders", "cassandra") == {}


def test_a_kept_audit_is_exported_as_it_was(tmp_path: Path, capsys: Printed) -> None:
    """`--at` measures nothing; of a number that is none's, one line says so."""
    config = written(tmp_path, MEMBERS)
    assert main(["-c", config, "export", "json", "--at", "1"]) == 2
    assert "0 audits of cluster 'orders' are kept" in capsys.readouterr().err
    with Store(f"sqlite:///{tmp_path}/keepapart.db") as store:
        record(store, audit_of(SHARED, at=200.0), "audit", Baseline())
        record(store, audit_of([(0, k // 2) for k in range(70)], at=300.0), "audit", Baseline())
        record(store, audit_of(SHARED, at=400.0), "check", Baseline())
    assert main(["-c", config, "export", "json", "--at", "3"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["at"] == "1970-01-01T00:03:20Z"
    assert [one["domain"] for one in found["instances"]] == ["host-1", "host-1", "host-2", "host-3", "host-4"]
    assert main(["-c", config, "export", "json", "--at", "2"]) == 0
    assert len(json.loads(capsys.readouterr().out)["domains"]) == 35
    assert main(["-c", config, "export", "json", "--at", "1"]) == 2
    assert "that was check, not an audit of the whole cluster" in capsys.readouterr().err


def test_the_operator_s_own_rows(tmp_path: Path, capsys: Printed) -> None:
    """A table beside the configuration has more formats; what is wrong in it is named."""
    (tmp_path / "own.toml").write_text(
        '[yugabyte]\ntitle = "YugabyteDB"\neach = true\nnames = "[a-z]+"\n'
        'text = "--placement_zone={{ i.domain }}\\n"\n'
    )
    config = written(tmp_path, MEMBERS[:3], '[export]\nformats = "own.toml"\n')
    assert export(config, "yugabyte", "--only", "a") == 0
    assert capsys.readouterr().out == "--placement_zone=x\n"
    assert export(config) == 0
    assert "yugabyte" in capsys.readouterr().out
    (tmp_path / "own.toml").write_text('[one]\ntitle = "One"\ntext = "{{ nothing }}"\n')
    assert export(config, "one") == 2
    assert "One: the template fails: 'nothing' is undefined" in capsys.readouterr().err
    (tmp_path / "own.toml").write_text('[one]\ntitel = "One"\n')
    assert export(config, "one") == 2
    assert "[one] titel: no such key; did you mean 'title'?" in capsys.readouterr().err


def test_sets_end_with_one_where_a_host_takes_one(tmp_path: Path, capsys: Printed) -> None:
    """The table says which; the exit code is that of an audit where some share a host."""
    (tmp_path / "sets").write_text("etcd: a b c\nother: a c\n")
    assert export(written(tmp_path, MEMBERS[:3]), "etcd", "--sets", str(tmp_path / "sets")) == 1
    assert capsys.readouterr().out.startswith("LOST      etcd: x takes 2 of 3 (a, b); 2 must live\n")
