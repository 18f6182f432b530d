"""The keys of `[cloud]` for EC2, checked strictly: see `Settings`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, field
from msgspec.structs import replace

from keepapart.clouds.reach import REACH_TAG, check_template
from keepapart.errors import ConfigError
from keepapart.tables import Table, Text, checked

AUTO = "auto"
WHERE = "[cloud]"

Texts = Annotated[tuple[Text, ...], Meta(description='a list such as ["one", "two"] is wanted')]
Filter = Annotated[
    Mapping[str, Text | Texts], Meta(description='a table such as {"tag:Name" = "db-*"} is wanted')
]


class Settings(Table, frozen=True):
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
    timeout: Annotated[int, Meta(ge=1, le=600)] = 30
    tries: Annotated[int, Meta(ge=1, le=20)] = 4
    launch_template: str = ""
    launch_template_version: str = ""
    image_id: str = ""
    instance_type: str = ""
    zone: str = ""
    subnet_id: str = ""
    security_group_ids: Texts = ()
    key_name: str = ""
    instance_profile: str = ""
    placement_group: str = ""
    members: Texts = ()
    member_filter: Filter = field(default_factory=dict)
    address: Literal["private", "public", "ipv6"] = "private"
    reach: str = ""
    reach_tag: str = REACH_TAG


def parse(settings: Mapping[str, Any]) -> Settings:
    """Check the keys of `[cloud]`. Raises `ConfigError` naming the key and the mend."""
    chosen = checked(settings, Settings, WHERE)
    if chosen.launch_template_version and not chosen.launch_template:
        raise ConfigError(f"{WHERE} launch_template_version: says nothing without launch_template")
    check_template(chosen.reach)
    filters = {name: (one,) if isinstance(one, str) else one for name, one in chosen.member_filter.items()}
    return replace(chosen, member_filter=filters)
