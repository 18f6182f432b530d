"""The boto3 client: paced, with bounded tries, and configured the way that boto3 always is.

botocore's "adaptive" mode slows this process down when EC2 says RequestLimitExceeded, and repeats calls whose
answer was lost with the same parameters, launch token included.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from keepapart.clouds.ec2.faults import translate
from keepapart.clouds.ec2.settings import Settings

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client

CONNECT_TIMEOUT = 10


def open_client(settings: Settings) -> EC2Client:
    """Return a client. Raises `ConfigError` for a profile, a region or a service address that can't be."""
    config = Config(
        retries={"mode": "adaptive", "total_max_attempts": settings.tries},
        connect_timeout=min(CONNECT_TIMEOUT, settings.timeout),
        read_timeout=settings.timeout,
        user_agent_extra="keepapart",
    )
    # boto3 itself reads AWS_DEFAULT_REGION alone; every other SDK, and the operator, means AWS_REGION too
    region = settings.region or os.environ.get("AWS_REGION") or None
    try:
        session = boto3.Session(profile_name=settings.profile or None, region_name=region)
        client: EC2Client = session.client("ec2", endpoint_url=settings.endpoint_url or None, config=config)
    except (BotoCoreError, ValueError) as error:
        raise translate(error, "opening EC2") from error
    return client
