"""Whatever an endpoint does, a call ends: in time, at a size, and as soon as the caller wants no more."""

from __future__ import annotations

import gc
import gzip
import os
import re
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from app.probe.transport.answer import Answer
from app.probe.transport.call import Call
from app.probe.transport.client import Client
from app.probe.transport.concurrency import _gates
from app.probe.transport.deadline import Cancellation
from app.probe.transport.egress.rules import EgressRules
from app.probe.values import Limits
from tests.probe.wire import OK, Script, answer, drip, says, serve

SHORT = Limits(connect_s=0.5, first_byte_s=0.6, probe_s=1.0)
ENDLESS = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


def ask(script: Script, limits: Limits = SHORT, **more: object) -> tuple[Answer, float]:
    """The answer, and how many seconds it took."""
    with serve(script) as server, Client(EgressRules(), limits) as client:
        start = time.monotonic()
        got = client.send(Call("POST", server.url, json={}, **more))  # type: ignore[arg-type]
        return got, time.monotonic() - start


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def silent(_: socket.socket, __: bytes) -> None:
    time.sleep(3)


def headers_then_silent(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
    time.sleep(3)


def trickled_headers(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    drip(connection, b"X", 3, 0.05)


def trickled_body(connection: socket.socket, _: bytes) -> None:
    connection.sendall(ENDLESS.encode())
    drip(connection, b": ping\n\n", 3, 0.05)


def trickled_chunk_size(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    drip(connection, b"0", 3, 0.05)


def endless_trailer(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
    drip(connection, b"X: 1\r\n", 3, 0.05)


@pytest.mark.parametrize(
    ("script", "seconds", "status"),
    [
        (silent, 0.6, None),
        (trickled_headers, 0.6, None),
        (headers_then_silent, 1.0, 200),
        (trickled_body, 1.0, 200),
        (trickled_chunk_size, 1.0, 200),
        (endless_trailer, 1.0, 200),
    ],
)
def test_slow_answers_end_in_time(script: Script, seconds: float, status: int | None) -> None:
    got, took = ask(script)
    assert got.failure is not None
    assert (got.status, got.failure.kind) == (status, "timeout")
    assert seconds <= took < seconds + 0.7


def test_what_came_before_the_limit_stays() -> None:
    got, _ = ask(trickled_body)
    assert got.body.startswith(b": ping\n\n: ping\n\n")
    assert len(got.arrivals) > 5


def test_a_call_may_have_a_bound_of_its_own() -> None:
    got, took = ask(silent, Limits(), timeout_s=0.3)
    assert got.failure is not None
    assert got.failure.kind == "timeout"
    assert 0.3 <= took < 1.0


def test_the_deadline_of_the_client_bounds_every_call() -> None:
    with serve(silent) as server, Client(EgressRules(), Limits(), deadline=time.monotonic() + 0.3) as client:
        start = time.monotonic()
        for _ in range(3):
            failure = client.send(Call("GET", server.url)).failure
            assert failure is not None
            assert failure.kind == "timeout"
        assert time.monotonic() - start < 1.2


def test_an_upload_nobody_reads_ends_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, Client(EgressRules(), SHORT) as client:
        start = time.monotonic()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        failure = client.send(Call("POST", url, body=b"x" * 20_000_000, content_type="audio/wav")).failure
        assert failure is not None
        assert failure.kind == "timeout"
        assert time.monotonic() - start < 2.0


def test_a_handshake_nobody_answers_ends_with_the_connect_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, Client(EgressRules(), SHORT) as client:
        start = time.monotonic()
        failure = client.send(Call("GET", f"https://127.0.0.1:{listener.getsockname()[1]}/")).failure
        assert failure is not None
        assert (failure.kind, "handshake" in failure.detail) == ("timeout", True)
        assert time.monotonic() - start < 1.3


@pytest.mark.parametrize("script", [silent, headers_then_silent, trickled_body])
def test_a_cancellation_is_heard_everywhere(script: Script) -> None:
    cancelled = Cancellation()
    with serve(script) as server, Client(EgressRules(), Limits(), cancelled=cancelled) as client:
        threading.Timer(0.2, cancelled.set).start()
        start = time.monotonic()
        failure = client.send(Call("GET", server.url)).failure
        assert failure is not None
        assert failure.kind == "cancelled"
        assert time.monotonic() - start < 0.9


def test_a_cancellation_ends_those_below_it_alone() -> None:
    parent = Cancellation()
    children = [Cancellation(parent) for _ in range(2)]
    children[0].set()
    assert [each.is_set() for each in (parent, *children)] == [False, True, False]
    with serve(silent) as server, Client(EgressRules(), Limits(), cancelled=children[1]) as client:
        threading.Timer(0.2, parent.set).start()
        start = time.monotonic()
        failure = client.send(Call("GET", server.url)).failure
        assert failure is not None
        assert failure.kind == "cancelled"
        assert time.monotonic() - start < 0.9


def test_a_cancellation_leaves_no_descriptor_open() -> None:
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        Cancellation().set()
    assert len(os.listdir("/proc/self/fd")) <= before


def test_a_cancellation_may_be_set_while_it_is_collected() -> None:
    """A generator that is left in a cycle is closed after the collector has taken what it holds."""

    def left_behind() -> Iterator[list[Any]]:
        stop = Cancellation()
        try:
            yield [stop]
        finally:
            ended.append(None)
            stop.set()

    ended: list[None] = []
    for _ in range(10):
        generator = left_behind()
        held: list[Any] = [generator, *next(generator)]
        held.append(held)
        del generator, held
    gc.collect()
    assert len(ended) == 10


def test_a_cancellation_is_heard_in_the_queue() -> None:
    cancelled = Cancellation()
    limits = Limits(calls_at_once=1)
    with serve(silent) as server, Client(EgressRules(), limits, cancelled=cancelled) as client:
        threading.Timer(0.2, cancelled.set).start()
        answers: list[Answer] = []
        threads = [
            threading.Thread(target=lambda: answers.append(client.send(Call("GET", server.url))))
            for _ in range(4)
        ]
        start = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [a.failure.kind for a in answers if a.failure] == ["cancelled"] * 4
        assert time.monotonic() - start < 1.2


def test_the_queue_ends_at_the_deadline() -> None:
    deadline = time.monotonic() + 0.4
    with serve(silent) as server:
        with Client(EgressRules(), Limits(calls_at_once=1)) as first:
            thread = threading.Thread(target=first.send, args=(Call("GET", server.url, timeout_s=0.8),))
            thread.start()
            time.sleep(0.1)
            with Client(EgressRules(), Limits(calls_at_once=1), deadline=deadline) as second:
                failure = second.send(Call("GET", server.url)).failure
            thread.join()
    assert failure is not None
    assert (failure.kind, "other calls" in failure.detail) == ("timeout", True)


def endless(piece: bytes, head: str = ENDLESS) -> Script:
    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(head.encode())
        with suppress(OSError):
            while True:
                connection.sendall(piece)

    return script


def endless_gzip(connection: socket.socket, _: bytes) -> None:
    """Some 1000 bytes of body for each one sent."""
    packer = zlib.compressobj(9, wbits=31)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
    with suppress(OSError):
        while True:
            connection.sendall(packer.compress(b"\0" * 1_000_000) + packer.flush(zlib.Z_SYNC_FLUSH))


CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BOMB = gzip.compress(b"\0" * 50_000_000)
NOTHING = gzip.compress(gzip.compress(b"") * 500_000)
TOO_LARGE = {
    "an endless body": endless(b"x" * 65536),
    "endless chunks": endless(b"10000\r\n" + b"x" * 65536 + b"\r\n", CHUNKED),
    "one endless chunk": endless(b"x" * 65536, CHUNKED + "fffffffffff\r\n"),
    "an endless chunk size": endless(b"0" * 65536, CHUNKED),
    "an endless trailer": endless(b"X: 1\r\n" * 10_000, CHUNKED + "0\r\n"),
    "a bomb": says(answer(BOMB, "Content-Encoding: gzip\r\n")),
    "a bomb in a bomb": says(answer(gzip.compress(BOMB), "Content-Encoding: gzip, gzip\r\n")),
    "a bomb of nothing": says(answer(NOTHING, "Content-Encoding: gzip, gzip\r\n")),
    "a bomb of nothing in a bomb": says(
        answer(
            gzip.compress(NOTHING),
            "Content-Encoding: gzip, gzip, gzip\r\n",
        )
    ),
    "members without end": endless(
        gzip.compress(b"") * 3000, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
    ),
    "an endless bomb": endless_gzip,
    "an honest length": says(answer(b"x" * 3_000_000)),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_large_answers_end_at_the_limit(name: str) -> None:
    got, took = ask(TOO_LARGE[name], Limits(probe_s=10))
    assert got.failure is not None
    assert got.failure.kind in ("too_large", "protocol")
    assert got.status == 200
    assert len(got.body) <= 2 * 1024 * 1024
    assert took < 5


@pytest.mark.parametrize("name", [name for name in TOO_LARGE if "bomb" in name and "endless" not in name])
def test_bombs_take_no_memory(name: str) -> None:
    tracemalloc.start()
    try:
        ask(TOO_LARGE[name], Limits(probe_s=30, body_bytes=100_000))
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_a_body_of_exactly_the_limit_is_whole() -> None:
    got, _ = ask(says(answer(b"x" * 1000)), Limits(body_bytes=1000))
    assert (got.failure, len(got.body)) == (None, 1000)
    got, _ = ask(says(answer(b"x" * 1001)), Limits(body_bytes=1000))
    assert got.failure is not None
    assert (got.failure.kind, len(got.body)) == ("too_large", 1000)


def test_endless_headers_end_at_the_limit() -> None:
    got, _ = ask(endless(b"X: 1\r\n" * 1000, "HTTP/1.1 200 OK\r\n"), Limits())
    assert got.failure is not None
    assert (got.status, got.failure.kind) == (None, "too_large")


def test_chunks_of_one_byte_cost_no_memory() -> None:
    got, _ = ask(endless(b"1\r\nx\r\n" * 5000, CHUNKED), Limits(probe_s=10, body_bytes=200_000))
    assert got.failure is not None
    assert got.failure.kind == "too_large"
    assert len(got.arrivals) < 6000


def test_endless_bodies_at_once_do_not_fill_the_memory() -> None:
    """20 endpoints, each with two calls under way, as a probe begins with the catalog and the proof."""
    piece = b"x" * 65536
    answers: list[Answer] = []
    with serve(endless(piece)) as server, Client(EgressRules(), Limits(calls_at_once=40)) as client:
        client.send(Call("GET", server.url))
        gc.collect()
        before, most, done = resident(), 0, threading.Event()
        threads = [
            threading.Thread(target=lambda: answers.append(client.send(Call("GET", server.url))))
            for _ in range(40)
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads) and not done.wait(0.002):
            most = max(most, resident())
    assert [a.failure.kind for a in answers if a.failure] == ["too_large"] * 40
    assert (most - before) / 2**20 < 50


def test_reading_stops_where_the_caller_has_enough() -> None:
    seen: list[bytes] = []

    def stop(tail: bytes) -> bool:
        seen.append(tail)
        return b"[DONE]" in tail

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(ENDLESS.encode() + b'data: {"a":1}\n\ndata: [DO')
        time.sleep(0.1)
        connection.sendall(b"NE]\n\n")
        time.sleep(3)

    got, took = ask(script, stop=stop)
    assert got.failure is None
    assert [text for _, text in got.events] == ['{"a":1}', "[DONE]"]
    assert took < 1.0
    assert got.events[1][0] - got.events[0][0] >= 80


def test_a_kept_connection_is_not_used_after_an_early_end() -> None:
    with serve(says(answer(b"first" + b"x" * 100_000), keep=True)) as server:
        with Client(EgressRules(), Limits()) as client:
            assert client.send(Call("GET", server.url, stop=lambda tail: True)).body.startswith(b"first")
            server.script = says(OK)
            assert client.send(Call("GET", server.url)).json == {"ok": True}
            assert server.connections == 2


def test_first_byte_is_measured() -> None:
    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        time.sleep(0.1)
        connection.sendall(b"a")
        time.sleep(0.1)
        connection.sendall(b"b")

    got, _ = ask(script)
    assert got.first_byte_ms is not None
    assert 90 <= got.first_byte_ms < 400
    assert 190 <= got.duration_ms < 800
    assert [length for _, length in got.arrivals] == [1, 2]


def test_origins_are_forgotten() -> None:
    with serve(says(OK)) as server, Client(EgressRules(), Limits()) as client:
        for number in range(20):
            client.send(Call("GET", server.url.replace("127.0.0.1", f"127.0.0.{number + 1}")))
        assert client.send(Call("GET", server.url)).ok
    gc.collect()
    assert len(_gates) == 0


def test_no_socket_is_left_open() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for script in (says(OK, keep=True), says(b""), trickled_body, endless(b"x" * 65536)):
        with serve(script) as server, Client(EgressRules(), SHORT) as client:
            for _ in range(3):
                client.send(Call("GET", server.url, timeout_s=0.2))
    time.sleep(0.3)
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= before + 2


@pytest.mark.parametrize(("limits", "least", "most"), [
    (Limits(first_byte_s=0.3, probe_s=5), 0.3, 0.3),
    (Limits(first_byte_s=60, probe_s=0.5), 0.2, 0.5),  # what is left of it once there is a connection
])  # fmt: skip
def test_the_limit_that_applied_is_the_one_that_is_said(limits: Limits, least: float, most: float) -> None:
    got, _ = ask(silent, limits)
    said = re.fullmatch(r"no answer began within ([\d.]+) s", got.failure.detail if got.failure else "")
    assert said and least <= float(said[1]) <= most
