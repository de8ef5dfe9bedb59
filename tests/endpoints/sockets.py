"""A WebSocket conversation on a connection whose upgrade request was read already."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

JSON = Any
Session = Callable[[Iterator[JSON]], Iterator[JSON]]
"""Takes the messages that arrive, gives those to send; at its end the connection is closed."""


def converse(
    connection: socket.socket, request_line: str, headers: Iterable[tuple[str, str]], session: Session
) -> None:
    """Accept the upgrade and play the session; sans-I/O, by the package `websockets`."""
    protocol = ServerProtocol()
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    protocol.receive_data(f"{request_line}\r\n{head}\r\n".encode("latin-1"))
    request = next(iter(protocol.events_received()))
    protocol.send_response(protocol.accept(request))  # type: ignore[arg-type]
    _flush(protocol, connection)
    for message in session(_arriving(protocol, connection)):
        protocol.send_text(json.dumps(message).encode())
        _flush(protocol, connection)
    if protocol.state is State.OPEN:
        protocol.send_close(1000)
    _flush(protocol, connection)


def _flush(protocol: ServerProtocol, connection: socket.socket) -> None:
    for piece in protocol.data_to_send():
        if piece:
            connection.sendall(piece)


def _arriving(protocol: ServerProtocol, connection: socket.socket) -> Iterator[JSON]:
    """The JSON messages of the other side, until it closes."""
    while piece := connection.recv(65536):
        protocol.receive_data(piece)
        for frame in protocol.events_received():
            if isinstance(frame, Frame) and frame.opcode is Opcode.CLOSE:
                _flush(protocol, connection)
                return
            if isinstance(frame, Frame) and frame.opcode is Opcode.TEXT:
                yield json.loads(bytes(frame.data))
        _flush(protocol, connection)
