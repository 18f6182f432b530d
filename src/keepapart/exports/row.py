"""A row of the table of formats: what is to be known of a consumer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from keepapart.documents.domains import DomainsDocument
from keepapart.model import MAP_LEVELS, MapLevel
from keepapart.tables import Table, Text

Texts = Mapping[str, str]
Write = Callable[[DomainsDocument, Texts], Texts]


class Row(Table, frozen=True, kw_only=True):
    """What the table says of a format.

    =========  ===================================================================================
    title      the consumer
    each       whether each instance gets a file of its own
    file       what a file is called where it is written into a folder; {id} is the instance's
    names      a regular expression: what a name of a domain may be, and `names_are` in words
    ids        the same of an instance's id, and `ids_are`
    keys       the same of the setting `key`, and `keys_are`
    address    whether every instance needs an address
    unique     whether one name may stand for one thing only, whatever it is: domain, rack or instance;
               `reserved` are names that are taken there
    packs      whether domains are packed into as many racks as the setting `racks` says, for good
    fold       what stands for each character that `names` doesn't take, where that is the custom there
    levels     the levels at which a map can be of use there, the usual one first
    above      the levels above a domain that the consumer is told too, where every instance has one
    called     what the consumer calls a level
    no_value   what an instance without a domain means there, and `safe` whether it may be left out
    apply      how it is applied
    later      what a later change does
    settings   what `--set` may set, with what it is otherwise; {level} in it is the map's
    comment    how a line begins that the consumer passes over; empty: there is none
    runs       whether the file is a program
    parser     what holds it in keepapart's tests; empty: nothing
    also       other names of the format
    text       the template; a format of a module has none
    =========  ===================================================================================
    """

    title: Text
    each: bool = False
    file: Text = "{id}"
    names: Text = r"[^\x00-\x1f]+"
    names_are: str = "any text on one line"
    ids: Text = r"[^\x00-\x1f]+"
    ids_are: str = "any text on one line"
    keys: Text = r".*"
    keys_are: str = "any text"
    address: bool = False
    unique: bool = False
    reserved: tuple[str, ...] = ()
    packs: bool = False
    fold: str = ""
    levels: tuple[MapLevel, ...] = MAP_LEVELS
    above: tuple[MapLevel, ...] = ()
    called: Mapping[str, str] = {}
    no_value: str = "not said"
    safe: bool = False
    apply: str = "not said"
    later: str = "not said"
    settings: Mapping[str, str] = {}
    comment: str = ""
    runs: bool = False
    parser: str = ""
    also: tuple[str, ...] = ()
    text: str = ""
