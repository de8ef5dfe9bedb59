"""Connecting to the first of several addresses that answers (RFC 8305, without its sorting)."""

from __future__ import annotations

import errno
import os
import selectors
import socket
from collections import deque
from time import monotonic

from app.probe.transport.deadline import Deadline
from app.probe.transport.egress.rules import Found
from app.probe.transport.failure import TransportError

# An address that says nothing for so long gets company by the next one, in seconds.
HEAD_START = 0.25


def first_connection(found: list[Found], host: str, port: int, deadline: Deadline) -> socket.socket:
    """The first address that takes the connection; a silent one does not keep the next from its turn.

    Raises Broken where none does.
    """
    queue, errors = deque(found), list[int]()
    with selectors.PollSelector() as pending:
        try:
            while queue or pending.get_map():
                if queue:
                    _start(queue.popleft(), pending, errors)
                winner = _winner(pending, errors, deadline, HEAD_START if queue else None)
                if winner:
                    winner.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    return winner
        finally:
            for key in list(pending.get_map().values()):
                key.fileobj.close()  # type: ignore[union-attr]
    raise _not_connected(errors, host, port)


def _start(found: Found, pending: selectors.BaseSelector, errors: list[int]) -> None:
    family, address = found
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:  # a machine without IPv6, or out of file descriptors
        errors.append(error.errno or errno.EAFNOSUPPORT)
        return
    sock.setblocking(False)
    code = sock.connect_ex(address)
    if code in (0, errno.EINPROGRESS):
        pending.register(sock, selectors.EVENT_WRITE)
    else:
        errors.append(code)
        sock.close()


def _winner(
    pending: selectors.BaseSelector, errors: list[int], deadline: Deadline, seconds: float | None
) -> socket.socket | None:
    """The next connection made; None where all have failed or `seconds` are over."""
    until = monotonic() + seconds if seconds is not None else None
    while pending.get_map():
        pause = deadline.pause() if until is None else min(deadline.pause(), max(0.0, until - monotonic()))
        for key, _ in pending.select(pause):
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            pending.unregister(sock)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code == 0 and not _to_itself(sock):
                return sock
            errors.append(code or errno.ECONNREFUSED)
            sock.close()
        if until is not None and monotonic() >= until:
            return None
    return None


def _to_itself(sock: socket.socket) -> bool:
    """A connection to a closed port of this machine can meet its own other end by chance."""
    try:
        return bool(sock.getsockname() == sock.getpeername())
    except OSError:  # the other side has hung up already, which the first byte sent will tell
        return False


def _not_connected(errors: list[int], host: str, port: int) -> TransportError:
    if errno.ECONNREFUSED in errors:
        return TransportError("refused", f"{host} refuses connections on port {port}: nothing listens there")
    why = os.strerror(errors[0]).lower() if errors else "no address"
    return TransportError("unreachable", f"{host} port {port} can't be reached: {why}")
