"""One small client for every platform that speaks JSON over HTTP; on `requests`.

Rules:
1. Everything is bounded: seconds for an answer, its size, tries, seconds between them.
2. A GET is tried again where the platform is busy or can't be reached; nothing else ever is, since a POST
   whose answer was lost may have been done.
3. `Retry-After` is kept, up to `LONGEST_WAIT`; where the platform asks for more, that is the error.
4. An answer is read strictly, as the type that is wanted of it. A list is complete, or it is an error: one
   whose total changes between its pages or isn't reached is read anew, and then given up.
5. Credentials go only to the endpoint: redirects aren't followed, links to further pages have to lead there,
   and plain http is for loopback alone. They are given through an auth object, which ~/.netrc doesn't
   overrule; and no error repeats them.
6. Proxies are those of the environment (`HTTPS_PROXY`, `NO_PROXY`), and so are authorities
   (`REQUESTS_CA_BUNDLE`), unless `[cloud]` names a certificate: requests would let the environment overrule
   what a session says of it, so it is said in every call.
"""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import urlsplit

import msgspec
import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from keepapart.errors import CloudError, ConfigError

CONNECT_TIMEOUT = 10.0  # seconds
LONGEST_WAIT = 60.0  # seconds between two tries
MOST_BYTES = 64 * 1024 * 1024  # of one answer
MOST_PAGES = 10_000
READINGS = 3  # of a list that changes while it is read
CHUNK = 64 * 1024
LONG = 300  # characters of the platform's own words
REPEATED = frozenset({"GET"})
PASSING = frozenset({408, 429})  # beside 5xx
RATE_LIMIT = "rateLimitExceeded"  # Google's, which comes as 403
REFUSED = frozenset({401, 403, 404})  # where a right is missing; some platforms then say "not found"

T = TypeVar("T")
Cursor = TypeVar("Cursor")
Query = Mapping[str, str | int]


class RestError(CloudError):
    """A call failed. `status` is HTTP's, 0 where nobody answered; `again` are seconds, None: not again."""

    def __init__(self, cause: str, mend: str = "", *, status: int = 0, again: float | None = None) -> None:
        super().__init__(cause, mend)
        self.status, self.again = status, again


class Header(AuthBase):
    """A token in a header of every call."""

    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the token in."""
        request.headers[self._name] = self._value
        return request


def bearer(token: str) -> AuthBase:
    """Return what sends a token as most platforms take it."""
    return Header("Authorization", f"Bearer {token}")


@dataclass(frozen=True, slots=True)
class Mends:
    """What to do about a refusal, in words: where the credentials are from, and which rights are needed."""

    credentials: str
    rights: str


class Answer(NamedTuple):
    """What the platform answered."""

    body: bytes
    headers: Mapping[str, str]


class Page(NamedTuple, Generic[T, Cursor]):
    """A part of a list: where the next begins (None: this is the last), and how many there are in all.

    `mark` is whatever else has to stay the same from page to page, such as a count of nobody knows what.
    """

    items: Sequence[T]
    following: Cursor | None
    total: int | None = None
    mark: int | None = None


class _Pinned(HTTPAdapter):
    """TLS to whoever shows the certificate with this fingerprint, and to nobody else."""

    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> Any:
        """Open connections that compare it."""
        return super().init_poolmanager(*args, **kwargs, assert_fingerprint=self._fingerprint)

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        """Open those that lead through a proxy likewise."""
        return super().proxy_manager_for(proxy, **kwargs, assert_fingerprint=self._fingerprint)


class Rest:
    """The API of one platform at one endpoint."""

    def __init__(
        self,
        name: str,
        endpoint: str,
        auth: Callable[[requests.PreparedRequest], requests.PreparedRequest],
        mends: Mends,
        *,
        timeout: float = 30.0,
        tries: int = 4,
        ca: str = "",
        fingerprint: str = "",
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open it; no call is made. Raises `ConfigError` for an endpoint that can't be."""
        self._name, self.endpoint, self._mends = name, checked_endpoint(endpoint), mends
        self._timeout, self._tries, self._sleep, self._clock = timeout, tries, sleep, clock
        self._verify: bool | str = False if fingerprint else ca or True
        self._session = requests.Session()
        self._session.auth = auth
        self._session.headers["User-Agent"] = "keepapart"
        if fingerprint:
            self._session.mount("https://", _Pinned(fingerprint))

    def get(self, path: str, kind: type[T], query: Query | None = None, *, once: bool = False) -> T:
        """Return what is at `path`, as this type; see `ask`. Raises `RestError`."""
        return self.read(self.ask("GET", path, query, once=once), kind)

    def read(self, answer: Answer, kind: type[T]) -> T:
        """Return an answer's JSON as this type. Raises `RestError` where it is none."""
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:  # ValidationError is a DecodeError
            raise RestError(
                f"{self._name} answered what can't be read: {error}", "look at [cloud] endpoint"
            ) from None

    def ask(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        once: bool = False,
    ) -> Answer:
        """Make one call, repeated as rule 2 says unless it is to be made `once`.

        `path` may be a whole address at the endpoint.
        """
        address = path if "://" in path else self.endpoint + path
        if _origin(address) != _origin(self.endpoint):
            raise RestError(f"{self._name}: the list goes on at {_clean(address)}, which is elsewhere")
        tries = self._tries if method in REPEATED and not once else 1
        for number in range(1, tries + 1):
            try:
                return self._once(method, address, query, body, headers, 2.0 ** (number - 1))
            except RestError as error:
                if number == tries or error.again is None:
                    raise
                self._sleep(error.again)
        raise AssertionError("there is one try at least")

    def pages(self, fetch: Callable[[Cursor], Page[T, Cursor]], first: Cursor) -> list[T]:
        """Return a whole list, page by page from `first` on; see rule 4."""
        for _ in range(READINGS):
            found = self._pages(fetch, first)
            if found is not None:
                return found
        raise RestError(f"{self._name}'s list changed while it was read, {READINGS} times", "try again")

    def close(self) -> None:
        """Close what is open."""
        self._session.close()

    def _pages(self, fetch: Callable[[Cursor], Page[T, Cursor]], first: Cursor) -> list[T] | None:
        found: list[T] = []
        at, seen, counts = first, {first}, set()
        while True:
            page = fetch(at)
            found += page.items
            counts.add((page.total, page.mark))
            if page.following is None:
                break
            if page.following in seen or len(seen) == MOST_PAGES:
                raise RestError(f"{self._name}'s list doesn't end")
            at = page.following
            seen.add(at)
        ((total, _), *others) = counts
        return None if others or len(found) < (total or 0) else found

    def _once(
        self,
        method: str,
        address: str,
        query: Query | None,
        body: Any,
        headers: Mapping[str, str] | None,
        wait: float,
    ) -> Answer:
        deadline = self._clock() + self._timeout
        try:
            with self._session.request(
                method,
                address,
                params=query,
                json=body,
                headers=headers,
                timeout=(min(CONNECT_TIMEOUT, self._timeout), self._timeout),
                verify=self._verify,
                allow_redirects=False,
                stream=True,
            ) as response:
                content = self._content(response, deadline)
                return self._answer(response, content, wait)
        except requests.exceptions.SSLError as error:
            mend = "the certificate is none that this machine trusts: look at [cloud] endpoint and its keys"
            raise RestError(f"{self._name}: {_innermost(error)}", mend) from error
        except requests.exceptions.Timeout as error:
            said = f"{self._name} doesn't answer within {self._timeout:g} s"
            raise RestError(said, "look at [cloud] endpoint and timeout", again=wait) from error
        except (requests.exceptions.RequestException, OSError) as error:
            said = f"{self._name}: nobody answers at {self.endpoint}: {_innermost(error)}"
            raise RestError(said, "look at [cloud] endpoint, and at HTTPS_PROXY", again=wait) from error

    def _content(self, response: requests.Response, deadline: float) -> bytes:
        parts, size = [], 0
        for part in response.iter_content(CHUNK):
            parts.append(part)
            size += len(part)
            if size > MOST_BYTES:
                raise RestError(f"{self._name} answered with more than {MOST_BYTES // 1024**2} MiB")
            if self._clock() > deadline:
                raise requests.exceptions.ReadTimeout
        return b"".join(parts)

    def _answer(self, response: requests.Response, content: bytes, wait: float) -> Answer:
        status = response.status_code
        if 200 <= status < 300:
            return Answer(content, response.headers)
        said = f"{self._name}: {_clean(words(content) or response.reason or '')} ({status})"
        if 300 <= status < 400:
            where = _clean(response.headers.get("Location", "elsewhere"))
            raise RestError(f"{self._name} sends us to {where}", "look at [cloud] endpoint", status=status)
        if status in PASSING or RATE_LIMIT in said or (status >= 500 and status != 501):
            asked = _retry_after(response.headers)
            if asked is not None and asked > LONGEST_WAIT:
                raise RestError(f"{said}: it asks to wait {asked:.0f} s", "try again then", status=status)
            raise RestError(said, status=status, again=wait if asked is None else asked)
        mend = {401: self._mends.credentials, 403: self._mends.rights}.get(status, "")
        raise RestError(said, mend, status=status)


def permitted(call: Callable[[], T]) -> T | None:
    """Return what a call answers; None where a right to it is missing: then there is a fact less."""
    try:
        return call()
    except RestError as error:
        if error.status in REFUSED:
            return None
        raise


def checked_endpoint(endpoint: str) -> str:
    """Return the address of an API, without a slash at its end. Raises `ConfigError` (rule 5)."""
    try:
        parts = urlsplit(endpoint.strip())
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise ConfigError(f"[cloud] endpoint: {endpoint!r}: {error}") from None
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or parts.username:
        raise ConfigError(f"[cloud] endpoint: an address such as https://HOST/v1 is wanted, not {endpoint!r}")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ConfigError(
            f"[cloud] endpoint: {endpoint!r} would send the credentials in clear", "write https"
        )
    return endpoint.strip().rstrip("/")


def words(content: bytes) -> str:
    """Return what an error's body says: the messages in it, however the platform wraps them."""
    try:
        said: Any = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    if isinstance(said, list):  # OData's and Google's batches have one in a list
        said = said[0] if said else {}
    if not isinstance(said, dict):
        return ""
    inner = said.get("error")
    if isinstance(inner, dict):
        said = inner
    found = [said.get(key) for key in ("code", "id", "type", "message", "reason")]
    found.append(inner)
    errors = said.get("errors")
    if isinstance(errors, dict):  # Proxmox: by parameter
        found += [f"{key}: {text}" for key, text in errors.items()]
    elif isinstance(errors, list):
        found += [
            one.get(key) for one in errors if isinstance(one, dict) for key in ("field", "reason", "message")
        ]
    return ": ".join(dict.fromkeys(text.strip() for text in found if isinstance(text, str) and text.strip()))


def _origin(address: str) -> tuple[str, str, int]:
    """Return whom an address leads to; Azure writes a port that others leave out."""
    parts = urlsplit(address)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the platform asks to wait; None where it asks for nothing that can be meant."""
    asked = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", asked):
        return float(asked)
    try:
        wait = parsedate_to_datetime(asked) - parsedate_to_datetime(headers.get("Date", ""))
        return max(0.0, wait.total_seconds())
    except (ValueError, TypeError):
        return None


def _innermost(error: BaseException) -> str:
    """Say the cause in its own words, without the objects and addresses that wrap it."""
    while error.__cause__ or error.__context__ or (error.args and isinstance(error.args[0], BaseException)):
        inner = error.__cause__ or error.__context__
        error = inner or error.args[0]
    reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or error
    return _clean(str(reason)) or type(error).__name__


def _clean(text: str) -> str:
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    text = " ".join(text.split())
    return text if len(text) <= LONG else text[:LONG] + " …"
