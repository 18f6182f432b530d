"""What `make release` builds: it is whole, and the wheel works in an environment that has only it."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

import keepapart

ROOT = Path(__file__).parent.parent
WORLD = ROOT / "worlds" / "three-racks.toml"


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that `make release` filled, by the tools of the environment that the tests run in."""
    folder = tmp_path_factory.mktemp("release") / "dist"
    command = ["make", f"--old-file={sys.prefix}/ready", f"VENV={sys.prefix}", f"DIST={folder}", "release"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def fresh(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the `bin` of a new environment with the wheel in it; what it depends on is lent to it."""
    home = tmp_path_factory.mktemp("fresh")
    venv.create(home, symlinks=True)
    (wheel,) = released.glob("*.whl")
    pip = [sys.executable, "-m", "pip", f"--python={home / 'bin' / 'python'}"]
    subprocess.run([*pip, "install", "--quiet", "--no-index", "--no-deps", str(wheel)], check=True)
    (site,) = home.glob("lib/python*/site-packages")
    # A folder that a .pth file names is searched, its own .pth files are not read: the checkout stays out.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin"


@pytest.fixture
def elsewhere(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which nothing leads to the checkout, nor to labs of other tests."""
    (tmp_path / "run").mkdir(mode=0o700)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "KEEPAPART"))}
    return {**kept, "XDG_RUNTIME_DIR": str(tmp_path / "run")}


def run(command: Sequence[str | Path], folder: Path, environment: dict[str, str]) -> str:
    """Run a command that must not fail; return what it prints. 1 says that some share a host."""
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), (command, done.stderr)
    return done.stdout


def test_the_sdist_has_what_a_contributor_needs(released: Path) -> None:
    """The sdist has the licence, the documentation, the tests and the examples, and nothing built."""
    (sdist,) = released.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for wanted in ("LICENSE", "CONTRIBUTING.md", "Makefile", "docs/glossary.md", "tests/test_release.py"):
        assert wanted in names
    assert any(name.startswith("examples/") for name in names)
    assert not any(name.endswith((".whl", ".pyc")) or name.startswith((".venv", "dist")) for name in names)


def test_the_wheel_has_types_and_the_licence(released: Path) -> None:
    """The wheel is typed, carries its licence and its manual page, and has nothing beside the package."""
    (wheel,) = released.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    about = f"keepapart-{keepapart.__version__}.dist-info"
    assert {"keepapart/py.typed", f"{about}/licenses/LICENSE"} <= names
    data = f"keepapart-{keepapart.__version__}.data"
    assert {name.partition("/")[0] for name in names} == {"keepapart", about, data}
    assert [name for name in names if name.startswith(data)] == [f"{data}/data/share/man/man1/keepapart.1"]


def test_the_wheel_does_the_job(fresh: Path, tmp_path: Path, elsewhere: dict[str, str]) -> None:
    """Installed by itself it brings up a lab, audits it and finds who shares a host."""
    command = fresh / "keepapart"
    where = run([fresh / "python", "-c", "import keepapart; print(keepapart.__file__)"], tmp_path, elsewhere)
    assert where.startswith(str(fresh.parent))
    assert run([command, "--version"], tmp_path, elsewhere) == f"keepapart {keepapart.__version__}\n"
    try:
        run([command, "lab", "up", WORLD], tmp_path, elsewhere)
        run([command, "init", "--lab"], tmp_path, elsewhere)
        assert "4 of 5 members share a host" in run([command, "audit"], tmp_path, elsewhere)
    finally:
        subprocess.run([command, "lab", "down"], env=elsewhere, capture_output=True, check=False)
