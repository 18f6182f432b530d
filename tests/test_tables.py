"""Tables against their types: whatever a document holds, it gives a value or one clear line."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from keepapart import config
from keepapart.clouds.ec2 import settings
from keepapart.errors import ConfigError
from keepapart.lab.world import world
from keepapart.tables import Table, Text, checked, read

WORDS = [
    "a",
    "ssh",
    "~/x",
    "~nobody/x",
    "10.0.0.1",
    "fe80::1%eth0",
    "flat",
    "vlans",
    "host",
    "majority",
    "{id}",
]

scalars = (
    st.sampled_from(WORDS)
    | st.text(max_size=3)
    | st.integers(-1, 300)
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.dates()
    | st.times()
    | st.datetimes(timezones=st.sampled_from([datetime.UTC]))
)
names = st.text(max_size=3)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


def tables(kind: type[Table]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw tables that have keys of `kind`, and sometimes others, with fitting values and unfitting ones."""
    keys = {key.encode_name: _value(key.type) for key in msgspec.structs.fields(kind)}
    some = st.fixed_dictionaries({}, optional=keys)
    return some | st.tuples(some, st.dictionaries(names, values, max_size=1)).map(lambda two: two[0] | two[1])


def _value(kind: Any) -> st.SearchStrategy[Any]:
    parts = get_args(kind)
    inner = parts[0] if get_origin(kind) is tuple else kind
    if not (isinstance(inner, type) and issubclass(inner, Table)):
        return values if Any in parts else values | st.from_type(kind)
    of_kind = st.deferred(lambda: tables(inner))
    return values | (of_kind if inner is kind else st.lists(of_kind | values, max_size=3))


def one_line(error: ConfigError, start: str) -> None:
    """Whatever is wrong is told in one line that begins with the place."""
    assert str(error).startswith(start)
    assert str(error).isprintable()


@given(tables(config._File))
def test_any_document_is_a_configuration_or_an_error(document: dict[str, Any]) -> None:
    """No document of whatever keys, types and depth ends the reading of a configuration in another way."""
    try:
        config.parse(document, Path("/nowhere/keepapart.toml"))
    except ConfigError as error:
        one_line(error, "/nowhere/keepapart.toml: ")


@given(tables(world.World), st.booleans())
def test_any_document_is_a_world_or_an_error(document: dict[str, Any], whole: bool) -> None:
    """No document of whatever keys, types and depth ends the reading of a world in another way."""
    least = {"name": "w", "racks": [{"name": "a"}, {"name": "b"}]} if whole else {}
    try:
        world.parse({**document, **least}, "w.toml")
    except ConfigError as error:
        one_line(error, "w.toml: ")


@given(tables(settings.Settings))
def test_any_table_is_a_cloud_s_settings_or_an_error(document: dict[str, Any]) -> None:
    """No table of whatever keys, types and depth ends the reading of a cloud's settings in another way."""
    try:
        settings.parse(document)
    except ConfigError as error:
        one_line(error, "[cloud]")


class Settings(Table, frozen=True):
    """A table with a key of every kind."""

    name: Text
    word: Literal["one", "two"] = "one"
    words: tuple[Literal["one", "two"], ...] = ()
    number: Annotated[int, Meta(ge=1, le=9)] = 1
    share: Annotated[float, Meta(ge=0, le=0.5)] = 0.0
    either: Literal["all"] | Annotated[int, Meta(ge=1, le=9)] = "all"
    truth: bool = False
    maybe: str | None = None
    names: Annotated[tuple[Text, ...], Meta(description='a list such as ["a"] is wanted')] = ()
    table: Mapping[str, Text | tuple[Text, ...]] = {}
    inner: tuple[Inner, ...] = ()


class Inner(Table, frozen=True):
    """A table within."""

    size: int


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (3, "[here]: a table of keys is wanted, not 3"),
        ({}, "[here]: name is missing"),
        ({"nmae": "a"}, "[here] nmae: no such key; did you mean 'name'?"),
        ({"name": ""}, "[here] name: text in quotes is wanted, not ''"),
        ({"word": "ones"}, "[here] word: 'ones' is not one of 'one', 'two'; did you mean 'one'?"),
        ({"word": 1}, "[here] word: text in quotes is wanted, not 1"),
        ({"words": ["one", "tow"]}, "[here] words: 'tow' is not one of 'one', 'two'; did you mean 'two'?"),
        ({"words": "one"}, "[here] words: a list of texts in quotes is wanted, not 'one'"),
        ({"number": 0}, "[here] number: 0 is not within 1 to 9"),
        ({"number": 1.5}, "[here] number: a whole number is wanted, not 1.5"),
        ({"number": True}, "[here] number: a whole number is wanted, not True"),
        ({"share": float("nan")}, "[here] share: nan is not within 0 to 0.5"),
        ({"either": 1.5}, "[here] either: text in quotes or a whole number is wanted, not 1.5"),
        ({"either": 10}, "[here] either: 10 is not within 1 to 9"),
        ({"truth": "yes"}, "[here] truth: true or false is wanted, not 'yes'"),
        ({"maybe": 1}, "[here] maybe: text in quotes is wanted, not 1"),
        ({"names": [1]}, """[here] names: a list such as ["a"] is wanted, not [1]"""),
        (
            {"table": {"a b": 1}},
            "[here] table a b: text in quotes or a list of texts in quotes is wanted, not 1",
        ),
        ({"table": {"a": "b" * 99}, "inner": [{}]}, "[here] [[inner]] number 1: size is missing"),
        (
            {"inner": [{"size": 1}, {"size": "b" * 99}]},
            f"number 2 size: a whole number is wanted, not '{'b' * 59}…",
        ),
        ({"inner": {"size": 1}}, "[here] inner: write each as its own [[inner]] table"),
    ],
)
def test_what_does_not_fit_is_named_with_what_would(values: Any, told: str) -> None:
    """The line names the smallest part that is wrong, and says what would be right there."""
    if isinstance(values, dict) and values and "nmae" not in values:
        values = {"name": "a", **values}
    with pytest.raises(ConfigError) as wrong:
        checked(values, Settings, "[here]")
    assert str(wrong.value).endswith(told)


def test_a_rule_of_the_table_s_own_is_told_too() -> None:
    """Where every key is right by itself, the reason is the one that the table gives."""

    class Span(Table, frozen=True):
        low: int = 0
        high: int = 0

        def __post_init__(self) -> None:
            if self.low > self.high:
                raise ValueError("low: more than high")

    with pytest.raises(ConfigError, match=r"^\[here\]: low: more than high$"):
        checked({"low": 1}, Span, "[here]")


def test_a_number_of_too_many_digits_is_told_in_one_line(tmp_path: Path) -> None:
    """Python neither reads nor writes decimals of more than some thousand digits; the error says so."""
    path = tmp_path / "long.toml"
    path.write_text("number = " + "1" * 5000)
    with pytest.raises(ConfigError, match="not valid TOML"):
        read(path)
    path.write_text("name = 'a'\nnumber = 0x" + "f" * 5000)
    with pytest.raises(ConfigError, match="number: so long a number is not within 1 to 9"):
        checked(read(path), Settings, "[here]")
