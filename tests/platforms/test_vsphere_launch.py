"""Launching on vSphere: a clone of a template on a chosen host, against govmomi's vcsim."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from keepapart.cli import main
from keepapart.clouds import CANDIDATE, CLUSTER_TAG, MEMBER, NOTE, ROLE_TAG, RUNNING, LaunchRequest, Listing
from keepapart.clouds import connect as connected
from keepapart.clouds.once import name_of
from keepapart.clouds.vsphere import GOVC_CA, PASSWORD, SERVER, USER
from keepapart.errors import CapacityError, CloudError, ConfigError, DeniedError, RefusedError, UnsettledError
from keepapart.testing.clouds import CLOUD_RULES, CloudRule, CloudUnderTest
from tests.platforms import killed
from tests.platforms.killed import example
from tests.platforms.vcsim_double import CHANGES, Vcenter, done, serving
from tests.platforms.vcsim_double import PASSWORD as SECRET
from tests.platforms.vcsim_double import USER as WHO

PAGE = Path(__file__).parents[2] / "docs" / "platforms" / "vsphere.md"
ORDERS = {CLUSTER_TAG: "orders"}
HOSTS = ("DC0_C0_H0", "DC0_C0_H1", "DC0_C0_H2")
CANT = {"method": "RelocateVM_Task", "fault": "MigrationFault", "running": True}  # go as it runs

pytestmark = pytest.mark.timeout(300)  # vcsim is built once


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vcenter]:
    """Yield a vCenter with a template."""
    with serving(tmp_path_factory.mktemp("vcsim"), 1) as vcenter:
        (machine,) = vcenter.all(vim.VirtualMachine).values()
        done(machine.PowerOffVM_Task())
        done(machine.Rename_Task("debian"))
        machine.MarkAsTemplate()
        yield vcenter


@pytest.fixture
def vcenter(process: Vcenter, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vcenter]:
    """Return the vCenter without machines; it is emptied afterwards, of rules too."""
    for name, text in ((SERVER, process.url), (USER, WHO), (PASSWORD, SECRET), (GOVC_CA, str(process.ca))):
        monkeypatch.setenv(name, text)
    yield process
    process.order("fail", After=-1)
    process.order("lose", methods=[])
    process.order("end")
    for machine in machines(process).values():
        process.order("task", vm=machine.name, state="success")
        if machine.runtime.powerState == "poweredOn":
            done(machine.PowerOffVM_Task())
        done(machine.Destroy_Task())
    process.order("task", vm="debian", state="success")
    cluster = process.all(vim.ClusterComputeResource)["DC0_C0"]
    gone = [
        vim.cluster.RuleSpec(operation="remove", removeKey=rule.key)
        for rule in cluster.configurationEx.rule or ()
    ]
    done(cluster.ReconfigureComputeResource_Task(vim.cluster.ConfigSpecEx(rulesSpec=gone), True))


def machines(vcenter: Vcenter) -> dict[str, Any]:
    """Return the machines by name, without the template."""
    return {name: one for name, one in vcenter.all(vim.VirtualMachine).items() if name != "debian"}


def host_of(machine: Any) -> str:
    """Return where a machine is, as the administrator is shown it."""
    return str(machine.runtime.host.name)


def role_of(machine: Any) -> str:
    """Return its role; vcsim keeps what a key had before, and a vCenter doesn't."""
    found = [str(one.value) for one in machine.config.extraConfig if one.key == "keepapart.role"]
    return found[-1] if found else ""


def clone(vcenter: Vcenter, name: str, host: str, *, runs: bool = True, **tags: str) -> Any:
    """Make a machine by hand."""
    template = vcenter.all(vim.VirtualMachine)["debian"]
    where = vim.vm.RelocateSpec(pool=vcenter.all(vim.ClusterComputeResource)["DC0_C0"].resourcePool)
    done(template.CloneVM_Task(template.parent, name, vim.vm.CloneSpec(location=where, powerOn=False)))
    made = machines(vcenter)[name]
    vcenter.place(made, host)
    vcenter.say(made, **tags)
    if runs:
        done(made.PowerOnVM_Task())
    return made


@pytest.fixture
def opened(vcenter: Vcenter) -> Iterator[Callable[..., Any]]:  # noqa: ARG001  # its variables
    """Return what opens the provider with a template."""
    found: list[Listing] = []

    def start(**settings: Any) -> Any:
        found.append(connected("vsphere", {"template": "debian", "tries": 1, **settings}, ()))
        return found[-1]

    yield start
    for each in found:
        each.close()


def request(cloud: Any, **more: str) -> LaunchRequest:
    """Return a launch of cluster "orders"."""
    return LaunchRequest("t", {**ORDERS, ROLE_TAG: CANDIDATE, **more}, dict(cloud.parameters(ORDERS)))


@pytest.mark.parametrize("rule", CLOUD_RULES, ids=lambda rule: rule.__name__)
def test_conformance(rule: CloudRule, opened: Callable[..., Any], vcenter: Vcenter) -> None:
    """vSphere is a cloud like any other, also where tasks end in errors and answers are lost."""
    vcenter.order("page", Size=3)

    def ordered(
        order: str, back: dict[str, Any], **what: Any
    ) -> Callable[[Listing], AbstractContextManager[None]]:
        @contextmanager
        def going(_: Listing) -> Iterator[None]:
            vcenter.order(order, **what)
            yield
            vcenter.order(order, **back)

        return going

    with CloudUnderTest(
        opened,
        full=ordered("end", {}, method="PowerOnVM_Task", fault="InsufficientHostCapacityFault"),
        refused=ordered("end", {}, method="CloneVM_Task", fault="InvalidDatastore"),
        failing=ordered("fail", {"After": -1}, After=0),
        cut_short=ordered("fail", {"After": -1}, After=1),
        unanswered=ordered("lose", {"methods": []}, methods=list(CHANGES)),
        patience=20.0,
    ) as it:
        rule(it)
    vcenter.order("page", Size=0)
    assert not machines(vcenter)


def test_the_host_is_chosen_so_that_one_launch_is_enough(
    vcenter: Vcenter, opened: Callable[..., Any]
) -> None:
    """No host with a member serves, whether that one runs or not, nor one in maintenance."""
    clone(vcenter, "db-0", HOSTS[0], cluster="orders", role="member")
    clone(vcenter, "db-1", HOSTS[1], cluster="orders", role="member", runs=False)
    clone(vcenter, "db-2", HOSTS[2], cluster="orders-2", role="member")
    cloud = opened()
    assert cloud.foresee(ORDERS) == "on host DC0_C0_H2, which has no member: one launch is enough"
    found = cloud.launch(request(cloud, stage="two"))
    assert (found.state, found.facts["host"], found.tags["stage"]) == (RUNNING, HOSTS[2], "two")
    assert host_of(machines(vcenter)[name_of("t")]) == HOSTS[2]
    last = vcenter.all(vim.HostSystem)[HOSTS[2]]
    done(last.EnterMaintenanceMode_Task(0))
    with pytest.raises(RefusedError, match="every host that may be used has a member already"):
        cloud.parameters(ORDERS)
    done(last.ExitMaintenanceMode_Task(0))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"template": ""}, "[cloud] template: none is set"),
        ({"template": "debain"}, "did you mean 'debian'"),
        ({"hosts": ["DC0_C0_H7"]}, "did you mean 'DC0_C0_H"),
        ({"folder": "vmm"}, "did you mean 'vm'"),
        ({"datastore": "LocalDS_9"}, "did you mean 'LocalDS_0'"),
        ({"resource_pool": "no-such"}, "[cloud] resource_pool: there is no 'no-such'"),
        ({"tempalte": "debian"}, "did you mean 'template'?"),
    ],
)
def test_a_wrong_key_names_the_mend(
    settings: dict[str, Any],
    says: str,
    vcenter: Vcenter,  # noqa: ARG001  # it is asked
    opened: Callable[..., Any],
) -> None:
    """Each mistake in what is to be launched is one line that names the key."""
    with pytest.raises(ConfigError) as wrong:
        opened(**settings).parameters(ORDERS)
    assert says in str(wrong.value)


def test_a_clone_that_is_at_work_is_waited_for(vcenter: Vcenter, opened: Callable[..., Any]) -> None:
    """By the process that began it, by its task; by another one, while the template has a task."""
    cloud = opened(timeout=1)
    wanted = request(cloud)
    vcenter.order("hang", method="CloneVM_Task")
    for _ in range(2):
        with pytest.raises(UnsettledError, match="is being cloned"):
            cloud.launch(wanted)
    vcenter.order("end")
    vcenter.order("task", vm="debian", state="running")
    with pytest.raises(UnsettledError, match="a launch that may have been made is looked for"):
        opened().launch(replace(wanted, sent=5.0))
    assert not machines(vcenter)
    vcenter.order("task", vm="debian", state="success")
    assert opened().launch(replace(wanted, sent=5.0)).state == RUNNING
    assert list(machines(vcenter)) == [name_of("t")]


def test_a_stranger_with_the_name_is_left_alone(vcenter: Vcenter, opened: Callable[..., Any]) -> None:
    """Its launch is refused, so that the next token is tried; nothing happens to the stranger."""
    stranger = clone(vcenter, name_of("t"), HOSTS[0], cluster="orders-2")
    cloud = opened()
    with pytest.raises(RefusedError, match="isn't ours"):
        cloud.launch(request(cloud))
    assert list(machines(vcenter)) == [name_of("t")]
    assert stranger.runtime.powerState == "poweredOn"


@pytest.mark.parametrize(
    ("method", "fault", "kind"),
    [
        ("PowerOnVM_Task", "InsufficientMemoryResourcesFault", CapacityError),
        ("CloneVM_Task", "NoDiskSpace", CapacityError),
        ("RelocateVM_Task", "MigrationFault", RefusedError),
        ("CloneVM_Task", "ManagedObjectNotFound", RefusedError),
        ("PowerOnVM_Task", "LicenseRestricted", DeniedError),
        ("CloneVM_Task", "NoPermission", DeniedError),
        ("PowerOnVM_Task", "TaskInProgress", UnsettledError),
        ("PowerOnVM_Task", "SystemError", CloudError),
    ],
)
def test_what_a_task_ends_in_is_told_from_no_room(
    vcenter: Vcenter, opened: Callable[..., Any], method: str, fault: str, kind: type[CloudError]
) -> None:
    """After the answer that took it: no room and never leave nothing; what may pass leaves the clone."""
    cloud = opened()
    clone(vcenter, "db-0", HOSTS[0], cluster="orders", role="member")
    wanted = request(cloud)
    vcenter.order("end", method=method, fault=fault)
    with pytest.raises(CloudError) as wrong:
        cloud.launch(wanted)
    assert type(wrong.value) is kind
    left = [name for name in machines(vcenter) if name != "db-0"]
    assert left == ([] if kind in (CapacityError, RefusedError) or "Clone" in method else [name_of("t")])
    vcenter.order("end")
    assert cloud.launch(wanted).state == RUNNING


def test_members_are_put_into_a_drs_rule(vcenter: Vcenter, opened: Callable[..., Any]) -> None:
    """One rule of the cluster's own, with every member in it, from the second on."""
    cloud = opened(drs_rule=True)
    cluster = vcenter.all(vim.ClusterComputeResource)["DC0_C0"]
    clone(vcenter, "web-0", HOSTS[0], cluster="orders-2", role="member")
    for number, host in enumerate(HOSTS):
        made = clone(vcenter, f"db-{number}", host, cluster="orders", role="candidate")
        cloud.tag(made.config.instanceUuid, {ROLE_TAG: MEMBER})
        rules = [(rule.name, sorted(vm.name for vm in rule.vm)) for rule in cluster.configurationEx.rule]
        members = [f"db-{n}" for n in range(number + 1)]
        assert rules == ([("keepapart-orders", members)] if number else [])


def test_a_guest_that_listens_is_asked_to_shut_down(vcenter: Vcenter, opened: Callable[..., Any]) -> None:
    """Its plug isn't pulled: where its tools run, they are told."""
    made = clone(vcenter, "db-0", HOSTS[0], cluster="orders", role="member")
    vcenter.order("set", vm="db-0", property="guest.toolsRunningStatus", value="guestToolsRunning")
    vcenter.order("end", method="PowerOffVM_Task", fault="SystemError")
    opened().stop(made.config.instanceUuid)
    assert made.runtime.powerState == "poweredOff"


def test_what_is_being_powered_on_is_waited_for(vcenter: Vcenter, opened: Callable[..., Any]) -> None:
    """A slow start is no failed one: the launch is asked for again, and goes on."""
    cloud = opened(timeout=1)
    wanted = request(cloud)
    vcenter.order("hang", method="PowerOnVM_Task")
    with pytest.raises(UnsettledError, match="is being powered on"):
        cloud.launch(wanted)
    vcenter.order("end")
    assert cloud.launch(wanted).state == RUNNING


def ran(path: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Run a verb of keepapart's, and return its exit code and document."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(io.StringIO()):
        code = main(["-c", str(path), *words, "--json"])
    return int(code), json.loads(out.getvalue())


@pytest.fixture
def configured(vcenter: Vcenter, tmp_path: Path) -> Path:
    """Return the configuration of the page, for this vCenter."""
    path, text = tmp_path / "keepapart.toml", example(PAGE)
    text = text.replace("vcenter.example.com", vcenter.url).replace("/etc/ssl/vcenter.pem", str(vcenter.ca))
    path.write_text(f'{text}[store]\nurl = "sqlite:///{tmp_path}/keepapart.db"\n', encoding="utf-8")
    return path


def test_a_cluster_is_built_with_one_launch_for_each_member(configured: Path, vcenter: Vcenter) -> None:
    """Three hosts, three members, three launches; a fourth can't be had, and nothing is left behind."""
    code, document = ran(configured, "admit", "--count", "3")
    assert (code, document["attempts"], len(document["admitted"])) == (0, 3, 3)
    there = machines(vcenter)
    assert sorted(map(host_of, there.values())) == list(HOSTS)
    assert {role_of(one) for one in there.values()} == {"member"}
    assert (ran(configured, "admit")[0], list(machines(vcenter))) == (4, list(there))
    code, document = ran(configured, "audit", "--stated")
    assert (code, {pair["strength"] for pair in document["pairs"]}) == (0, {"conclusive"})
    assert ran(configured, "gc")[1]["found"] == []


@pytest.fixture
def packed(vcenter: Vcenter) -> list[Any]:
    """Return three members on two hosts: the first two share one."""
    return [
        clone(vcenter, f"db-{number}", host, cluster="orders", role="member")
        for number, host in enumerate((HOSTS[0], HOSTS[0], HOSTS[1]))
    ]


def test_a_member_moves_as_it_runs(configured: Path, packed: list[Any], vcenter: Vcenter) -> None:
    """It is relocated by vMotion, and never stopped; who has nowhere to go isn't touched."""
    member, booted = packed[1], packed[1].runtime.bootTime
    moved = member.config.instanceUuid
    code, document = ran(configured, "move", "--yes", moved)
    assert (code, document["moved"], document["stops"]) == (0, [moved], 0)
    assert ([host_of(one) for one in packed], member.runtime.bootTime) == (
        [HOSTS[0], HOSTS[2], HOSTS[1]],
        booted,
    )
    beside = clone(vcenter, "db-3", HOSTS[0], cluster="orders", role="member")
    booted = beside.runtime.bootTime
    code, document = ran(configured, "move", "--yes", beside.config.instanceUuid)
    assert (code, "every other host" in json.dumps(document)) == (1, True)
    assert (beside.runtime.bootTime, host_of(beside)) == (booted, HOSTS[0])


@pytest.mark.parametrize("fault", ["VMotionNotConfigured", "NotEnoughLicenses", "NoPermission"])
def test_what_can_not_go_as_it_runs_is_stopped_for_that(
    configured: Path, packed: list[Any], vcenter: Vcenter, fault: str
) -> None:
    """Relocated when it is off, and started there; it is the same machine."""
    vcenter.order("end", method="RelocateVM_Task", fault=fault, running=True)
    outcome = killed.moved(configured, packed[1].config.instanceUuid)
    assert (outcome.code, len(outcome.moved), outcome.stops) == (0, 1, 1)
    assert (host_of(packed[1]), packed[1].runtime.powerState) == (HOSTS[2], "poweredOn")


def test_what_lacks_room_as_it_runs_is_not_stopped(
    configured: Path, packed: list[Any], vcenter: Vcenter
) -> None:
    """It would lack it no less when it starts there."""
    vcenter.order("end", method="RelocateVM_Task", fault="InsufficientMemoryResourcesFault")
    booted = packed[1].runtime.bootTime
    outcome = killed.moved(configured, packed[1].config.instanceUuid)
    assert (outcome.code, outcome.stops) == (4, 0)
    assert (host_of(packed[1]), packed[1].runtime.bootTime) == (HOSTS[0], booted)


def test_what_has_a_task_of_its_own_is_waited_for(
    packed: list[Any], vcenter: Vcenter, opened: Callable[..., Any]
) -> None:
    """This process's relocation, another's, or a backup: the same call, made again, goes on."""
    cloud, member = opened(timeout=1), packed[1].config.instanceUuid
    there = cloud.placement(member, ORDERS, make=False)
    vcenter.order("hang", method="RelocateVM_Task")
    for _ in range(2):
        with pytest.raises(UnsettledError, match="is being relocated"):
            cloud.place(member, there)
    vcenter.order("end")
    vcenter.order("task", vm="db-1", state="running")
    with pytest.raises(UnsettledError, match="has a task of its own"):
        opened().place(member, there)
    assert host_of(packed[1]) == HOSTS[0]
    vcenter.order("task", vm="db-1", state="success")
    for _ in range(2):
        opened().place(member, there)
    assert host_of(packed[1]) == HOSTS[2]


@pytest.mark.parametrize("live", [True, False], ids=["live", "stopped"])
def test_a_move_that_is_killed_at_any_arrow_is_gone_on_with(
    configured: Path, packed: list[Any], vcenter: Vcenter, tmp_path: Path, *, live: bool
) -> None:
    """Live or not: wherever the process dies the member runs in the end, on a host of its own."""
    member = packed[1].config.instanceUuid

    def work(on_arrow: Callable[[str], None]) -> None:
        vcenter.order("end", **({} if live else CANT))
        killed.moved(configured, member, on_arrow)

    def again() -> None:
        outcome = killed.moved(configured, member)
        assert (outcome.code, outcome.moved) == (0, (member,))
        assert killed.swept(configured) == []
        assert [host_of(one) for one in packed] == [HOSTS[0], HOSTS[2], HOSTS[1]]
        assert {one.runtime.powerState for one in packed} == {"poweredOn"}
        (tmp_path / "keepapart.db").unlink()
        vcenter.order("end")
        vcenter.place(packed[1], HOSTS[0])

    assert killed.arrows(work, again, tmp_path, step=5 if live else 11) > (10 if live else 20)


def test_a_named_host_is_taken_or_refused(vcenter: Vcenter, opened: Callable[..., Any]) -> None:
    """One that has a member, or that isn't there, is refused; who is apart stays."""
    one, _ = (
        clone(vcenter, f"db-{number}", host, cluster="orders", role="member")
        for number, host in enumerate(HOSTS[:2])
    )
    cloud, member = opened(), one.config.instanceUuid
    assert cloud.placement(member, ORDERS, HOSTS[2])["host"] == vcenter.all(vim.HostSystem)[HOSTS[2]]._moId
    for host, says in ((HOSTS[1], "can't be moved to DC0_C0_H1"), ("h9", "is no host that may be used")):
        with pytest.raises(RefusedError, match=says):
            cloud.placement(member, ORDERS, host)
    assert set(cloud.placement(member, ORDERS)) == {NOTE}


def test_who_can_not_be_put_into_the_rule_is_no_member(vcenter: Vcenter, opened: Callable[..., Any]) -> None:
    """A rule that was asked for and can't be had isn't done without in silence."""
    cloud = opened(drs_rule=True)
    clone(vcenter, "db-0", HOSTS[0], cluster="orders", role="member")
    made = clone(vcenter, "db-1", HOSTS[1], cluster="orders", role="candidate")
    vcenter.order("end", method="ReconfigureComputeResource_Task", fault="NoPermission")
    with pytest.raises(DeniedError, match=r"docs/platforms/vsphere\.md"):
        cloud.tag(made.config.instanceUuid, {ROLE_TAG: MEMBER})
    assert role_of(made) == "candidate"


def test_restarting_rejects_is_refused_with_the_reason(configured: Path, vcenter: Vcenter) -> None:
    """Stop and start move nothing here, so a reject would land on its host for ever."""
    with configured.open("a", encoding="utf-8") as text:
        text.write('[launch]\non_reject = "restart"\n')
    err = io.StringIO()
    with redirect_stderr(err):
        assert main(["-c", str(configured), "admit"]) == 2
    assert 'a machine that is stopped and started stays on its host; say "hold"' in err.getvalue()
    assert not machines(vcenter)


@pytest.mark.parametrize("lost", [(), CHANGES], ids=["answered", "unanswered"])
def test_killed_at_any_arrow_nothing_is_lost_nor_doubled(
    configured: Path, vcenter: Vcenter, lost: tuple[str, ...], tmp_path: Path
) -> None:
    """Whatever is lost, and wherever the process dies: two members in the end, each on a host of its own."""
    decoys = {"ka-0123456789abcdef0123", "orders-1"}
    clone(vcenter, "ka-0123456789abcdef0123", HOSTS[0])
    clone(vcenter, "orders-1", HOSTS[1], cluster="orders-2", role="candidate", run="run-of-another")

    def work(on_arrow: Callable[[str], None]) -> None:
        killed.admitted(configured, 2, on_arrow)

    def again() -> None:
        vcenter.order("lose", methods=[])
        assert killed.admitted(configured, 2) == 0
        assert killed.swept(configured) == []
        there = machines(vcenter)
        members = {name: host_of(one) for name, one in there.items() if role_of(one) == "member"}
        assert there.keys() - members.keys() == decoys
        assert len(members) == len(set(members.values())) == 2
        assert {one.runtime.powerState for one in there.values()} == {"poweredOn"}
        with killed.opened(configured) as (context, _):
            for name in members:
                context.cloud.terminate(there[name].config.instanceUuid)
        (tmp_path / "keepapart.db").unlink()
        vcenter.order("lose", methods=list(lost))

    vcenter.order("lose", methods=list(lost))
    assert killed.arrows(work, again, tmp_path, step=23 if lost else 13) > 30
