"""One token is one instance, whatever becomes of an answer: the four kinds of platform.

=========  ==============================================================  ==============================
kind       what keeps a second instance from being launched                platforms
=========  ==============================================================  ==============================
TOKEN      the call carries the token, and the platform remembers it       EC2, OCI
IDENTITY   the client chooses the instance's id                            Azure, Google, Proxmox, libvirt
NAME       the client names it, and the platform has a name only once      Hetzner, Linode, vSphere
NOTHING    nothing: what may have been sent is looked for by its name      OpenStack, DigitalOcean, Vultr
=========  ==============================================================  ==============================

Id and name follow from the token alone (`name_of`, `number_of`, `uuid_of`), so that whoever reads the
journal after a crash finds the instance, and so that the platform's own list shows whose it is before its
tags show. Rules:

1. What has the name and the tags of the attempt is what the token launched. Of several, the oldest is; the
   others have the tags of the attempt too, and admission releases them as strays.
2. Where the platform keeps a second one away, a stranger under that id or name is an error: another token is
   needed. Where it doesn't, strangers of the same name are no hindrance.
3. Where it is not told yet whose it is, that is waited for.
4. NOTHING: a call that may have been sent is not made again before `QUIET` seconds have shown nothing.
5. Nothing here waits: `UnsettledError` says that the call is to be made again, and whoever makes it keeps
   the lease, the budget and Ctrl-C in view meanwhile.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from keepapart.clouds import ATTEMPT_TAG, CLUSTER_TAG, RUN_TAG, LaunchRequest
from keepapart.errors import CloudError, RefusedError, UnsettledError

QUIET = 90.0  # seconds: the client's time-out of 30, and the 60 that a platform's own calls may take inside
PREFIX = "ka-"
DIGITS = 20  # of a name: 80 bits of the token's digest


class Kind(Enum):
    """What keeps a platform from launching twice for one token."""

    TOKEN = "token"  # noqa: S105  # names a kind, guards nothing
    IDENTITY = "identity"
    NAME = "name"
    NOTHING = "nothing"


ALONE = frozenset({Kind.IDENTITY, Kind.NAME})  # the platform refuses a second one, whosever the first is


class ExistsError(CloudError):
    """The platform refuses a launch, since it has an instance of this id or name."""


@dataclass(frozen=True, slots=True)
class Namesake:
    """An instance that has the id or name of a token. `ours` is None where its tags aren't told yet.

    `born` sorts by age: the oldest has the least.
    """

    id: str
    ours: bool | None
    born: str = ""


@dataclass(frozen=True, slots=True)
class Take:
    """Take this instance for the token's."""

    id: str


@dataclass(frozen=True, slots=True)
class Send:
    """Make the call."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again; it is certain after so many seconds, or None."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class Refuse:
    """Launch nothing for this token: its id or name is a stranger's."""

    id: str


Decision = Take | Send | Wait | Refuse


def decide(kind: Kind, namesakes: Sequence[Namesake], sent: float | None) -> Decision:
    """Say what a launch does next; `namesakes` have the token's id or name, `sent` is the request's. Pure."""
    if ours := [each for each in namesakes if each.ours]:
        return Take(min(ours, key=lambda each: (each.born, each.id)).id)
    if any(each.ours is None for each in namesakes):
        return Wait(None)
    if namesakes and kind in ALONE:
        return Refuse(namesakes[0].id)
    if kind is Kind.NOTHING and sent is not None and sent < QUIET:
        return Wait(QUIET - sent)
    return Send()


def launched(
    kind: Kind, request: LaunchRequest, look: Callable[[], Sequence[Namesake]], send: Callable[[], str]
) -> str:
    """Launch for this token, unless that was done; return the instance's id.

    `look` finds what has the token's id or name, in any state; `send` calls, or raises `ExistsError`.
    Raises `RefusedError` by rule 2, `UnsettledError` by rules 3 and 4, and what `look` and `send` raise.
    """
    try:
        found = _decided(kind, look(), request.sent)
        return send() if found is None else found
    except ExistsError as error:
        found = _decided(kind, look(), request.sent)
        if found is None:
            raise UnsettledError(f"{error.cause}, and doesn't show it") from error
        return found


def _decided(kind: Kind, namesakes: Sequence[Namesake], sent: float | None) -> str | None:
    """Return what was launched before; None where the call is to be made."""
    match decide(kind, namesakes, sent):
        case Take(found):
            return found
        case Refuse(stranger):
            raise RefusedError(f"{stranger} has the id or the name of this attempt, and isn't ours")
        case Wait(seconds):
            raise UnsettledError("a launch that may have been made is looked for", seconds=seconds)
    return None


def name_of(token: str) -> str:
    """Return the name of a token's instance, which is a host name on every platform."""
    return PREFIX + hashlib.sha256(token.encode()).hexdigest()[:DIGITS]


def number_of(token: str, first: int, last: int) -> int:
    """Return a token's number from `first` to `last`, both of them included."""
    digest = hashlib.sha256(token.encode()).digest()
    return first + int.from_bytes(digest[:8], "big") % (last - first + 1)


def renewed(token: str, times: int) -> str:
    """Return what a platform is to remember a call by, once so many of this token surely came to nothing.

    It would answer the same token with the same failure.
    """
    return hashlib.sha256(f"{token} {times}".encode()).hexdigest()[:40] if times else token


def uuid_of(token: str) -> str:
    """Return a token's UUID."""
    return str(uuid.UUID(bytes=hashlib.sha256(token.encode()).digest()[:16], version=4))


def carries(tags: Mapping[str, str], request: LaunchRequest) -> bool:
    """Say whether these tags are those of the request's attempt."""
    marks = (CLUSTER_TAG, RUN_TAG, ATTEMPT_TAG)
    return all(tags.get(mark) == request.tags[mark] for mark in marks if mark in request.tags)
