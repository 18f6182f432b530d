"""A program of the operator's: what it is told, and what it answers on its standard streams.

1. It is a line for `sh`, run in the folder of the configuration, in a session of its own: when its time is
   over, or keepapart ends, all that it started ends with it, unless it left that session.
2. It gets what it is told on its standard input, and all that is read of it is bounded: `MOST` bytes of
   standard output, and the last of what it says on standard error, whose last line is shown when it fails.
3. Its answer is over when it has ended: what it left running, with its standard output, isn't waited for.
"""

from __future__ import annotations

import os
import selectors
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired

from keepapart.errors import CloudError

MOST = 256 * 2**20  # bytes of an answer: that of a million instances has about half of it
TAIL = 4096  # bytes of standard error that are kept
CHUNK = 2**16
LOOK = 0.1  # seconds between two looks whether it has ended
INTERRUPTING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # where they have a handler
SHOWN = 200  # characters of an error line


class Program:
    """A program and how long it may take, in seconds, until it has answered.

    `name` is what errors call it: "[facts] command".
    """

    def __init__(self, name: str, line: str, folder: Path, seconds: float) -> None:
        self.name = name
        self._line, self._folder, self._seconds = line, folder, seconds

    def answer(self, told: bytes = b"") -> bytes:
        """Tell it something, and return its answer.

        Raises `CloudError` where it can't be run, fails, takes too long or says too much.
        """
        code, out, complaint = self.run(told)
        if code:
            raise CloudError(f"{self.name}: it ended with {code}" + (f": {complaint}" if complaint else ""))
        return out

    def run(self, told: bytes = b"", clock: Callable[[], float] = time.monotonic) -> tuple[int, bytes, str]:
        """Run it, and return its exit code, its answer and the last line of what it said of errors.

        Raises `CloudError` where it can't be run, takes too long or says too much.
        """
        process = None
        try:
            with _held_back():  # or what is begun and not known yet would go on for ever
                process = self._begun()
            out, said = self._heard(process, told, clock)
        except OSError as error:
            raise CloudError(f"{self.name}: can't be run: {error.strerror or error}") from None
        finally:
            if process:
                with process, suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        return process.returncode, out, _last_line(said)

    def _begun(self) -> Popen[bytes]:
        return Popen(
            ["/bin/sh", "-c", self._line],
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=self._folder,
            start_new_session=True,
            bufsize=0,
        )

    def _heard(self, process: Popen[bytes], told: bytes, clock: Callable[[], float]) -> tuple[bytes, bytes]:
        """Tell it and hear it until its answer is over and it has ended."""
        assert process.stdin and process.stdout and process.stderr
        tell, hear, complaints = (s.fileno() for s in (process.stdin, process.stdout, process.stderr))
        os.set_blocking(tell, False)
        out, said, rest = bytearray(), b"", memoryview(told)
        deadline = clock() + self._seconds
        with selectors.DefaultSelector() as waiting:
            waiting.register(tell, selectors.EVENT_WRITE)
            waiting.register(hear, selectors.EVENT_READ)
            waiting.register(complaints, selectors.EVENT_READ)
            while waiting.get_map():
                ready = [key.fd for key, _ in waiting.select(LOOK)]
                if clock() > deadline:
                    raise self._late()
                if not ready and _has_ended(process):
                    break
                if tell in ready and not (rest := _written(tell, rest)):
                    waiting.unregister(tell)
                    process.stdin.close()
                for stream in (hear, complaints):
                    if stream not in ready:
                        continue
                    if not (chunk := os.read(stream, CHUNK)):
                        waiting.unregister(stream)
                    elif stream == complaints:
                        said = (said + chunk)[-TAIL:]
                    else:
                        out += chunk
                if len(out) > MOST:
                    raise CloudError(f"{self.name}: it printed more than {MOST // 2**20} MB")
        try:
            process.wait(max(0.0, deadline - clock()))
        except TimeoutExpired:
            raise self._late() from None
        return bytes(out), said

    def _late(self) -> CloudError:
        return CloudError(
            f"{self.name}: no answer within {self._seconds:g} seconds", "give it more with `seconds`"
        )


@contextmanager
def _held_back() -> Iterator[None]:
    """Hold back what would interrupt this thread, and let it do so in the end."""
    handlers = {number: signal.getsignal(number) for number in INTERRUPTING}
    held: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        handlers = {}  # they interrupt the main thread only
    for number, handler in handlers.items():
        if callable(handler):
            signal.signal(number, lambda got, _: held.append(got))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            if callable(handler):
                signal.signal(number, handler)
    for interruption in held[:1]:
        signal.raise_signal(interruption)


def _written(stream: int, rest: memoryview) -> memoryview:
    """Write what goes in, and return what is left; nothing where nobody reads it any more."""
    try:
        return rest[os.write(stream, rest) :]
    except BlockingIOError:
        return rest
    except BrokenPipeError:
        return rest[:0]


def _has_ended(process: Popen[bytes]) -> bool:
    """Whether it has ended; it isn't reaped yet, so that its number is nobody else's."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _last_line(said: bytes) -> str:
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    text = "".join(letter if letter.isprintable() else " " for letter in lines[-1]) if lines else ""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
