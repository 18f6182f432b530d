"""`make demo-ec2`: the same through EC2's API, with the configuration that a real account would have.

The lab answers that API. A launch template is made as an operator would; `admit` launches five members from
it, the first three into a spread group, the rest by launching, checking and letting go; the answer to one
launch is lost on the way; a member's host fails, and `replace` brings the cluster back. At the end the demo
holds every verdict against the lab's truth, and the account against the list of members: nothing else may be
left in it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from keepapart.errors import LabError, OperationError
from keepapart.lab.client import Lab
from keepapart.lab.demo.harness import Shell, hold_against_truth, nothing_left_behind, run, say
from keepapart.lab.ec2.faults import Control, Fault
from keepapart.lab.ec2.process import REGION, environment

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client

WORLD = Path("worlds/ec2.toml")
MEMBERS = 5
CONFIG = """[cluster]
name = "orders"

[network]
model = "routed-host"           # as EC2 was until VPCs came; today's EC2 is refuted by its platform

[cloud]
provider = "ec2"
launch_template = "orders-node"
placement_group = "auto"

[launch]
max_attempts = 20
"""


def main() -> int:
    """Run the demo; 0 where all of it went well."""
    return run("demo-ec2", WORLD, CONFIG, _play, api="ec2")


def _play(lab: Lab, shell: Shell) -> str:
    ec2, control = _client(lab), Control(lab.api)
    exports = " ".join(f"{key}={value}" for key, value in environment(lab.api).items())
    say("The lab answers the EC2 API. What a real account would need, with this in the environment:")
    say(f"\n$ export {exports}\n\n$ cat keepapart.toml\n{CONFIG}")
    say("$ aws ec2 create-launch-template --launch-template-name orders-node …")
    ec2.create_launch_template(
        LaunchTemplateName="orders-node",
        LaunchTemplateData={"ImageId": "ami-0123456789abcdef0", "InstanceType": "m5.large"},
    )

    say("\nThe answer to the first launch will be lost on its way back. Its token brings the same instance.")
    control.arm(Fault("lost", action="RunInstances"))
    shell.show("admit", "--count", str(MEMBERS))
    shell.show("audit")
    before = shell.ask("audit")
    right = hold_against_truth(before, lab.truth())

    victim = before["instances"][0]["id"]
    host = lab.truth()[victim].host
    say(f"\nThe host under {victim} fails.\n\n$ keepapart lab fail {host}")
    lab.fail(host)
    shell.show("replace", "--yes", victim)
    shell.show("audit")
    after = shell.ask("audit")
    right += hold_against_truth(after, lab.truth())

    members = {i["id"] for i in after["instances"]}
    homes = {lab.truth()[member].host for member in members}
    if len(homes) != MEMBERS:
        raise OperationError(f"{MEMBERS} members were asked for, on hosts of their own: {sorted(homes)}")
    nothing_left_behind(shell)
    launched, alive = _account(ec2)
    if alive != members:
        raise OperationError(f"the account holds {sorted(alive)}, and the members are {sorted(members)}")
    tokens = {call.parameters["ClientToken"] for call in control.calls("RunInstances") if call.status == 200}
    if len(tokens) != launched:
        raise OperationError(f"{launched} instances came of {len(tokens)} tokens")
    say("")
    return (
        f"{right} verdicts held against the lab's truth, 0 wrong, {MEMBERS} members on {len(homes)} hosts, "
        f"{launched} instances launched, {len(alive)} left, {len(control.calls())} calls"
    )


def _client(lab: Lab) -> EC2Client:
    try:
        import boto3
    except ModuleNotFoundError:
        raise LabError("the EC2 demo needs boto3: pip install 'keepapart[ec2,lab-ec2]'") from None
    environ = environment(lab.api)
    client: EC2Client = boto3.client(
        "ec2",
        endpoint_url=lab.api,
        region_name=REGION,
        aws_access_key_id=environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environ["AWS_SECRET_ACCESS_KEY"],
    )
    return client


def _account(ec2: EC2Client) -> tuple[int, set[str]]:
    """Return how many instances there ever were, and those that are not terminated."""
    pages = ec2.get_paginator("describe_instances").paginate()
    found = [i for page in pages for r in page["Reservations"] for i in r["Instances"]]
    return len(found), {i["InstanceId"] for i in found if i["State"]["Name"] != "terminated"}


if __name__ == "__main__":
    sys.exit(main())
