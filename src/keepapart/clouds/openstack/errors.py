"""What a refusal means: every error of keystoneauth's and openstacksdk's as one of keepapart's own.

What clouds.yaml or a variable says wrongly is a `ConfigError`, what the cloud answers a `CloudError`; either
names the mend. Passwords and tokens never get into a message: none of the errors that are repeated has them.
"""

from __future__ import annotations

import os

from keystoneauth1 import exceptions as ksa
from openstack import config
from openstack.exceptions import ConfigException

from keepapart.errors import CloudError, ConfigError, DeniedError, NotFoundError, QuotaError, RefusedError
from keepapart.tables import nearest

LONG = 300  # characters of the cloud's own words

_WHOM = "say which as [cloud] cloud or OS_CLOUD, or set OS_AUTH_URL and the others (`source openrc`)"
_REGION = "look at [cloud] region, OS_REGION_NAME, and interface in clouds.yaml"
MENDS: tuple[tuple[type[Exception], str], ...] = (
    (
        ksa.Unauthorized,
        "the password, application credential or token is wrong or has ended: `openstack token issue` tells",
    ),
    (
        ksa.Forbidden,
        "listing needs the role reader in the project, launching and moving the role member",
    ),
    (ksa.EndpointNotFound, _REGION),
    (ksa.SSLError, "the certificate is none that this machine trusts: cacert in clouds.yaml, or OS_CACERT"),
    (ksa.ConnectTimeout, "nobody answers: look at auth_url, at proxies, and at [cloud] timeout"),
    (ksa.ConnectionError, "nobody answers: look at auth_url, and at proxies"),
    (ksa.DiscoveryFailure, "this is no address of OpenStack's: look at auth_url"),
    (ksa.NotFound, "this is no address of OpenStack's: look at auth_url"),
    (ksa.RequestEntityTooLarge, "too many calls: other tools may take part in it; try again later"),
    (ksa.TooManyRequests, "too many calls: other tools may take part in it; try again later"),
)


def translate(error: Exception, doing: str) -> CloudError | ConfigError:
    """Return keepapart's error for one of the libraries'; `doing` says what was asked, if anything was."""
    said = _clean(str(error)) or type(error).__name__
    if isinstance(error, ksa.MissingRequiredOptions):
        if any(option.dest == "auth_url" for option in error.options):
            named = os.environ.get("OS_CLOUD")
            said = f"OS_CLOUD: there is no cloud {named!r}" if named else "no OpenStack cloud is named"
            return ConfigError(f"[cloud] cloud: {said}", _nearest(named) if named else _WHOM)
        return ConfigError(f"[cloud] cloud: {said}", "look at clouds.yaml, or at the variables OS_…")
    if isinstance(error, ConfigException) and "not found" in said:
        words = said.split()  # "Cloud NAME was not found."
        return ConfigError(f"[cloud] cloud: {said.rstrip('.')}", _nearest(words[1] if words[1:] else ""))
    if not doing or isinstance(error, (ksa.AuthPluginException, ksa.AuthorizationFailure)):
        return ConfigError(f"[cloud] cloud: {said}", "look at clouds.yaml, or at the variables OS_…")
    mend = next((mend for kind, mend in MENDS if isinstance(error, kind)), "")
    return CloudError(f"{doing}: {said.rstrip('.')}", mend)


def refused(error: Exception, doing: str) -> CloudError | ConfigError:
    """Return keepapart's error for a change that Nova doesn't make.

    A quota isn't waited for; that of a server group is another matter: without the group there may be room.
    """
    said = f"{doing}: {words}" if (words := _words(error)) else ""
    meant = translate(error, doing)
    if said and isinstance(meant, CloudError):
        meant = CloudError(said, meant.mend)
    if isinstance(error, ksa.NotFound):
        return NotFoundError(meant.cause)
    if isinstance(error, ksa.Forbidden) and "servers in group" in meant.cause:
        return RefusedError(meant.cause)
    if isinstance(error, ksa.Forbidden):
        if "uota" in meant.cause:
            return QuotaError(meant.cause, "ask for a higher quota, or release servers")
        return DeniedError(meant.cause, meant.mend)
    return RefusedError(meant.cause) if isinstance(error, ksa.BadRequest) else meant


def _words(error: Exception) -> str:
    """Return what Nova itself says in the body of a refusal: one object, with a message."""
    if not isinstance(error, ksa.HttpError) or error.response is None:
        return ""
    try:
        (about,) = error.response.json().values()
        return _clean(str(about["message"])).rstrip(".")
    except (ValueError, TypeError, KeyError, AttributeError):
        return ""


def _nearest(name: str) -> str:
    there = sorted(set(config.OpenStackConfig().get_cloud_names()) - {"defaults", "envvars"})
    if not there:
        return "there is no clouds.yaml here, in ~/.config/openstack or in /etc/openstack"
    return nearest(name, there)


def _clean(text: str) -> str:
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return text if len(text) <= LONG else text[:LONG] + " …"
