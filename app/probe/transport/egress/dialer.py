"""Opening connections: resolve once, judge every address, connect to what was judged, or to the proxy."""

from __future__ import annotations

import base64
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from urllib.parse import unquote, urlsplit

from app.probe.transport.deadline import Deadline
from app.probe.transport.egress.happy_eyeballs import first_connection
from app.probe.transport.egress.rules import (
    Denied,
    EgressRules,
    Found,
    host_of_proxy,
    judge_for_proxy,
    judge_host,
    judge_proxy,
    numeric,
    resolved,
)
from app.probe.transport.failure import TransportError
from app.probe.transport.stream import Stream
from app.probe.transport.tls import NotTrusted, blind_context, context, plain_http, why_not
from app.probe.values import EndpointSettings

PROXY_HEAD_BYTES = 65536
_SOON = 0.25
"""The part of the connect limit after which a port that says nothing to TLS is asked in plain HTTP."""

_lookups_at_once = threading.BoundedSemaphore(64)


class Lookup:
    """One judgement in a thread of its own, since a resolver can't be interrupted."""

    def __init__(self, judgement: Callable[[], list[Found] | Denied]) -> None:
        self._judgement = judgement
        self._done = threading.Event()
        self._result: list[Found] | Denied | TransportError = []

    def start(self, *, at_once: bool) -> Lookup:
        """Begin; `at_once` where there is nothing to ask a resolver, and so nothing to wait for."""
        if at_once:
            self._run()
        else:
            threading.Thread(target=self._run_in_turn, name="muster-lookup", daemon=True).start()
        return self

    def _run_in_turn(self) -> None:
        with _lookups_at_once:
            self._run()

    def _run(self) -> None:
        try:
            self._result = self._judgement()
        except TransportError as broken:
            self._result = broken
        finally:
            self._done.set()

    @property
    def failed(self) -> bool:
        """Whether it ended without an address; another look may end better."""
        return self._done.is_set() and isinstance(self._result, TransportError)

    def wait(self, deadline: Deadline) -> list[Found]:
        """The judged addresses; raises Broken where there are none, where denied or out of time."""
        while not self._done.wait(deadline.pause()):
            pass
        if isinstance(self._result, TransportError):
            raise TransportError(self._result.failure.kind, self._result.failure.detail)
        return _permitted(self._result)


class _Silent(TransportError):
    """A connection on which nobody finished the TLS handshake in time."""


class Dialer:
    """Opens connections by one set of rules; looks every host up once and keeps to what was judged then."""

    def __init__(
        self, rules: EgressRules, connect_s: float, settings: EndpointSettings | None = None
    ) -> None:
        self._rules = rules
        self._settings = settings or EndpointSettings()
        self._connect_s = connect_s
        self.certificate = b""
        """The certificate of the last host that was trusted, in DER; empty where nothing went over TLS."""
        proxy = self._settings.proxy or rules.proxy
        self._proxy = urlsplit(proxy) if proxy else None
        self._lookups: dict[tuple[str, int], Lookup] = {}
        self._lock = threading.Lock()

    @property
    def has_proxy(self) -> bool:
        """Whether every call goes through a proxy: the endpoint's own, or that of the settings."""
        return self._proxy is not None

    def open(self, host: str, port: int, deadline: Deadline) -> Stream:
        """A connection to a judged address of the host, or to the proxy; raises Broken.

        Resolving, connecting and what TLS needs share the connect limit.
        """
        deadline.step(self._connect_s, f"the name {host} was not resolved")
        if self._proxy is not None:
            self._require_allowed_proxy()
            self._lookup(host, port, lambda: judge_for_proxy(host, port, self._rules)).wait(deadline)
            return self._to_proxy(deadline)
        found = self._lookup(host, port, lambda: judge_host(host, port, self._rules)).wait(deadline)
        return self._connected(found, host, port, deadline)

    def open_tunnel(self, host: str, port: int, deadline: Deadline) -> Stream:
        """A connection on which the host itself answers, through a proxy where one is set; raises Broken."""
        stream = self.open(host, port, deadline)
        if self._proxy is not None:
            with _closing_on_failure(stream):
                _ask_for_tunnel(stream, host, port, self.proxy_authorization())
                stream.host, stream.port = host, port
        return stream

    def open_tls(self, host: str, port: int, deadline: Deadline) -> Stream:
        """TLS with the host, verified for its name; raises Broken, with what the certificate says.

        Some servers of plain HTTP wait for the end of what TLS begins with. So where nobody answers soon, the
        port is asked in plain HTTP once, and then TLS gets the rest of the time.
        """
        try:
            return self._secured(host, port, deadline, self._connect_s * _SOON)
        except _Silent:
            if monotonic() >= deadline.end:
                raise
        if self._answers_plainly(host, port, deadline):
            raise TransportError("tls", plain_http(host, port))
        return self._secured(host, port, deadline, self._connect_s * (1 - 2 * _SOON))

    def _secured(self, host: str, port: int, deadline: Deadline, seconds: float) -> Stream:
        stream = self.open_tunnel(host, port, deadline)
        words = f"{host} port {port} did not finish the TLS handshake"
        deadline.step(seconds, words, of=self._connect_s)
        try:
            with _closing_on_failure(stream):
                stream.start_tls(_context(self._rules, self._settings), _server_name(host))
        except NotTrusted as refusal:
            deadline.step(self._connect_s, words)
            raise TransportError("tls", self._look_at_certificate(host, port, deadline, refusal)) from None
        except TransportError as broken:
            if broken.failure.kind == "timeout":
                raise _Silent("timeout", broken.failure.detail) from None
            raise
        self.certificate = stream.certificate()
        return stream

    def _answers_plainly(self, host: str, port: int, deadline: Deadline) -> bool:
        """Whether the port speaks plain HTTP; nothing of the call is sent there."""
        try:
            stream = self.open_tunnel(host, port, deadline)
            deadline.step(self._connect_s * _SOON, "")
            with _closing_on_failure(stream):
                stream.sendall(f"GET / HTTP/1.0\r\nHost: {_server_name(host)}\r\n\r\n".encode())
                begins = bytearray(5)
                size = stream.recv_into(memoryview(begins))
            stream.abort()
        except (TransportError, BrokenPipeError):
            return False
        return size > 0 and b"HTTP/".startswith(bytes(begins[:size]))

    def _look_at_certificate(self, host: str, port: int, deadline: Deadline, refusal: NotTrusted) -> str:
        """Connect once more, only to see the certificate: OpenSSL keeps none that it does not trust."""
        try:
            stream = self.open_tunnel(host, port, deadline)
        except TransportError:
            return refusal.failure.detail
        try:
            stream.start_tls(blind_context(), _server_name(host))
            return why_not(stream.certificate(), refusal.code, host) or refusal.failure.detail
        except TransportError:
            return refusal.failure.detail
        finally:
            stream.abort()

    def proxy_authorization(self) -> str:
        """The value of Proxy-Authorization; empty where the proxy asks for none."""
        if self._proxy is None or not self._proxy.username:
            return ""
        pair = f"{unquote(self._proxy.username)}:{unquote(self._proxy.password or '')}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def _require_allowed_proxy(self) -> None:
        denied = judge_proxy(self._settings.proxy, self._rules) if self._settings.proxy else None
        if denied:
            raise TransportError("egress_denied", denied.reason)

    def _to_proxy(self, deadline: Deadline) -> Stream:
        assert self._proxy is not None
        if self._proxy.scheme != "http":
            raise TransportError(
                "unreachable", "the proxy of the settings is no http:// one, the only kind spoken"
            )
        host, port = host_of_proxy(self._proxy.geturl())
        deadline.reword(f"the proxy {host} was not resolved")
        resolver = self._rules.resolver
        found = self._lookup(host, port, lambda: numeric(host, port) or resolved(host, port, resolver)).wait(
            deadline
        )
        return self._connected(found, host, port, deadline)

    def _connected(self, found: list[Found], host: str, port: int, deadline: Deadline) -> Stream:
        deadline.reword(f"{host} port {port} took no connection")
        sock = first_connection(found, host, port, deadline)
        return Stream(sock, deadline, host, port)

    def _lookup(self, host: str, port: int, judgement: Callable[[], list[Found] | Denied]) -> Lookup:
        with self._lock:
            known = self._lookups.get((host, port))
            if known is None or known.failed:
                known = Lookup(judgement).start(at_once=bool(numeric(host, port)))
                self._lookups[host, port] = known
            return known


@contextmanager
def _closing_on_failure(stream: Stream) -> Iterator[None]:
    try:
        yield
    except TransportError:
        stream.abort()
        raise


def _server_name(host: str) -> str:
    return host.rstrip(".")


def _context(rules: EgressRules, settings: EndpointSettings) -> ssl.SSLContext:
    try:
        return context(rules.ca_bundle, settings.ca_pem, settings.client_certificate)
    except (OSError, ValueError):
        words = "the CA bundle of the settings, the endpoint's CA or its client certificate can't be read"
        raise TransportError("tls", words) from None


def _permitted(judged: list[Found] | Denied) -> list[Found]:
    if isinstance(judged, Denied):
        raise TransportError("egress_denied", judged.reason)
    return judged


def _ask_for_tunnel(stream: Stream, host: str, port: int, authorization: str) -> None:
    stream.deadline.reword("the proxy opened no tunnel")
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    head = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"
    head += f"Proxy-Authorization: {authorization}\r\n" if authorization else ""
    stream.sendall(f"{head}\r\n".encode("ascii"))
    status = _read_head(stream).split(b"\r\n")[0].split()
    if len(status) < 2 or not status[0].startswith(b"HTTP/") or status[1][:1] != b"2":
        words = b" ".join(status[1:])[:80].decode("ascii", "replace") or "nothing"
        raise TransportError("unreachable", f"the proxy opens no tunnel to {target}: it says {words}")


def _read_head(stream: Stream) -> bytes:
    """The proxy's answer up to the empty line, byte by byte: what follows belongs to the tunnel."""
    head, one = bytearray(), bytearray(1)
    while not head.endswith(b"\r\n\r\n") and len(head) < PROXY_HEAD_BYTES:
        if stream.recv_into(memoryview(one)) == 0:
            break
        head += one
    return bytes(head)
