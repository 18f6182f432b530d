"""Google Cloud: `provider = "google"`, by Compute Engine's REST API. docs/platforms/google.md is the guide.

One file a subject: `reading` (what is stated of instances), `asking` (changes, operations, and what refusals
mean), `request` (what a launch says), `placing` (the spread policy and the domain in it), `cloud` (launch and
release), `settings` (the keys), `auth` (the credentials).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keepapart.clouds import Listing
from keepapart.clouds.google.settings import Settings
from keepapart.clouds.listed import need, parse
from keepapart.errors import ConfigError
from keepapart.model import Instance

ENDPOINT = "https://compute.googleapis.com/compute/beta"
SCOPE = "https://www.googleapis.com/auth/compute"  # what may be done within it is the role's to say
PROJECTS = ("GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT")
KEY_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
DMI = Path("/sys/class/dmi/id/product_name")


def connect(settings: Mapping[str, Any], instances: Sequence[Instance]) -> Listing:
    """Open Google Cloud as `[cloud]` says. Raises `ConfigError`."""
    chosen = parse(settings, Settings, instances)
    need("google", "requests", "google.auth")
    if not (os.environ.get(KEY_FILE) or _login().is_file() or _on_google()):
        raise ConfigError(
            '[cloud] provider: "google" has no credentials',
            f"`gcloud auth application-default login`, or name a key file in {KEY_FILE}",
        )
    from keepapart.clouds.google.auth import Credentials
    from keepapart.clouds.google.cloud import GoogleCloud
    from keepapart.clouds.rest import Mends, Rest

    credentials = Credentials(SCOPE, chosen.timeout)
    project = chosen.project or next(filter(None, map(os.environ.get, PROJECTS)), "") or credentials.project
    if not project:
        raise ConfigError(f"[cloud] project: none is set; write it there, or set {PROJECTS[0]}")
    rest = Rest(
        "Google Cloud",
        chosen.endpoint or ENDPOINT,
        credentials,
        Mends(
            f"`gcloud auth application-default login`, or look at {KEY_FILE}",
            "the rights that are needed are in docs/platforms/google.md",
        ),
        timeout=chosen.timeout,
        tries=chosen.tries,
    )
    return GoogleCloud(rest, project, chosen)


def _login() -> Path:
    """Return where gcloud keeps the credentials of programs."""
    folder = os.environ.get("CLOUDSDK_CONFIG", "")
    return (Path(folder) if folder else Path.home() / ".config" / "gcloud") / (
        "application_default_credentials.json"
    )


def _on_google() -> bool:
    """Whether this machine is Google's, by its firmware: only then is its metadata service asked."""
    try:
        return DMI.read_text(encoding="ascii").strip() == "Google Compute Engine"
    except (OSError, UnicodeDecodeError):
        return False
