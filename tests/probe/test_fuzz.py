"""Whatever bytes come back, there is an Answer, and in time."""

from __future__ import annotations

import gzip
import random
import time

import pytest

from app.probe.transport.call import Call
from app.probe.transport.client import Client
from app.probe.transport.egress.rules import EgressRules
from app.probe.values import Limits
from tests.probe.wire import OK, answer, chunked, says, serve

GOOD = (
    OK,
    answer(chunked(b'{"ok"', b":true}"), "Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n"),
    answer(gzip.compress(b'{"ok":true}' * 50), "Content-Encoding: gzip\r\n"),
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\nSet-Cookie: a=b\r\n\r\ndata: 1\n\ndata: 2\n\n",
)
PIECES = (
    b"\r\n",
    b"\n",
    b"\0",
    b":",
    b" ",
    b"\xff",
    b"HTTP/1.1",
    b"-1",
    b"99999999999999999999",
    b"chunked",
    b",",
    b"\r",
)


def spoiled(seed: int) -> bytes:
    """A good answer with a few bytes dropped, doubled or replaced."""
    rng = random.Random(seed)
    reply = bytearray(rng.choice(GOOD))
    for _ in range(rng.randint(1, 5)):
        at = rng.randrange(len(reply))
        reply[at : at + rng.choice((0, 1, 1, 4, 20))] = rng.choice(
            (b"", rng.randbytes(1), rng.choice(PIECES))
        )
        if not reply:
            reply = bytearray(b"\r\n")
    return bytes(reply)


@pytest.mark.parametrize("block", range(4))
def test_spoiled_answers(block: int) -> None:
    limits = Limits(first_byte_s=0.1, probe_s=0.1, body_bytes=10_000)
    with serve(says(b"")) as server, Client(EgressRules(), limits) as client:
        for seed in range(block * 100, block * 100 + 100):
            server.script = says(spoiled(seed), keep=seed % 5 == 0)
            start = time.monotonic()
            got = client.send(Call("POST", server.url, json={}, key="sk-secret"))
            assert (got.status is None) <= (got.failure is not None), seed
            assert "sk-secret" not in repr(got), seed
            got.json, got.events, got.text  # noqa: B018
            assert time.monotonic() - start < 1.0, seed
