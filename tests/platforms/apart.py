"""A stub in a process of its own: whoever asks it can be forked, and killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import requests

from tests.platforms.launching_stub import LaunchingAccount
from tests.platforms.stub import Call, Reply

ORDERS = "/by-order-of-a-test"

A = TypeVar("A", bound=LaunchingAccount)


class Apart(Generic[A]):
    """An account in another process; `order` has one of its methods called there."""

    def __init__(self, account: A) -> None:
        self.account, self.endpoint = account, account.endpoint

    def order(self, method: str, *args: Any, **more: Any) -> Any:
        """Call this method of the account, with what JSON can say."""
        said: Any = {"method": method, "args": args, "more": more}
        return requests.post(self.endpoint + ORDERS, json=said, timeout=10).json()


@contextmanager
def apart(account: A) -> Iterator[Apart[A]]:
    """Serve an account in a process of its own, as long as the context lasts."""
    parent, pid = os.getpid(), os.fork()
    if pid == 0:
        _serve(account, parent)
    account.close()
    try:
        yield Apart(account)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _serve(account: LaunchingAccount, parent: int) -> None:
    def end() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    def answer(call: Call) -> Reply:
        if call.path != ORDERS:
            return account.answer_or_lose(call)
        said = call.body
        return Reply(getattr(account, said["method"])(*said["args"], **said["more"]))

    account.answer = answer
    threading.Thread(target=end, daemon=True).start()
    try:
        account.serve()
    finally:
        os._exit(1)
