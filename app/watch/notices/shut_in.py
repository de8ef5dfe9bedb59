"""Shutting a process in: from now on it connects only to what may be contacted, and reads and starts nothing.

Python tells of every connection and every file before it happens (PEP 578, audit hooks). A plugin that wanted
out could get out; this keeps in what a plugin was talked into by an address, or by a server's answer.
"""

from __future__ import annotations

import ipaddress
import mimetypes
import os
import resource
import sys
import sysconfig
from typing import Any

from app.probe.transport.egress import rules as egress
from app.probe.transport.egress.rules import Denied, EgressRules
from app.probe.transport.failure import TransportError

_STARTS = frozenset(
    {
        "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty",
        "pty.spawn",
    }
)  # fmt: skip
_READABLE = tuple(
    os.path.realpath(place)
    for place in (
        sys.prefix, sys.base_prefix, sysconfig.get_path("stdlib"), "/etc/ssl", "/usr/lib/ssl",
        "/usr/share/zoneinfo", "/etc/localtime", "/dev/null", "/dev/urandom", *mimetypes.knownfiles,
    )
)  # fmt: skip
"""What a library reads of its own. Names are resolved below Python, which tells nothing of that."""
_LIMITS = (
    (resource.RLIMIT_AS, 1 << 30),
    (resource.RLIMIT_CPU, 30),
    (resource.RLIMIT_FSIZE, 0),
    (resource.RLIMIT_CORE, 0),
)


class Guard:
    """An audit hook that refuses by raising. `denied` is the first reason, "" while there was none."""

    def __init__(self, rules: EgressRules, closed: str) -> None:
        self.denied = ""
        self._rules = rules
        self._closed = os.path.realpath(closed)
        self._names: set[str] = set()
        self._proxies = _addresses_of_proxy(rules)
        self._judging = False

    def shut(self) -> None:
        """Begin; there is no way back."""
        for limit, most in _LIMITS:
            resource.setrlimit(limit, (most, most))
        sys.addaudithook(self._look)

    def _look(self, event: str, told: tuple[Any, ...]) -> None:
        if self._judging:
            return
        self._judging = True
        try:
            reason = self._reason(event, told)
        finally:
            self._judging = False
        if reason:
            self.denied = self.denied or reason
            raise PermissionError(reason)

    def _reason(self, event: str, told: tuple[Any, ...]) -> str:
        if event == "socket.getaddrinfo":
            return self._against_name(told[0], told[1])
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            return self._against_address(told[1])
        if event == "open":
            return self._against_file(*told)
        return f"{event} is refused" if event in _STARTS else ""

    def _against_name(self, host: Any, port: Any) -> str:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")
        self._names.add(name)
        number = int(port) if str(port or "0").isdecimal() else 0
        denied = None if self._is_proxy(name, number) else egress.judge_name(name, number, self._rules)
        return denied.reason if denied else ""

    def _against_address(self, address: Any) -> str:
        if not isinstance(address, tuple) or len(address) < 2:
            return "a socket of this machine"
        host, port = str(address[0]), int(address[1])
        if self._is_proxy(host, port):
            return ""
        if not egress.numeric(host, port):
            return self._against_unresolved(host, port)
        found = ipaddress.ip_address(host.partition("%")[0])
        # What is open by its name alone is open under the name that was looked up.
        reasons = [egress.judge_address(name, found, port, self._rules) for name in (host, *self._names)]
        return "" if "" in reasons else reasons[0]

    def _against_unresolved(self, host: str, port: int) -> str:
        try:
            judged = egress.judge_host(host, port, self._rules)
        except TransportError as error:
            return error.failure.detail
        return judged.reason if isinstance(judged, Denied) else ""

    def _is_proxy(self, host: str, port: int) -> bool:
        return (host, port) in self._proxies

    def _against_file(self, path: Any, mode: Any, flags: Any) -> str:
        if isinstance(path, int):
            return ""
        real = os.path.realpath(os.fsdecode(path))
        writes = any(sign in str(mode or "") for sign in "wax+")
        writes = writes or bool((flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        inside = any(real == place or real.startswith(f"{place}{os.sep}") for place in _READABLE)
        closed = real == self._closed or real.startswith(f"{self._closed}{os.sep}")
        return "" if inside and not closed and not writes else "a file of the machine that Muster runs on"


def _addresses_of_proxy(rules: EgressRules) -> frozenset[tuple[str, int]]:
    """Host and addresses of the proxy of the settings, which is the operator's own choice."""
    if not rules.proxy:
        return frozenset()
    host, port = egress.host_of_proxy(rules.proxy)
    found = egress.numeric(host, port) or egress.resolved(host, port, rules.resolver)
    return frozenset({(host, port), *((str(address[0]), port) for _, address in found)})
