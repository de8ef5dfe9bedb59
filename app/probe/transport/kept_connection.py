"""A connection that carries one call at a time, and is kept for the next call to the same origin.

With the client the one place that knows `requests`, whose adapter it is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http.client import HTTPException
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from app.probe.transport.answer_reader import Reading
from app.probe.transport.call import origin_of
from app.probe.transport.deadline import Deadline
from app.probe.transport.egress.dialer import Dialer
from app.probe.transport.failure import Failure, TransportError
from app.probe.transport.http1 import Pool, SecurePool
from app.probe.transport.stream import Stream


class KeptConnection(HTTPAdapter):
    """Carries one call at a time, over a connection that is kept for the next call to the same origin."""

    def __init__(self, dialer: Dialer, first_byte_s: float) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)
        self._dialer = dialer
        self._first_byte_s = first_byte_s
        self._origin: tuple[str, str, int] | None = None
        self._pool: Pool | None = None
        self._deadline = Deadline(0.0)
        self._stream: Stream | None = None
        self._may_retry = False
        self.fresh = False

    def carry(self, request: requests.PreparedRequest, reading: Reading, deadline: Deadline) -> None:
        """Send a request and have its answer read; whatever breaks is noted in `reading`."""
        self._deadline, self.fresh = deadline, False
        kept = self._stream is not None
        if self._stream:
            self._stream.begin(deadline)
        self._await_answer()
        try:
            response = self.send(request, stream=True).raw
            assert self._stream is not None
            reading.take(response, self._stream)
        except TransportError as broken:
            reading.failure = broken.failure
        except (requests.RequestException, HTTPError, HTTPException):
            reading.failure = Failure("protocol", "the answer is no valid HTTP")
        self._may_retry = reading.status is None and self._is_worth_a_retry(reading.failure, kept)
        if reading.failure or reading.stopped:
            self.drop()

    def may_retry(self, fresh_tries: int) -> bool:
        """Whether the last call may be sent again: once on a new connection, not counting kept ones."""
        return self._may_retry and fresh_tries < 2

    def _is_worth_a_retry(self, failure: Failure | None, kept: bool) -> bool:
        """Nothing of an answer came; or, over a kept connection, remains of an earlier one did."""
        if failure is None:
            return False
        if kept and not self.fresh:
            return failure.kind in ("reset", "protocol")
        return failure.kind == "reset" and (self._stream is None or self._stream.received == 0)

    def _await_answer(self) -> None:
        self._deadline.step(self._first_byte_s, "no answer began")

    def drop(self) -> None:
        """Close the connection; the next call opens a new one."""
        if self._pool:
            self._pool.close()
        if self._stream:
            self._stream.abort()
        self._pool = self._stream = None

    def close(self) -> None:
        self.drop()
        super().close()

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing to set: the dialer brings the TLS context."""

    def add_headers(self, request: requests.PreparedRequest, **_: Any) -> None:
        authorization = self._dialer.proxy_authorization()
        if authorization and self._is_forwarded(request):
            request.headers["Proxy-Authorization"] = authorization

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        if self._is_forwarded(request):
            return str(requests.utils.urldefragauth(request.url or ""))
        return request.path_url

    def _is_forwarded(self, request: requests.PreparedRequest) -> bool:
        """A proxy gets plain HTTP with the whole URL, and only a tunnel for https."""
        return self._dialer.has_proxy and (request.url or "").startswith("http://")

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """The bare answer, without a look at its cookies."""
        response = requests.Response()
        response.status_code, response.raw = resp.status, resp
        return response

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Pool:
        origin = origin_of(request.url or "")
        if self._pool is None or origin != self._origin:
            self.drop()
            scheme, host, port = self._origin = origin
            secure = scheme == "https"
            dial = partial(self._dial, self._dialer.open_tls if secure else self._dialer.open)
            self._pool = (SecurePool if secure else Pool)(host, port, maxsize=1, dial=dial)
        return self._pool

    def _dial(self, dial: Callable[[str, int, Deadline], Stream], host: str, port: int) -> Stream:
        self._stream, self.fresh = None, True
        self._stream = dial(host, port, self._deadline)
        self._await_answer()
        return self._stream
