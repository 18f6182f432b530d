"""What a launch call says: flat names and texts to journal, and back to what RunInstances takes.

Names are RunInstances' own, with dots between levels; lists have commas between. A call made from the same
parameters, token and tags is the same word for word, whatever has become of the configuration meanwhile.
"""

from __future__ import annotations

from typing import Any

from keepapart.clouds import NOTE, LaunchRequest
from keepapart.clouds.ec2.settings import Settings

LISTS = frozenset({"SecurityGroupIds"})
NUMBERS = frozenset({"Placement.PartitionNumber"})
PLACEMENT = "Placement."
GROUP, PARTITION = "Placement.GroupName", "Placement.PartitionNumber"


def parameters(settings: Settings) -> dict[str, str]:
    """Return what the configuration says of a launch, without a placement group."""
    template = settings.launch_template
    by_id = template.startswith("lt-")
    said = {
        "ImageId": settings.image_id,
        "InstanceType": settings.instance_type,
        "KeyName": settings.key_name,
        "SubnetId": settings.subnet_id,
        "SecurityGroupIds": ",".join(settings.security_group_ids),
        "IamInstanceProfile.Name": settings.instance_profile,
        "Placement.AvailabilityZone": settings.zone,
        "LaunchTemplate.LaunchTemplateId": template if by_id else "",
        "LaunchTemplate.LaunchTemplateName": "" if by_id else template,
        "LaunchTemplate.Version": settings.launch_template_version,
    }
    return {name: text for name, text in said.items() if text}


def call(request: LaunchRequest) -> dict[str, Any]:
    """Return the arguments of RunInstances."""
    tags = [{"Key": key, "Value": value} for key, value in sorted(request.tags.items())]
    said: dict[str, Any] = {
        "ClientToken": request.token,
        "MinCount": 1,
        "MaxCount": 1,
        "TagSpecifications": [
            {"ResourceType": kind, "Tags": tags} for kind in ("instance", "volume") if tags
        ],
    }
    if request.user_data:
        said["UserData"] = request.user_data  # which boto3 encodes
    for name, text in sorted(request.parameters.items()):
        if name != NOTE:
            *levels, last = name.split(".")
            inner = said
            for level in levels:
                inner = inner.setdefault(level, {})
            inner[last] = text.split(",") if name in LISTS else int(text) if name in NUMBERS else text
    return said
