"""The client of all platforms that speak JSON over HTTP: bounded, strict, and never twice what counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from keepapart.clouds import rest
from keepapart.clouds.rest import Mends, Page, Rest, RestError, bearer, words
from keepapart.errors import CloudError, ConfigError
from tests.platforms.stub import Call, Reply, Stub

MENDS = Mends("look at ACME_TOKEN", "docs/platforms/acme.md lists the rights")
SECRET = "s3cret-token"


class Thing(Struct):
    """What is asked for."""

    name: str


@pytest.fixture
def stub() -> Iterator[Stub]:
    """Yield a platform that answers one thing."""
    with Stub(lambda _: Reply({"name": "one", "more": 1})).serving() as found:
        yield found


@pytest.fixture
def waits() -> list[float]:
    """Return the seconds that were waited."""
    return []


@pytest.fixture
def client(stub: Stub, waits: list[float]) -> Iterator[Callable[..., Rest]]:
    """Return what opens a client of the stub."""
    opened: list[Rest] = []

    def start(**more: Any) -> Rest:
        found = Rest("Acme", stub.endpoint, bearer(SECRET), MENDS, sleep=waits.append, **more)
        opened.append(found)
        return found

    yield start
    for each in opened:
        each.close()


def fails(status: int, body: Any = b"", **headers: str) -> Callable[[Call], Reply]:
    """Return what answers so."""
    return lambda _: Reply(body, status, {name.replace("_", "-"): text for name, text in headers.items()})


Client = Callable[..., Rest]


def test_an_answer_is_read_as_the_type_that_is_wanted(client: Client, stub: Stub) -> None:
    """What is not asked for is left out; the token goes in a header, and nobody else's does."""
    assert client().get("/things", Thing, {"page": 1}) == Thing("one")
    (call,) = stub.calls
    assert (call.method, call.path, call.query) == ("GET", "/things", {"page": "1"})
    assert call.headers["Authorization"] == f"Bearer {SECRET}"
    assert call.headers["User-Agent"] == "keepapart"


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b'{"name": null}', b'{"name": 1}', b"[]", b'{"name": "one"', b'{"name": NaN}', b"\xff"],
)
def test_what_is_no_such_answer_is_an_error(client: Client, stub: Stub, body: bytes) -> None:
    """A proxy's page, a wrong type, half an answer: one line that names the key to look at."""
    stub.answer = lambda _: Reply(body)
    with pytest.raises(
        RestError, match=r"Acme answered what can't be read: .*; look at .cloud. endpoint"
    ) as told:
        client().get("/", Thing)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 595])
def test_a_get_is_tried_again_while_the_platform_is_busy(
    client: Client, stub: Stub, waits: list[float], status: int
) -> None:
    """Waits double; the last try's error is told."""
    stub.faults = [fails(status)] * 2
    assert client().get("/", Thing) == Thing("one")
    assert waits == [1.0, 2.0]
    stub.faults = [fails(status, {"message": "busy"})] * 4
    with pytest.raises(RestError, match=rf"Acme: busy \({status}\)"):
        client(tries=4).get("/", Thing)
    assert len(stub.calls) == 3 + 4


@pytest.mark.parametrize("status", [400, 404, 409, 422, 501])
def test_a_refusal_is_final(client: Client, stub: Stub, waits: list[float], status: int) -> None:
    """Asking again would be refused again."""
    stub.faults = [fails(status, {"message": "no"})]
    with pytest.raises(RestError, match=rf"^Acme: no \({status}\)$") as told:
        client().get("/", Thing)
    assert (told.value.status, len(stub.calls), waits) == (status, 1, [])


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_post_is_never_sent_twice(client: Client, stub: Stub, status: int) -> None:
    """Its answer may be lost while it was done."""
    stub.faults = [fails(status)]
    with pytest.raises(RestError):
        client().ask("POST", "/things", body={"name": "two"})
    stub.faults = [lambda _: Reply(b"x", headers={"Content-Length": "9"})]  # the connection breaks off
    with pytest.raises(RestError):
        client(timeout=1).ask("POST", "/things", body={"name": "two"})
    assert [call.method for call in stub.calls] == ["POST"] * 2


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        ({"Retry_After": "7"}, 7.0),
        ({"Retry_After": "0"}, 0.0),
        ({"Retry_After": "soon"}, 1.0),
        ({"Retry_After": "-5"}, 1.0),
        ({"Retry_After": "Sat, 28 Nov 2026 10:00:09 GMT", "Date": "Sat, 28 Nov 2026 10:00:00 GMT"}, 9.0),
        ({"Retry_After": "Sat, 28 Nov 2026 09:00:00 GMT", "Date": "Sat, 28 Nov 2026 10:00:00 GMT"}, 0.0),
    ],
)
def test_retry_after_is_kept(
    client: Client, stub: Stub, waits: list[float], asked: dict[str, str], waited: float
) -> None:
    """In seconds, or as a date by the platform's own clock; what can't be meant is left aside."""
    stub.faults = [fails(429, **asked)]
    client().get("/", Thing)
    assert waits == [waited]


def test_a_long_wait_is_told_and_not_waited_out(client: Client, stub: Stub, waits: list[float]) -> None:
    """Whoever waits for an hour wants to know."""
    stub.faults = [fails(429, {"message": "slow down"}, Retry_After="3600")]
    with pytest.raises(RestError, match=r"slow down \(429\): it asks to wait 3600 s; try again then"):
        client().get("/", Thing)
    assert waits == []


def test_credentials_and_rights_are_told_apart(client: Client, stub: Stub) -> None:
    """Each names its own mend, and neither repeats the token."""
    stub.faults = [fails(401, {"message": "bad token"}), fails(403, {"message": "not yours"})]
    with pytest.raises(RestError, match=r"bad token \(401\); look at ACME_TOKEN"):
        client().get("/", Thing)
    with pytest.raises(RestError, match=r"not yours \(403\); docs/platforms/acme.md") as told:
        client().get("/", Thing)
    assert SECRET not in str(told.value)


def test_a_redirect_is_not_followed(client: Client, stub: Stub) -> None:
    """The token would go with it."""
    with Stub(lambda _: Reply({"name": "elsewhere"})).serving() as elsewhere:
        stub.faults = [fails(302, Location=elsewhere.endpoint)]
        with pytest.raises(RestError, match=r"Acme sends us to http://127"):
            client().get("/", Thing)
        with pytest.raises(RestError, match=r"the list goes on at .*, which is elsewhere"):
            client().get(f"{elsewhere.endpoint}/things?page=2", Thing)
        assert elsewhere.calls == []
    assert client().get(f"{stub.endpoint}/things?page=2", Thing) == Thing("one")


def test_netrc_does_not_replace_the_token(
    client: Client, stub: Stub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever ~/.netrc has for that host, the platform gets its own token."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    client().get("/", Thing)
    assert stub.calls[0].headers["Authorization"] == f"Bearer {SECRET}"


def test_proxies_are_those_of_the_environment(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has to use one has said so there."""
    monkeypatch.setenv("HTTP_PROXY", stub.endpoint)
    monkeypatch.setenv("http_proxy", stub.endpoint)
    client = Rest("Acme", "http://127.0.0.2:9", bearer(SECRET), MENDS, tries=1)
    assert client.get("/through", Thing) == Thing("one")
    client.close()


def test_size_and_time_of_an_answer_are_bounded(
    client: Client, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A platform that never stops sending is an error, by size and by the clock."""
    monkeypatch.setattr(rest, "MOST_BYTES", 1024 * 1024)
    stub.answer = lambda _: Reply(b" " * 2 * 1024 * 1024)
    with pytest.raises(RestError, match="more than 1 MiB"):
        client().get("/", Thing)
    ticks = iter(range(0, 10_000, 20))
    with pytest.raises(
        RestError, match=r"Acme doesn't answer within 5 s; look at .cloud. endpoint and timeout"
    ):
        client(timeout=5, tries=1, clock=lambda: float(next(ticks))).get("/", Thing)


def test_a_connection_that_breaks_off_is_tried_again(client: Client, stub: Stub, waits: list[float]) -> None:
    """Half an answer is none."""
    stub.faults = [lambda _: Reply(b'{"name": "o', headers={"Content-Length": "99", "Connection": "close"})]
    assert client(timeout=2).get("/", Thing) == Thing("one")
    assert waits == [1.0]


def test_nobody_there_is_one_line(waits: list[float]) -> None:
    """The reason in its own words, and what to look at."""
    client = Rest("Acme", "http://127.0.0.1:9", bearer(SECRET), MENDS, sleep=waits.append)
    with pytest.raises(
        CloudError, match=r"^Acme: nobody answers at http://127.0.0.1:9: Connection refused; look"
    ):
        client.get("/", Thing)
    client.close()
    assert waits == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("endpoint", "says"),
    [
        ("api.acme.com", "an address such as"),
        ("ftp://api.acme.com", "an address such as"),
        ("http://api.acme.com", "would send the credentials in clear"),
        ("http://10.0.0.1", "would send the credentials in clear"),
        ("https://", "an address such as"),
        ("https://me@api.acme.com", "an address such as"),
        ("https://api.acme.com/?a=b", "an address such as"),
        ("https://[::1", "[cloud] endpoint"),
        ("https://api.acme.com:port", "[cloud] endpoint"),
    ],
)
def test_an_endpoint_that_can_not_be_is_refused(endpoint: str, says: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigError) as wrong:
        rest.checked_endpoint(endpoint)
    assert says in str(wrong.value)


def pages(*parts: tuple[list[int], int | None, int | None]) -> Callable[[int], Page[int, int]]:
    """Return what answers a list by these parts, one after the other."""
    left = iter(parts)
    return lambda _: Page(*next(left))


def test_a_list_is_read_to_its_end(client: Client) -> None:
    """Page after page, where a platform counts them and where it doesn't."""
    assert client().pages(pages(([1, 2], 2, 3), ([3], None, 3)), 1) == [1, 2, 3]
    assert client().pages(pages(([1, 2], 2, None), ([3], None, None)), 1) == [1, 2, 3]


def test_a_list_that_changes_between_its_pages_is_read_anew(client: Client) -> None:
    """What was deleted meanwhile moves others to a page that is read already: they would be missing."""
    torn = (([1, 2], 2, 4), ([4], None, 3))
    assert client().pages(pages(*torn, ([2, 3], 2, 3), ([4], None, 3)), 1) == [2, 3, 4]
    with pytest.raises(RestError, match="Acme's list changed while it was read, 3 times; try again"):
        client().pages(pages(*torn * 3), 1)
    with pytest.raises(RestError, match="changed while it was read"):
        client().pages(pages(*(([1], None, 2),) * 3), 1)
    marked = iter(
        [Page([1], 2, mark=3), Page([2], None, mark=2), Page([1], 2, mark=2), Page([2], None, mark=2)]
    )
    assert client().pages(lambda _: next(marked), 1) == [1, 2]


def test_a_list_that_does_not_end_is_an_error(client: Client) -> None:
    """A page that leads back to one that was read leads nowhere."""
    with pytest.raises(RestError, match="Acme's list doesn't end"):
        client().pages(pages(([1], 2, None), ([2], 1, None)), 1)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"errors": [{"field": "page", "reason": "too far"}]}, "page: too far"),
        ({"id": "unauthorized", "message": "no"}, "unauthorized: no"),
        ({"error": {"code": "locked", "message": "busy"}}, "locked: busy"),
        ({"error": "no key", "status": 401}, "no key"),
        ({"message": "wrong", "errors": {"vmid": "a number"}}, "wrong: vmid: a number"),
        ({"error": {"code": 403, "message": "m", "errors": [{"reason": "rateLimitExceeded"}]}},
         "m: rateLimitExceeded"),
        ([], ""),
        ("text", ""),
    ],
)  # fmt: skip
def test_what_platforms_say_of_an_error_is_found(body: Any, told: str) -> None:
    """However they wrap it."""
    import json

    assert words(json.dumps(body).encode()) == told


def test_what_a_platform_says_can_not_break_the_line(client: Client, stub: Stub) -> None:
    """Control characters and novels are cut."""
    stub.answer = lambda _: Reply({"message": "a\x1b[31m\nb" + "x" * 1000}, 400)
    with pytest.raises(RestError) as told:
        client().get("/", Thing)
    assert str(told.value).isprintable()
    assert len(str(told.value)) < 400
