"""Field reports about the transport: bytes, connections and what stands between."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

from app.practice.wire import Reply, Request
from tests.endpoints.base import Simulator
from tests.endpoints.replies import html, raw
from tests.endpoints.reports import report
from tests.endpoints.reports_stream import streamed, whole

JSON = Any


def zstd(body: bytes) -> bytes:
    """A Zstandard frame that holds the bytes as they are (one raw block)."""
    block = struct.pack("<I", len(body) << 3 | 1)[:3]
    return b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", len(body)) + block + body


@report("inferencer-blank-lines-while-loading")
def _(sim: Simulator) -> None:
    def waited(reply: Reply) -> Reply:
        def pieces() -> Any:
            for _ in range(5):
                yield b"\n"
                sim.pause(0.02)
            yield reply.body

        return replace(reply, body=pieces())

    sim.edit_reply(whole(waited))


@report("zstd-when-advertised")
def _(sim: Simulator) -> None:
    def packed(request: Request, reply: Reply) -> Reply:
        offered = request.headers.get("accept-encoding", "")
        if "zstd" not in offered or not isinstance(reply.body, bytes):
            return reply
        return replace(reply, body=zstd(reply.body), headers={"content-encoding": "zstd"})

    sim.edit_reply(packed)


@report("lmstudio-head-not-supported")
def _(sim: Simulator) -> None:
    sim.key = ""
    sim.every(Reply(200), when=lambda request: request.method == "HEAD")


@report("sse-body-labelled-json")
def _(sim: Simulator) -> None:
    """A stream with CRLF whatever was asked, called JSON."""

    def relabelled(request: Request, reply: Reply) -> Reply:
        body = reply.body if isinstance(reply.body, bytes) else b"".join(reply.body)
        return Reply(200, body.replace(b"\n", b"\r\n"), "text/json; charset=utf-8")

    sim.reads(lambda body: body | {"stream": True})
    sim.edit_reply(relabelled)


@report("env-proxy-502-localhost")
def _(sim: Simulator) -> None:
    """The environment names a proxy that knows no way to here."""
    proxy = Simulator(model_id="proxy")
    proxy.every(html(502, "502 Bad Gateway"))
    sim.neighbours.append(proxy)
    sim.environment = {name: "PROXY" for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")}


@report("stale-keepalive-reset")
def _(sim: Simulator) -> None:
    sim.one_request_a_connection = True


@report("sse-stall-truncated-200")
def _(sim: Simulator) -> None:
    def stalled(kind: bytes) -> Reply:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
        return raw(head, pause=lambda: sim.pause(0.2), reset=True)

    sim.refuse(stalled(b"text/event-stream"), when=streamed)
    sim.refuse(stalled(b"application/json"))


@report("silent-hang-no-byte")
def _(sim: Simulator) -> None:
    def hang(request: Request) -> Reply:
        sim.pause(30)
        return raw()

    sim.settings |= {"probe_first_byte_seconds": 0.5, "probe_seconds": 2.0}
    sim.refuse(hang)
