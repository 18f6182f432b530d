"""What to do next fits what was found, can be done where it is said, and survives a shell."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepapart.auditing.assess import Audit
from keepapart.auditing.assessment import Assessment
from keepapart.model import Instance
from keepapart.plugins import CLOUDS, installed
from keepapart.probe.own_addresses import ONE_MACHINE
from keepapart.report.advice import advise
from keepapart.report.ground import Ground, Step
from keepapart.report.platforms import PLATFORMS
from keepapart.report.ssh_advice import ssh_line
from keepapart.settings import ClusterSettings, ReachSettings
from tests.report.audits import APART, SHARED, audit_of

LAB = Ground(provider="lab", launches=True)
EC2 = Ground(provider="ec2", launches=True, settings={"region": "eu-west-1", "profile": "ops"})
DOUBLE = [(0, 0)] * 2 + [(0, 1)]  # two of three on one host


def recognised(platform: str) -> Audit:
    """Return an audit of two of three on one host, as facts say that show the platform."""
    return audit_of(DOUBLE, facts=[{"platform": platform, "project": "p", "host": host} for host in "xxy"])


def commands(audit: Assessment, ground: Ground) -> list[str]:
    """Return the commands advised."""
    return [step.command for step in advise(audit, ground) if step.command]


def told(steps: Sequence[Step]) -> str:
    """Return all that is said."""
    return "\n".join(f"{step.command} {step.purpose}" for step in steps)


@pytest.mark.parametrize(
    ("audit", "command"),
    [
        (audit_of(DOUBLE), "keepapart replace web-2"),
        (audit_of(SHARED), "keepapart replace web-2"),
        (audit_of(DOUBLE, ids=["a", "b c", "d"]), "keepapart replace 'b c'"),
        (audit_of(DOUBLE, ids=["a", "-b", "d"]), "keepapart replace -- -b"),
        (audit_of([(0, 0)] * 20), "keepapart replace $(keepapart audit --json | jq -r '.risk.replace[]')"),
        (audit_of(APART, missing=[(0, 1)]), "keepapart check web-1 web-2"),
        (audit_of(APART, lost={"web-1": "no answer"}, ids=[*"abcd", "web-1"]), "keepapart audit"),
        (audit_of(APART), "keepapart history"),
        (audit_of([(0, 0), (0, 1)]), "keepapart admit --count 1"),
        (audit_of([(0, 0)]), "keepapart admit --count 2"),
        (audit_of(APART, model="auto"), "keepapart network"),
        (audit_of(APART[:3], states=["stopped", "running", "stopped"]), "keepapart lab start web-1 web-3"),
    ],
)
def test_where_keepapart_can_launch(audit: Assessment, command: str) -> None:
    """The first command fits what was found; ids with spaces or dashes are arguments still."""
    ways = Ground(provider="lab", launches=True, reach=ReachSettings(via="netns"))
    assert commands(audit, ways)[0] == command


def test_a_configuration_that_was_named_is_named_again() -> None:
    """What was called with `-c` is advised with it."""
    named = Ground(command="keepapart -c 'my orders.toml'", provider="lab", launches=True)
    assert commands(audit_of(DOUBLE), named)[0] == "keepapart -c 'my orders.toml' replace web-2"


def test_a_list_launches_nothing() -> None:
    """Of a static list nothing is advised that its provider refuses: boot one, add it, check it."""
    steps = advise(audit_of(DOUBLE))
    assert "replace" not in told(steps)
    assert "admit" not in told([*steps, *advise(audit_of([(0, 0), (0, 1)]))])
    assert [bool(step.command) for step in steps] == [False, False, True]
    assert steps[0].purpose.endswith("boot a stand-in for web-2, and let the old run until it is in")
    assert "[[instances]]" in steps[1].purpose
    assert steps[2].command == "keepapart audit"


def test_five_hundred_need_no_host_each() -> None:
    """Two to a host of 250 survives any host: nobody is told to move; what a host each takes is counted."""
    pairs = [(0, k // 2) for k in range(500)]
    (step,) = advise(audit_of(pairs))
    assert step == Step("", "the cluster survives any one host; a host each would take 250 moves")


def test_ec2_keeps_an_instance_and_moves_it() -> None:
    """Where keepapart can stop and start, its own verb is advised, and no command of the platform's."""
    audit = audit_of(DOUBLE, ids=["i-0a1b2c3d4e5f60718", "i-0a1b2c3d4e5f60719", "i-0a1b2c3d4e5f6071a"])
    name = "i-0a1b2c3d4e5f60719"
    assert commands(audit, EC2) == [f"keepapart replace {name}", f"keepapart move {name}"]


def test_nobody_is_to_be_moved_where_none_can_be_spared() -> None:
    """A move stops a member: where as few run as must, only a stand-in is advised."""
    lab = Ground(provider="lab", launches=True)
    assert "keepapart move web-2" in commands(audit_of(DOUBLE), lab)
    assert not any(line.startswith("keepapart move") for line in commands(audit_of([(0, 0), (0, 0)]), lab))


def test_nobody_is_to_be_moved_where_a_stopped_one_keeps_its_host() -> None:
    """A move would be refused there: only a stand-in is advised."""
    proxmox = Ground(provider="proxmox", launches=True, moves=False)
    assert commands(audit_of(DOUBLE), proxmox) == ["keepapart replace web-2"]


def test_a_list_of_ec2_instances_asks_for_their_ids() -> None:
    """Where the list calls them otherwise, the first line finds out what EC2 calls them."""
    audit = recognised("ec2")
    lines = commands(audit, Ground())
    assert lines[1].startswith(
        "id=$(aws ec2 describe-instances --filters Name=private-ip-address,Values=10.0.0.2"
    )
    assert lines[3] == 'aws ec2 modify-instance-placement --instance-id "$id" --group-name keepapart-orders'


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_has_steps_of_its_own(platform: str) -> None:
    """Recognised without a provider, each is worked by its own commands; keepapart's own only look."""
    audit = recognised(platform)
    assert audit.counts["co-resident"] == 1
    own = {line.split()[1] for line in commands(audit, Ground()) if line.startswith("keepapart ")}
    assert own == {"audit"}
    assert "web-2" in told(advise(audit))
    for line in commands(audit, Ground()):
        assert subprocess.run(["bash", "-n", "-c", line], check=False).returncode == 0, line


def test_all_unknown_in_a_vpc_names_the_ways_out() -> None:
    """Where hops say nothing, what the platform promises or states is named, and how keepapart reads it."""
    audit = audit_of(APART, model="opaque", facts=[{"platform": "ec2"}] * 5)
    text = told(advise(audit))
    assert "spread groups, partitions and Dedicated Hosts" in text
    assert 'provider = "ec2"' in text
    assert "create-placement-group" in text
    assert "`host` in [[instances]]" in told(advise(audit_of(APART, model="opaque")))


@pytest.mark.parametrize("name", [name for name, row in PLATFORMS.items() if row.provider])
def test_the_provider_that_reads_what_a_platform_states_is_named_until_it_is_used(name: str) -> None:
    """Whoever uses it already has what is stated."""
    audit, provider = (
        audit_of(APART, model="opaque", facts=[{"platform": name}] * 5),
        PLATFORMS[name].provider,
    )
    assert f'provider = "{provider}"' in told(advise(audit))
    assert f'provider = "{provider}"' not in told(advise(audit, Ground(provider=provider)))
    assert provider in installed(CLOUDS)


@pytest.mark.parametrize(
    ("why", "about"),
    [
        ("ssh: Permission denied", "ssh-add -l"),
        ("ssh: the host key of h is not in known_hosts: …", "new_host_keys"),
        ("ssh: the host key of h is NOT the one in known_hosts: …", "find out why"),
        ("ssh: its name can't be resolved: Name or service not known", "HostName"),
        ("ssh: connection refused: no sshd listens there on that port", "is sshd running"),
        ("ssh: no answer in time", "ProxyJump"),
        ("python3 did not start there: there is no python3 that runs", "python3, 3.6"),
        ("ssh: something new", "what ssh itself says"),
    ],
)
def test_after_ssh_failed_the_advice_is_about_ssh(why: str, about: str) -> None:
    """The line to try is ssh's own, and what is said of it fits why it failed."""
    first, again = advise(audit_of(APART, lost={"web-2": why}))
    assert first.command == "ssh 10.0.0.2 python3 --version"
    assert about in first.purpose
    assert again == Step("keepapart audit", "once there is a way in to web-2")


@pytest.mark.parametrize(
    ("way", "line"),
    [
        ("", "ssh -F my.conf ubuntu@10.0.0.9 python3 --version"),
        ("ssh://root@h:2222", "ssh -F my.conf -p 2222 root@h python3 --version"),
        ("ssh://h", "ssh -F my.conf h python3 --version"),
        ("ssh://[fd00::1]:22", "ssh -F my.conf -p 22 fd00::1 python3 --version"),
        ("local", ""),
        ("netns:x", ""),
    ],
)
def test_ssh_goes_where_the_way_in_leads(way: str, line: str) -> None:
    """User, port and configuration are those that keepapart uses; what isn't ssh has no such line."""
    reach = ReachSettings(user="ubuntu", ssh_config="my.conf")
    assert ssh_line(Instance("a", "10.0.0.9", way), reach) == line


def test_counts_that_nobody_confirms_need_a_port_that_is_open() -> None:
    """Datagrams don't pass, and what was counted by other means may be somebody else's answer."""
    audit = audit_of(APART, missing=[(0, 1), (0, 2), (1, 2)])
    audit.round.tally.by[:] = 1
    audit.round.tally.arrived[:] = 0
    assert "[network] tcp_port" in told(advise(audit, LAB))
    audit.round.tally.arrived[0, 1] = 1
    assert "tcp_port" not in told(advise(audit, LAB))


def test_what_is_down_is_started_first() -> None:
    """Before anything else, and by the platform's own command where there is one."""
    states = ["running", "running", "stopped"]
    audit = audit_of(APART[:3], states=states, facts=[{"platform": "openstack"}] * 3)
    assert commands(audit, Ground())[0] == "openstack server start web-3"
    assert advise(audit_of(APART[:3], states=states))[0].purpose.startswith("start web-3 where it runs")


def test_what_is_paused_or_gone_is_not_started() -> None:
    """A paused one is woken; one that is gone has a stand-in, by keepapart where it can launch."""
    facts = [{"platform": "openstack"}] * 3
    paused = audit_of(APART[:3], states=["running", "paused", "terminated"], facts=facts)
    assert commands(paused, Ground())[0] == "openstack server unpause web-2"
    assert advise(paused)[0].purpose.startswith("boot a stand-in for web-3")
    assert commands(paused, LAB)[:2] == ["keepapart admit --count 1", "keepapart lab start web-2"]


@given(st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters=","), min_size=1, max_size=9))
def test_any_id_can_be_pasted(name: str) -> None:
    """A shell reads of the command the id that was meant."""
    ids = ["first", name, "third"]
    if name in ("first", "third"):
        return
    words = shlex.split(commands(audit_of(DOUBLE, ids=ids), LAB)[0])
    assert words[-1] == name
    assert name.startswith("-") == ("--" in words[:-1])


def test_a_number_to_survive_needs_one_more() -> None:
    """Three that must all live on can spare none: a fourth is wanted."""
    audit = audit_of(APART[:3], cluster=ClusterSettings(name="orders", survive=3))
    assert commands(audit, LAB) == ["keepapart admit --count 1"]


def test_two_names_of_one_machine_are_no_matter_of_ssh() -> None:
    """Where names come out with one address, the advice is to leave all but one out."""
    lost = {"web-1": f"it has the address 10.0.0.1, as web-2 has: {ONE_MACHINE}"}
    steps = advise(audit_of(APART, lost=lost, ids=[*"abcd", "web-1"]), Ground())
    assert "leave out all but one name" in steps[0].purpose
    assert not any("ssh" in step.command for step in steps)
