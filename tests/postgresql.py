"""A PostgreSQL of a test's own: a fresh cluster in a temporary folder, on a unix socket, never as root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def serving() -> Iterator[str]:
    """Yield the url of an empty database; skip where there are no server binaries, saying so."""
    found, user = server_folder(), somebody()
    with tempfile.TemporaryDirectory(prefix="pg") as name:
        folder = Path(name)
        if user:
            os.chown(folder, user.pw_uid, user.pw_gid)
        options = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": ()} if user else {}
        common = {"cwd": folder, "stdout": subprocess.DEVNULL, **options}
        subprocess.run(  # type: ignore[call-overload]  # options for another user are keywords of Popen's
            [f"{found}/initdb", "-D", str(folder / "data"), "-U", "test", "-A", "trust", "--no-sync"],
            check=True,
            stderr=subprocess.DEVNULL,
            **common,
        )
        arguments = ["-D", str(folder / "data"), "-k", str(folder), "-c", "listen_addresses=", "-F"]
        server = subprocess.Popen(  # type: ignore[call-overload]  # as above
            [f"{found}/postgres", *arguments], stderr=subprocess.PIPE, text=True, **common
        )
        with server:
            try:
                _await_ready(server)
                yield f"postgresql+psycopg://test@/postgres?host={folder}"
            finally:
                server.send_signal(signal.SIGINT)
                server.communicate()


def server_folder() -> str:
    """Return where the server's programs are; skip where there are none, saying so."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    found = str(folders[-1]) if folders else os.path.dirname(shutil.which("initdb") or "")  # noqa: PTH120
    if not found:
        pytest.skip("no PostgreSQL server here; Debian's package is postgresql")
    return found


def _await_ready(server: subprocess.Popen[str]) -> None:
    assert server.stderr is not None
    said = ""
    for line in server.stderr:
        said += line
        if "ready to accept connections" in line:
            return
    raise AssertionError(f"PostgreSQL did not start: {said}")


def somebody() -> pwd.struct_passwd | None:
    """Name somebody else to run as, where this is root: PostgreSQL refuses that."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.skip("PostgreSQL doesn't run as root, and there is nobody else")
