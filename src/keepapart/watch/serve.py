"""The watch as a process: audits, webhooks and answers side by side, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import uvicorn

from keepapart.config import Config
from keepapart.errors import ExitCode, KeepapartError, OperationError
from keepapart.watch import auditor, guard
from keepapart.watch.api import Api
from keepapart.watch.auditor import Configured
from keepapart.watch.loop import Watch
from keepapart.watch.systemd import notify, watchdog
from keepapart.watch.webhooks import Webhooks, keys

GRACE = 3  # seconds that answers have to end
LOG = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """A server that leaves signals to the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def serve(reload: Callable[[], Configured], tell: Callable[[str], None]) -> ExitCode:
    """Watch until SIGTERM (0) or Ctrl-C (130); on SIGHUP the configuration is read again, by `reload`.

    `tell` is given a line for people. Raises `ConfigError`, and `OperationError` where the address is taken.
    """
    by = reload()
    token = guard.token(by.config)
    keys(by.config)
    with _bound(by.config) as listening:
        return asyncio.run(_served(by, token, listening, reload, tell))


@contextmanager
def _bound(config: Config) -> Iterator[socket.socket]:
    address, port = guard.place(config)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((address, port))
        except OSError as error:
            where = f"{config.path}: [watch] listen: {config.watch.listen}"
            raise OperationError(f"{where}: {error.strerror}") from None
        yield listening


async def _served(
    by: Configured,
    token: str,
    listening: socket.socket,
    reload: Callable[[], Configured],
    tell: Callable[[str], None],
) -> ExitCode:
    watch = Watch(by, audit=auditor.audit, draw=random.random)
    ended: asyncio.Future[ExitCode] = asyncio.get_running_loop().create_future()
    _on_signals(ended, lambda: _again(watch, reload))
    async with running(watch, token, listening) as tasks:
        host, port = listening.getsockname()[:2]
        tell(f"watching {watch.cluster!r}: http://{f'[{host}]' if ':' in host else host}:{port}/")
        notify(READY=1)
        waited: list[asyncio.Future[Any]] = [ended, *tasks]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        notify(STOPPING=1)
    return ended.result()


@asynccontextmanager
async def running(
    watch: Watch, token: str, listening: socket.socket
) -> AsyncIterator[Sequence[asyncio.Task[None]]]:
    """Have the watch audit, deliver and answer; yield the tasks that do, which end with this."""
    async with httpx.AsyncClient() as client:
        webhooks = Webhooks(watch, client)
        api = Api(watch, webhooks)
        server = _Server(
            uvicorn.Config(
                api.app(token),
                access_log=False,
                log_config=None,
                lifespan="off",
                server_header=False,
                timeout_graceful_shutdown=GRACE,
                ws="none",
            )
        )
        serving = asyncio.create_task(server.serve([listening]))
        work = [asyncio.create_task(each) for each in (watch.run(), webhooks.run(), _keep_telling(watch))]
        try:
            yield [serving, *work]
        finally:
            server.should_exit = True
            api.end()
            for task in work:
                task.cancel()
            results = await asyncio.gather(serving, *work, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result


def _on_signals(ended: asyncio.Future[ExitCode], again: Callable[[], None]) -> None:
    def end(code: ExitCode) -> None:
        if not ended.done():
            ended.set_result(code)

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, end, ExitCode.OK)
    loop.add_signal_handler(signal.SIGINT, end, ExitCode.INTERRUPTED)
    loop.add_signal_handler(signal.SIGHUP, again)


def _again(watch: Watch, reload: Callable[[], Configured]) -> None:
    """Go on by the configuration as it is now; where it is wrong, by the one before."""
    notify(RELOADING=1)
    try:
        by = reload()
        guard.token(by.config)
        keys(by.config)
        watch.again(by)
    except KeepapartError as error:
        LOG.error("%s; what was read before stays", error)
    else:
        LOG.warning("%s is read again", by.config.path)
    notify(READY=1)


async def _keep_telling(watch: Watch) -> None:
    """Tell systemd how it goes, and that it goes while the loop turns."""
    seconds = watchdog()
    while True:
        said = watch.seen.found["answer"]["text"] if watch.seen else watch.because or "not audited yet"
        status = f"{watch.cluster}: {said}"
        if seconds is None:
            notify(STATUS=status)
        elif watch.alive:
            notify(STATUS=status, WATCHDOG=1)
        await asyncio.sleep(seconds or 10.0)
