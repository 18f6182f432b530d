"""A transparent TCP proxy: it answers in the target's name, and connects in the client's, with their ports.

Run on a router whose kernel hands it the connections (TPROXY). It writes a line once it listens.
"""

from __future__ import annotations

import select
import socket
import sys
import threading

IP_TRANSPARENT = 19
PATIENCE = 3.0  # seconds


def transparent() -> socket.socket:
    """Return a socket that may have addresses of others."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_IP, IP_TRANSPARENT, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return sock


def hand_on(client: socket.socket) -> None:
    """Connect to whom the client meant, and hold both connections until one of them ends."""
    with client, transparent() as onward:
        onward.bind(client.getpeername())
        onward.settimeout(PATIENCE)
        onward.connect(client.getsockname())
        select.select([client, onward], [], [])


def main() -> None:
    """Serve the port that is named."""
    with transparent() as listener:
        listener.bind(("", int(sys.argv[1])))
        listener.listen(64)
        sys.stdout.write("\n")
        sys.stdout.flush()
        while True:
            client, _ = listener.accept()
            threading.Thread(target=hand_on, args=(client,), daemon=True).start()


if __name__ == "__main__":
    main()
