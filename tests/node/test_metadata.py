"""What a node asks a metadata service, and what of the answers it tells."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from socket import create_server

import pytest

from keepapart.model import Service as Wanted
from keepapart.node import metadata
from keepapart.node.metadata import LARGEST, VALUE, ask
from tests.metadata_service import Service


@contextmanager
def serving(answers: Mapping[str, str], token: str = "") -> Iterator[tuple[int, list[str]]]:
    """Serve on loopback; yield the port and what was asked."""
    heard: list[str] = []
    with Service(("127.0.0.1", 0), answers, token, heard.append) as service:
        thread = threading.Thread(target=service.serve_forever)
        thread.start()
        try:
            yield service.server_port, heard
        finally:
            service.shutdown()
            thread.join()


def asked(port: int, *asks: tuple[str, str | tuple[str, ...]], **more: object) -> dict[str, str]:
    """Ask the service there."""
    wanted = Wanted(("127.0.0.1",), asks, port=port)
    return ask(asdict(replace(wanted, **more)))  # type: ignore[arg-type]


def test_values_are_told_by_their_names() -> None:
    """A path's answer is told under its name, without the line's end; what isn't there is left out."""
    with serving({"/id": "i-1\n", "/zone": ""}) as (port, heard):
        assert asked(port, ("/id", "id"), ("/zone", "zone"), ("/host", "host")) == {"id": "i-1"}
    assert heard == ["GET /id", "GET /zone", "GET /host"]


def test_of_a_document_only_the_fields_are_told() -> None:
    """Secrets that stand in the same document stay on the instance."""
    document = {
        "vmId": "7",
        "fault": 0,
        "host": {"id": "h", "key": "secret"},
        "osProfile": {"adminPassword": "x"},
    }
    with serving({"/all": json.dumps(document)}) as (port, _):
        assert asked(port, ("/all", ("vmId", "fault", "host.id", "zone", "host", "vmId.x"))) == {
            "vmId": "7",
            "fault": "0",
            "host.id": "h",
        }


def test_an_older_version_is_asked_where_the_newer_is_not_known() -> None:
    """The second path of a document is asked only where the first told nothing."""
    asks = (("/new", ("id",)), ("/old", ("id",)))
    with serving({"/new": "status 400", "/old": '{"id": 1}'}) as (port, heard):
        assert asked(port, *asks) == {"id": "1"}
    assert heard == ["GET /new", "GET /old"]
    with serving({"/new": '{"id": 2}', "/old": '{"id": 1}'}) as (port, heard):
        assert asked(port, *asks) == {"id": "2"}
    assert heard == ["GET /new"]


def test_a_token_opens_the_service_and_is_not_told() -> None:
    """It is had first, shown with each question, and forgotten."""
    token = ("/token", (("X-aws-ec2-metadata-token-ttl-seconds", "60"),), "X-Token")
    with serving({"/id": "i-1"}, token="X-Token") as (port, heard):
        assert asked(port, ("/id", "id"), token=token) == {"id": "i-1"}
        assert heard == ["PUT /token 60", "GET /id"]
        assert asked(port, ("/id", "id")) == {}
    with serving({"/id": "i-1"}) as (port, heard):  # it has no tokens: whoever it is, it is another service
        assert asked(port, ("/id", "id"), token=token) == {}
        assert heard == ["PUT /token 60"]


@pytest.mark.parametrize(
    "wrong", ["status 403", "status 404", "status 410", "status 429", "status 500", "elsewhere", "cut"]
)
def test_only_a_whole_answer_200_counts(wrong: str) -> None:
    """An error page is no fact, an answer that leads elsewhere isn't followed, and half of one is none."""
    with serving({"/a": wrong, "/good": "good", "/b": "fine"}) as (port, heard):
        assert asked(port, ("/a", "a"), ("/b", "b")) == {"b": "fine"}
    assert "GET /good" not in heard


def test_whoever_does_not_show_the_platform_s_header_is_somebody_else() -> None:
    """Google's service says that it is Google's."""
    shows = ("Metadata-Flavor", "Google")
    with serving({"/id": "1", "flavor": "Google"}) as (port, _):
        assert asked(port, ("/id", "id"), shows=shows) == {"id": "1"}
    with serving({"/id": "1", "flavor": "Acme"}) as (port, _):
        assert asked(port, ("/id", "id"), shows=shows) == {}


@pytest.mark.parametrize("wrong", ["slow", "endless"])
def test_what_takes_too_long_or_never_ends_is_given_up(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The node comes back, with nothing."""
    monkeypatch.setattr(metadata, "EXCHANGE", 0.2)
    with serving({"/a": wrong}) as (port, _):
        assert asked(port, ("/a", "a")) == {}


def test_what_is_too_large_is_nothing() -> None:
    """A value is short; a document is bounded."""
    with serving({"/a": "x" * (VALUE + 1), "/b": '"' + "x" * LARGEST + '"', "/c": "[" * 100_000}) as (
        port,
        _,
    ):
        assert asked(port, ("/a", "a"), ("/b", ("b",)), ("/c", ("c",))) == {}


def test_where_nobody_listens_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed port, and one where nobody ever answers, end the asking."""
    monkeypatch.setattr(metadata, "EXCHANGE", 0.2)
    with create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        assert asked(port, ("/a", "a")) == {}
    assert asked(port, ("/a", "a")) == {}


def test_the_next_address_is_asked_where_nobody_is_at_the_first() -> None:
    """A machine with IPv6 alone reaches the second one."""
    with serving({"/id": "i-1"}) as (port, _):
        assert asked(port, ("/id", "id"), addresses=("127.0.0.9", "127.0.0.1")) == {"id": "i-1"}
