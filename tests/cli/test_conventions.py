"""What anybody expects of a command line: flags on both sides of the verb, forms of output, plain ASCII."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from keepapart.auditing.baseline import Baseline
from keepapart.auditing.document import audit_document, check_document, hops_document
from keepapart.auditing.history import record
from keepapart.cli import VERBS, main
from keepapart.cli._manual import PAGE, manual
from keepapart.cli._parser import build, within
from keepapart.documents.base import text
from keepapart.documents.base import yaml as as_yaml
from keepapart.documents.tsv import table
from keepapart.store import Store
from tests.report.audits import APART, SHARED, audit_of

Printed = pytest.CaptureFixture[str]
THREE = "".join(
    f'[[instances]]\nid = "{name}"\naddress = "10.0.0.{k}"\nhost = "{host}"\nplatform = "p"\n'
    for k, (name, host) in enumerate([("a", "x"), ("b", "x"), ("c", "y")], 1)
)
STATED = ["audit", "--stated"]


@pytest.fixture
def config(tmp_path: Path) -> str:
    """Return a configuration of three members, of which two are stated to share a host."""
    path = tmp_path / "my orders.toml"
    path.write_text(THREE)
    return str(path)


def shell(config: str, *words: str, **environment: str) -> tuple[int, str, str]:
    """Run keepapart as a process of its own; return its exit code, stdout and stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "keepapart", "-c", config, *words],
        env={**{k: v for k, v in os.environ.items() if not k.startswith("LC_")}, **environment},
        capture_output=True,
        check=False,
        cwd=Path(config).parent,
    )
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode()


def test_the_configuration_is_named_before_or_behind_the_verb(config: str, capsys: Printed) -> None:
    """Both mean the same, and what stands behind overrules."""
    assert main(["-c", config, *STATED, "--json"]) == 1
    before = json.loads(capsys.readouterr().out)
    assert main([*STATED, "--json", "-c", config]) == 1
    behind = json.loads(capsys.readouterr().out)
    assert before["verdicts"] == behind["verdicts"]
    assert main(["-c", "nowhere.toml", *STATED, "-c", config]) == 1
    assert main(["-c", config, "history", "-c", "nowhere.toml"]) == 2


def test_an_option_misspelt_gets_the_nearest(capsys: Printed) -> None:
    """What is like no option is only said to be none."""
    for word, told in (("--modle", "no --modle here; did you mean --model?"), ("--xyz", "see `keepapart ")):
        with pytest.raises(SystemExit, match="2"):
            main(["audit", "web-1", word])
        assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("gc --model auto", "keepapart gc: unrecognized arguments: --model auto (see `keepapart gc --help`)"),
        ("lab truth --jsno", "keepapart lab truth: no --jsno here; did you mean --json?"),
        (
            "--json audit",
            "keepapart audit: no --json before the verb; put it behind: `keepapart audit --json …`",
        ),
        ("-o json audit", "keepapart audit: no -o before the verb; put it behind: `keepapart audit -o …`"),
        ("--verison", "keepapart: no --verison here; did you mean --version?"),
        ("-qcx.toml adit", "keepapart: no verb 'adit'; did you mean 'audit'?"),
        ("-V", "keepapart: no -V here (see `keepapart --help`)"),
    ],
)
def test_an_option_is_held_against_the_verb_that_was_asked(line: str, told: str, capsys: Printed) -> None:
    """What is advised is an option of that verb, and so is the help that is named."""
    with pytest.raises(SystemExit, match="2"):
        main(line.split())
    assert capsys.readouterr().err == f"{told}\n"


def test_an_audit_of_nobody_says_that_names_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    """Without a configuration and without a name the mend is the shortest way to an answer."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert main(["audit"]) == 2
    assert "`keepapart audit web-1 web-2`" in capsys.readouterr().err


def test_a_choice_misspelt_gets_the_nearest(capsys: Printed) -> None:
    """As a verb does, and a key of the configuration."""
    with pytest.raises(SystemExit, match="2"):
        main(["audit", "--model", "routed"])
    assert capsys.readouterr().err == "keepapart audit: --model: no 'routed'; did you mean 'routed-host'?\n"


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("aduit", "audit"),
        ("chek", "check"),
        ("admitt", "admit"),
        ("exlpain", "explain"),
        ("help", "--help"),
        ("why", "explain"),
    ],
)
def test_a_verb_misspelt_gets_the_nearest(word: str, meant: str, capsys: Printed) -> None:
    """One line, exit code 2, and as a document where one is asked for."""
    with pytest.raises(SystemExit, match="2"):
        main([word, "-o", "json"])
    told = capsys.readouterr()
    assert told.err == f"keepapart: no verb '{word}'; did you mean '{meant}'?\n"
    error = json.loads(told.out)["error"]
    assert (error["kind"], error["text"]) == ("usage", f"no verb '{word}'; did you mean '{meant}'?")


def test_a_word_like_no_verb_gets_them_all(capsys: Printed) -> None:
    """Where none is near, all are listed; a lab's own verbs likewise."""
    with pytest.raises(SystemExit, match="2"):
        main(["xyzzy"])
    told = capsys.readouterr().err
    assert all(verb in told for verb in VERBS)
    with pytest.raises(SystemExit, match="2"):
        main(["lab", "trth"])
    assert "did you mean 'truth'?" in capsys.readouterr().err


def test_every_verb_takes_what_all_take() -> None:
    """`-c`, `-q` and `-v` behind every verb; `-o` and `--json` behind each that finds something out."""
    finds_nothing = {"init", "lab", "completion", "watch", "export"}  # export's FORMAT is its form
    for sub in within(build(VERBS)):
        for each in (sub, *within(sub)):
            assert {"-c", "-q", "-v"} <= set(each._option_string_actions)
        verb = sub.prog.split()[1]
        assert ({"-o", "--json"} <= set(sub._option_string_actions)) == (verb not in finds_nothing)


def test_all_forms_say_the_same(config: str, capsys: Printed) -> None:
    """JSON, YAML and a table of one audit have the same values; `--json` is `-o json`."""
    found = {}
    for words in (["--json"], ["-o", "json"], ["-o", "yaml"], ["-o", "tsv"]):
        assert main(["-c", config, *STATED, *words]) == 1
        found[words[-1]] = capsys.readouterr().out
    documents = [json.loads(found["--json"]), json.loads(found["json"]), yaml.safe_load(found["yaml"])]
    for document in documents:
        document["at"] = ""
    assert documents[0] == documents[1] == documents[2]
    rows = list(csv.DictReader(found["tsv"].splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert [(row["id"], row["host"]) for row in rows] == [
        (one["id"], one["host"]) for one in documents[0]["instances"]
    ]


def test_wide_leaves_nothing_out(config: str, capsys: Printed) -> None:
    """Wide lists every pair, on lines as long as they are."""
    assert main(["-c", config, *STATED]) == 1
    usual = capsys.readouterr().out
    assert main(["-c", config, *STATED, "-o", "wide"]) == 1
    wide = capsys.readouterr().out
    assert "co-resident" in wide.replace(usual, "")
    assert all(f" {a} {b} " in wide for a, b in ("ab", "ac", "bc"))


def test_a_table_has_a_line_for_each_row_whatever_is_in_it() -> None:
    """Tabs and ends of lines in values are escaped; lists and hop counts have their columns."""
    audit = audit_of(APART, lost={"web-1": "one\tand\ntwo\\"})
    lines = table(audit_document(audit)).splitlines()
    assert len(lines) == 6
    assert len({line.count("\t") for line in lines}) == 1
    assert lines[1].endswith("one\\tand\\ntwo\\\\")
    pair = table(check_document(audit, audit.pair("web-2", "web-3"))).splitlines()
    assert pair[0].startswith("a\tb\tverdict\tstrength")
    assert len(pair) == 2
    assert len(table(hops_document(audit)).splitlines()) == 1 + 25


def test_yaml_is_read_back() -> None:
    """Whatever ids there are, YAML says of them what JSON does."""
    document = audit_document(audit_of(SHARED, ids=["yes", "1.0", "a: b", "- c", "é\udcff"]))
    assert yaml.safe_load(as_yaml(document)) == json.loads(text(document))


def test_quiet_prints_nothing_but_a_failure(config: str, tmp_path: Path, capfd: Printed) -> None:
    """What ends well is silent; what doesn't is told in full."""
    alone = tmp_path / "alone.toml"
    alone.write_text(THREE.replace('host = "x"', 'host = "z"', 1))
    assert main(["-c", str(alone), "-q", *STATED]) == 0
    assert capfd.readouterr() == ("", "")
    assert main(["-c", config, *STATED, "-q"]) == 1
    told = capfd.readouterr()
    assert "2 of 3 members share a host" in told.out.splitlines()[0]
    assert told.err == ""
    assert main(["-c", "nowhere.toml", *STATED, "-q"]) == 2
    assert capfd.readouterr().err.startswith("keepapart: nowhere.toml: no such file")


def test_verbose_says_what_is_being_done(config: str, capfd: Printed) -> None:
    """On stderr, a line each; what is found stays alone on stdout."""
    assert main(["-c", config, *STATED, "-v", "--json"]) == 1
    told = capfd.readouterr()
    assert json.loads(told.out)
    assert "s: judging" in told.err
    assert "3 members" in told.err
    assert all(line.startswith("keepapart: ") for line in told.err.splitlines())


@pytest.mark.parametrize("environment", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}, {"LC_ALL": "POSIX"}])
def test_where_there_is_only_ascii_it_can_be_read(config: str, environment: dict[str, str]) -> None:
    """Marks are words, boxes are drawn with dashes, and nothing is a row of question marks."""
    code, out, err = shell(config, *STATED, **environment)
    assert (code, err) == (1, "")
    assert out.isascii()
    assert out.startswith("XX 2 of 3 members share a host")
    assert "x2" in out
    assert "+--" in out or "+-" in out
    assert "??" not in out


def test_in_utf_8_there_are_signs(config: str) -> None:
    """Where the encoding has them, marks are signs."""
    code, out, _ = shell(config, *STATED, LANG="C.UTF-8", PYTHONIOENCODING="utf-8")
    assert code == 1
    assert out.startswith("✗ 2 of 3 members share a host")


def test_a_document_in_ascii_is_json_still(tmp_path: Path) -> None:
    """What the encoding lacks is escaped, and no id is changed."""
    path = tmp_path / "k.toml"
    path.write_text(THREE.replace('"a"', '"bücher"'), encoding="utf-8")
    _, out, _ = shell(str(path), *STATED, "--json", PYTHONIOENCODING="ascii")
    assert json.loads(out)["instances"][0]["id"] == "bücher"


def test_latin_1_is_written_as_far_as_it_goes(config: str) -> None:
    """A narrow encoding costs no report."""
    code, out, err = shell(config, *STATED, PYTHONIOENCODING="latin-1:strict")
    assert (code, err) == (1, "")
    assert out.startswith("XX ")


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_an_error_is_a_document_of_the_form_asked_for(form: str, capsys: Printed) -> None:
    """Kind, text and mend; a table and people have the line on stderr only."""
    assert main(["history", "-o", form, "-c", "nowhere.toml"]) == 2
    told = capsys.readouterr()
    document = yaml.safe_load(told.out)  # JSON is YAML
    assert document["schema"] == "keepapart.error/1"
    assert told.err == f"keepapart: {document['error']['text']}\n"
    for other in ("tsv", "wide"):
        assert main(["history", "-o", other, "-c", "nowhere.toml"]) == 2
        assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_its_shell(name: str, capsys: Printed, tmp_path: Path) -> None:
    """Every verb is in it, and the shell reads it where it is installed."""
    assert main(["completion", name]) == 0
    script = tmp_path / "completion"
    script.write_text(capsys.readouterr().out)
    assert all(verb in script.read_text() for verb in VERBS)
    if shutil.which(name):
        assert subprocess.run([name, "-n", script], check=False).returncode == 0


@pytest.mark.parametrize("line", ["-c ord", "lab up ord", "audit --html ord", "export --to ord", "export ka"])
def test_completion_offers_files_and_formats(line: str, capsys: Printed, tmp_path: Path) -> None:
    """Where a file is wanted bash offers those that there are, and behind export its formats."""
    assert main(["completion", "bash"]) == 0
    script = tmp_path / "completion"
    script.write_text(capsys.readouterr().out)
    (tmp_path / "orders.toml").touch()
    asked = (
        f". {script}; COMP_WORDS=(keepapart {line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1));"
        ' _shtab_keepapart; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", asked], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == ("kafka\n" if line == "export ka" else "orders.toml\n")


def test_the_manual_page_is_what_the_parser_says() -> None:
    """`make man` would change nothing, and roff takes it without a warning where it is installed."""
    assert PAGE.read_text(encoding="utf-8") == manual()
    if groff := shutil.which("groff"):
        done = subprocess.run([groff, "-man", "-Tutf8", "-ww", PAGE], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")


def test_history_s_forms(tmp_path: Path, capsys: Printed) -> None:
    """A table of the history raises what is counted within its entries to columns; nothing is no line."""
    path = tmp_path / "h.toml"
    path.write_text('[cluster]\nname = "orders"\n')
    assert main(["-c", str(path), "history", "-o", "tsv"]) == 0
    assert capsys.readouterr().out == ""
    with Store(f"sqlite:///{tmp_path}/keepapart.db") as store:
        record(store, audit_of(SHARED, at=200.0), "audit", Baseline())
    assert main(["-c", str(path), "history", "-o", "tsv"]) == 0
    head, row = (line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert dict(zip(head, row, strict=True))["verdicts.co-resident"] == "1"
