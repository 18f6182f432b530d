"""EC2: `provider = "ec2"`, through boto3 (the extra "ec2"). docs/ec2.md is the operator's guide.

One file a subject: `settings` (the keys of [cloud]), `client` (boto3, paced and bounded), `faults` (what a
refusal means), `cloud` (the protocol of every cloud), `request` (what a launch call says), `placement` (which
group serves the next launch), `prices` (what an instance costs), `facts` (what EC2 states of placement).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keepapart.clouds import Cloud
from keepapart.errors import ConfigError
from keepapart.model import Instance


def connect(settings: Mapping[str, Any], instances: Sequence[Instance]) -> Cloud:
    """Open EC2 as `[cloud]` says. Raises `ConfigError`, also where boto3 is missing."""
    from keepapart.clouds.ec2.settings import parse

    if instances:
        raise ConfigError("[[instances]]: EC2 lists its own", "name members by tag, or as [cloud] members")
    chosen = parse(settings)
    try:
        import boto3  # noqa: F401  # only to see that it is there
    except ModuleNotFoundError as error:
        if error.name not in ("boto3", "botocore"):
            raise
        raise ConfigError(
            "[cloud] provider: \"ec2\" needs boto3, which isn't installed: pip install 'keepapart[ec2]'"
        ) from None
    from keepapart.clouds.ec2.client import open_client
    from keepapart.clouds.ec2.cloud import Ec2Cloud

    return Ec2Cloud(open_client(chosen), chosen)
