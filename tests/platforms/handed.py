"""Which user data a launch call brought to a platform's double, decoded as that platform does it."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from tests.platforms.stub import Account, Call

NAMES = ("name", "displayName", "label")


def _google(body: Any) -> str | None:
    items = body.get("metadata", {}).get("items", ())
    return next((str(one["value"]) for one in items if one["key"] == "user-data"), None)


IN: Mapping[str, Callable[[Any], str | None]] = {
    "azure": lambda body: body["properties"]["osProfile"].get("customData"),
    "digitalocean": lambda body: body.get("user_data"),
    "google": _google,
    "hetzner": lambda body: body.get("user_data"),
    "linode": lambda body: body.get("metadata", {}).get("user_data"),
    "oci": lambda body: body.get("metadata", {}).get("user_data"),
}
AS_TEXT = ("digitalocean", "google", "hetzner")


def by(account: Account) -> Callable[[str], bytes]:
    """Return what tells the user data of an instance of this double, by its id."""
    return partial(_handed, account)


def _handed(account: Account, instance_id: str) -> bytes:
    there = next((one for one in account.things if str(one.get("id")) == instance_id), {})
    name = next((there[key] for key in NAMES if there.get(key)), instance_id.rpartition("/")[2])
    (call,) = [each for each in account.calls if _made(each, name)]
    found = IN[account.provider](call.body) or ""
    return found.encode() if account.provider in AS_TEXT else b64decode(found, validate=True)


def _made(call: Call, name: str) -> bool:
    if call.method == "PUT" and call.path.endswith(f"/virtualMachines/{name}"):
        return True
    if call.method != "POST" or call.path.endswith("/token"):
        return False
    return any((call.body or {}).get(key) == name for key in NAMES)
