"""The boto3 clients: paced, with bounded tries, and configured the way that boto3 always is.

botocore's "adaptive" mode slows this process down when EC2 says RequestLimitExceeded, and repeats calls whose
answer was lost with the same parameters, launch token included.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from keepapart.clouds.ec2.errors import translate
from keepapart.clouds.ec2.settings import Settings
from keepapart.errors import CloudError, ConfigError

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client

CONNECT_TIMEOUT = 10


def open_client(settings: Settings) -> EC2Client:
    """Return a client. Raises `ConfigError` for a profile, a region or a service address that can't be."""
    # boto3 itself reads AWS_DEFAULT_REGION alone; every other SDK, and the operator, means AWS_REGION too
    region = settings.region or os.environ.get("AWS_REGION") or None
    client: EC2Client = _opened("ec2", settings, region, settings.endpoint_url or None)
    return client


def open_prices(settings: Settings, region: str) -> Any:
    """Return a client of the price list in this region; `endpoint_url` is EC2's alone. Raises likewise."""
    return _opened("pricing", settings, region, None)


def account(settings: Settings, region: str) -> str:
    """Ask AWS whose credentials these are, which is always allowed; empty where that can't be told."""
    try:
        client = _opened("sts", settings, region, None)
        try:
            return str(client.get_caller_identity()["Account"])
        finally:
            client.close()
    except (BotoCoreError, ClientError, ConfigError, CloudError):
        return ""


def _opened(service: str, settings: Settings, region: str | None, url: str | None) -> Any:
    config = Config(
        retries={"mode": "adaptive", "total_max_attempts": settings.tries},
        connect_timeout=min(CONNECT_TIMEOUT, settings.timeout),
        read_timeout=settings.timeout,
        user_agent_extra="keepapart",
    )
    try:
        session: Any = boto3.Session(profile_name=settings.profile or None, region_name=region)
        return session.client(service, endpoint_url=url, config=config)
    except (BotoCoreError, ValueError) as error:
        raise translate(error, "opening EC2" if service == "ec2" else "opening the price list") from error
