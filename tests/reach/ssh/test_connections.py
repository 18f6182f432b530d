"""Connections: whom they trust, how they get there, and that they are kept."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
from pathlib import Path

import pytest
from msgspec import structs

from keepapart.admit import AdmissionContext, admit
from keepapart.auditing.session import Session
from keepapart.auditing.survey import checker
from keepapart.clouds import connect, launching
from keepapart.config import Config
from keepapart.model import silent
from keepapart.store import Store
from tests.reach.ssh.conftest import Reached, bring_up

ANOTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKNqUKGEyuA7C9ltTJWlNMlzEIlEVDQAQkVoVhpfTIvW"


def with_known_hosts(six: Reached, text: str, *, alias: str = "HostKeyAlias keepapart-lab") -> Config:
    """Return a configuration that knows these hosts instead."""
    known_hosts, ssh_config = six.folder / "other_known_hosts", six.folder / "other_config"
    known_hosts.write_text(text)
    written = six.ssh_config.read_text().replace(str(six.folder / "known_hosts"), str(known_hosts))
    ssh_config.write_text(written.replace("HostKeyAlias keepapart-lab", alias))
    return six.config(ssh_config=str(ssh_config))


def test_plain_ssh_goes_the_same_way(six: Reached) -> None:
    """What the lab writes lets OpenSSH in by id and by address, with host keys checked."""
    for name in (six.ids[0], six.lab.instances()[0].address):
        command = ["ssh", "-F", str(six.ssh_config), "-o", "BatchMode=yes", name, "echo in"]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "in\n"


@pytest.mark.parametrize("setting", ["", "    UserKnownHostsFile /dev/null"])
def test_an_unknown_host_key_is_refused(six: Reached, setting: str) -> None:
    """A host that known_hosts doesn't list is refused in one line that names the mend."""
    found = six.audit(with_known_hosts(six, "", alias=setting))
    assert set(found.round.lost) == set(six.ids)
    for why in found.round.lost.values():
        assert "is not in known_hosts" in why
        assert "`ssh-keyscan " in why
        assert "\n" not in why


def test_ssh_s_own_word_on_host_keys_holds_unless_the_operator_is_stricter(six: Reached) -> None:
    """`StrictHostKeyChecking no` of ssh's configuration lets in, and new_host_keys = "refuse" does not."""
    lax = six.ssh_config.read_text().replace("StrictHostKeyChecking yes", "StrictHostKeyChecking no")
    (six.folder / "lax_config").write_text(lax.replace(f"{six.folder}/known_hosts", "/dev/null"))
    as_ssh = six.config(ssh_config=str(six.folder / "lax_config"))
    assert not six.audit(as_ssh).round.lost
    refusing = structs.replace(as_ssh, reach=structs.replace(as_ssh.reach, new_host_keys="refuse"))
    assert set(six.audit(refusing).round.lost) == set(six.ids)


def test_a_changed_host_key_is_refused(six: Reached) -> None:
    """Another key than the known one is refused, also where new ones are accepted, and the mend is named."""
    known = with_known_hosts(six, f"keepapart-lab {ANOTHER_KEY}\n")
    for config in (
        known,
        structs.replace(known, reach=structs.replace(known.reach, new_host_keys="accept")),
    ):
        found = six.audit(config)
        assert set(found.round.lost) == set(six.ids)
        for why in found.round.lost.values():
            assert "is NOT the one in known_hosts" in why
            assert f"`ssh-keygen -f {six.folder / 'other_known_hosts'} -R keepapart-lab`" in why
    assert (six.folder / "other_known_hosts").read_text() == f"keepapart-lab {ANOTHER_KEY}\n"


def test_new_host_keys_are_added_where_the_operator_says_so(six: Reached) -> None:
    """With new_host_keys = "accept" a key is written to known_hosts once, and checked from then on."""
    refusing = with_known_hosts(six, "", alias="")
    accepting = structs.replace(refusing, reach=structs.replace(refusing.reach, new_host_keys="accept"))
    assert not six.audit(accepting).round.lost
    known = (six.folder / "other_known_hosts").read_text()
    assert len(known.splitlines()) == len(six.ids)
    assert not six.audit(refusing).round.lost
    assert (six.folder / "other_known_hosts").read_text() == known


def test_a_key_that_does_not_fit_is_said_so(six: Reached) -> None:
    """Where nobody is let in, the reason names the user and what to try."""
    found = six.audit(six.config(user="keeper", ssh_config=str(without(six, "IdentityFile"))))
    assert all("in with no key of yours: try `ssh " in why for why in found.round.lost.values())
    assert len(found.round.lost) == len(six.ids)


def without(six: Reached, *keys: str) -> Path:
    """Write the lab's ssh_config without these keys."""
    lines = six.ssh_config.read_text().splitlines()
    path = six.folder / "less_config"
    path.write_text(
        "\n".join(line for line in lines if not line.strip().startswith(keys)) + "\n    IdentityFile none\n"
    )
    return path


def test_a_jump_host_is_connected_to_once(six: Reached) -> None:
    """With ProxyJump all go through one connection to the jump host, however many they are."""
    jump = six.ids[0]
    behind = [one.address for one in six.lab.instances() if one.id != jump]
    lines = six.ssh_config.read_text().splitlines()
    proxy = next(line for line in lines if "ProxyCommand" in line)
    common = "\n".join(line for line in lines if "ProxyCommand" not in line)
    address = next(one.address for one in six.lab.instances() if one.id == jump)
    ssh_config = six.folder / "jump_config"
    ssh_config.write_text(
        f"Host {jump} {address}\n{proxy}\nHost {' '.join(behind)}\n    ProxyJump {jump}\n{common}\n"
    )
    before = {name: six.handshakes(name) for name in six.ids}
    assert not six.audit(six.config(ssh_config=str(ssh_config))).round.lost
    # one as the way to the others, one as a member in its own right
    assert {name: six.handshakes(name) - before[name] for name in six.ids} == {
        name: 2 if name == jump else 1 for name in six.ids
    }


def test_a_jump_host_that_was_away_is_there_again_in_the_next_round(six: Reached) -> None:
    """What failed once, for all that are behind it, is tried anew: an admission has many rounds."""
    behind, jump = six.lab.instances()[1:3], six.ids[0]
    lines = six.ssh_config.read_text().splitlines()
    proxy = next(line for line in lines if "ProxyCommand" in line)
    common = "\n".join(line for line in lines if "ProxyCommand" not in line)
    there, ssh_config = six.folder / "there", six.folder / "away_config"
    _, _, command = proxy.partition("ProxyCommand ")
    away = f"    ProxyCommand sh -c 'test -e {there} && exec {command}'"
    names = " ".join(one.address for one in behind)
    ssh_config.write_text(f"Host {jump}\n{away}\nHost {names}\n    ProxyJump {jump}\n{common}\n")
    instances = [dataclasses.replace(one, reach="ssh") for one in behind]
    with Session(six.config(ssh_config=str(ssh_config))) as session:

        def lost() -> set[str]:
            found = session.survey(instances, "audit", store=None, clock=lambda: 0.0, progress=silent)
            return set(found.round.lost)

        assert lost() == {one.id for one in behind}
        there.touch()
        assert lost() == set()


def test_connections_are_kept_from_one_candidate_to_the_next(runtime: Path, lifeline: int) -> None:
    """However many candidates are measured, every member and every candidate is shaken hands with once."""
    world = {
        "name": "tight",
        "scheduler": {"habit": "packing"},
        "racks": [{"name": "a", "hosts": 4, "capacity": 4}],
        "clusters": [{"name": "orders", "size": 2}],
    }
    tight = bring_up(world, lifeline, "tight")
    try:
        config = tight.config()
        members = tight.ids
        cloud = launching(connect("lab", config.cloud.settings, ()))
        with Store(f"sqlite:///{runtime / 'tight.db'}") as store, checker(config, store=store) as check:
            outcome = admit(AdmissionContext(cloud, store, "orders", config.launch), check, 1)
        assert outcome.code == 0
        assert len(outcome.rejected) >= 2  # the packing scheduler fills the members' host first
        assert {name: tight.handshakes(name) for name in members} == dict.fromkeys(members, 1)
        for candidate in tight.ids:
            assert tight.handshakes(candidate) == 1
    finally:
        tight.lab.down()


def test_a_connection_lost_between_rounds_is_opened_again(six: Reached) -> None:
    """A second round of a run goes on where a connection died meanwhile."""
    config = six.config()
    instances = [dataclasses.replace(i, reach="ssh") for i in six.lab.instances()]
    with Session(config) as session:

        def survey() -> dict[str, str]:
            found = session.survey(instances, "", store=None, clock=lambda: 0.0, progress=lambda _w, _s: None)
            return dict(found.round.lost)

        assert survey() == {}
        for pid in six.processes("i-0002"):
            os.kill(pid, signal.SIGKILL)
        before = six.handshakes("i-0001"), six.handshakes("i-0002")
        assert survey() == {}
        assert (six.handshakes("i-0001"), six.handshakes("i-0002")) == (before[0], before[1] + 1)
