"""What a node answers is untrusted: it is read strictly here, and what is malformed is nothing.

Every function takes what came out of JSON, whatever that is, and returns values of known types and bounded
size.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from keepapart.errors import ReachError
from keepapart.node.gateway import FLOWS
from keepapart.node.keyed import HASHES
from keepapart.node.ladder import RUNGS
from keepapart.node.routes import Way
from keepapart.reach import Climbed, Sighting, Surroundings

TEXTS = 64  # of a guest
ADDRESSES = 1 << 17  # of a machine, or of those that it says its own address towards
TEXT = 1 << 17  # characters of one: Hyper-V's pool takes most
HARDWARE = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")
DEVICE = re.compile(r"[!-.0-~]{1,15}")  # a device's name: no blank, no slash
KIND = re.compile(r"[a-z0-9_-]{1,15}")
ARPHRD = range(1 << 16)
ENDPOINT = re.compile(r"([0-9a-f.:]{2,45}) ([0-9]{1,5}) ([0-9]{1,5})")
ECHOES = re.compile(r"[0-9]{1,4}")


def decode(line: bytes) -> Mapping[str, Any]:
    """Read an answer. Raises `ReachError` where it is none, or says that the node failed."""
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise ReachError("its node says something that is not an answer")
    if "error" in answer:
        raise ReachError(f"its node failed: {plain(str(answer['error']))}")
    return answer


def plain(text: str) -> str:
    """Return what a stranger wrote as one short line that is safe to show in a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[:400]).split())[:200]


def octets(told: object) -> bytes:
    """Decode base64; empty where it is none."""
    try:
        return base64.b64decode(told, validate=True) if isinstance(told, str) else b""
    except (ValueError, binascii.Error):
        return b""


def texts(told: object) -> dict[str, str]:
    """Read what a node tells of its machine."""
    items = list(told.items())[:TEXTS] if isinstance(told, dict) else []
    return {name: text for name, text in items if isinstance(text, str) and len(text) <= TEXT}


def addresses(told: object) -> list[str]:
    """Read addresses, each in its place; empty for what is none that others could send to."""
    listed = told[:ADDRESSES] if isinstance(told, list) else []
    found = [_address(text) if isinstance(text, str) else "" for text in listed]
    return ["" if not text or _of_one_link(text) else text for text in found]


def hashes(told: object) -> list[str]:
    """Read which keyed hashes a node has."""
    return [name for name in HASHES if name in told] if isinstance(told, list) else []


def climbed(answer: Mapping[str, Any], by: str, targets: Sequence[str]) -> list[Climbed]:
    """Read a count and a token for each target. Raises `ReachError` where counts are none."""
    counts, tokens = answer.get("hops"), answer.get("tokens")
    if not isinstance(counts, list) or len(counts) != len(targets):
        raise ReachError("its node answers for other ladders than it was to climb")
    if any(type(count) is not int or not 0 <= count <= RUNGS for count in counts):
        raise ReachError("its node counts hops that can't be")
    if not isinstance(tokens, list) or len(tokens) != len(targets):
        tokens = [""] * len(targets)
    return [(count, _token(token, by)) for count, token in zip(counts, tokens, strict=True)]


def confirmed(told: object, tokens: Sequence[str]) -> list[bool]:
    """Read of each token whether it was confirmed; none is where that is not plain."""
    if not isinstance(told, list) or len(told) != len(tokens):
        return [False] * len(tokens)
    return [type(one) is int and one == 1 for one in told]


def sightings(told: object, family: int, steps: int) -> list[Sighting]:
    """Read which routers a node saw on how many steps; what can't be is left out.

    `family` is 4 or 6, that of the node's sockets.
    """
    found: list[Sighting] = []
    for one in told[: steps * FLOWS] if isinstance(told, list) else ():
        match one:
            case [int() as number, str() as text, int() as times] if (
                type(number) is type(times) is int and 0 <= number < steps and 1 <= times <= FLOWS
            ):
                address = _address(text)
                if address and ip_address(address).version == family:
                    found.append((number, address, times))
    return found


def surroundings(answer: Mapping[str, Any], most: int) -> Surroundings | None:
    """Read whether a node's address is its machine's own, and at most so many ways; None where untold."""
    own, ways = answer.get("own"), answer.get("ways")
    if type(own) is not int or own not in (0, 1):
        return None
    told = ways[:most] if isinstance(ways, list) else []
    return own == 1, [way for one in told if (way := _way(one))]


def _way(told: object) -> Way | None:
    match told:
        case [str() as gateway, str() as hardware, str() as device, int() as number, str() as kind] if (
            (not gateway or _address(gateway))
            and (not hardware or HARDWARE.fullmatch(hardware))
            and type(number) is int
            and number in ARPHRD
        ):
            names = [
                text if known.fullmatch(text) else "" for text, known in ((device, DEVICE), (kind, KIND))
            ]
            return _address(gateway), hardware, names[0], number, names[1]
    return None


def _token(told: object, by: str) -> str:
    if not isinstance(told, str):
        return ""
    if by == "icmp":
        return told if ECHOES.fullmatch(told) else ""
    end = ENDPOINT.fullmatch(told)
    return told if end and _address(end[1]) == end[1] and int(end[2]) < 1 << 16 else ""


def _of_one_link(text: str) -> bool:
    address = ip_address(text)
    return any((address.is_loopback, address.is_link_local, address.is_multicast, address.is_unspecified))


def _address(text: str) -> str:
    """Spell an address as everybody does; empty where it is none, or has a scope."""
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    return "" if "%" in text else str(address)
