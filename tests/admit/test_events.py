"""What the journal stores of an event, and that it is read back as it was."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepapart.admit import events as e
from keepapart.errors import StoreError

STORED = {  # what journals hold since they were first written: neither word nor name of a field may change
    "asked": {"cluster", "count", "replaces"},
    "excused": {"ids"},
    "intended": {"attempt", "token", "tags", "parameters", "source"},
    "placed": {"where"},
    "sized": {"ids"},
    "keptold": set(),
    "standsin": {"id", "by"},
    "postponed": {"attempt", "because"},
    "overquota": {"attempt", "because"},
    "launched": {"attempt", "id"},
    "running": {"attempt", "where"},
    "judged": {"rulings", "against", "mute"},
    "voided": {"attempt", "because"},
    "joining": {"attempt"},
    "unjoined": {"attempt"},
    "joined": {"attempt"},
    "welcomed": {"id"},
    "lost": {"ids"},
    "rejected": {"attempt", "because"},
    "fruitless": {"attempt", "because"},
    "strayed": {"id", "because"},
    "releasing": {"id"},
    "released": {"id"},
    "leftalone": {"id", "because", "stuck"},
    "closing": {"code", "because"},
    "finished": set(),
    "move": {"cluster", "ids", "hold", "host"},
    "looked": {"id", "because"},
    "ready": {"id"},
    "stopping": {"id"},
    "stopped": {"id"},
    "chosen": {"id", "parameters"},
    "placedanew": {"id", "because"},
    "starting": {"id"},
    "noroom": {"id", "because", "anew"},
    "up": {"id", "where"},
    "compared": {"id", "verdict", "because"},
    "moved": {"id", "because"},
    "unmoved": {"id", "code", "because"},
    "down": {"id", "because"},
    "migrating": {"id", "parameters"},
    "notlive": {"id", "because"},
}
RULING = {"attempt", "verdict", "then", "because", "replaces", "unproven"}
LATER = {"size", "notapart", "shares"}  # stored only where they say something


def arbitrary(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Build events of this class from every field's type."""
    fields = {field.name: st.from_type(field.type) for field in msgspec.structs.fields(kind)}
    return st.builds(kind, **fields)


st.register_type_strategy(e.Ruling, arbitrary(e.Ruling))
st.register_type_strategy(e.NotApart, arbitrary(e.NotApart))
events = st.one_of(*map(arbitrary, e.Event.__subclasses__()))


@given(events)
def test_an_event_is_read_back_as_it_was(event: e.Event) -> None:
    """Through JSON, as the store keeps it, every event comes back equal."""
    kind, data = e.encode(event)
    assert e.decode(kind, json.loads(json.dumps(data))) == event


@given(events)
def test_what_is_stored_never_changes(event: e.Event) -> None:
    """Each event is stored under its own word, with the names of fields that journals have had so far."""
    kind, data = e.encode(event)
    assert data.keys() - LATER == STORED[kind]
    assert all(ruling.keys() - LATER == RULING for ruling in data.get("rulings", ()))


def test_every_word_has_its_event() -> None:
    """No event has lost its word, and none shares one."""
    words = [kind.__struct_config__.tag for kind in e.Event.__subclasses__()]
    assert sorted(map(str, words)) == sorted(STORED)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("teleported", {"attempt": 1}),
        ("joined", {}),
        ("joined", {"attempt": "1"}),
        ("joined", {"attempt": 1, "where": "host-1"}),
        ("judged", {"rulings": [{"attempt": 1}]}),
        ("judged", {"rulings": [{"attempt": 1, "verdict": "", "then": "pardoned", "because": ""}]}),
    ],
)
def test_what_a_newer_keepapart_wrote_is_refused(kind: str, data: dict[str, Any]) -> None:
    """A word, a field or a value that this version doesn't know is an error, never half an event."""
    with pytest.raises(StoreError, match=f"an event '{kind}' that this keepapart can't read"):
        e.decode(kind, data)
