"""The scripts of examples/python, run as their users would, on the members of a lab."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from keepapart.lab import client
from keepapart.lab.client import Lab
from keepapart.lab.world import world
from tests.platforms.kubernetes_stub import node, serving

SCRIPTS = Path(__file__).parents[2] / "examples" / "python"
WORLD = {
    "name": "scripts",
    "racks": [{"name": "a", "hosts": 3, "capacity": 4}],
    "clusters": [{"name": "orders", "size": 4}],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the configuration of a cluster of which two members share a host."""
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "keepapart.toml").write_text(
        '[cluster]\nname = "orders"\nsurvive = 2\n[cloud]\nprovider = "lab"\nlab = "scripts"\n'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        with client.running(world.parse(WORLD, "test"), simulated=True) as lab:
            for one, number in zip(lab.instances(), (0, 0, 1, 2), strict=True):
                if lab.truth()[one.id].host != lab.hosts()[number]:
                    lab.move(one.id, lab.hosts()[number])
            yield folder


def command(script: str, *words: str) -> list[str]:
    """Return what runs a script."""
    return [sys.executable, str(SCRIPTS / script), "keepapart.toml", *words]


def run(folder: Path, script: str, *words: str, feed: str = "") -> subprocess.CompletedProcess[str]:
    """Run a script in the folder."""
    return subprocess.run(
        command(script, *words),
        cwd=folder,
        input=feed,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def ids(folder: Path) -> list[str]:
    """List the members; the first two share a host."""
    assert folder
    return [one.id for one in Lab.find("scripts").instances()]


def test_every_script_is_run_here() -> None:
    """One that nothing runs would be wrong some day."""
    here = Path(__file__).read_text(encoding="utf-8")
    assert all(f'"{script.name}"' in here for script in SCRIPTS.glob("*.py"))


def test_files_are_written_once(folder: Path) -> None:
    """A rack for each host; the second run changes nothing."""
    done = run(folder, "export.py", "racks")
    assert (done.returncode, done.stderr) == (0, "")
    racks = [(folder / "racks" / f"{name}.properties").read_text().splitlines()[-1] for name in ids(folder)]
    assert racks[0] == racks[1]
    assert len(set(racks)) == 3
    assert "wrote 0 of 4 files" in run(folder, "export.py", "racks").stdout


def test_a_node_is_told_its_rack(folder: Path) -> None:
    """The same for the two on one host, and again when it is asked again."""
    first, second = (run(folder, "racks.py", name).stdout.splitlines()[1:] for name in ids(folder)[:2])
    assert first == second
    assert first[0] == "dc=eu"
    assert first[1].startswith("rack=rack")


def test_a_quorum_on_one_host_is_exit_code_1(folder: Path) -> None:
    """Two of three on one host are the majority; one of three isn't."""
    a, b, c, d = ids(folder)
    lost = run(folder, "quorum.py", feed=f"etcd: {a} {b} {c}\n")
    assert (lost.returncode, lost.stdout) == (1, "etcd: host-1 takes 2 of 3\n")
    assert run(folder, "quorum.py", feed=f"etcd: {a} {c} {d}\n").returncode == 0


def test_labels_are_written_from_an_event_loop(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the API, one for each node."""
    with serving() as stub:
        stub.nodes = [node(name) for name in ids(folder)]
        (folder / "kubeconfig").write_text(stub.kubeconfig())
        monkeypatch.setenv("KUBECONFIG", str(folder / "kubeconfig"))
        done = run(folder, "labels.py")
        assert done.stdout.startswith("topology.keepapart.io/host: wrote 4 nodes"), done.stderr
        found = [one["metadata"]["labels"]["topology.keepapart.io/host"] for one in stub.nodes]
        assert found[0] == found[1]
        assert len(set(found)) == 3


def test_waiting_ends_when_the_cluster_survives(folder: Path) -> None:
    """It does at the first audit here, though two share a host: two may be lost."""
    done = run(folder, "until_it_survives.py")
    assert (done.returncode, done.stdout.split()) == (0, ["shared"])


def test_news_are_told_until_it_is_ended(folder: Path) -> None:
    """Ctrl-C in the rest between two audits, or in one, ends it and leaves no process."""
    (folder / "news.toml").write_text(
        (folder / "keepapart.toml").read_text() + '[store]\nurl = "sqlite:///news.db"\n'
    )
    told = [part.replace("keepapart.toml", "news.toml") for part in command("tell.py")]
    with subprocess.Popen(
        told, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as tells:
        assert tells.stdout
        assert " shares a host with " in tells.stdout.readline()
        tells.send_signal(signal.SIGINT)
        _, complaints = tells.communicate(timeout=30)
        assert (tells.returncode, "Traceback" in complaints) == (130, False)
    with subprocess.Popen(
        told, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as tells:
        children = Path(f"/proc/{tells.pid}/task/{tells.pid}/children")
        while not (child := children.read_text().split()):
            os.sched_yield()
        tells.send_signal(signal.SIGINT)
        tells.communicate(timeout=30)
        assert tells.returncode == 130
        assert not Path(f"/proc/{child[0]}").exists()


def test_a_mistake_is_one_line(tmp_path: Path) -> None:
    """A configuration that isn't there: no traceback, of any script."""
    running = {
        script.name: subprocess.Popen(
            command(script.name, *["x"] * (script.name in ("export.py", "racks.py"))),
            cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for script in SCRIPTS.glob("*.py")
    }  # fmt: skip
    for name, process in running.items():
        _, complaint = process.communicate(timeout=60)
        assert (name, process.returncode, complaint.count("\n")) == (name, 1, 1)
        assert "keepapart.toml" in complaint
