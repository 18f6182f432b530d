"""Between libvirt's clients and a daemon: answers to calls get lost, or whole hosts, by order of a test.

Started with pairs of sockets, LISTEN DAEMON; it ends with its input. A line there is an order, and is
answered by a line: "lose N M" loses the answers to the procedures of these numbers, "dark" has nobody answer
at all, and "clear" ends both.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from functools import partial

HEAD = struct.Struct("!IIIIIII")  # length, program, version, procedure, type, serial, status
CALL = 0


class Orders:
    """What is to go wrong now."""

    lost: frozenset[int] = frozenset()
    dark = False


async def message(reader: asyncio.StreamReader) -> bytes:
    """Return the next message; empty at the end."""
    try:
        head = await reader.readexactly(4)
        return head + await reader.readexactly(struct.unpack("!I", head)[0] - 4)
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


async def serve(daemon: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass messages both ways, until an answer is to be lost."""
    if Orders.dark:
        writer.close()
        return
    answers, calls = await asyncio.open_unix_connection(daemon)
    lost: set[int] = set()

    async def back() -> None:
        while said := await message(answers):
            if HEAD.unpack_from(said)[5] in lost:
                break
            writer.write(said)
        writer.close()

    returning = asyncio.create_task(back())
    while said := await message(reader):
        _, _, _, procedure, kind, serial, _ = HEAD.unpack_from(said)
        if kind == CALL and procedure in Orders.lost:
            lost.add(serial)
        calls.write(said)
    calls.close()
    await returning


async def obey() -> None:
    """Take orders until there are no more."""
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
    )
    while line := await orders.readline():
        word, *numbers = line.decode().split()
        Orders.lost = frozenset(map(int, numbers)) if word == "lose" else frozenset()
        Orders.dark = word == "dark"
        sys.stdout.write("done\n")
        sys.stdout.flush()


async def main() -> None:
    """Listen, and obey."""
    pairs = zip(sys.argv[1::2], sys.argv[2::2], strict=True)
    for listen, daemon in pairs:
        await asyncio.start_unix_server(partial(serve, daemon), listen)
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    await obey()


asyncio.run(main())
