"""Every refusal of EC2's as an error of keepapart's, over real HTTP; and calls that go wrong on their way."""

from __future__ import annotations

import itertools
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from keepapart.clouds import LaunchRequest
from keepapart.clouds.ec2 import connect
from keepapart.errors import (
    CapacityError,
    CloudError,
    ConfigError,
    DeniedError,
    NotFoundError,
    QuotaError,
    RefusedError,
)
from keepapart.lab.ec2.faults import Fault
from tests.clouds.conftest import Account, Open, tagged

TOKENS = (f"token-{number}" for number in itertools.count())


@pytest.mark.parametrize(
    ("code", "status", "kind", "says"),
    [
        ("InsufficientInstanceCapacity", 500, CapacityError, ""),
        ("InsufficientFreeAddressesInSubnet", 400, CapacityError, ""),
        ("UnfulfillableCapacity", 500, CapacityError, ""),
        ("InvalidInstanceID.NotFound", 400, NotFoundError, ""),
        ("PlacementGroupLimitExceeded", 400, RefusedError, ""),
        ("VcpuLimitExceeded", 400, QuotaError, "quota"),
        ("UnauthorizedOperation", 403, DeniedError, "docs/ec2.md"),
        ("AuthFailure", 401, DeniedError, "AWS_PROFILE"),
        ("RequestExpired", 400, CloudError, "clock"),
        ("ExpiredToken", 400, CloudError, "log in again"),
        ("InvalidAMIID.NotFound", 400, CloudError, "[cloud] image_id"),
        ("InvalidSubnetID.NotFound", 400, CloudError, "[cloud] subnet_id"),
        ("OperationNotPermitted", 400, DeniedError, "protected"),
        ("RequestLimitExceeded", 503, CloudError, "too many calls"),
        ("InternalError", 500, CloudError, ""),
    ],
)
def test_every_refusal_has_its_meaning(
    cloud: Open, account: Account, code: str, status: int, kind: type[CloudError], says: str
) -> None:
    """Room, absence and refusal are told apart; what the operator can mend is named; the code stays."""
    ec2 = cloud(tries=1)
    account.control.arm(Fault("error", code=code, status=status))
    with pytest.raises(CloudError) as raised:
        ec2.launch(LaunchRequest(next(TOKENS), tagged()))
    assert type(raised.value) is kind
    assert str(raised.value).startswith(f"launching: {code}")
    assert says in str(raised.value)
    assert account.alive() == {}


def test_throttling_is_waited_out_but_not_for_ever(cloud: Open, account: Account) -> None:
    """Calls are repeated while EC2 says RequestLimitExceeded, at most `tries` times in all."""
    ec2 = cloud(tries=2)
    account.control.arm(Fault("throttle"))
    assert ec2.describe(["i-1"]) == {}
    assert [c.status for c in account.control.calls()] == [503, 200]
    account.control.forget()
    account.control.arm(Fault("throttle", times=0))
    with pytest.raises(CloudError, match="RequestLimitExceeded"):
        ec2.describe(["i-1"])
    assert len(account.control.calls()) == 2


@pytest.mark.parametrize("kind", ["lost", "error-after", "cut", "error"])
def test_a_launch_that_is_repeated_is_one_instance(cloud: Open, account: Account, kind: str) -> None:
    """Whether or not it took effect, the client repeats the call with the same token: one instance."""
    account.control.arm(Fault(kind, action="RunInstances"))
    one = cloud(tries=3).launch(LaunchRequest(next(TOKENS), tagged())).id
    first, second = account.control.calls("RunInstances")
    assert first.parameters["ClientToken"] == second.parameters["ClientToken"]
    assert (first.fault, second.status) == (kind, 200)
    assert list(account.alive()) == [one]


@pytest.mark.parametrize(("kind", "left"), [("timeout", 0), ("timeout-after", 1)])
def test_no_answer_is_an_error_after_the_timeout(cloud: Open, account: Account, kind: str, left: int) -> None:
    """A call that is never answered ends after `timeout` seconds; the token finds what came of it."""
    ec2, request = cloud(tries=1, timeout=1), LaunchRequest(next(TOKENS), tagged())
    account.control.arm(Fault(kind, action="RunInstances"))
    with pytest.raises(CloudError, match=r"imeout|timed out"):
        ec2.launch(request)
    found = list(account.alive())
    assert len(found) == left
    again = ec2.launch(request).id
    assert found in ([], [again])
    assert list(account.alive()) == [again]


def test_capacity_is_a_matter_of_zone_and_type(cloud: Open, account: Account) -> None:
    """The one zone and type that are out are out; another of either is not."""
    account.control.arm(Fault("capacity", zone="us-east-1a", type="m5.large", times=0))
    with pytest.raises(CapacityError, match="us-east-1a"):
        ec2 = cloud(tries=1, zone="us-east-1a", instance_type="m5.large")
        ec2.launch(LaunchRequest(next(TOKENS), tagged()))
    for zone, kind in (("us-east-1b", "m5.large"), ("us-east-1a", "c5.large")):
        other = cloud(tries=1, zone=zone, instance_type=kind)
        one = other.launch(LaunchRequest(next(TOKENS), tagged())).id
        assert account.alive()[one]["Placement"]["AvailabilityZone"] == zone


class Proxy(BaseHTTPRequestHandler):
    """Something between here and EC2 that has a page of its own for when EC2 doesn't answer."""

    def do_POST(self) -> None:
        page = b"<!doctype html><title>502 Bad Gateway</title>\n<p>&nbsp;"
        self.send_response(502)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_page_instead_of_an_answer_is_an_error_like_another(cloud: Open) -> None:
    """What isn't EC2's own answer is an error that may pass, not the end of the process."""
    with HTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{proxy.server_port}"
        with pytest.raises(CloudError, match="listing instances: Unable to parse response"):
            cloud(endpoint_url=url, tries=1).instances({})
        proxy.shutdown()


def test_an_account_that_can_t_be_asked_says_what_to_do(cloud: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing credentials, region or profile, and an address where nobody listens, each name the mend."""
    nobody = cloud(tries=1, endpoint_url="http://127.0.0.1:9")
    with pytest.raises(CloudError, match="endpoint_url"):
        nobody.describe(["i-1"])
    with pytest.raises(ConfigError, match=r"\[cloud\] profile"):
        cloud(profile="nobody")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(CloudError, match="aws configure"):
        cloud(tries=1).describe(["i-1"])
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(ConfigError, match="AWS_REGION"):
        connect({}, ())
