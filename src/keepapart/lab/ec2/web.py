"""HTTP for the lab's EC2 API: moto's server behind the fault layer, on loopback alone.

Calls of other services (STS, IAM, …) go to moto untouched, those of the price list to `prices`. Extras them
there is the control endpoint: `GET`, `POST` (a list of faults) and `DELETE` on `/_lab/faults`, `GET` and
`DELETE` on `/_lab/calls`.
"""

from __future__ import annotations

import io
import json
import select
import socket
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qsl

from moto.moto_server.werkzeug_app import (
    BackendRequest,
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server

from keepapart.lab.ec2.api import install, no_capacity, refusal
from keepapart.lab.ec2.backend import LabBackend, no_room
from keepapart.lab.ec2.faults import AFTER, BEFORE, CALLS_PATH, FAULTS_PATH, Call, Fault, parse
from keepapart.lab.ec2.prices import PricingResponse

Environ = dict[str, Any]
Start = Callable[..., Any]
TIMED = ("timeout", "timeout-after")
GIVEN_UP = 600.0  # seconds after which nobody can still be waiting


def serve(lab_backend: LabBackend) -> BaseWSGIServer:
    """Return a server, bound to a free port of loopback, that answers for this backend."""
    install(lab_backend)
    front = Front(lab_backend, DomainDispatcherApplication(create_backend_app))
    return make_server("127.0.0.1", 0, front, threaded=True, request_handler=_Quiet)


class _Quiet(MotoRequestHandler):
    def log(self, *_: object) -> None:
        """Say nothing: the calls are recorded."""


class Front:
    """The WSGI application: faults before, moto within, faults after."""

    def __init__(self, lab_backend: LabBackend, moto: Any) -> None:
        self._lab_backend = lab_backend
        self._moto = moto

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Answer one request."""
        if environ["PATH_INFO"] in (FAULTS_PATH, CALLS_PATH):
            return self._control(environ, start)
        asked = environ.get("HTTP_AUTHORIZATION", "")
        if "/pricing/aws4_request" in asked:
            return self._priced(environ, start)
        if "/ec2/aws4_request" not in asked:
            answer: Iterable[bytes] = self._moto(environ, start)
            return answer
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        call = self._call(dict(parse_qsl(body.decode(), keep_blank_values=True)))
        try:
            return self._answer(environ, start, call)
        finally:
            self._lab_backend.faults.record(call)

    def _answer(self, environ: Environ, start: Start, call: Call) -> Iterable[bytes]:
        faults = self._lab_backend.faults
        fault = faults.take(call, (*BEFORE, *AFTER))
        if fault and fault.kind in BEFORE:
            return self._failed(environ, start, call, fault)
        deaf = faults.take(call, ("deaf",)) is not None
        said: list[Any] = []
        with self._lab_backend.lock:
            self._lab_backend.deaf = deaf
            body = b"".join(self._moto(environ, lambda *given: said.extend(given)))
            self._lab_backend.answered()
        if fault:
            return self._failed(environ, start, call, fault)
        call.status = int(said[0].split()[0])
        start(*said)
        return [body]

    def _failed(self, environ: Environ, start: Start, call: Call, fault: Fault) -> Iterable[bytes]:
        if fault.kind in ("cut", "lost", *TIMED):
            connection: socket.socket = environ["werkzeug.socket"]
            if fault.kind in TIMED:
                _wait_for_end(connection, fault.seconds or GIVEN_UP)
            connection.shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError("as the fault says")
        if fault.kind == "throttle":
            status, _, body = refusal("RequestLimitExceeded", "Request limit exceeded.", 503)
        elif fault.kind == "capacity":
            status, _, body = no_capacity(no_room(call.type, call.zone))
        else:
            status, _, body = refusal(fault.code, f"An error as the fault says: {fault.code}.", fault.status)
        call.status = status
        start(f"{status} Error", [("Content-Type", "text/xml;charset=UTF-8")])
        return [body.encode()]

    def _priced(self, environ: Environ, start: Start) -> Iterable[bytes]:
        request = BackendRequest(environ)
        status, headers, body = PricingResponse.dispatch(request, request.url, request.headers)
        self._lab_backend.faults.record(Call("GetProducts", {}, status=status))
        start(f"{status} As moto says", list(headers.items()))
        return [body.encode() if isinstance(body, str) else body]

    def _call(self, parameters: dict[str, str]) -> Call:
        """Say which zone, type and instances a call concerns."""
        ids = [v for k, v in parameters.items() if k.startswith(("InstanceId", "ResourceId"))]
        zone, kind = parameters.get("Placement.AvailabilityZone", ""), parameters.get("InstanceType", "")
        one = self._lab_backend.instances.get(ids[0]) if ids else None
        if one:
            zone, kind = str(one.placement.zone), one.instance_type
        elif subnet := parameters.get("SubnetId"):
            zone = self._lab_backend.zone_of_subnet(subnet) or zone
        return Call(parameters.get("Action", ""), parameters, zone, kind, ids)

    def _control(self, environ: Environ, start: Start) -> Iterable[bytes]:
        faults, method = self._lab_backend.faults, environ["REQUEST_METHOD"]
        of_faults = environ["PATH_INFO"] == FAULTS_PATH
        document: object = None
        status = "200 OK"
        if method == "POST" and of_faults:
            try:
                size = int(environ.get("CONTENT_LENGTH") or 0)
                faults.arm(*parse(json.loads(environ["wsgi.input"].read(size))))
            except ValueError as error:
                status, document = "400 Bad Request", str(error)
        elif method == "GET":
            document = [asdict(shown) for shown in (faults.armed() if of_faults else faults.calls())]
        elif method == "DELETE":
            (faults.clear if of_faults else faults.forget)()
        else:
            status, document = "405 Method Not Allowed", method
        start(status, [("Content-Type", "application/json")])
        return [json.dumps(document).encode()]


def _wait_for_end(connection: socket.socket, seconds: float) -> None:
    """Wait until the other side closes the connection, but not longer than `seconds`."""
    ready, _, _ = select.select([connection], [], [], seconds)
    if ready:
        connection.recv(1)  # nothing more is sent on it: this is the end
