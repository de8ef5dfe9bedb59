"""The one place where the program speaks HTTP: one send() that always comes back with an Answer.

Whatever an endpoint does, it ends as an `Answer` within the limits: no exception, no redirect followed, no
cookie kept, no proxy or password taken from the environment. `requests.Session` is left out on purpose: it
reads the body of a redirect without any bound even where it is told not to follow it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from types import TracebackType

import requests

from app.probe.transport.answer import Answer
from app.probe.transport.answer_reader import Reading
from app.probe.transport.call import (
    Call,
    bad_url,
    body_of,
    headers_of,
    is_header_value,
    origin_of,
    user_agent,
)
from app.probe.transport.concurrency import OriginGate, gate_for
from app.probe.transport.deadline import Cancellation, Deadline
from app.probe.transport.egress.dialer import Dialer
from app.probe.transport.egress.rules import EgressRules
from app.probe.transport.failure import Failure, TransportError
from app.probe.transport.kept_connection import KeptConnection
from app.probe.transport.tls import validity_of
from app.probe.transport.websocket import SocketScript, exchange
from app.probe.values import HIDDEN, EndpointSettings, Limits, Validity

__all__ = ["Answer", "Call", "Client", "Failure", "is_header_value", "user_agent"]


# Framing makes the wire longer than the body; so much longer only for chunks of a byte or two.
_WIRE_PER_BODY = 3


class Client:
    """Sends calls within limits; thread safe. One per probe.

    `settings` say how the endpoint wants to be called. `deadline` is a time of `time.monotonic()` at which
    every call ends; once `cancelled` is set, calls end within some 0.2 s with the failure `cancelled`.
    """

    def __init__(
        self,
        rules: EgressRules,
        limits: Limits,
        *,
        deadline: float | None = None,
        cancelled: Cancellation | None = None,
        settings: EndpointSettings | None = None,
    ) -> None:
        self.calls = 0
        self._settings = settings or EndpointSettings()
        self._limits = limits
        self._deadline = deadline
        self._cancelled = cancelled
        self._dialer = Dialer(rules, limits.connect_s, self._settings)
        self._lanes: list[KeptConnection] = []
        self._lock = threading.Lock()
        self._closed = False

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

    @property
    def certificate(self) -> Validity | None:
        """How long the server's certificate holds, as the last connection showed it; None without TLS."""
        return validity_of(self._dialer.certificate) if self._dialer.certificate else None

    def send(self, call: Call) -> Answer:
        """Make one call and give back what came of it. Raises ValueError for a `json` that is no JSON."""
        call = replace(call, settings=self._settings)
        return self._in_turn(call, lambda prepared: self._sent(call, prepared))

    def converse(self, call: Call, script: SocketScript) -> Answer:
        """Ask for a WebSocket and listen to it (see `websocket.exchange`)."""
        call = replace(call, settings=self._settings)
        return self._in_turn(call, lambda _: self._talked(call, script))

    def _in_turn(self, call: Call, send: Callable[[requests.PreparedRequest], Answer]) -> Answer:
        start = monotonic()
        try:
            prepared = _prepared(call)
            gate = gate_for(origin_of(prepared.url or ""))
            self._enter(gate)
        except TransportError as broken:
            return _unsent(call, broken.failure, start)
        try:
            return _without_values(send(prepared), self._settings)
        finally:
            gate.leave()

    def _talked(self, call: Call, script: SocketScript) -> Answer:
        with self._lock:
            self.calls += 1
        answer = exchange(call, script, self._dialer, self._limits, self._deadline_of(call))
        if answer.status is not None or answer.failure is None:
            return answer
        if answer.failure.kind == "reset":
            return exchange(call, script, self._dialer, self._limits, self._deadline_of(call))
        if answer.failure.kind == "protocol":  # HTTP/1.0, say: look at the refusal's words
            return self._sent(call, _prepared(call))
        return answer

    def _enter(self, gate: OriginGate) -> None:
        """Wait for a turn at the origin; the call's own clock has not started yet."""
        end = monotonic() + self._limits.probe_s if self._deadline is None else self._deadline
        deadline = Deadline(end, self._cancelled)
        deadline.last_step("too many other calls to the endpoint were under way")
        gate.enter(self._limits.calls_at_once, deadline)

    def _sent(self, call: Call, prepared: requests.PreparedRequest) -> Answer:
        with self._lock:
            self.calls += 1
        deadline, lane, fresh_tries = self._deadline_of(call), self._take_lane(), 0
        try:
            while True:
                reading = Reading(call, self._limits, deadline)
                lane.carry(prepared, reading, deadline)
                fresh_tries += lane.fresh
                if not lane.may_retry(fresh_tries):
                    return reading.answer()
        finally:
            self._give_back(lane)

    def _deadline_of(self, call: Call) -> Deadline:
        now = monotonic()
        bounds = [now + (call.timeout_s if call.timeout_s is not None else self._limits.probe_s)]
        if self._deadline is not None:
            bounds.append(self._deadline)
        limits = self._limits
        wire_bytes = limits.header_bytes + _WIRE_PER_BODY * limits.body_bytes
        return Deadline(min(bounds), self._cancelled, limits.header_bytes, wire_bytes)

    def _take_lane(self) -> KeptConnection:
        with self._lock:
            if self._lanes:
                return self._lanes.pop()
        return KeptConnection(self._dialer, self._limits.first_byte_s)

    def _give_back(self, lane: KeptConnection) -> None:
        with self._lock:
            if not self._closed and len(self._lanes) < self._limits.calls_at_once:
                self._lanes.append(lane)
                return
        lane.close()


def _prepared(call: Call) -> requests.PreparedRequest:
    """The request as the library writes it; raises Broken for a URL or a header that can't be sent."""
    prepared, headers = requests.PreparedRequest(), headers_of(call)
    try:
        prepared.prepare(call.method, call.url, headers, data=body_of(call))
    except requests.RequestException:
        raise bad_url() from None
    if not (prepared.url or "").lower().startswith(("http://", "https://")):
        raise bad_url()
    if "Authorization" in headers:  # a user name in the URL would have taken its place
        prepared.headers["Authorization"] = headers["Authorization"]
    return prepared


_WORTH_HIDING = 8


def _without_values(answer: Answer, settings: EndpointSettings) -> Answer:
    """The answer without the values of the further headers, which an endpoint may echo as it does a key."""
    values = [value for _, value in settings.headers if len(value) >= _WORTH_HIDING]
    if not values:
        return answer
    body, headers = answer.body, dict(answer.headers)
    for value in sorted(values, key=len, reverse=True):
        body = body.replace(value.encode(), HIDDEN.encode())
        headers = {name: text.replace(value, HIDDEN) for name, text in headers.items()}
    return (
        answer
        if (body, headers) == (answer.body, answer.headers)
        else replace(answer, body=body, headers=headers)
    )


def _unsent(call: Call, failure: Failure, start: float) -> Answer:
    return Answer(call, None, {}, b"", round((monotonic() - start) * 1000), None, (), failure)
