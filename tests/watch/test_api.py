"""What is answered over HTTP: by status codes, by documents as published, and to nobody who may not ask."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate

from keepapart.errors import ConfigError
from keepapart.settings import ClusterSettings
from keepapart.store import Store
from keepapart.watch import guard
from keepapart.watch.api import LISTENERS, NEWS
from keepapart.watch.auditor import configured
from tests.report.audits import APART, SHARED, audit_of
from tests.watch.bench import Bench, answering, config_file

TOKEN = "correct-horse-battery"
ORDERS = "/v1/clusters/orders"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A watch that has found all apart, and then two that share a host."""
    bench = Bench(tmp_path, [audit_of(APART), audit_of(SHARED, cluster=None), OSError("no route")])
    bench.once()
    return bench


@pytest.fixture
def client(bench: Bench) -> Iterator[httpx.Client]:
    """Ask it."""
    with answering(bench) as url, httpx.Client(base_url=url, timeout=20) as client:
        yield client


def valid(document: Any) -> Any:
    """Hold a document against its published schema."""
    name = document["schema"].removeprefix("keepapart.").replace("/", "-")
    schema = files("keepapart").joinpath("schemas", f"{name}.json").read_text(encoding="utf-8")
    jsonschema.Draft202012Validator(json.loads(schema)).validate(document)
    return document


def test_documents_are_as_published(client: httpx.Client) -> None:
    """Each answer in JSON says its schema, and is valid by it."""
    for path in ("", "/audit", "/survives", "/history", "/pairs/web-1/web-2", "/pairs/web-1/nobody"):
        valid(client.get(ORDERS + path).json())
    valid(client.get("/v1/clusters/other/audit").json())


@pytest.mark.parametrize(
    ("where", "need", "code"),
    [(APART, 3, 200), (SHARED, 4, 409)],
)
def test_survives_says_it_by_its_status(
    tmp_path: Path, where: tuple[tuple[int, int], ...], need: int, code: int
) -> None:
    """200 where it does, 409 where it doesn't."""
    cluster = ClusterSettings(name="orders", survive=need)
    with answering(Bench(tmp_path, [audit_of(where, cluster=cluster)])) as url:
        assert httpx.get(f"{url}{ORDERS}/survives").status_code == code


def test_what_is_not_known_is_503(tmp_path: Path) -> None:
    """Before the first audit succeeds, and when the last one is too old; then it isn't ready either."""
    bench = Bench(tmp_path, [OSError("no route")])
    with answering(bench) as url:
        answer = httpx.get(f"{url}{ORDERS}/survives")
        assert (answer.status_code, answer.json()["survives"]) == (503, None)
        assert "no route" in answer.json()["because"]
        assert httpx.get(f"{url}/readyz").status_code == 503
        assert httpx.get(f"{url}/livez").status_code == 200
        assert httpx.get(f"{url}{ORDERS}/audit").status_code == 404
        bench.clock.now += 100 * 3600
        assert httpx.get(f"{url}/livez").status_code == 503


def test_an_audit_kept_before_the_watch_began_is_shown_and_not_believed(tmp_path: Path) -> None:
    """It is history: whether the cluster survives now is another question."""
    Bench(tmp_path, [audit_of(APART)]).once()
    with answering(Bench(tmp_path, [OSError("no route")])) as url:
        assert httpx.get(f"{url}{ORDERS}/audit").status_code == 200
        assert httpx.get(f"{url}{ORDERS}/survives").status_code == 503


def test_an_audit_has_a_tag_and_a_past(client: httpx.Client) -> None:
    """Whoever knows it already gets no second copy; `at` says of when."""
    answer = client.get(f"{ORDERS}/audit")
    known = client.get(f"{ORDERS}/audit", headers={"if-none-match": answer.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    times = [row["at"] for row in client.get(f"{ORDERS}/history").json()["audits"]]
    assert len(times) == 2
    past = client.get(f"{ORDERS}/audit", params={"at": times[1]}).json()
    assert (past["at"], past["verdicts"]["co-resident"]) == (times[1], 0)
    early, wrong = ({"at": at} for at in ("1999-01-01T00:00:00Z", "yesterday"))
    assert client.get(f"{ORDERS}/audit", params=early).status_code == 404
    assert client.get(f"{ORDERS}/audit", params=wrong).status_code == 400


def test_names_may_hold_whatever_ids_hold(tmp_path: Path) -> None:
    """Slashes, spaces and signs, each escaped as addresses escape them."""
    bench = Bench(tmp_path, [audit_of(SHARED, ids=["a/b c", "ä?#&", "web-3", "web-4", "web-5"])])
    with answering(bench) as url:
        found = httpx.get(f"{url}{ORDERS}/pairs/a%2Fb%20c/%C3%A4%3F%23%26").json()
        assert [found["a"], found["b"]] == ["a/b c", "ä?#&"]
        assert found["said"][0]["verdict"] == "co-resident"


def test_events_are_told_as_they_come_and_from_where_one_left_off(bench: Bench) -> None:
    """News have numbers; whoever shows the last one that it has, gets those after it."""
    with answering(bench) as url:

        def read(headers: dict[str, str], wanted: int, act: bool = False) -> list[tuple[str, Any]]:
            found: list[tuple[str, Any]] = []
            number = ""
            with httpx.stream("GET", f"{url}/v1/events", headers=headers, timeout=20) as answer:
                assert answer.headers["content-type"].startswith("text/event-stream")
                assert answer.headers["cache-control"] == "no-store"
                for line in answer.iter_lines():
                    name, _, value = line.partition(": ")
                    if name == "id":
                        number = value
                    if name == "data":
                        found.append((number, valid(json.loads(value))))
                        number = ""
                        if act and len(found) == 1:
                            bench.go_on()
                    if len(found) == wanted:
                        return found
            raise AssertionError(found)

        news = [(number, event) for number, event in read({"last-event-id": "0"}, 3) if number]
        assert [event["kind"] for _, event in news][:1] == ["shared"]
        first = news[0][0]
        later = read({"last-event-id": first}, 1)
        assert int(later[0][0]) > int(first)
        seen = read({}, 3, act=True)
        assert [number for number, _ in seen] == ["", "", ""]
        assert [event["schema"] for _, event in seen] == ["keepapart.watch/1"] * 3
        assert seen[-1][1]["failures"] == 1


def test_news_are_told_however_many_there_are(bench: Bench) -> None:
    """Whoever left off long ago gets all of them at once, and doesn't wait for further audits."""
    many = [json.dumps({"at": "2099", "number": number}) for number in range(2 * NEWS + 1)]
    with Store(bench.url) as store:
        first = store.watches.newest("orders") + 1
        store.watches.keep("orders", "{}", many, [], 0.0)
    with (
        answering(bench) as url,
        httpx.stream("GET", f"{url}/v1/events?after={first - 1}", timeout=20) as answer,
    ):
        told = itertools.takewhile(lambda line: line != "event: watch", answer.iter_lines())
        numbers = [int(line.removeprefix("id: ")) for line in told if line.startswith("id: ")]
    assert numbers[: len(many)] == list(range(first, first + len(many)))


def test_listeners_are_bounded_and_those_that_go_make_room(bench: Bench) -> None:
    """One more than there may be is refused; when one has gone, there is room again."""
    with answering(bench) as url, httpx.Client(base_url=url, limits=httpx.Limits()) as client:
        streams = [client.stream("GET", "/v1/events") for _ in range(LISTENERS)]
        read = [stream.__enter__().iter_raw() for stream in streams]
        assert all(map(next, read))
        assert client.get("/v1/events").status_code == 503
        for stream in streams:
            stream.__exit__(None, None, None)
        for _ in range(200):
            with client.stream("GET", "/v1/events") as answer:
                if answer.status_code == 200:
                    return
        raise AssertionError("no room")


def test_nothing_can_be_changed(client: httpx.Client) -> None:
    """All is asked for by GET; nothing else is taken."""
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        assert client.request(method, f"{ORDERS}/audit").status_code == 405


def test_every_answer_says_what_a_browser_may_do(client: httpx.Client) -> None:
    """Nothing from elsewhere, no guessing of types, in nobody's frame; also where it is refused."""
    for path in ("/", "/metrics", "/nothing", f"{ORDERS}/audit"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "10.0.0.1", "localhost.evil.example", ""]
)
def test_another_name_for_this_machine_is_refused(client: httpx.Client, host: str) -> None:
    """A page of elsewhere whose name leads here can't ask."""
    assert client.get("/livez", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "localhost:9797", "127.0.0.1:1", "[::1]:9797", "LOCALHOST"])
def test_loopback_goes_by_its_names(client: httpx.Client, host: str) -> None:
    """With and without a port."""
    assert client.get("/livez", headers={"host": host}).status_code == 200


def test_with_a_token_only_who_shows_it_is_answered(bench: Bench) -> None:
    """As a bearer, or as a browser's password; whether it lives is no secret."""
    password = base64.b64encode(f"anybody:{TOKEN}".encode()).decode()
    with answering(bench, TOKEN) as url:
        for path in ("/", "/metrics", "/openapi.json", "/v1/events", f"{ORDERS}/audit", "/nothing"):
            for nothing in ("", f"Bearer {TOKEN}x", "Basic !", "Basic é"):
                refused = httpx.get(url + path, headers={b"authorization": nothing.encode("latin-1")})
                assert refused.status_code == 401
                assert "Basic" in refused.headers["www-authenticate"]
        for shown in ({"authorization": f"Bearer {TOKEN}"}, {"authorization": f"Basic {password}"}):
            assert httpx.get(f"{url}{ORDERS}/audit", headers=shown).status_code == 200
        assert httpx.get(f"{url}/livez", headers={"host": "watch.example"}).status_code == 200


@pytest.mark.parametrize(
    ("lines", "match"),
    [
        ('listen = "0.0.0.0:9797"', "open to others, and has no token; name a file"),
        ('listen = "[::]:9797"', "open to others"),
        ('listen = "9797"', "an address and a port are wanted"),
        ('listen = "127.0.0.1:99999"', "an address and a port are wanted"),
        ('listen = "0.0.0.0:9797"\ntoken_file = "none"', "token_file: .*No such file"),
        ('listen = "0.0.0.0:9797"\ntoken_file = "short"', "16 characters at least"),
    ],
)
def test_beyond_this_machine_a_token_is_needed(tmp_path: Path, lines: str, match: str) -> None:
    """Without one, or with one that is none, it is a mistake of the configuration: nothing listens."""
    (tmp_path / "short").write_text("secret\n")
    with pytest.raises(ConfigError, match=match):
        guard.token(configured(str(config_file(tmp_path, lines))).config)
        guard.place(configured(str(tmp_path / "keepapart.toml")).config)


def test_a_credential_of_systemd_is_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LoadCredential=token:… puts it where only the unit reads it."""
    (tmp_path / "token").write_text(TOKEN + "\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert guard.token(configured(str(config_file(tmp_path, 'listen = "0.0.0.0:9797"'))).config) == TOKEN


def test_a_store_that_is_away_is_said(client: httpx.Client, tmp_path: Path) -> None:
    """It isn't ready then; what is in memory is answered all the same."""
    database = tmp_path / "keepapart.db"
    for file in tmp_path.glob("keepapart.db*"):
        file.unlink()
    database.mkdir()
    assert client.get("/readyz").status_code == 503
    answer = client.get(f"{ORDERS}/history")
    assert (answer.status_code, answer.json()["error"]["kind"]) == (503, "store")
    assert client.get(f"{ORDERS}/audit").status_code == 200
    database.rmdir()
    assert client.get("/readyz").status_code == 200


def test_it_is_described(client: httpx.Client) -> None:
    """OpenAPI's own validator takes the description, and all that is described is there."""
    described = client.get("/openapi.json").json()
    validate(described)
    for path in described["paths"]:
        if path != "/v1/events":
            path = path.format(name="orders", a="web-1", b="web-2", format="kafka")
            assert client.get(path).status_code in (200, 409), path


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_asked_the_answer_is_one_that_is_described(
    client: httpx.Client, data: st.DataObject
) -> None:
    """Names, times and limits that nobody would write: a code of the description, and never a 500."""
    described = client.get("/openapi.json").json()["paths"]
    path = data.draw(st.sampled_from([path for path in described if path != "/v1/events"]))
    text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
    known = st.sampled_from(["orders", "web-1", "kafka", "json", ".", ".."])
    names = {name: data.draw(text | known) for name in ("a", "b", "format")}
    names["name"] = data.draw(st.just("orders") | text)
    asked = path.format(**{name: quote(value, safe="").replace(".", "%2E") for name, value in names.items()})
    parameters = described[path]["get"]["parameters"]
    query = {
        p["name"]: data.draw(text) for p in parameters if p["in"] == "query" and data.draw(st.booleans())
    }
    answer = client.get(asked, params=query)
    assert str(answer.status_code) in described[path]["get"]["responses"]


def test_the_outbox_and_the_news_are_of_this_cluster(tmp_path: Path) -> None:
    """Two clusters in one store know nothing of each other."""
    bench = Bench(tmp_path, [audit_of(SHARED)])
    bench.once()
    with Store(bench.url) as store:
        assert store.watches.newest("orders") > 0
        assert store.watches.newest("other") == 0
        assert store.watches.due("other", ["http://x"], 1e12, 10) == []
