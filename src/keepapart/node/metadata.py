"""What an instance is told of itself by its platform's metadata service, on a link-local address.

Handed over to every instance together with node.py: standard library only, Python 3.6 or later.

1. Nothing is asked that wasn't told to: who asks knows the platform without a packet (`signals.platform`).
2. An address is asked, never a name, straight and through no proxy; an answer that leads elsewhere is none.
3. Only an answer 200 counts, in time, whole, of at most `LARGEST` bytes, with the header that the service
   shows. The first that doesn't come at all ends the asking: nobody is there.
4. Of a document only the fields asked for are told. A token stays here, and is forgotten with the answers.
"""

from __future__ import annotations

import time
from typing import Any

from keepapart.node.stdlib import socket

CONNECT = 1.0  # seconds
EXCHANGE = 2.0  # seconds for one question and its answer
ALL = 4.0  # seconds for all of them
ATTEMPTS = 2
LARGEST = 1 << 18  # bytes of an answer: a document holds what an operator gave the instance along as well
VALUE = 4096  # characters of one value that is told
TOKEN = 1024  # characters


def ask(service: dict[str, Any]) -> dict[str, str]:
    """Return by name what a service answers of that which it is asked for; see `model.Service`."""
    end = time.monotonic() + ALL
    for address in service["addresses"]:
        for _ in range(ATTEMPTS):
            try:
                return _answers(address, service, end)
            except OSError:  # nobody there, or too slow
                if time.monotonic() >= end:
                    return {}
    return {}


def _answers(address: str, service: dict[str, Any], end: float) -> dict[str, str]:
    """Ask all of it at one address. Raises `OSError` where nobody answers."""
    headers = dict(service["headers"])
    if service["token"]:
        path, asking, name = service["token"]
        token = _get(address, service, "PUT", path, dict(asking), end).strip()
        if not 0 < len(token) <= TOKEN or not all(" " < c <= "~" for c in token):
            return {}
        headers[name] = token
    told = {}
    documents = []
    for path, fields in service["asks"]:
        if fields in documents:  # another version of it was there
            continue
        answer = _get(address, service, "GET", path, headers, end)
        taken = _taken(answer, fields)
        if taken:
            documents.append(fields)
        for name, value in taken.items():
            if 0 < len(value) <= VALUE:
                told[name] = value
    return told


def _taken(answer: str, fields: Any) -> dict[str, str]:
    """Take the fields out of a document; without any, a name alone stands for all of the answer."""
    if isinstance(fields, str):
        return {fields: answer.strip()}
    import json  # where it is needed only: it takes longer to import than a node takes to start

    try:
        document = json.loads(answer)
    except (ValueError, RecursionError):
        return {}
    told = {}
    for name in fields:
        value = document
        for key in name.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, (str, int)):
            told[name] = str(value).strip()
    return told


def _get(
    address: str, service: dict[str, Any], method: str, path: str, headers: dict[str, str], end: float
) -> str:
    """Return what is answered, "" where that doesn't count. Raises `OSError` where nothing is."""
    from http.client import HTTPException, HTTPResponse
    from io import BytesIO

    class Answer:
        def makefile(self, *_: Any) -> Any:
            return BytesIO(raw)

    host = "[{}]".format(address) if ":" in address else address
    lines = ["{} {} HTTP/1.1".format(method, path), "Host: " + host, "Connection: close"]
    if method == "PUT":
        lines.append("Content-Length: 0")
    lines += ["{}: {}".format(name, headers[name]) for name in headers]
    raw = _exchange(address, service["port"], "\r\n".join([*lines, "", ""]).encode("ascii"), end)
    try:
        response = HTTPResponse(Answer())  # type: ignore[arg-type]
        response.begin()
        body = response.read()
    except (HTTPException, ValueError, OSError):
        return ""
    shown = service["shows"]
    if response.status != 200 or len(raw) > LARGEST or (shown and response.getheader(shown[0]) != shown[1]):
        return ""
    return body.decode("utf-8", "replace")


def _exchange(address: str, port: int, question: bytes, end: float) -> bytes:
    """Send a question and receive until the other end is done. Raises `OSError`, also where time is up."""
    last = min(end, time.monotonic() + EXCHANGE)
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.settimeout(CONNECT)
        sock.connect((address, port))
        sock.sendall(question)
        raw = b""
        while len(raw) <= LARGEST and not _whole(raw):
            sock.settimeout(_left(last))
            more = sock.recv(1 << 16)
            if not more:
                break
            raw += more
        return raw
    finally:
        sock.close()


def _left(end: float) -> float:
    """Return the seconds until then. Raises `OSError` where there are none."""
    left = end - time.monotonic()
    if left <= 0:
        raise OSError("time is up")
    return left


def _whole(raw: bytes) -> bool:
    """Whether an answer says its length, and is here."""
    head, found, body = raw.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n")[1:] if found else ():
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            return len(body) >= int(value)
    return False
