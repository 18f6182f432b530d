"""PostgreSQL and Patroni, which have no notion of racks: who may be the synchronous standby.

1. A synchronous standby on the primary's host is none: one failure takes both. So each instance is told those
   on other hosts, for when it is the primary.
2. Patroni chooses by itself, among those whom tags allow. One instance of each host may be the leader or the
   synchronous standby; its co-residents are neither, so that the two are never on one host.
"""

from __future__ import annotations

import json

from keepapart.documents.domains import DomainsDocument
from keepapart.errors import SharedError, UsageError
from keepapart.exports.format import Format
from keepapart.exports.row import Row, Texts

NAME = r"[^\"'\\\x00-\x1f]{1,63}"
NAME_IS = "at most 63 characters without quotes and backslashes, the standby's application_name"


def _postgresql(found: DomainsDocument, settings: Texts) -> Texts:
    if not settings["standbys"].isdecimal() or not int(settings["standbys"]):
        raise UsageError(f"postgresql: standbys: a number from 1 is wanted, not {settings['standbys']!r}")
    wanted, texts = int(settings["standbys"]), {}
    placed = [one for one in found.instances if one.domain]
    for one in placed:
        elsewhere = [other for other in placed if other.domain != one.domain]
        if len({other.domain for other in elsewhere}) < wanted:
            raise SharedError(
                f"postgresql: {one.id} needs standbys in {wanted} other domains, and there are too few",
                "`keepapart audit` says which members to move",
            )
        names = ", ".join(f'"{other.id}"' for other in elsewhere)
        texts[one.id] = f"synchronous_standby_names = 'ANY {wanted} ({names})'\n"
    return texts


def _patroni(found: DomainsDocument, _: Texts) -> Texts:
    texts = {}
    for domain in found.domains:
        for number, name in enumerate(domain.instances):
            beside = number > 0
            why = f"# shares its host with {json.dumps(domain.instances[0])}\n" if beside else ""
            tag = str(beside).lower()
            texts[name] = f"{why}tags:\n  nofailover: {tag}\n  nosync: {tag}\n"
    return texts


FORMATS = (
    Format(
        "postgresql",
        Row(
            title="PostgreSQL, synchronous standbys on other hosts than the primary",
            each=True,
            file="{id}.conf",
            ids=NAME,
            ids_are=NAME_IS,
            settings={"standbys": "1"},
            no_value="it is never waited for",
            safe=True,
            apply="include it in postgresql.conf, then reload; it counts on whichever is the primary",
            later="reload",
            comment="# ",
            parser="postgres -C",
        ),
        _postgresql,
    ),
    Format(
        "patroni",
        Row(
            title="Patroni, tags: the leader and its synchronous standby are never on one host",
            each=True,
            file="{id}.yml",
            no_value="without tags it may be leader or synchronous standby beside a co-resident",
            apply="in patroni.yml, with synchronous_mode; reload; switch over a leader that gets nofailover",
            later="reload",
            comment="# ",
            parser="patroni",
        ),
        _patroni,
    ),
)
