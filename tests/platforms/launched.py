"""Platforms on which instances are launched by REST, each with a double of its API on loopback."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keepapart.testing.clouds import CloudUnderTest
from tests.platforms import (
    azure_stub,
    digitalocean_stub,
    google_stub,
    handed,
    hetzner_stub,
    killed,
    linode_stub,
    oci_stub,
    wrong,
)

PAGES = Path(__file__).parents[2] / "docs" / "platforms"


@dataclass
class Platform:
    """A platform's double, what is launched there, and an id (`unknown`) that nothing has."""

    account: Any  # an `Account`, and what its own double has
    what: dict[str, Any]
    apart: dict[str, Any]  # the key that asks for a fault domain, where one can be asked for
    unknown: str

    def under_test(self, **settings: Any) -> CloudUnderTest:
        """Return its cloud for a conformance rule."""
        account = self.account
        return CloudUnderTest(
            lambda: account.open(**self.what | settings),
            unknown=self.unknown,
            full=lambda _: account.no_room(late=False),
            refused=lambda _: account.refusing(),
            failing=account.failing,
            cut_short=account.cut_short,
            unanswered=lambda _: wrong.lost_after(account),
            handed=handed.by(account),
            patience=20.0,
            sleep=lambda seconds: time.sleep(min(seconds, 0.01)),
        )

    def configured(self, folder: Path) -> Path:
        """Write the configuration of its page, with the double's address."""
        path, provider = folder / "keepapart.toml", f'provider = "{self.account.provider}"\n'
        text = killed.example(PAGES / f"{self.account.provider}.md")
        text = text.replace(provider, f'{provider}endpoint = "{self.account.endpoint}"\n')
        path.write_text(f'{text}[store]\nurl = "sqlite:///{folder}/keepapart.db"\n', encoding="utf-8")
        return path


WHAT: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "azure": (azure_stub.WHAT, {"scale_set": "auto"}, "shop/nobody"),
    "google": (google_stub.WHAT, {"spread_policy": "auto"}, "us-central1-a/nobody"),
    "oci": (oci_stub.WHAT, {"fault_domain": "auto"}, "ocid1.instance.oc1..nobody"),
}

ONE_CALL: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "digitalocean": (digitalocean_stub.WHAT, {}, "999"),
    "hetzner": (hetzner_stub.WHAT, {}, "999"),
    "linode": (linode_stub.WHAT, {}, "999"),
}
