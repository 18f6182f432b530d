"""What goes wrong between keepapart and any platform's API, as long as a context lasts."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from tests.platforms.stub import Answering, Call, Reply, Stub

BROKEN = Reply({"message": "the gateway gave up"}, 502)

Wrong = Callable[[Stub], AbstractContextManager[None]]


@contextmanager
def answering(stub: Stub, instead: Callable[[Answering], Answering]) -> Iterator[None]:
    """Answer as `instead` says of how it was answered before."""
    before = stub.answer
    stub.answer = instead(before)
    try:
        yield
    finally:
        stub.answer = before


def changes(call: Call) -> bool:
    """Say whether this is a call that changes something."""
    return call.method != "GET" and not call.path.endswith("/token")


def lost_before(stub: Stub) -> AbstractContextManager[None]:
    """Lose calls that change something: they never come to the platform."""
    return answering(stub, lambda before: lambda call: BROKEN if changes(call) else before(call))


def lost_after(stub: Stub) -> AbstractContextManager[None]:
    """Lose the answers of calls that change something: they are done."""

    def instead(before: Answering) -> Answering:
        def answer(call: Call) -> Reply:
            said = before(call)
            return BROKEN if changes(call) else said

        return answer

    return answering(stub, instead)


def busy(stub: Stub) -> AbstractContextManager[None]:
    """Be asked too often to change anything."""
    said = Reply({"error": {"code": "TooManyRequests", "message": "not so fast"}}, 429)
    return answering(stub, lambda before: lambda call: said if changes(call) else before(call))


def expired(stub: Stub) -> AbstractContextManager[None]:
    """Know the credentials no more."""
    said = Reply({"error": {"code": "Unauthenticated", "message": "the token has ended"}}, 401)
    return answering(stub, lambda _: lambda _: said)


@contextmanager
def hanging(stub: Stub) -> Iterator[None]:
    """Do what is asked, and never answer."""
    over = threading.Event()

    def instead(before: Answering) -> Answering:
        def answer(call: Call) -> Reply:
            said = before(call)
            over.wait()
            return said

        return answer

    with answering(stub, instead):
        try:
            yield
        finally:
            over.set()


def late(lists: Callable[[Call], bool]) -> Wrong:
    """Show in `lists` what there was at the look before."""

    def wrong(stub: Stub) -> AbstractContextManager[None]:
        shown: dict[str, Reply] = {}

        def instead(before: Answering) -> Answering:
            def answer(call: Call) -> Reply:
                now = before(call)
                if not lists(call):
                    return now
                was = shown.get(call.target, now)
                shown[call.target] = now._replace(body=json.loads(json.dumps(now.body)))
                return was

            return answer

        return answering(stub, instead)

    return wrong
