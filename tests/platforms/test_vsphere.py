"""VMware vSphere, against govmomi's vcsim: the API of a vCenter with hosts, machines, tasks and sessions."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import combinations
from typing import Any

import pytest
from pyVmomi import vim

from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG, STOPPED, Listing, connect
from keepapart.clouds.vsphere import GOVC_CA, GOVC_PASSWORD, GOVC_URL, GOVC_USER, PASSWORD, SERVER, USER
from keepapart.errors import CloudError, ConfigError
from keepapart.testing.clouds import LISTING_RULES, CloudRule, CloudUnderTest
from tests.platforms.conftest import Audit
from tests.platforms.vcsim_double import PASSWORD as SECRET
from tests.platforms.vcsim_double import USER as WHO
from tests.platforms.vcsim_double import Vcenter, done, serving

ORDERS = {CLUSTER_TAG: "orders", ROLE_TAG: MEMBER}
PLACES = ("DC0_C0_H0", "DC0_C0_H1", "DC0_C0_H0", "DC0_C0_H2")  # of the first four machines; two are strangers
Open = Callable[..., Listing]

pytestmark = pytest.mark.timeout(300)  # vcsim is built once


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vcenter]:
    """Yield the process."""
    with serving(tmp_path_factory.mktemp("vcsim")) as vcenter:
        for number, machine in enumerate(vcenter.all(vim.VirtualMachine).values()):
            if number < len(PLACES):
                vcenter.place(machine, PLACES[number])
                vcenter.say(machine, cluster="orders", role="member")
        yield vcenter


@pytest.fixture
def vcenter(process: Vcenter, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vcenter]:
    """Return the vCenter, for whom the variables of Terraform are set."""
    monkeypatch.setenv(SERVER, process.url)
    monkeypatch.setenv(USER, WHO)
    monkeypatch.setenv(PASSWORD, SECRET)
    monkeypatch.setenv(GOVC_CA, str(process.ca))
    yield process
    process.order("fail", After=-1)
    process.order("page", Size=0)


@pytest.fixture
def cloud(vcenter: Vcenter) -> Iterator[Open]:  # noqa: ARG001  # its variables
    """Return what opens the provider with these settings."""
    opened: list[Listing] = []

    def start(**settings: Any) -> Listing:
        found = connect("vsphere", settings, ())
        opened.append(found)
        return found

    yield start
    for each in opened:
        each.close()


@pytest.fixture
def members(vcenter: Vcenter) -> list[str]:
    """Return the ids of the members, in the order of `PLACES`."""
    machines = list(vcenter.all(vim.VirtualMachine).values())[: len(PLACES)]
    return [machine.config.instanceUuid for machine in machines]


@pytest.mark.parametrize("rule", LISTING_RULES, ids=lambda rule: rule.__name__)
def test_conformance(rule: CloudRule, cloud: Open, vcenter: Vcenter, members: list[str]) -> None:
    """vSphere is a listing like any other, however many pages the properties have."""
    vcenter.order("page", Size=3)

    def failing(after: int) -> Callable[[Listing], AbstractContextManager[None]]:
        @contextmanager
        def broken(_: Listing) -> Iterator[None]:
            vcenter.order("fail", After=after)
            yield
            vcenter.order("fail", After=-1)

        return broken

    with CloudUnderTest(
        cloud, listed=members, tags={CLUSTER_TAG: "orders"}, failing=failing(0), cut_short=failing(1)
    ) as it:
        rule(it)


@pytest.mark.parametrize(
    "names", [(SERVER, USER, PASSWORD), (GOVC_URL, GOVC_USER, GOVC_PASSWORD)], ids=["Terraform", "govc"]
)
def test_verdicts_are_the_placement(
    vcenter: Vcenter,
    members: list[str],
    audit: Audit,
    names: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The host of each machine, conclusively, by whichever tool's variables there are."""
    for old, new in zip((SERVER, USER, PASSWORD), names, strict=True):
        monkeypatch.delenv(old)
        monkeypatch.setenv(new, {SERVER: vcenter.url, USER: WHO, PASSWORD: SECRET}[old])
    on = dict(zip(members, PLACES, strict=True))
    code, verdicts, document = audit('provider = "vsphere"\n')
    assert code == 1
    assert verdicts == {
        (a, b): "co-resident" if on[a] == on[b] else "separate" for a, b in combinations(sorted(on), 2)
    }
    assert {pair["strength"] for pair in document["pairs"]} == {"conclusive"}
    assert {host["name"] for host in document["hosts"]} == set(PLACES)


def test_a_url_may_say_who_asks(vcenter: Vcenter, monkeypatch: pytest.MonkeyPatch) -> None:
    """GOVC_URL holds user and password for many."""
    for name in (SERVER, USER, PASSWORD):
        monkeypatch.delenv(name)
    monkeypatch.setenv(GOVC_URL, vcenter.url.replace("//", f"//{WHO}:{SECRET}@"))
    opened = connect("vsphere", {}, ())
    assert len(opened.instances({})) == 6
    opened.close()


@pytest.mark.parametrize(
    ("what", "state"),
    [
        ({"property": "runtime.connectionState", "value": "disconnected"}, "disconnected"),
        ({"property": "runtime.connectionState", "value": "orphaned"}, "orphaned"),
        ({"property": "runtime.powerState", "value": "suspended"}, STOPPED),
        ({"task": "running"}, "running"),
        ({"task": "queued"}, "running"),
    ],
)
def test_what_is_unsettled_states_no_place(
    vcenter: Vcenter, cloud: Open, members: list[str], what: dict[str, str], state: str
) -> None:
    """A host that isn't connected, a machine that is suspended, or one with a task, such as a migration."""
    name = min(vcenter.all(vim.VirtualMachine))
    if "task" in what:
        vcenter.order("task", vm=name, state=what["task"])
    else:
        vcenter.order("set", vm=name, **what)
    try:
        shown = cloud().describe(members[:1])[members[0]]
    finally:
        vcenter.order("set", vm=name, property="runtime.connectionState", value="connected")
        vcenter.order("set", vm=name, property="runtime.powerState", value="poweredOn")
        vcenter.order("task", vm=name, state="success")
    assert (shown.state, "host" in shown.facts) == (state, False)
    assert cloud().describe(members[:1])[members[0]].facts["host"] == PLACES[0]


def test_a_migration_changes_the_host(vcenter: Vcenter, cloud: Open, members: list[str]) -> None:
    """DRS moves machines: the next reading has the new host."""
    opened = cloud()
    before = opened.describe(members[1:2])[members[1]].facts["host"]
    machine = list(vcenter.all(vim.VirtualMachine).values())[1]
    vcenter.place(machine, "DC0_C0_H2")
    after = opened.describe(members[1:2])[members[1]].facts["host"]
    vcenter.place(machine, PLACES[1])
    assert (before, after) == (PLACES[1], "DC0_C0_H2")


def test_what_is_powered_off_has_no_host(vcenter: Vcenter, cloud: Open, members: list[str]) -> None:
    """It is registered on one, and may be started on another."""
    machine = list(vcenter.all(vim.VirtualMachine).values())[3]
    done(machine.PowerOffVM_Task())
    shown = cloud().describe(members[3:])[members[3]]
    done(machine.PowerOnVM_Task())
    assert (shown.state, "host" in shown.facts) == (STOPPED, False)


def test_templates_are_no_instances(vcenter: Vcenter, cloud: Open) -> None:
    """Nothing ever runs of one."""
    name = max(vcenter.all(vim.VirtualMachine))
    vcenter.order("set", vm=name, property="config.template", value="true")
    found = cloud().instances({})
    vcenter.order("set", vm=name, property="config.template", value="false")
    assert len(found) == 5


def test_members_are_named_by_what_vsphere_has(vcenter: Vcenter, cloud: Open, members: list[str]) -> None:
    """Patterns of names, clusters, folders and hosts."""
    names = list(vcenter.all(vim.VirtualMachine))
    by_name = cloud(members=[names[4]], member_filter={"cluster": "no-such"}).instances(ORDERS)
    assert len(by_name) == 5
    on_host = {one.id for one in cloud(member_filter={"host": "DC0_C0_H1"}).instances(ORDERS)}
    assert on_host >= set(members)
    assert len(cloud(member_filter={"folder": "vm", "cluster": "DC0_*"}).instances(ORDERS)) == 6


def test_a_session_that_has_ended_is_begun_anew(vcenter: Vcenter, cloud: Open) -> None:
    """vCenter ends what is unused for half an hour; nobody notices."""
    opened = cloud()
    before = opened.instances({})
    manager = vcenter.administrator.RetrieveContent().sessionManager
    own = manager.currentSession.key
    manager.TerminateSession([one.key for one in manager.sessionList if one.key != own])
    assert opened.instances({}) == before


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        (PASSWORD, "wrong", "look at VSPHERE_USER and VSPHERE_PASSWORD"),
        (SERVER, "127.0.0.1:1", "nobody answers at https://127.0.0.1:1/sdk"),
        (GOVC_CA, "", "say whose the certificate is as [cloud] ca"),
    ],
)
def test_errors_name_their_mend(
    vcenter: Vcenter, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    """A wrong password, a server that isn't there, a stranger's certificate: a line each, without secrets."""
    assert vcenter
    monkeypatch.setenv(variable, value)
    opened = connect("vsphere", {"tries": 1}, ())
    with pytest.raises(CloudError) as wrong:
        opened.instances({})
    opened.close()
    assert says in str(wrong.value)
    assert SECRET not in str(wrong.value).split()


@pytest.mark.parametrize("variable", ["VSPHERE_ALLOW_UNVERIFIED_SSL", "GOVC_INSECURE"])
def test_the_operator_may_say_not_to_look_at_certificates(
    vcenter: Vcenter, cloud: Open, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """By the variables that their other tools obey; the configuration has no key for it."""
    assert vcenter
    monkeypatch.delenv(GOVC_CA)
    monkeypatch.setenv(variable, "true")
    assert cloud().instances({})


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"server": "http://vcenter.example.com/sdk"}, "would send the password in clear; write https"),
        ({"server": "ftp://vcenter"}, "the name of a vCenter is wanted"),
        ({"sever": "vcenter"}, "did you mean 'server'?"),
        ({"ca": "/no/such/file"}, "no such file"),
        ({"member_filter": {"zone": "a"}}, "there is name, tag:KEY, cluster, folder, host"),
    ],
)
def test_a_wrong_key_or_value_names_the_mend(vcenter: Vcenter, settings: dict[str, Any], says: str) -> None:
    """Each mistake is one line that names the key and what would be right."""
    assert vcenter
    with pytest.raises(ConfigError) as wrong:
        connect("vsphere", settings, ())
    assert says in str(wrong.value)
    assert str(wrong.value).startswith("[cloud] ")


@pytest.mark.parametrize(
    ("missing", "says"), [(SERVER, "[cloud] server"), (USER, "[cloud] user"), (PASSWORD, "password")]
)
def test_what_is_missing_is_named(
    vcenter: Vcenter, monkeypatch: pytest.MonkeyPatch, missing: str, says: str
) -> None:
    """With the variables of either tool that would serve."""
    assert vcenter
    monkeypatch.delenv(missing)
    with pytest.raises(ConfigError, match=rf"{missing} or GOVC_") as wrong:
        connect("vsphere", {}, ())
    assert says in str(wrong.value)


def test_pyvmomi_is_imported_only_where_it_is_used() -> None:
    """The keys of [cloud] don't need it."""
    code = "import sys, keepapart.clouds.vsphere; sys.exit('pyVmomi' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
