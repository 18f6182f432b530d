"""A metadata service as platforms have them, with what goes wrong at each.

`python -m tests.metadata_service ADDRESS` answers on port 80 there, by the JSON document on standard input.
It says "ready" when it listens, and then each question on a line.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6

TOKEN = "t0ken"
Answers = Mapping[str, str]  # by path; some words stand for what goes wrong


class Service(ThreadingHTTPServer):
    """The service: `answers` by path, a token in the header `token`, if any; it tells each question."""

    daemon_threads = True

    def __init__(
        self, place: tuple[str, int], answers: Answers, token: str, heard: Callable[[str], None]
    ) -> None:
        if ":" in place[0]:
            self.address_family = AF_INET6
        self.answers, self.token, self.heard = answers, token, heard
        super().__init__(place, Handler)


class Handler(BaseHTTPRequestHandler):
    """One question."""

    server: Service

    def do_PUT(self) -> None:
        """Hand out a token."""
        self.server.heard(f"PUT {self.path} {self.headers.get('X-aws-ec2-metadata-token-ttl-seconds', '')}")
        self._say(200, TOKEN) if self.server.token else self._say(405, "")

    def do_GET(self) -> None:
        """Answer by the path, or go wrong as that says."""
        self.server.heard(f"GET {self.path}")
        if self.server.token and self.headers.get(self.server.token) != TOKEN:
            return self._say(401, "")
        said = self.server.answers.get(self.path)
        if said is None:
            return self._say(404, "no such thing")
        if said.startswith("status "):
            return self._say(int(said.split()[1]), "an error page")
        if said == "elsewhere":
            self.send_response(302)
            self.send_header("Location", "/good")
            return self.end_headers()
        if said == "slow":
            time.sleep(3)
        if said == "endless":
            return self._endless()
        if said == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"half")
            return None
        return self._say(200, said)

    def _endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x" * 65536)
        except OSError:
            pass

    def _say(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Metadata-Flavor", self.server.answers.get("flavor", "Google"))
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve until killed."""
    told = json.load(sys.stdin)
    with Service((sys.argv[1], 80), told["answers"], told["token"], say) as service:
        say("ready")
        service.serve_forever()


def say(line: str) -> None:
    """Print it at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
