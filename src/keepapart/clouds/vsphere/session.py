"""Who is asked: one vCenter or ESXi host, by pyvmomi, logged in when first asked.

Rules:
1. Where the connection fails while properties are read, or the session has ended (after half an hour unused),
   the whole reading is done anew, `tries` times in all. A wrong password is never tried again: accounts are
   locked for that.
2. A list is read to its last page; an answer without a token is the last.
3. What changes something is called once. What goes on as a task is waited for, and may go on after that.
"""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from pyVmomi import vim, vmodl
from pyVmomi.SoapAdapter import SoapStubAdapter

from keepapart.clouds.vsphere.faults import meant
from keepapart.errors import CloudError

PAUSE = 0.2  # seconds between two looks at a task
OPEN = ("queued", "running")
MOST_PAGES = 10_000

T = TypeVar("T")
Found = tuple[Any, Mapping[str, Any]]  # a managed object, and its properties by path


def context(ca: str, *, verify: bool) -> ssl.SSLContext:
    """Return how certificates are checked."""
    found = ssl.create_default_context(cafile=ca or None)
    if not verify:
        found.check_hostname = False
        found.verify_mode = ssl.CERT_NONE
    return found


class Session:
    """A connection to one server."""

    def __init__(
        self,
        address: str,
        user: str,
        password: str,
        checks: ssl.SSLContext,
        *,
        timeout: float,
        tries: int,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address, self._user, self._password, self._checks = address, user, password, checks
        self._timeout, self._tries, self._sleep, self._clock = timeout, tries, sleep, clock
        self._stub: Any = None
        self._content: Any = None

    @property
    def content(self) -> Any:
        """What the server has: its managers and its root. Logs in where nobody is."""
        if self._content is None:
            self._drop()
            self._stub = SoapStubAdapter(
                url=self._address, sslContext=self._checks, httpConnectionTimeout=self._timeout
            )
            content: Any = vim.ServiceInstance("ServiceInstance", self._stub).RetrieveContent()
            content.sessionManager.Login(self._user, self._password, None)
            self._content = content
        return self._content

    @property
    def stub(self) -> Any:
        """What an object is asked by that is known by its id alone."""
        return self.content and self._stub

    def asked(self, read: Callable[[Session], T]) -> T:
        """Read, and again by rule 1."""
        for number in range(1, self._tries + 1):
            try:
                return read(self)
            except (vim.fault.NotAuthenticated, http.client.HTTPException, OSError) as error:
                self._content = None
                if number == self._tries or isinstance(error, ssl.SSLError):
                    raise meant(error, self._address) from error
                if not isinstance(error, vim.fault.NotAuthenticated):
                    self._sleep(2.0 ** (number - 1))
            except Exception as error:
                raise meant(error, self._address) from error
        raise AssertionError("there is one try at least")

    def change(self, call: Callable[[], T]) -> T:
        """Make a call that changes something, once. Raises `CloudError`."""
        try:
            return call()
        except Exception as error:
            if isinstance(error, (vim.fault.NotAuthenticated, http.client.HTTPException, OSError)):
                self._content = None
            raise meant(error, self._address) from error

    def is_over(self, task: Any, within: float) -> bool:
        """Say whether a task has ended well, once it has, after so many seconds at most.

        Raises what it means where it ended otherwise.
        """
        until = self._clock() + within
        while (info := self.change(lambda: task.info)).state in OPEN:
            if self._clock() >= until:
                return False
            self._sleep(PAUSE)
        if info.state == "error":
            raise meant(info.error, self._address) from info.error
        return True

    def retrieve(self, paths: Mapping[Any, Sequence[str]]) -> Iterator[Found]:
        """Return every object of these types with these properties, those that it has; see rule 2.

        Tasks are those of the virtual machines.
        """
        collect = vmodl.query.PropertyCollector
        inside = [kind for kind in paths if kind is not vim.Task]
        view = self.content.viewManager.CreateContainerView(self.content.rootFolder, inside, True)
        try:
            tasks = collect.TraversalSpec(path="recentTask", type=vim.VirtualMachine)
            into = collect.TraversalSpec(path="view", type=vim.view.ContainerView, selectSet=[tasks])
            start = collect.ObjectSpec(obj=view, skip=True, selectSet=[into])
            wanted = [collect.PropertySpec(type=kind, pathSet=list(names)) for kind, names in paths.items()]
            asked = collect.FilterSpec(objectSet=[start], propSet=wanted)
            yield from self._pages([asked])
        finally:
            with suppress(Exception):  # it ends with the session
                view.DestroyView()

    def close(self) -> None:
        """Log out, where somebody is logged in."""
        content, self._content = self._content, None
        if content is not None:
            with suppress(Exception):  # the server forgets us by itself
                content.sessionManager.Logout()
        self._drop()

    def _drop(self) -> None:
        if self._stub is not None:
            self._stub.DropConnections()

    def _pages(self, asked: Sequence[Any]) -> Iterator[Found]:
        collector = self.content.propertyCollector
        page = collector.RetrievePropertiesEx(asked, vmodl.query.PropertyCollector.RetrieveOptions())
        for _ in range(MOST_PAGES):
            if page is None:  # nothing at all
                return
            for one in page.objects:
                yield one.obj, {said.name: said.val for said in one.propSet}
            if not page.token:
                return
            page = collector.ContinueRetrievePropertiesEx(page.token)
        raise CloudError("vsphere: the list doesn't end")
