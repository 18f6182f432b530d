"""What to try where there is no way in by ssh: ssh's own line, and what its failure is mostly about. Pure."""

from __future__ import annotations

import re
import shlex

from keepapart.model import Instance
from keepapart.settings import ReachSettings


def ssh_line(instance: Instance, reach: ReachSettings) -> str:
    """Return the `ssh` that goes where an instance's way in leads; empty where that isn't ssh."""
    way, _, where = (instance.reach or f"{reach.via}:").partition(":")
    if way != "ssh":
        return ""
    user, _, place = where.strip("/").rpartition("@")
    host, _, port = place.rpartition(":") if re.search(r"[^:]:[0-9]+$|]:[0-9]+$", place) else (place, "", "")
    user = user or ("" if place else reach.user)
    target = host.strip("[]") or instance.address or instance.id
    config, at = ["-F", reach.ssh_config] if reach.ssh_config else [], ["-p", port] if port else []
    return shlex.join(["ssh", *config, *at, f"{user}@{target}" if user else target, "python3", "--version"])


ABOUT = (  # the first that is found in what is said of the failure
    (r"host key .*is (?-i:NOT)", "the key changed: find out why before you believe it"),
    (
        r"host key",
        'compare the key and say yes; or [reach] new_host_keys = "accept" in {file} where you trust the way',
    ),
    (
        r"permission denied|authenti",
        "which user and key? `ssh-add -l` lists keys, [reach] user in {file} a user",
    ),
    (r"resolved|not known|name or service", "write its address in {file}, or its HostName in ~/.ssh/config"),
    (r"refused", "is sshd running there, and on that port?"),
    (
        r"no answer|no connection|timed out|unreachable|no route",
        "does a firewall or a missing ProxyJump stand between? ConnectTimeout in ~/.ssh/config sets the time",
    ),
    (r"python3", "python3, 3.6 or later, is all that is needed there"),
)


def about_ssh(why: str, name: str, file: str) -> str:
    """Say what `why` an instance can't be reached is mostly about; `file` is the configuration."""
    for pattern, about in ABOUT:
        if re.search(pattern, why, re.IGNORECASE):
            return f"{name}: {about.format(file=file)}"
    return f"{name}: what ssh itself says; what it takes, keepapart takes"
