"""The one place where the program speaks HTTP: one send() that always comes back with an Answer.

Whatever an endpoint does, it ends as an `Answer` within the limits: no exception, no redirect followed, no
cookie kept, no proxy or password taken from the environment. `requests.Session` is left out on purpose: it
reads the body of a redirect without any bound even where it is told not to follow it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from http.client import HTTPException
from importlib import metadata
from time import monotonic
from types import TracebackType
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from app.probe.answer import Answer, Call
from app.probe.decoding import ACCEPTED
from app.probe.egress import Dialer, EgressRules, secure
from app.probe.failure import Broken, Failure
from app.probe.gate import Gate, gate_for
from app.probe.http1 import Pool, SecurePool
from app.probe.reading import Reading
from app.probe.types import Limits
from app.probe.watch import Stream, Watch

__all__ = ["Answer", "Call", "Client", "Failure", "is_header_value", "user_agent"]


def is_header_value(value: str) -> bool:
    """Whether a text can stand in an HTTP header everywhere: printable ASCII, no space at either end.

    RFC 9110, section 5.5. Latin-1 is left out: clients and servers disagree about it.
    """
    return value.isascii() and value.isprintable() and value == value.strip()


def user_agent() -> str:
    """`Muster/<version>`, the only name that Muster goes by."""
    try:
        return f"Muster/{metadata.version('muster')}"
    except metadata.PackageNotFoundError:
        return "Muster/0"


class Client:
    """Sends calls within limits; thread safe. One per probe.

    `deadline` is a time of `time.monotonic()` at which every call ends; once `cancelled` is set, calls end
    within some 0.2 s with the failure `cancelled`.
    """

    def __init__(
        self,
        rules: EgressRules,
        limits: Limits,
        *,
        deadline: float | None = None,
        cancelled: threading.Event | None = None,
    ) -> None:
        self.calls = 0
        self._limits = limits
        self._deadline = deadline
        self._cancelled = cancelled
        self._dialer = Dialer(rules, limits.connect_s)
        self._rules = rules
        self._lanes: list[_Lane] = []
        self._lock = threading.Lock()
        self._closed = False
        self._headers = {"User-Agent": user_agent(), "Accept": "*/*", "Accept-Encoding": ACCEPTED}

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the idle connections; those in use close as their calls end."""
        with self._lock:
            self._closed = True
            lanes, self._lanes = self._lanes, []
        for lane in lanes:
            lane.close()

    def send(self, call: Call) -> Answer:
        """Make one call and give back what came of it. Raises ValueError for a `json` that is no JSON."""
        start = monotonic()
        try:
            prepared = self._prepare(call)
            url = parse_url(prepared.url or "")
            gate = gate_for(url.scheme or "", url.host or "", url.port)
            self._enter(gate)
        except Broken as broken:
            return _unsent(call, broken.failure, start)
        try:
            return self._sent(call, prepared)
        finally:
            gate.leave()

    def _enter(self, gate: Gate) -> None:
        """Wait for a turn at the origin; the call's own clock has not started yet."""
        end = monotonic() + self._limits.probe_s if self._deadline is None else self._deadline
        watch = Watch(end, self._cancelled)
        watch.last_step("too many other calls to the endpoint were under way")
        gate.enter(self._limits.calls_at_once, watch)

    def _sent(self, call: Call, prepared: requests.PreparedRequest) -> Answer:
        with self._lock:
            self.calls += 1
        watch, lane, fresh_tries = self._watch(call), self._take_lane(), 0
        try:
            while True:
                reading = Reading(call, self._limits, watch)
                lane.carry(prepared, reading, watch)
                fresh_tries += lane.fresh
                if not lane.may_try_again(reading) or fresh_tries > 1:
                    return reading.answer()
        finally:
            self._give_back(lane)

    def _watch(self, call: Call) -> Watch:
        now = monotonic()
        bounds = [now + (call.timeout_s if call.timeout_s is not None else self._limits.probe_s)]
        if self._deadline is not None:
            bounds.append(self._deadline)
        return Watch(min(bounds), self._cancelled, self._limits.header_bytes)

    def _take_lane(self) -> _Lane:
        with self._lock:
            if self._lanes:
                return self._lanes.pop()
        return _Lane(self._dialer, self._rules, self._limits.first_byte_s)

    def _give_back(self, lane: _Lane) -> None:
        with self._lock:
            if not self._closed and len(self._lanes) < self._limits.calls_at_once:
                self._lanes.append(lane)
                return
        lane.close()

    def _prepare(self, call: Call) -> requests.PreparedRequest:
        headers = self._headers | dict(call.headers)
        body = call.body
        if call.json is not None:
            body = json.dumps(call.json, allow_nan=False).encode("ascii")
            headers["Content-Type"] = "application/json"
        if call.content_type:
            headers["Content-Type"] = call.content_type
        if call.key:
            headers["Authorization"] = f"Bearer {call.key}"
        for name, value in headers.items():
            if not is_header_value(value):
                what = (
                    "the API key"
                    if name == "Authorization" and call.key
                    else f"the value of the header {name}"
                )
                raise Broken("bad_header", f"{what} holds characters that can't stand in an HTTP header")
        return _prepared(call, headers, body)


def _prepared(call: Call, headers: Mapping[str, str], body: bytes | None) -> requests.PreparedRequest:
    prepared = requests.PreparedRequest()
    try:
        prepared.prepare(call.method, call.url, headers, data=body)
    except (requests.RequestException, ValueError):
        raise Broken(
            "no_host", "the URL can't be read: it needs http:// or https:// and a valid host"
        ) from None
    if call.key:  # a user name in the URL would have taken its place
        prepared.headers["Authorization"] = f"Bearer {call.key}"
    if not (prepared.url or "").startswith(("http://", "https://")):
        raise Broken("no_host", "the URL can't be read: it needs http:// or https:// and a valid host")
    return prepared


def _unsent(call: Call, failure: Failure, start: float) -> Answer:
    return Answer(call, None, {}, b"", round((monotonic() - start) * 1000), None, (), failure)


class _Lane(HTTPAdapter):
    """Carries one call at a time, over one connection to each origin that is kept for the next call."""

    def __init__(self, dialer: Dialer, rules: EgressRules, first_byte_s: float) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)
        self._dialer = dialer
        self._first_byte_s = first_byte_s
        self._rules = rules
        self._pools: dict[tuple[str, str, int], HTTPConnectionPool] = {}
        self.watch = Watch(0.0)
        self.stream: Stream | None = None
        self.fresh = False

    def carry(self, request: requests.PreparedRequest, reading: Reading, watch: Watch) -> None:
        """Send a request and have its answer read; whatever breaks is noted in `reading`."""
        self.watch, self.fresh = watch, False
        if self.stream:
            self.stream.begin(watch)
        self._await_answer()
        try:
            response = self.send(request, stream=True).raw
            assert self.stream is not None
            reading.take(response, self.stream)
        except Broken as broken:
            reading.failure = broken.failure
        except (requests.RequestException, HTTPError, HTTPException):
            reading.failure = Failure("protocol", "the answer is no valid HTTP")
        if reading.failure or reading.stopped:
            self.drop()

    def may_try_again(self, reading: Reading) -> bool:
        """Whether the call ended before any answer, or on the remains of a connection used before."""
        if reading.failure is None or reading.status is not None:
            return False
        return reading.failure.kind == "reset" or (reading.failure.kind == "protocol" and not self.fresh)

    def _await_answer(self) -> None:
        self.watch.step(self._first_byte_s, f"no answer began within {self._first_byte_s:g} s")

    def drop(self) -> None:
        """Close the connections; the next call opens a new one."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()
        self.stream = None

    def close(self) -> None:
        self.drop()
        super().close()

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing to set: the connections bring their own TLS context."""

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        url = request.url or ""
        if self._rules.proxy and url.startswith("http://"):
            return str(requests.utils.urldefragauth(url))
        return request.path_url

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """The bare answer, without a look at its cookies."""
        response = requests.Response()
        response.status_code, response.raw = resp.status, resp
        return response

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> HTTPConnectionPool:
        url = parse_url(request.url or "")
        scheme, host = url.scheme or "", url.host or ""
        port = url.port or (443 if scheme == "https" else 80)
        key = (scheme, host, port)
        if key not in self._pools:
            self.drop()
            kind = SecurePool if scheme == "https" else Pool
            self._pools[key] = kind(host.strip("[]"), port, maxsize=1, dial=self._dial_for(scheme))
        return self._pools[key]

    def _dial_for(self, scheme: str) -> Any:
        return self._dial_secure if scheme == "https" else self._dial

    def _dial(self, host: str, port: int) -> Stream:
        self.stream, self.fresh = self._dialer.open(host, port, self.watch), True
        self._await_answer()
        return self.stream

    def _dial_secure(self, host: str, port: int) -> Stream:
        self.stream, self.fresh = self._dialer.open(host, port, self.watch, tunnel=True), True
        try:
            secure(self.stream, host, self._rules)
        except Broken:
            self.stream.close()
            raise
        self._await_answer()
        return self.stream
