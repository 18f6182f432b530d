"""The map over HTTP: what `keepapart export` prints, refused as there, and never older than what is known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from keepapart.auditing.assess import Audit
from keepapart.exports import formats, map_of
from keepapart.exports.packing import give_racks
from keepapart.store import Store
from tests.report.audits import APART, SHARED, audit_of
from tests.watch.bench import Bench, answering

EXPORT = "/v1/clusters/orders/export"
LOST = audit_of(APART, lost={"web-5": "timed out"})


def ask(folder: Path, audit: Audit, *paths: str) -> list[httpx.Response]:
    """Ask a watch that has made this audit."""
    with answering(Bench(folder, [audit])) as url:
        return [httpx.get(f"{url}{EXPORT}/{path}", timeout=20) for path in paths]


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bench, str]]:
    """A watch that has found two on one host, and where it answers."""
    bench = Bench(tmp_path_factory.mktemp("watch"), [audit_of(SHARED)])
    with answering(bench) as url:
        yield bench, url + EXPORT


def test_each_format_is_what_export_prints(watch: tuple[Bench, str]) -> None:
    """Of all that need no rack that was given: the same bytes as by the map of the same audit."""
    bench, url = watch
    with httpx.Client() as client:
        for name, form in formats().items():
            level = form.row.levels[0]
            found = map_of(bench.audits[0], level)  # type: ignore[arg-type]
            answer = client.get(f"{url}/{name}")
            if form.row.packs:
                assert answer.status_code == 409
                continue
            assert (answer.status_code, answer.text) == (200, form.text(form.render(found))), name
            assert answer.headers["content-type"].startswith(("text/plain", "application/json"))


def test_prometheus_and_ansible_read_json(watch: tuple[Bench, str]) -> None:
    """http_sd takes only what says that it is JSON."""
    _, url = watch
    for name in ("file-sd", "ansible", "json"):
        answer = httpx.get(f"{url}/{name}")
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()


def test_flags_are_parameters(watch: tuple[Bench, str]) -> None:
    """`--only`, `--level` and `--set` as export has them, also under another name of the format."""
    _, url = watch
    assert "broker.rack=host-1\n" in httpx.get(f"{url}/kafka?only=web-2").text
    keyed = httpx.get(f"{url}/opensearch?only=web-1&only=web-3&set=key=hypervisor").text
    assert keyed.count("node.attr.hypervisor: ") == 2
    assert json.loads(httpx.get(f"{url}/json?level=rack").text)["level"] == "rack"


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        ("kafca", 404, "did you mean 'kafka'"),
        ("kafka?only=nobody", 400, "no member that has a domain"),
        ("json?only=web-1", 400, "one text for all instances"),
        ("kafka?level=cellar", 400, "one of host, rack"),
        ("kafka?unknown=guess", 400, "one of refuse, merge"),
        ("kafka?unknown=leave-out", 400, "not safe there"),
        ("kafka?set=key", 400, "NAME=VALUE is wanted"),
        ("kafka?set=key=x", 400, "no setting 'key'"),
        ("slurm?level=host", 400, "no use for --level host"),
    ],
)
def test_what_cannot_be_meant_is_one_line(watch: tuple[Bench, str], path: str, code: int, said: str) -> None:
    """With the mend, as `keepapart.error/1`."""
    _, url = watch
    answer = httpx.get(f"{url}/{path}")
    assert (answer.status_code, answer.json()["schema"]) == (code, "keepapart.error/1")
    assert said in answer.json()["error"]["text"]


def test_an_unknown_pair_refuses_here_too(tmp_path: Path) -> None:
    """409 and the instance; what is chosen for it is done."""
    refused, left = ask(tmp_path, LOST, "elasticsearch", "elasticsearch?unknown=leave-out")
    assert (refused.status_code, refused.json()["error"]["kind"]) == (409, "unknown")
    assert "web-5" in refused.json()["error"]["text"]
    assert (left.status_code, "web-5" in left.text) == (200, False)


def test_what_is_not_known_any_more_is_no_map(tmp_path: Path) -> None:
    """After three intervals without an audit that succeeds it is 503: who reads it keeps what it has."""
    bench = Bench(tmp_path, [audit_of(APART), OSError("no route")])
    with answering(bench) as url:
        bench.clock.now += 100 * 3600
        answer = httpx.get(f"{url}{EXPORT}/kafka")
    assert (answer.status_code, answer.json()["error"]["kind"]) == (503, "unknown")


def test_before_the_first_audit_there_is_no_map(tmp_path: Path) -> None:
    """Whatever was audited before the watch began."""
    Bench(tmp_path, [audit_of(APART)]).once()
    with answering(Bench(tmp_path, [OSError("no route")])) as url:
        assert httpx.get(f"{url}{EXPORT}/kafka").status_code == 503


def test_racks_are_told_and_never_given_here(watch: tuple[Bench, str]) -> None:
    """What `keepapart export cassandra` gave is what is answered; asking gives nobody one."""
    bench, url = watch
    answer = httpx.get(f"{url}/cassandra?only=web-1")
    assert (answer.status_code, answer.json()["error"]["kind"]) == (409, "shared")
    with Store(bench.url) as store:
        assert store.told.of("orders", "cassandra") == {}
        found = map_of(bench.audits[0])  # type: ignore[arg-type]
        given = {one.id: one.domain for one in give_racks(store, "cassandra", found, "3").instances}
    for name, rack in given.items():
        assert f"rack={rack}\n" in httpx.get(f"{url}/cassandra?only={name}").text


def test_rows_of_ones_own_are_formats(tmp_path: Path) -> None:
    """A table that `[export] formats` names; where it is wrong it is 503, and the line names the file."""
    (tmp_path / "own.toml").write_text(
        '[mine]\ntitle = "Mine"\neach = true\ntext = "zone {{ i.domain }}\\n"\n'
    )
    bench = Bench(tmp_path, [audit_of(APART)], "[export]\nformats = 'own.toml'")
    with answering(bench) as url:
        assert httpx.get(f"{url}{EXPORT}/mine?only=web-1").text == "zone host-1\n"
        (tmp_path / "own.toml").write_text("[mine]\ntitel = 1\n")
        wrong = httpx.get(f"{url}{EXPORT}/mine")
        assert (wrong.status_code, "own.toml" in wrong.json()["error"]["text"]) == (503, True)
