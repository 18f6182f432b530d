"""The EC2 actions of the lab: moto's own, and those that moto lacks or gets wrong.

Shapes, names and limits are those of botocore's model and its documentation.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from xml.sax.saxutils import escape

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2 import urls
from moto.ec2.exceptions import EC2ClientError, InvalidInstanceIdError, InvalidParameterCombination
from moto.ec2.models import instances as moto_instances
from moto.ec2.responses import EC2Response
from moto.ec2.utils import passes_filter_dict

from keepapart.errors import DeniedError
from keepapart.lab.ec2.backend import LabBackend, NoCapacityError, Order, unknown_group
from keepapart.lab.ec2.instance import CODES, LabInstance
from keepapart.lab.ec2.placement import PlacementActions

Refusal = tuple[int, dict[str, Any], str]


def refusal(code: str, message: str, status: int) -> Refusal:
    """Return an error as EC2 words it: moto itself only knows those with status 400."""
    body = (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        f"<Response><Errors><Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error></Errors>"
        f"<RequestID>{secrets.token_hex(16)}</RequestID></Response>"
    )
    return status, {"status": status, "Content-Type": "text/xml;charset=UTF-8"}, body


def no_capacity(message: str) -> Refusal:
    """Return the error of a platform that has no room: a server error, in EC2's own table of codes."""
    return refusal("InsufficientInstanceCapacity", message, 500)


class LabResponse(PlacementActions, EC2Response):
    """Answers one call."""

    def run_instances(self) -> Any:
        """Launch guests; the same token means the same instances."""
        backend, lab_backend = self.ec2_backend, self.lab_backend
        token = str(self._get_param("ClientToken", "")) or secrets.token_hex(16)
        asked = json.dumps(
            {k: v for k, v in self.params.items() if k != "ClientToken"}, sort_keys=True, default=str
        )
        key = (backend.account_id, backend.region_name, token)
        if key in lab_backend.tokens:
            before, reservation = lab_backend.tokens[key]
            if before != asked:
                raise EC2ClientError(
                    "IdempotentParameterMismatch",
                    "Arguments on this idempotent request are inconsistent with arguments used in previous "
                    "request(s).",
                )
            return ActionResult(reservation)
        lab_backend.refresh(backend)
        lab_backend.order = self._order()
        known = set(backend.reservations)
        try:
            result: Any = super().run_instances()
        except NoCapacityError as error:
            self._forget(known)
            return no_capacity(str(error))
        except BaseException:
            self._forget(known)
            raise
        lab_backend.tokens[key] = (asked, result.result)
        lab_backend.keep(result.result.instances)
        return result

    def describe_instances(self) -> ActionResult:
        """List instances: by ids or filters, page by page."""
        self.error_on_dryrun()
        ids, size = self._get_param("InstanceIds", []), self._get_int_param("MaxResults")
        if ids and size:
            raise InvalidParameterCombination(
                "The parameter instancesSet cannot be used with the parameter maxResults"
            )
        lab_backend, filters = self.lab_backend, dict(self._filters_from_querystring())
        if ids:
            known = lab_backend.named(self.ec2_backend, ids)
        else:
            known = [one for one in lab_backend.of(self.ec2_backend) if not lab_backend.hidden(one.id)]
        shown = lab_backend.shown(known, ids or filters.get("instance-id", ()))
        if ids and len(shown) < len(known):
            raise InvalidInstanceIdError([one.id for one in known if one not in shown])
        found = [one for one in shown if _passes(one, filters)]
        start = int(self._get_param("NextToken", "0"))
        page = found[start : start + (size or 1000)]
        following = start + len(page)
        for one in page:
            lab_backend.show(one)
        reservations = [
            {"ReservationId": f"r-{one.id[2:]:0>17}", "OwnerId": one.owner_id, "Instances": [one]}
            for one in page
        ]
        token = str(following) if following < len(found) else None
        return ActionResult({"Reservations": reservations, "NextToken": token})

    def start_instances(self) -> Any:
        """Start stopped instances."""
        try:
            return self._change(
                "StartingInstances", "pending", {"terminated": False}, self.lab_backend.restart
            )
        except NoCapacityError as error:
            return no_capacity(str(error))

    def stop_instances(self) -> Any:
        """Stop running instances."""
        lab_backend = self.lab_backend

        def stop(one: LabInstance) -> None:
            with _protected("stopped", "disableApiStop"):
                one.follow(lab_backend.lab.stop(one.id))

        return self._change("StoppingInstances", "stopping", {"terminated": False, "stopped": True}, stop)

    def terminate_instances(self) -> Any:
        """End instances for good."""
        lab_backend = self.lab_backend

        def terminate(one: LabInstance) -> None:
            with _protected("terminated", "disableApiTermination"):
                guest = lab_backend.lab.terminate(one.id)
            one.terminate()
            one.follow(guest)

        return self._change("TerminatingInstances", "shutting-down", {"terminated": True}, terminate)

    def create_tags(self) -> ActionResult:
        """Tag instances, placement groups and whatever else moto knows."""
        resources = list(self._get_param("Resources", []))
        tags = {tag["Key"]: tag.get("Value", "") for tag in self._get_param("Tags", [])}
        groups = {group.id: group for group in self.lab_backend.groups_of(self.ec2_backend).values()}
        own = [r for r in resources if r.startswith("i-")]
        self.error_on_dryrun()
        for one in self.lab_backend.named(self.ec2_backend, own):
            one.add_tags(tags)
            self.lab_backend.lab.tag(one.id, tags)
        for resource in resources:
            if resource in groups:
                groups[resource].tags.update(tags)
        rest = [r for r in resources if r not in groups and r not in own]
        if rest:
            self.ec2_backend.do_resources_exist(rest)
            self.ec2_backend.create_tags(rest, tags)
        return EmptyResult()

    def _change(
        self, key: str, state: str, settled: dict[str, bool], does: Callable[[LabInstance], None]
    ) -> ActionResult:
        """Change the state of the instances named; `settled` are states to leave alone (False: an error)."""
        ids: Sequence[str] = self._get_param("InstanceIds", [])
        self.error_on_dryrun()
        named = self.lab_backend.named(self.ec2_backend, ids)
        before = {one.id: one.guest.state for one in named}
        for one in named:
            if not settled.get(before[one.id], True):
                raise EC2ClientError(
                    "IncorrectInstanceState", f"The instance '{one.id}' is not in a state that allows this."
                )
        changed = []
        for one in named:
            if before[one.id] not in settled and before[one.id] != _DONE[key] and not self.lab_backend.deaf:
                does(one)
            left = before[one.id] in settled or before[one.id] == _DONE[key]
            changed.append(
                {
                    "InstanceId": one.id,
                    "PreviousState": {"Name": before[one.id], "Code": CODES[before[one.id]]},
                    "CurrentState": _state(before[one.id] if left else state),
                }
            )
        return ActionResult({key: changed})

    def _order(self) -> Order:
        """Read what a launch says of placement; names that only another account knows are taken as given."""
        backend, params = self.ec2_backend, self.params
        template = self._template(params)
        placement = {**template.get("Placement", {}), **params.get("Placement", {})}
        subnets = {subnet.id: subnet for subnet in backend.describe_subnets()}
        subnet = subnets.get(params.get("SubnetId", ""))
        params.pop("SubnetId", None)
        known = {group.id for group in backend.describe_security_groups()}
        params["SecurityGroupIds"] = [s for s in params.get("SecurityGroupIds", []) if s in known]
        name = placement.get("GroupName", "")
        groups = self.lab_backend.groups_of(backend)
        if placement.get("GroupId"):
            name = next(
                (g.name for g in groups.values() if g.id == placement["GroupId"]), placement["GroupId"]
            )
        if name and name not in groups:
            raise unknown_group(name)
        zone = subnet.availability_zone if subnet else placement.get("AvailabilityZone", "")
        number = int(placement.get("PartitionNumber", 0))
        kind = params.get("InstanceType") or template.get("InstanceType") or "m5.large"
        tags = self._parse_tag_specification().get("instance", {})
        return Order(zone, groups.get(name), number, kind, tags)

    def _template(self, params: Any) -> dict[str, Any]:
        """Return the launch template's data; one that isn't known here is passed over."""
        named = params.get("LaunchTemplate")
        if not named:
            return {}
        try:
            data: dict[str, Any] = self.ec2_backend._get_template_from_args(named).data
        except EC2ClientError:
            del params["LaunchTemplate"]
            return {}
        return data

    def _forget(self, known: set[str]) -> None:
        for name in set(self.ec2_backend.reservations) - known:
            for one in self.ec2_backend.reservations.pop(name).instances:
                self.lab_backend.lab.terminate(one.id)


@contextmanager
def _protected(word: str, attribute: str) -> Iterator[None]:
    """Word the lab's refusal as EC2 does."""
    try:
        yield
    except DeniedError as error:
        instance_id = str(error).split()[0]
        raise EC2ClientError(
            "OperationNotPermitted",
            f"The instance '{instance_id}' may not be {word}. Modify its '{attribute}' instance attribute "
            "and try again.",
        ) from None


_DONE = {"StartingInstances": "running", "StoppingInstances": "stopped", "TerminatingInstances": "terminated"}


def _state(name: str) -> dict[str, Any]:
    return {"Name": name, "Code": CODES[name]}


def _passes(one: LabInstance, filters: dict[str, Any]) -> bool:
    """Say whether an instance passes; moto lacks the filters on placement."""
    placement = one.placement
    own = {
        "placement-group-name": placement.group_name,
        "placement-partition-number": str(getattr(placement, "partition_number", None) or ""),
        "tenancy": placement.tenancy,
    }
    for name, value in own.items():
        if name in filters and value not in filters[name]:
            return False
    return bool(passes_filter_dict(one, {k: v for k, v in filters.items() if k not in own}))


def install(lab_backend: LabBackend) -> None:
    """Let moto's server answer with these actions, for this backend. Once a process."""
    LabInstance.lab_backend = LabResponse.lab_backend = lab_backend
    moto_instances.Instance = LabInstance  # type: ignore[misc]  # moto has no other way to say what it makes
    urls.url_paths = {"{0}/": LabResponse.dispatch}
