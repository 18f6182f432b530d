"""What a refusal of EC2's means: every error of boto3's as one of keepapart's own.

1. No room is `CapacityError`; the limit of a spread group, which EC2 words as no room too, is `RefusedError`:
   waiting doesn't help, launching without the group does.
2. An instance that isn't known, or not yet, is `NotFoundError`. Anything else that isn't known is what the
   configuration names: a `CloudError` that says which key to look at.
3. Credentials and permissions are a `DeniedError` that names the mend: asking again won't help. Nor does it
   where a quota is used up, a `QuotaError`.
4. Whatever is left is a `CloudError` with EC2's own code and message: the first cause, as it was said.

Codes are those of "Error codes for the Amazon EC2 API". Launch tokens never get into a message.
"""

from __future__ import annotations

import re

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from keepapart.errors import (
    CapacityError,
    CloudError,
    ConfigError,
    DeniedError,
    NotFoundError,
    QuotaError,
    RefusedError,
)

NO_ROOM = frozenset(
    {
        "InsufficientAddressCapacity",
        "InsufficientCapacity",
        "InsufficientFreeAddressesInSubnet",
        "InsufficientHostCapacity",
        "InsufficientInstanceCapacity",
        "InsufficientReservedInstanceCapacity",
        "InsufficientVolumeCapacity",
        "MaxSpotInstanceCountExceeded",
        "Server.InsufficientInstanceCapacity",
        "UnfulfillableCapacity",
    }
)
NOT_FOUND = frozenset({"InvalidInstanceID.NotFound"})
DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthFailure",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "OperationNotPermitted",
        "OptInRequired",
        "SignatureDoesNotMatch",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
    }
)
QUOTAS = frozenset({"InstanceLimitExceeded", "VcpuLimitExceeded"})
SPREAD_LIMIT = re.compile(r"spread placement group", re.IGNORECASE)
GROUP_REFUSED = frozenset({"InvalidPlacementGroup.InUse", "PlacementGroupLimitExceeded"})

_CREDENTIALS = "look at AWS_PROFILE, or `aws sts get-caller-identity`"
_POLICY = "the policy in docs/ec2.md allows all that keepapart asks for"
_QUOTA = "ask for a higher quota, or release instances"
MENDS = {
    "AuthFailure": _CREDENTIALS,
    "ExpiredToken": "the session has ended: log in again",
    "ExpiredTokenException": "the session has ended: log in again",
    "IncompleteSignature": _CREDENTIALS,
    "InvalidAMIID.Malformed": "look at [cloud] image_id",
    "InvalidAMIID.NotFound": "look at [cloud] image_id and region",
    "InvalidAMIID.Unavailable": "look at [cloud] image_id",
    "InvalidClientTokenId": _CREDENTIALS,
    "InvalidGroup.NotFound": "look at [cloud] security_group_ids",
    "InvalidKeyPair.NotFound": "look at [cloud] key_name",
    "InvalidLaunchTemplateId.NotFound": "look at [cloud] launch_template",
    "InvalidLaunchTemplateId.VersionNotFound": "look at [cloud] launch_template_version",
    "InvalidLaunchTemplateName.NotFoundException": "look at [cloud] launch_template",
    "InvalidPlacementGroup.Unknown": "look at [cloud] placement_group",
    "InvalidSecurityGroupID.NotFound": "look at [cloud] security_group_ids",
    "InvalidSubnetID.NotFound": "look at [cloud] subnet_id and region",
    "MissingParameter": "[cloud] needs launch_template, or image_id and instance_type",
    "OperationNotPermitted": "it may be protected against stopping or termination",
    "OptInRequired": "the account has not opted in to this region or service",
    "PendingVerification": "the account is being verified by AWS; try later",
    "RequestExpired": "the clock of this machine is wrong",
    "RequestLimitExceeded": "the account makes too many calls; other tools may take part in it",
    "SignatureDoesNotMatch": _CREDENTIALS,
    "UnauthorizedOperation": _POLICY,
    "AccessDenied": _POLICY,
    "AccessDeniedException": _POLICY,
    "UnrecognizedClientException": _CREDENTIALS,
    "Unsupported": "look at [cloud] instance_type and zone",
}
_LONG = 300  # characters of EC2's own words; an encoded authorization message is longer than a screen


def translate(error: Exception, doing: str, token: str = "") -> CloudError | ConfigError:
    """Return keepapart's error for one of boto3's; `doing` says what was asked, `token` is kept out of it."""
    if isinstance(error, ClientError):
        return _answered(error, doing, token)
    if isinstance(error, boto.NoRegionError):
        return ConfigError("[cloud] region: none is set; write it there, or set AWS_REGION")
    if isinstance(error, boto.ProfileNotFound):
        return ConfigError(f"[cloud] profile: {error}")
    if isinstance(error, (boto.NoCredentialsError, boto.PartialCredentialsError)):
        return DeniedError(f"{doing}: no AWS credentials: run `aws configure`, or set AWS_PROFILE ({error})")
    if isinstance(error, (boto.UnauthorizedSSOTokenError, boto.SSOTokenLoadError, boto.TokenRetrievalError)):
        return DeniedError(f"{doing}: the AWS session has ended: run `aws sso login` ({error})")
    if isinstance(error, boto.EndpointConnectionError):
        return CloudError(f"{doing}: nobody answers: {error}; look at [cloud] region and endpoint_url")
    if isinstance(error, (BotoCoreError, ResponseParserError, ValueError)):
        return CloudError(f"{doing}: {_clean(str(error), token)}")
    raise error


def _answered(error: ClientError, doing: str, token: str) -> CloudError:
    code = code_of(error)
    message = _clean(error.response.get("Error", {}).get("Message", ""), token)
    said = f"{doing}: {code}: {message}" if message else f"{doing}: {code}"
    if code in NO_ROOM:
        return RefusedError(said) if SPREAD_LIMIT.search(message) else CapacityError(said)
    if code in GROUP_REFUSED:
        return RefusedError(said)
    if code in QUOTAS:
        return QuotaError(said.rstrip("."), _QUOTA)
    if code in NOT_FOUND:
        return NotFoundError(said)
    said = f"{said.rstrip('.')}; {MENDS[code]}" if code in MENDS else said
    return DeniedError(said) if code in DENIED else CloudError(said)


def code_of(error: ClientError) -> str:
    """Return EC2's code of an error."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def _clean(text: str, token: str) -> str:
    text = " ".join(text.split())
    if token:
        text = text.replace(token, "…")
    return text if len(text) <= _LONG else text[:_LONG] + " …"
