"""The keys of `[cloud]` for EC2, checked strictly: see `Settings`."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from keepapart.clouds.ec2.reach import FIELDS, REACH_TAG
from keepapart.config import nearest, section
from keepapart.errors import ConfigError

AUTO = "auto"
WHERE = "[cloud]"


@dataclass(frozen=True, slots=True)
class Settings:
    """How EC2 is asked, what is launched, who is a member, and the way in.

    Rules:
    1. What isn't said here is as boto3's own configuration has it (AWS_PROFILE, AWS_REGION, ~/.aws, …).
    2. What is launched is a `launch_template` (an id or a name), or an `image_id`, or both; other keys
       overrule the template's. Nothing of it is needed where nothing is launched.
    3. Members carry keepapart's tags. `members` (ids) or `member_filter` (filters of DescribeInstances, by
       name) name further ones.
    4. `address` says which of an instance's addresses the others send to.
    5. `reach` is a template of the way in, with {id}, {private}, {public}, {ipv6} and {address}; the tag
       `reach_tag` of an instance overrules it (empty: no tag does).
    6. `placement_group` is a group to launch into, or "auto": a spread group of the cluster's own.
    7. `timeout` seconds for one answer, and `tries` of a call, before it has failed.
    """

    region: str = ""
    profile: str = ""
    endpoint_url: str = ""
    timeout: int = field(default=30, metadata={"range": (1, 600)})
    tries: int = field(default=4, metadata={"range": (1, 20)})
    launch_template: str = ""
    launch_template_version: str = ""
    image_id: str = ""
    instance_type: str = ""
    zone: str = ""
    subnet_id: str = ""
    security_group_ids: tuple[str, ...] = ()
    key_name: str = ""
    instance_profile: str = ""
    placement_group: str = ""
    members: tuple[str, ...] = ()
    member_filter: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    address: str = field(default="private", metadata={"choices": ("private", "public", "ipv6")})
    reach: str = ""
    reach_tag: str = REACH_TAG


LISTS = ("security_group_ids", "members")
TABLES = ("member_filter",)


def parse(settings: Mapping[str, Any]) -> Settings:
    """Check the keys of `[cloud]`. Raises `ConfigError` naming the key and the mend."""
    known = tuple(f.name for f in fields(Settings))
    for key in settings:
        if key not in known:
            raise ConfigError(f"{WHERE} {key}: EC2 has no such key{nearest(key, known)}")
    plain = {key: value for key, value in settings.items() if key not in (*LISTS, *TABLES)}
    lists = {key: _texts(settings[key], key) for key in LISTS if key in settings}
    tables = {key: _table(settings[key], key) for key in TABLES if key in settings}
    chosen = section(Settings, plain, WHERE)
    if chosen.launch_template_version and not chosen.launch_template:
        raise ConfigError(f"{WHERE} launch_template_version: says nothing without launch_template")
    _template(chosen.reach)
    return Settings(**{**{f.name: getattr(chosen, f.name) for f in fields(Settings)}, **lists, **tables})


def _texts(value: object, key: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ConfigError(f'{WHERE} {key}: a list such as ["one", "two"] is wanted, not {value!r}')
    return tuple(value)


def _table(value: object, key: str) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise ConfigError(f'{WHERE} {key}: a table such as {{"tag:Name" = "db-*"}} is wanted, not {value!r}')
    return {
        name: (one,) if isinstance(one, str) and one else _texts(one, f"{key} {name}")
        for name, one in value.items()
    }


def _template(reach: str) -> None:
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(reach) if name is not None]
    except ValueError as error:
        raise ConfigError(f"{WHERE} reach: {reach!r}: {error}") from None
    for name in names:
        if name not in FIELDS:
            raise ConfigError(f"{WHERE} reach: no {{{name}}} to fill in{nearest(name, FIELDS)}")
