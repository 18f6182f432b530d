"""keepapart.toml: what is accepted, and that every mistake names the file, the key and the mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from keepapart.config import FILE, VARIABLE, Config, load
from keepapart.errors import ConfigError
from keepapart.model import FACTS
from keepapart.settings import PlacementFacts

A = '[[instances]]\nid = "a"\naddress = "10.0.0.1"\n'
HOOK = '[[watch.webhooks]]\nurl = "https://example.org/x"\nsecret_file = "key"\n'


def written(folder: Path, text: str) -> Config:
    """Load a configuration of this text."""
    path = folder / FILE
    path.write_text(text, encoding="utf-8")
    return load(str(path))


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    """Every key has a default: an empty file is a configuration."""
    config = written(tmp_path, "")
    assert (config.cluster.assurance, config.network.model, config.cloud.provider) == (
        "strong",
        "auto",
        "static",
    )


def test_a_relative_store_lies_beside_the_file(tmp_path: Path) -> None:
    """The SQLite file is found from the configuration's folder, wherever the command ran."""
    assert written(tmp_path, "").store.url == f"sqlite:///{tmp_path}/keepapart.db"
    elsewhere = written(tmp_path, '[store]\nurl = "postgresql+psycopg://db/keepapart"')
    assert elsewhere.store.url == "postgresql+psycopg://db/keepapart"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[clutser]\n", "[clutser]: no such section; did you mean 'cluster'?"),
        ('[network]\nmodle = "auto"', "[network] modle: no such key; did you mean 'model'?"),
        (
            '[network]\nmodel = "routed"',
            "[network] model: 'routed' is not one of 'auto', 'routed-host', 'opaque'",
        ),
        ("[network]\nport = 70000", "[network] port: 70000 is not within 0 to 65535"),
        ("[network]\nport = true", "[network] port: a whole number is wanted, not True"),
        ("[cluster]\nname = 5", "[cluster] name: text in quotes is wanted, not 5"),
        ("[cluster]\nsurvive = 0", "[cluster] survive: 0 is not within 1 to 1000000"),
        ('[cluster]\nsurvive = "all"', "[cluster] survive: 'all' is not one of 'majority'"),
        ("cluster = 1", "[cluster]: a table of keys is wanted, not 1"),
        ('[[instances]]\naddress = "10.0.0.1"', "[[instances]] number 1: id is missing"),
        (A + 'hots = "x"', "[[instances]] number 1 hots: no such key; did you mean 'host'?"),
        (
            A + "host = 1.5",
            "number 1 host: text in quotes or true or false or a whole number is wanted, not 1.5",
        ),
        ('[[instances]]\nid = "a"\naddress = "host"', "'host' is neither an IPv4 nor an IPv6 address"),
        ('[[instances]]\nid = "a"\npublic = "2a01::1"', "number 1 public: '2a01::1' is no IPv4 address"),
        ('[[instances]]\nid = "a"\naddres = "10.0.0.1"', "addres: no such key; did you mean 'address'?"),
        (A + A.replace("10.0.0.1", "10.0.0.2"), "number 2 id: 'a' stands twice"),
        (A + A.replace('"a"', '"b"'), "number 2 address: 10.0.0.1 is 'a''s already"),
        (
            '[[instances]]\nid = "a"\naddress = "fe80::1"\n[[instances]]\nid = "b"\naddress = "FE80:0::1"',
            "'a''s already",
        ),
        (A.replace('"a"', '"a,b"'), "number 1 id: 'a,b': a comma stands between ids"),
        (HOOK + HOOK, "[[watch.webhooks]] number 2 url: it is that of number 1 already"),
        ('[[instances]]\nid = "a"\naddress = "fe80::1%eth0"', "'fe80::1%eth0' is of one link only"),
        ('[[instances]]\nid = "a"\naddress = "224.0.0.1"', "'224.0.0.1' is no machine's"),
        ('[[instances]]\nid = "a"\naddress = "::"', "'::' is no machine's"),
        ('[[instances]]\nid = "a"\naddress = "255.255.255.255"', "'255.255.255.255' is no machine's"),
        (A + A.replace('"a"', '"b"').replace("10.", "::ffff:10."), "address: 10.0.0.1 is 'a''s already"),
        ('[[instances]]\nid = "a "', "number 1 id: 'a ': a blank at its edge"),
        (
            '[reach]\nvia = "nats"',
            "[reach] via: no way in 'nats' is installed; the ways in are exec, local, netns",
        ),
        ("[cluster\n", "not valid TOML"),
        ('[cloud]\nprovider = "ec3"', ""),
    ],
)
def test_a_mistake_is_named_with_its_mend(tmp_path: Path, text: str, told: str) -> None:
    """One line says which file, which key and what would be right."""
    if not told:
        assert written(tmp_path, text).cloud.provider == "ec3"  # which clouds there are is the clouds' to say
        return
    with pytest.raises(ConfigError) as caught:
        written(tmp_path, text)
    assert told in str(caught.value)
    assert str(tmp_path / FILE) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_file_is_the_one_given_else_here_else_the_variable_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """-c comes first, then keepapart.toml in this folder, then $KEEPAPART_CONFIG."""
    for name in ("given", "here", "variable"):
        (tmp_path / name).mkdir()
        (tmp_path / name / FILE).write_text(f'[cluster]\nname = "{name}"')
    monkeypatch.setenv(VARIABLE, str(tmp_path / "variable" / FILE))
    monkeypatch.chdir(tmp_path / "here")
    assert load(str(tmp_path / "given" / FILE)).cluster.name == "given"
    assert load().cluster.name == "here"
    monkeypatch.chdir(tmp_path)
    assert load().cluster.name == "variable"
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(ConfigError, match="keepapart init"):
        load()


def test_facts_are_keys_of_an_instance(tmp_path: Path) -> None:
    """Each fact of the vocabulary is a key; what isn't stated is no fact, and text stays as it is."""
    assert PlacementFacts.__struct_fields__ == FACTS
    (found,) = written(
        tmp_path,
        A
        + 'host = " pve-3 "\nzone = ""\npartition = 2\nwhole_host = true\ngroup = "None"\nfault_domain = "-"',
    ).instances
    assert found.facts == {"host": " pve-3 ", "partition": "2", "whole_host": "true"}


def test_a_mark_of_the_byte_order_is_passed_over(tmp_path: Path) -> None:
    """Editors of Windows put one before the first line."""
    assert written(tmp_path, '\ufeff[cluster]\nname = "orders"\n').cluster.name == "orders"


def test_an_instance_may_do_without_an_address(tmp_path: Path) -> None:
    """Several have none: only addresses that are there must differ."""
    found = written(tmp_path, '[[instances]]\nid = "a"\n[[instances]]\nid = "b"\n').instances
    assert [(i.id, i.address, i.facts) for i in found] == [("a", "", {}), ("b", "", {})]
