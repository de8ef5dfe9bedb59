"""One send(): what goes out, and what comes back of every kind of answer."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress

import pytest

from app.probe.transport.answer import Answer
from app.probe.transport.call import Call, is_header_value, user_agent
from app.probe.transport.client import Client
from app.probe.transport.egress.rules import EgressRules
from app.probe.values import Limits
from tests.probe.wire import OK, Script, answer, chunked, closed_port, reset, says, serve

KEY = "sk-very-secret-0123456789"
JSON = b'{"ok":true}'


@pytest.fixture
def client() -> Iterator[Client]:
    with Client(EgressRules(), Limits(first_byte_s=2.0, probe_s=4.0)) as client:
        yield client


def ask(client: Client, script: Script, path: str = "/v1/chat/completions") -> Answer:
    with serve(script) as server:
        return client.send(Call("POST", server.url + path, json={"model": "m"}, key=KEY))


def test_a_good_call(client: Client) -> None:
    with serve(says(OK)) as server:
        call = Call("POST", f"{server.url}/v1/x?api-version=1", json={"model": "é"}, key=KEY)
        got = client.send(call)
        assert (got.status, got.json, got.ok, got.failure) == (200, {"ok": True}, True, None)
        assert got.headers["content-type"] == "application/json"
        assert got.arrivals[-1][1] == len(got.body) == 11
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /v1/x?api-version=1 HTTP/1.1"
    assert body == b'{"model": "\\u00e9"}'
    assert set(lines[1:]) == {
        f"Host: 127.0.0.1:{server.port}",
        f"User-Agent: {user_agent()}",
        "Accept: */*",
        "Accept-Encoding: gzip, deflate",
        "Content-Type: application/json",
        f"Authorization: Bearer {KEY}",
        f"Content-Length: {len(body)}",
    }


def test_no_key_sends_no_authorization(client: Client) -> None:
    with serve(says(OK)) as server:
        client.send(Call("GET", f"{server.url}/v1/models"))
        assert b"authorization" not in server.requests[0].lower()
        assert b"content-type" not in server.requests[0].lower()


def test_a_body_of_the_callers_own(client: Client) -> None:
    with serve(says(OK)) as server:
        client.send(Call("POST", server.url, body=b"\x00raw", content_type="audio/wav", headers={"X-A": "1"}))
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert body == b"\x00raw"
    assert b"Content-Type: audio/wav" in head
    assert b"X-A: 1" in head


def test_the_key_wins_over_a_user_in_the_url(client: Client) -> None:
    with serve(says(OK)) as server:
        client.send(Call("GET", server.url.replace("//", "//user:pass@"), key=KEY))
        assert f"Authorization: Bearer {KEY}".encode() in server.requests[0]
        assert b"Basic" not in server.requests[0]


def test_the_environment_is_ignored(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    assert ask(client, says(OK)).ok


def test_no_cookie_is_kept(client: Client) -> None:
    reply = answer(JSON, "Set-Cookie: session=1; Path=/\r\n")
    with serve(says(reply, keep=True)) as server:
        client.send(Call("GET", server.url))
        client.send(Call("GET", server.url))
        assert b"cookie" not in server.requests[1].lower()


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 X"])
def test_no_redirect_is_followed(client: Client, status: str) -> None:
    with serve(says(OK)) as target, serve(says(OK)) as server:
        server.script = says(answer(b"moved", f"Location: {target.url}/\r\n", f"HTTP/1.1 {status}"))
        got = client.send(Call("POST", server.url, json={}, key=KEY))
        assert got.status == int(status[:3])
        assert got.headers["location"] == f"{target.url}/"
        assert (got.body, target.connections) == (b"moved", 0)


def test_connections_are_used_again(client: Client) -> None:
    with serve(says(OK, keep=True)) as server:
        for _ in range(5):
            assert client.send(Call("GET", server.url)).ok
        assert server.connections == 1
    assert client.calls == 5


GOOD = {
    "HTTP/1.0 without a length": b"HTTP/1.0 200 OK\r\n\r\n" + JSON,
    "HTTP/1.1 ended by closing": b"HTTP/1.1 200 OK\r\n\r\n" + JSON,
    "no reason phrase": answer(JSON, status="HTTP/1.1 200"),
    "a version that is a name only": answer(JSON, status="HTTP/2 200"),
    "line feeds alone": b"HTTP/1.1 200 OK\nContent-Length: 11\n\n" + JSON,
    "an empty line in front": b"\r\n" + OK,
    "100 before the answer": b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    "103 before the answer": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 P\r\n\r\n" + OK,
    "chunks": answer(chunked(b'{"ok"', b":true}"), "Transfer-Encoding: chunked\r\n"),
    "chunks with extension and trailer": answer(
        b'b;x=y\r\n{"ok":true}\r\n0\r\nX-Sum: 1\r\n\r\n', "Transfer-Encoding: Chunked\r\n"
    ),
    "chunks and a length": answer(chunked(JSON), "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
    "the same length twice": answer(JSON, "Content-Length: 11\r\nContent-Length: 11\r\n"),
    "two lengths that differ": answer(JSON, "Content-Length: 11\r\nContent-Length: 12\r\n"),
    "a length that is no number": answer(JSON, "Content-Length: many\r\n"),
    "a negative length": answer(JSON, "Content-Length: -1\r\n"),
    "gzip": answer(gzip.compress(JSON), "Content-Encoding: gzip\r\n"),
    "x-gzip in capitals": answer(gzip.compress(JSON), "Content-Encoding: X-GZIP\r\n"),
    "gzip in two members": answer(
        gzip.compress(b'{"ok"') + gzip.compress(b":true}"), "Content-Encoding: gzip\r\n"
    ),
    "gzip with padding": answer(gzip.compress(JSON) + b"\0\0\0", "Content-Encoding: gzip\r\n"),
    "gzip without its trailer": answer(gzip.compress(JSON)[:-8], "Content-Encoding: gzip\r\n"),
    "gzip twice": answer(gzip.compress(gzip.compress(JSON)), "Content-Encoding: gzip, gzip\r\n"),
    "gzip as transfer coding": answer(chunked(gzip.compress(JSON)), "Transfer-Encoding: gzip, chunked\r\n"),
    "deflate": answer(zlib.compress(JSON), "Content-Encoding: deflate\r\n"),
    "deflate without header": answer(zlib.compress(JSON)[2:-4], "Content-Encoding: deflate\r\n"),
    "deflate in chunks of one byte": answer(
        chunked(*(bytes([b]) for b in zlib.compress(JSON))),
        "Content-Encoding: deflate\r\nTransfer-Encoding: chunked\r\n",
    ),
    "identity": answer(JSON, "Content-Encoding: identity\r\n"),
    "a byte order mark": answer(b"\xef\xbb\xbf" + JSON),
    "blank lines around": answer(b"\r\n\n  " + JSON + b"\r\n\r\n"),
    "300 headers": answer(JSON, "".join(f"X-{n}: {n}\r\n" for n in range(300))),
    "one header of 200 KiB": answer(JSON, f"X-Long: {'a' * 200_000}\r\n"),
    "a folded header": answer(JSON, "X-Folded: a\r\n  b\r\n"),
    "a header without a colon": answer(JSON, "nonsense\r\n"),
    "a header in Latin-1": answer(JSON, "X-Caf\xe9: \xe9\r\n"),
    "a hostile cookie": answer(JSON, 'Set-Cookie: a="\x01; expires=x; max-age=9e9\r\nSet-Cookie: =;;\r\n'),
    "text after the body": OK + b"GARBAGE",
}


@pytest.mark.parametrize("name", GOOD)
def test_answers_that_work(client: Client, name: str) -> None:
    got = ask(client, says(GOOD[name]))
    assert got.failure is None
    assert (got.status, got.json) == (200, {"ok": True})


CHUNKS = "Transfer-Encoding: chunked\r\n"
# What is sent; then the status, the kind of failure, some of its words and the body that stays.
BROKEN: dict[str, tuple[bytes, int | None, str, str, bytes]] = {
    "closed at once": (b"", None, "reset", "without an answer", b""),
    "closed in the status line": (b"HTTP/1.1 2", None, "protocol", "no HTTP", b""),
    "closed in the headers": (b"HTTP/1.1 200 OK\r\nX: 1\r\n", None, "reset", "within the headers", b""),
    "an FTP greeting": (b"220 ftp ready\r\n", None, "protocol", "FTP", b""),
    "an SSH greeting": (b"SSH-2.0-OpenSSH_9.6\r\n", None, "protocol", "SSH", b""),
    "HTTP/2 frames": (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", None, "protocol", "HTTP/2", b""),
    "a TLS alert": (b"\x15\x03\x01\x00\x02\x02\x46", None, "protocol", "https", b""),
    "words": (b"hello there\r\n\r\n", None, "protocol", "no HTTP", b""),
    "a status that is none": (b"HTTP/1.1 abc OK\r\n\r\n", None, "protocol", "no HTTP", b""),
    "a length too long": (answer(b"12345", "Content-Length: 10\r\n"), 200, "reset", "5 bytes", b"12345"),
    "a chunk cut off": (answer(b"a\r\n12345", CHUNKS), 200, "reset", "closed", b"12345"),
    "no last chunk": (answer(b"5\r\n12345\r\n", CHUNKS), 200, "reset", "closed", b"12345"),
    "chunks without sizes": (answer(b"2\r\n12\r\nzz\r\nxxxx", CHUNKS), 200, "protocol", "chunks", b"12"),
    "not the gzip it says": (answer(JSON, "Content-Encoding: gzip\r\n"), 200, "undecodable", "gzip", b""),
    "not asked for": (answer(b"\x1b", "Content-Encoding: br\r\n"), 200, "undecodable", "br", b""),
    "of hostile name": (answer(b"x", "Content-Encoding: \x1b[31m\r\n"), 200, "undecodable", "?[31m", b""),
    "many layers": (answer(b"x", f"Content-Encoding: {'gzip,' * 9}\r\n"), 200, "undecodable", "9 times", b""),
    "headers of 300 KiB": (answer(b"", f"X-Long: {'a' * 300_000}\r\n"), None, "too_large", "256 KiB", b""),
    "60,000 headers": (answer(b"", "a:\r\n" * 60_000), None, "too_large", "header lines", b""),
    "interim without end": (b"HTTP/1.1 100 C\r\n\r\n" * 200, None, "protocol", "interim", b""),
}


@pytest.mark.parametrize("name", BROKEN)
def test_answers_that_are_broken(client: Client, name: str) -> None:
    reply, status, kind, words, body = BROKEN[name]
    got = ask(client, says(reply))
    assert got.failure is not None
    assert (got.status, got.failure.kind, got.body) == (status, kind, body)
    assert words in got.failure.detail
    assert not got.ok
    assert got.failure.detail.isprintable()


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": NaN, "b": Infinity}', "{'a': nan, 'b': inf}"),
        (b'{"a": "\xff\xfe"}', "{'a': '\ufffd\ufffd'}"),
        (b"[" * 200_000, "None"),
        (b"9" * 10_000, "inf"),
        (b"{} {}", "None"),
        (b"", "None"),
        (b'{"ok":true}\x00', "{'ok': True}"),
    ],
)
def test_json_of_every_kind(client: Client, body: bytes, value: str) -> None:
    assert str(ask(client, says(answer(body))).json) == value


@pytest.mark.parametrize("size", [1, 65535, 65536, 65537, 131072, 1_000_000, 2_097_152])
@pytest.mark.parametrize("coding", ["gzip", "deflate", "gzip, gzip", "gzip, deflate", "deflate, gzip"])
def test_packed_bodies_are_whole(client: Client, size: int, coding: str) -> None:
    body = (b"0123456789" * (size // 10 + 1))[:size]
    packed = body
    for each in coding.split(", "):
        packed = zlib.compress(packed) if each == "deflate" else gzip.compress(packed)
    got = ask(client, says(answer(packed, f"Content-Encoding: {coding}\r\n")))
    assert (got.failure, got.body == body) == (None, True)


@pytest.mark.parametrize("coding", ["br", "gzip", "deflate", "gzip, gzip"])
def test_the_encoding_of_nothing_does_not_matter(client: Client, coding: str) -> None:
    got = ask(client, says(answer(b"", f"Content-Encoding: {coding}\r\n")))
    assert (got.ok, got.body) == (True, b"")


def test_no_content(client: Client) -> None:
    got = ask(client, says(b"HTTP/1.1 204 No Content\r\nContent-Length: 50\r\n\r\n"))
    assert (got.status, got.body, got.failure) == (204, b"", None)
    assert got.first_byte_ms is not None


def test_repeated_headers_are_joined(client: Client) -> None:
    assert ask(client, says(answer(b"", "X-A: 1\r\nx-a: 2\r\n"))).headers["x-a"] == "1, 2"


def test_a_reset_is_tried_once_more(client: Client) -> None:
    def script(connection: socket.socket, _: bytes) -> None:
        reset(connection) if server.connections == 1 else connection.sendall(OK)

    with serve(script) as server:
        assert client.send(Call("POST", server.url, json={})).ok
        assert server.connections == 2
    assert client.calls == 1


def test_a_second_reset_is_the_end(client: Client) -> None:
    with serve(lambda connection, _: reset(connection)) as server:
        got = client.send(Call("POST", server.url, json={}, key=KEY))
        assert got.failure is not None
        assert (got.status, got.failure.kind) == (None, "reset")
        assert server.connections == 2


def test_a_kept_connection_that_died_costs_no_try(client: Client) -> None:
    """The first call keeps its connection; the server drops it only when the second request is in."""

    def script(connection: socket.socket, _: bytes) -> bool:
        number = len(server.requests)
        if number in (2, 3):
            reset(connection)
            return False
        connection.sendall(OK)
        return True

    with serve(script) as server:
        assert client.send(Call("GET", server.url)).ok
        assert client.send(Call("POST", server.url, json={})).ok
        assert (server.connections, len(server.requests)) == (3, 4)


def test_an_answer_that_began_is_not_asked_for_again(client: Client) -> None:
    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123")
        reset(connection)

    with serve(script) as server:
        got = client.send(Call("POST", server.url, json={}))
        assert got.failure is not None
        assert (got.status, got.failure.kind, server.connections) == (200, "reset", 1)


def test_an_answer_before_the_request_was_read(client: Client) -> None:
    """A server may refuse a large upload and close while it is still being sent."""
    listener = socket.create_server(("127.0.0.1", 0))

    def refuse() -> None:
        with suppress(OSError):  # the client may reset its connection, and the listener is closed in the end
            while True:
                connection, _ = listener.accept()
                connection.recv(1000)
                connection.sendall(answer(b"too big", status="HTTP/1.1 413 Too Large"))
                connection.shutdown(socket.SHUT_WR)
                connection.recv(1000)
                connection.close()

    thread = threading.Thread(target=refuse, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    got = client.send(Call("POST", url, body=b"x" * 8_000_000, content_type="audio/wav"))
    listener.shutdown(socket.SHUT_RDWR)  # so that an accept which waits ends
    listener.close()
    thread.join(10)
    assert got.status == 413 or (got.failure is not None and got.failure.kind == "reset")


@pytest.mark.parametrize(
    "key", ["a\nb", "a\r\nX-Evil: 1", "a\0b", "sk-\u0430", "sk-é", " sk", "sk ", "\u200bsk"]
)
def test_a_key_that_no_header_can_hold(client: Client, key: str) -> None:
    assert not is_header_value(key)
    with serve(says(OK)) as server:
        got = client.send(Call("GET", server.url, key=key))
        assert got.failure is not None
        assert got.failure.kind == "bad_header"
        assert key not in got.failure.detail
        assert server.connections == 0


NO_URL = [
    "", "x", "ftp://a/", "http://", "http://a b/", "http://[::1/", "http://a:99999/", "https://*.x/", "http://.a/",
    "http://xn--/", "file:///etc/passwd", "http://a\x00b/", "http:///v1", f"http://{'a' * 64}\u00e9.x/",
]  # fmt: skip


@pytest.mark.parametrize("url", NO_URL)
def test_what_is_no_url(client: Client, url: str) -> None:
    got = client.send(Call("GET", url, key=KEY))
    assert got.failure is not None
    assert (got.status, got.failure.kind) == (None, "no_host")


def test_the_key_shows_nowhere(client: Client) -> None:
    with serve(says(b"nonsense " + KEY.encode())) as server:
        call = Call("POST", server.url, json={}, key=KEY)
        assert KEY not in repr(call)
        assert KEY not in repr(client.send(call))


def test_nan_is_a_mistake_of_the_caller(client: Client) -> None:
    with pytest.raises(ValueError, match="JSON"):
        client.send(Call("POST", "http://127.0.0.1/", json=float("nan")))


def test_many_threads_share_a_client_and_a_bound() -> None:
    def script(connection: socket.socket, _: bytes) -> bool:
        time.sleep(0.05)
        connection.sendall(OK)
        return True

    with serve(script) as server, Client(EgressRules(), Limits(calls_at_once=3)) as client:
        answers: list[Answer] = []
        threads = [
            threading.Thread(target=lambda: answers.append(client.send(Call("GET", server.url))))
            for _ in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [a.ok for a in answers] == [True] * 12
        assert server.most_open == 3
        assert server.connections <= 3
