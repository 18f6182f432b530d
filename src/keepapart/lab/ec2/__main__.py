"""The process that answers the EC2 API: binds to loopback, says where, ends when its standard input does."""

from __future__ import annotations

import os
import sys
import threading
from typing import NoReturn

from keepapart.lab import protocol
from keepapart.lab.world import world


def main() -> NoReturn:
    """Read the lab's name and world from standard input, and answer until that ends."""
    order = protocol.decode(sys.stdin.buffer.readline())
    from keepapart.lab.ec2.backend import LabBackend
    from keepapart.lab.ec2.faults import Faults
    from keepapart.lab.ec2.web import serve

    server = serve(LabBackend(order["lab"], world.parse(order["world"], "the world"), Faults()))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.write(1, protocol.encode({"url": f"http://127.0.0.1:{server.port}"}))
    nothing = os.open(os.devnull, os.O_WRONLY)
    for standard in (1, 2):
        os.dup2(nothing, standard)
    sys.stdin.buffer.read()  # until whoever started this ends
    os._exit(0)  # whatever is being answered: there is nobody left to answer


if __name__ == "__main__":
    main()
