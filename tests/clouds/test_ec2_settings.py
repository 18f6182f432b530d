"""The keys of [cloud] for EC2: strict, with the mend; and what is imported when."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from keepapart.clouds.ec2 import connect
from keepapart.clouds.ec2.settings import Settings, parse
from keepapart.errors import ConfigError
from keepapart.model import Instance


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"image": "ami-1"}, "did you mean 'image_id'?"),
        ({"regoin": "eu-west-1"}, "did you mean 'region'?"),
        ({"tries": 0}, "0 is not within 1 to 20"),
        ({"tries": "four"}, "a whole number"),
        ({"address": "elastic"}, "'private', 'public', 'ipv6'"),
        ({"members": "i-1"}, 'a list such as ["one", "two"]'),
        ({"security_group_ids": [1]}, "a list such as"),
        ({"member_filter": "tag:Name"}, "a table such as"),
        ({"member_filter": {"tag:Name": 3}}, "member_filter tag:Name"),
        ({"launch_template_version": "3"}, "without launch_template"),
        ({"reach": "ssh://{adress}"}, "did you mean 'address'?"),
        ({"reach": "ssh://{address"}, "[cloud] reach"),
    ],
)
def test_a_wrong_key_or_value_names_the_mend(settings: dict[str, Any], says: str) -> None:
    """Each mistake is one line that names the key and what would be right."""
    with pytest.raises(ConfigError) as wrong:
        parse(settings)
    assert says in str(wrong.value)
    assert str(wrong.value).startswith("[cloud] ")
    assert "\n" not in str(wrong.value)


def test_lists_and_tables_are_kept_as_they_stand() -> None:
    """Filters take one value or several."""
    chosen = parse(
        {"members": ["i-1", "i-2"], "member_filter": {"tag:Name": "db-*", "vpc-id": ["vpc-1", "vpc-2"]}}
    )
    assert chosen == Settings(
        members=("i-1", "i-2"), member_filter={"tag:Name": ("db-*",), "vpc-id": ("vpc-1", "vpc-2")}
    )


def test_instances_listed_by_hand_are_refused() -> None:
    """EC2 lists its own: [[instances]] beside it would be ignored, so it is an error."""
    with pytest.raises(ConfigError, match="members"):
        connect({}, (Instance("a", "10.0.0.1"),))


def test_without_boto3_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra that is missing is named, not a module of its own."""
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ConfigError, match=r"pip install 'keepapart\[ec2\]'"):
        connect({}, ())


def test_boto3_is_imported_only_where_it_is_used() -> None:
    """`keepapart --version` doesn't import it, and neither do the keys of [cloud]."""
    code = (
        "import sys; from keepapart import cli; cli.main(['--version']);"
        "import keepapart.clouds.ec2.settings; sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0
