"""Many endpoints in one cheap process, each on a port of its own: slow ones that are good, and endless ones.

`python -m tests.load.crowd slow COUNT SECONDS` or `… endless COUNT 0` prints their base URLs as JSON and
serves until it is ended.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count, cycle

import requests

from app.practice.api import Practice
from app.practice.wire import Request

Respond = Callable[[int, Request], AsyncIterator[bytes]]
PIECE = b"x" * 65536
CALLS = "/v1/calls"


@contextmanager
def crowd(kind: str, number: int, delay_s: float = 0.0) -> Iterator[list[str]]:
    """Base URLs of so many endpoints, until the block ends."""
    command = [sys.executable, "-m", "tests.load.crowd", kind, str(number), str(delay_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            yield json.loads(child.stdout.readline())
        finally:
            child.kill()


def await_calls(base_url: str, number: int) -> None:
    """Wait until a slow endpoint has been called so often; TimeoutError after a minute."""
    end = time.monotonic() + 60
    while int(requests.get(base_url + "/calls", timeout=10).text) < number:
        if time.monotonic() > end:
            raise TimeoutError(f"{base_url} was not called {number} times")
        time.sleep(0.05)


async def slow(
    practice: Practice, delay_s: float, calls: Counter[int], which: int, request: Request
) -> AsyncIterator[bytes]:
    """The good answer of the practice endpoint, after a while. At CALLS: how many there were."""
    if request.path == CALLS:
        text = str(calls[which])
        yield _head(200, "Content-Type: text/plain", f"Content-Length: {len(text)}") + text.encode()
        return
    calls[which] += 1
    await asyncio.sleep(delay_s)
    reply = practice.respond(request)
    body = reply.body if isinstance(reply.body, bytes) else b"".join(reply.body)
    yield _head(reply.status, f"Content-Type: {reply.content_type}", f"Content-Length: {len(body)}") + body


async def endless(which: int, request: Request) -> AsyncIterator[bytes]:
    """An answer without an end; each endpoint has its own way, and no path is any better."""
    way = WAYS[which % len(WAYS)]
    for piece in way():
        yield piece
        await asyncio.sleep(0)


def _json() -> Iterator[bytes]:
    yield _head(200, "Content-Type: application/json") + b'{"choices": [{"message": {"content": "'
    yield from cycle([PIECE])


def _stream() -> Iterator[bytes]:
    yield _head(200, "Content-Type: text/event-stream")
    for number in count():
        chunk = {"choices": [{"index": 0, "delta": {"content": f"word {number} " * 50}}]}
        yield f"data: {json.dumps(chunk)}\n\n".encode() * 20


def _line() -> Iterator[bytes]:
    yield _head(200, "Content-Type: text/event-stream") + b"data: "
    yield from cycle([PIECE])


def _chunked() -> Iterator[bytes]:
    yield _head(200, "Content-Type: application/json", "Transfer-Encoding: chunked")
    yield from cycle([b"%x\r\n%s\r\n" % (len(PIECE), PIECE)])


def _bomb() -> Iterator[bytes]:
    yield _head(200, "Content-Type: application/json", "Content-Encoding: gzip")
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(1 << 20)
    while True:
        yield packer.compress(zeros) + packer.flush(zlib.Z_SYNC_FLUSH)


def _headers() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\n"
    for number in count():
        yield b"".join(b"X-Header-%d-%d: %s\r\n" % (number, at, b"y" * 100) for at in range(100))


def _refusal() -> Iterator[bytes]:
    yield _head(400, "Content-Type: application/json") + b'{"error": {"message": "'
    yield from cycle([PIECE])


WAYS: tuple[Callable[[], Iterator[bytes]], ...] = (_json, _stream, _line, _chunked, _bomb, _headers, _refusal)


def _head(status: int, *lines: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} Some Reason", *lines, "", ""]).encode()


async def _read(reader: asyncio.StreamReader) -> Request:
    """One request; IncompleteReadError where the connection ends before it."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ", 2)
    named = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(named.get("content-length", 0)))
    path, _, query = target.partition("?")
    return Request(method, path, query, named, body)


async def _converse(
    respond: Respond, which: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    with suppress(OSError, EOFError):
        while True:
            request = await _read(reader)
            async for piece in respond(which, request):
                writer.write(piece)
                await writer.drain()
    writer.close()


async def serve(kind: str, number: int, delay_s: float) -> None:
    """Serve on so many free ports of loopback."""
    respond = partial(slow, Practice(), delay_s, Counter()) if kind == "slow" else endless
    servers = [
        await asyncio.start_server(partial(_converse, respond, which), "127.0.0.1", 0, backlog=64)
        for which in range(number)
    ]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    sys.stdout.write(json.dumps([f"http://127.0.0.1:{port}/v1" for port in ports]) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
