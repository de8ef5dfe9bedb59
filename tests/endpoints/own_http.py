"""Own behaviours: HTTP and TLS as they come, and as they break."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from app.practice.wire import Reply, Request, as_json
from tests.endpoints.base import Simulator
from tests.endpoints.certificates import bundle, served, stranger
from tests.endpoints.own import accepted, briefly, rejected
from tests.endpoints.replies import Raw, html, raw, text

JSON = Any
HTTP = "https://www.rfc-editor.org/rfc/rfc9110"
HTTP1 = "https://www.rfc-editor.org/rfc/rfc9112"
TLS = "https://badssl.com/"
CLOUDFLARE = "https://developers.cloudflare.com/support/troubleshooting/http-status-codes/"
LIMITS = "endpoint_error not_openai_compatible timeout"


def whole(reply: Reply) -> bytes:
    """All of a reply's body."""
    return reply.body if isinstance(reply.body, bytes) else b"".join(reply.body)


def always_raw(sim: Simulator, *pieces: bytes) -> None:
    """Answer every request with these bytes, and close."""
    sim.every(raw(*pieces))


def packed(sim: Simulator, coding: str, pack: Any) -> None:
    """Compress every good answer where the coding is offered."""

    def change(request: Request, reply: Reply) -> Reply:
        if coding not in request.headers.get("accept-encoding", ""):
            return reply
        return replace(reply, body=pack(whole(reply)), headers={"content-encoding": coding})

    sim.edit_reply(change)


def _deflated(body: bytes, bits: int) -> bytes:
    packer = zlib.compressobj(wbits=bits)
    return packer.compress(body) + packer.flush()


@accepted("own-gzip", HTTP + "#name-gzip-coding", capabilities={"streaming": True})
def _(sim: Simulator) -> None:
    """Every answer is compressed with gzip, streams too."""
    packed(sim, "gzip", gzip.compress)


@accepted("own-deflate", HTTP + "#name-deflate-coding", capabilities={"streaming": True})
def _(sim: Simulator) -> None:
    """Every answer is deflated with zlib's header."""
    packed(sim, "deflate", zlib.compress)


@accepted("own-deflate-without-header", HTTP + "#name-deflate-coding")
def _(sim: Simulator) -> None:
    """Every answer is deflated without zlib's header, as some servers do."""
    packed(sim, "deflate", lambda body: _deflated(body, -15))


@accepted("own-byte-order-mark", "https://www.rfc-editor.org/rfc/rfc8259#section-8.1")
def _(sim: Simulator) -> None:
    """Every answer begins with a byte order mark."""
    sim.edit_reply(lambda request, reply: replace(reply, body=b"\xef\xbb\xbf" + whole(reply)))


@accepted("own-invalid-utf-8", "https://www.rfc-editor.org/rfc/rfc3629")
def _(sim: Simulator) -> None:
    """The answer holds bytes that are no UTF-8."""
    sim.edit_reply(
        lambda request, reply: replace(
            reply, body=whole(reply).replace(b'"object"', b'"x": "\xff\xfe", "object"', 1)
        )
    )


@accepted(
    "own-nan-in-the-answer", "https://docs.python.org/3/library/json.html#infinite-and-nan-number-values"
)
def _(sim: Simulator) -> None:
    """The answer holds NaN and Infinity, which are no JSON."""
    sim.edit(lambda asked, answer: answer | {"timings": {"per_second": float("nan"), "most": float("inf")}})


@accepted("own-http-1.0", HTTP1 + "#name-message-body-length", capabilities={"streaming": True})
def _(sim: Simulator) -> None:
    """HTTP/1.0: no length, the end of the connection ends the body."""

    def old(request: Request, reply: Reply) -> Reply:
        return raw(
            b"HTTP/1.0 200 OK\r\nContent-Type: " + reply.content_type.encode() + b"\r\n\r\n", whole(reply)
        )

    sim.edit_reply(old)


@accepted("own-informational-answers-first", HTTP + "#name-informational-1xx")
def _(sim: Simulator) -> None:
    """100 Continue and 103 Early Hints come before the answer."""

    def hinted(request: Request, reply: Reply) -> Reply:
        body = whole(reply)
        early = (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
        )
        head = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
        return raw(early, head % (reply.content_type.encode(), len(body)), body)

    sim.edit_reply(hinted)


@accepted("own-chunks-with-extensions-and-trailers", HTTP1 + "#name-chunked-transfer-coding")
def _(sim: Simulator) -> None:
    """Chunks have extensions, and trailers follow the last."""

    def chunked(request: Request, reply: Reply) -> Reply:
        body = whole(reply)
        head = (
            b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n"
            % reply.content_type.encode()
        )
        middle = len(body) // 2
        pieces = [b"%x;name=value\r\n%s\r\n" % (len(part), part) for part in (body[:middle], body[middle:])]
        return raw(head, *pieces, b"0\r\nX-Checksum: 1\r\n\r\n")

    sim.edit_reply(chunked)


@accepted("own-odd-but-legal-headers", HTTP + "#name-fields")
def _(sim: Simulator) -> None:
    """Header names in capitals, no space after the colon, the same header twice."""

    def odd(request: Request, reply: Reply) -> Reply:
        body = whole(reply)
        cookies = b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
        head = b"HTTP/1.1 200 \r\nCONTENT-TYPE:%s\r\n" + cookies + b"Content-length:%d\r\n\r\n"
        return raw(head % (reply.content_type.encode(), len(body)), body)

    sim.edit_reply(odd)


@accepted("own-wrong-content-type", HTTP + "#name-content-type")
def _(sim: Simulator) -> None:
    """Good JSON is called a page."""
    sim.edit_reply(lambda request, reply: replace(reply, content_type="text/html"))


@accepted("own-first-connection-reset", HTTP1 + "#name-retrying-requests")
def _(sim: Simulator) -> None:
    """The first request is reset before any answer; all others are answered."""
    first = iter(range(1))
    sim.every(lambda request: raw(reset=True) if next(first, None) is not None else None)


@accepted("own-ipv6", "https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2")
def _(sim: Simulator) -> None:
    """It listens on IPv6 only."""
    sim.host = "::1"


@accepted("own-slow-first-byte", "https://github.com/ollama/ollama/blob/main/docs/faq.md")
def _(sim: Simulator) -> None:
    """The first chat request takes a while, since the model is loaded for it."""
    first = iter(range(1))

    def cold(request: Request) -> None:
        if next(first, None) is not None:
            sim.pause(1.0)

    sim.refuse(cold)


@rejected(
    "own-trickle",
    "https://owasp.org/www-community/attacks/Denial_of_Service",
    "timeout endpoint_error",
    "base_url",
)
def _(sim: Simulator) -> None:
    """A byte now and then, without end."""

    def drops() -> Iterator[bytes]:
        yield b'{"id": "'
        while not sim.stopping.is_set():
            sim.pause(0.1)
            yield b"x"

    sim.settings |= {"probe_seconds": 2.0}
    sim.refuse(lambda request: Reply(200, drops()))


@rejected(
    "own-trickling-headers",
    "https://owasp.org/www-community/attacks/Denial_of_Service",
    "timeout endpoint_error",
    "base_url",
)
def _(sim: Simulator) -> None:
    """A header's byte now and then, without end."""

    def drops(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not sim.stopping.is_set():
            sim.pause(0.1)
            connection.sendall(b"x")

    sim.settings |= {"probe_seconds": 2.0, "probe_first_byte_seconds": 1.5}
    sim.refuse(Raw(play=drops))


@rejected("own-endless-body", "https://owasp.org/www-community/attacks/Denial_of_Service", LIMITS, "base_url")
def _(sim: Simulator) -> None:
    """An answer that never ends, as fast as it goes."""

    def flood() -> Iterator[bytes]:
        yield b'{"id": "'
        while not sim.stopping.is_set():
            yield b"x" * 65536

    sim.refuse(lambda request: Reply(200, flood()))


@rejected("own-decompression-bomb", "https://www.bamsoftware.com/hacks/zipbomb/", LIMITS, "base_url")
def _(sim: Simulator) -> None:
    """An answer of 100 KB that unpacks to 100 MB."""
    bomb = gzip.compress(b'{"id": "' + bytes(100_000_000), 9)
    sim.refuse(Reply(200, bomb, headers={"content-encoding": "gzip"}))


@rejected("own-huge-headers", HTTP + "#name-field-limits", LIMITS, "base_url")
def _(sim: Simulator) -> None:
    """A megabyte of headers."""
    line = b"X-Filler: " + b"x" * 4000 + b"\r\n"
    sim.refuse(raw(b"HTTP/1.1 200 OK\r\n" + line * 260 + b"Content-Length: 2\r\n\r\n{}"))


@rejected("own-broken-gzip", HTTP + "#name-gzip-coding", "endpoint_error not_openai_compatible", "base_url")
def _(sim: Simulator) -> None:
    """What is called gzip is none."""
    sim.refuse(Reply(200, b"this is no gzip", headers={"content-encoding": "gzip"}))


@rejected("own-empty-answers", HTTP + "#name-200-ok", "endpoint_error not_openai_compatible", "base_url")
def _(sim: Simulator) -> None:
    """200 with nothing, to everything."""
    sim.every(Reply(200))


@rejected(
    "own-ssh-in-place-of-http",
    "https://www.rfc-editor.org/rfc/rfc4253#section-4.2",
    "not_openai_compatible",
    "base_url",
)
def _(sim: Simulator) -> None:
    """Another protocol: the greeting of an SSH server."""
    always_raw(sim, b"SSH-2.0-OpenSSH_9.6\r\n")


@rejected("own-closes-without-a-word", HTTP1 + "#name-tear-down", "endpoint_unreachable", "base_url")
def _(sim: Simulator) -> None:
    """Every connection is closed before any answer."""
    always_raw(sim)


@rejected(
    "own-another-json-api",
    "https://grafana.com/docs/grafana/latest/developers/http_api/",
    "not_openai_compatible wrong_path",
    "base_url",
)
def _(sim: Simulator) -> None:
    """JSON of another kind to everything, with 200."""
    sim.every(as_json({"status": "ok", "version": "11.2.0", "database": "ok"}))


@rejected(
    "own-login-page", "https://oauth2-proxy.github.io/oauth2-proxy/", "not_openai_compatible", "base_url"
)
def _(sim: Simulator) -> None:
    """A page for signing in, with 200, to everything."""
    sim.every(html(200, "Sign in"))


@rejected(
    "own-cloudflare-challenge",
    "https://developers.cloudflare.com/cloudflare-challenges/",
    "not_openai_compatible",
    "base_url",
)
def _(sim: Simulator) -> None:
    """403 Just a moment..., for good."""
    sim.every(html(403, "Just a moment...", server="cloudflare", cf_mitigated="challenge"))
    briefly(sim)


@rejected("own-502-of-a-proxy", CLOUDFLARE, "endpoint_error model_unavailable")
def _(sim: Simulator) -> None:
    """502 with a page of the proxy, to everything, for good."""
    sim.every(html(502, "502 Bad Gateway", server="nginx"))
    briefly(sim)


@accepted("own-503-of-a-proxy-once", HTTP + "#field.retry-after")
def _(sim: Simulator) -> None:
    """503 with a page and Retry-After for the first request, then all is well."""
    first = iter(range(1))
    page = html(503, "503 Service Temporarily Unavailable", retry_after="1")
    sim.refuse(lambda request: page if next(first, None) is not None else None)


@rejected("own-redirect-to-another-host", HTTP + "#name-redirection-3xx", "redirected", "base_url")
def _(sim: Simulator) -> None:
    """307 to another host; what runs there must not see the key."""
    thief = Simulator(model_id="thief")
    sim.neighbours.append(thief)
    sim.every(lambda request: Reply(307, headers={"location": thief.origin + request.path}))


@rejected(
    "own-redirect-to-another-path",
    HTTP + "#name-308-permanent-redirect",
    "redirected wrong_path",
    "base_url",
    suggests={"base_url": "/gateway/v1"},
)
def _(sim: Simulator) -> None:
    """308 to another path of the same host."""
    sim.prefix = "/gateway/v1"
    sim.every(
        lambda request: Reply(308, headers={"location": "/gateway" + request.path}),
        when=lambda request: request.path.startswith("/v1"),
    )


@rejected(
    "own-redirect-to-a-login",
    "https://developers.cloudflare.com/cloudflare-one/identity/",
    "redirected not_openai_compatible",
    "base_url",
)
def _(sim: Simulator) -> None:
    """302 to a page for signing in elsewhere."""
    place = "https://team.cloudflareaccess.com/cdn-cgi/access/login/llm.example.com?kid=1"
    sim.every(Reply(302, headers={"location": place}))


def over_tls(sim: Simulator, **how: Any) -> None:
    """Serve over TLS; Muster trusts the authority of this test run."""
    sim.scheme, sim.settings["ca_bundle"] = "https", bundle()
    sim.tls = served(*how.pop("names", ()), **how)


@accepted("own-tls-of-a-private-authority", TLS)
def _(sim: Simulator) -> None:
    """A certificate of an authority that the settings trust."""
    over_tls(sim)


@rejected("own-tls-expired", TLS, "tls_error", "base_url")
def _(sim: Simulator) -> None:
    """A certificate that expired yesterday."""
    over_tls(sim, not_after=datetime.now(UTC) - timedelta(days=1))


@rejected("own-tls-unknown-authority", TLS, "tls_error", "base_url")
def _(sim: Simulator) -> None:
    """A certificate of an authority that nobody trusts."""
    over_tls(sim, ca=stranger())


@rejected("own-tls-for-another-host", TLS, "tls_error", "base_url")
def _(sim: Simulator) -> None:
    """A certificate for another name."""
    over_tls(sim, names=("llm.example.com",))


@rejected("own-https-where-only-http-is", TLS, "tls_error", "base_url")
def _(sim: Simulator) -> None:
    """https was typed, and plain HTTP is spoken there."""
    sim.scheme = "https"


@rejected(
    "own-http-where-only-https-is",
    "https://nginx.org/en/docs/http/ngx_http_ssl_module.html#errors",
    "redirected wrong_path tls_error",
    "base_url",
    suggests={"base_url": "with https"},
)
def _(sim: Simulator) -> None:
    """http was typed; the port speaks TLS and says so, as nginx does."""
    over_tls(sim)
    sim.scheme = "http"
    page = html(400, "The plain HTTP request was sent to HTTPS port", server="nginx")
    sim.plain_reply = lambda request: page


@accepted(
    "own-events-labelled-plain-text",
    "https://html.spec.whatwg.org/multipage/server-sent-events.html",
    capabilities={"streaming": True},
)
def _(sim: Simulator) -> None:
    """Streams are called text/plain."""
    sim.edit_reply(
        lambda request, reply: (
            replace(reply, content_type="text/plain") if request.json.get("stream") else reply
        )
    )


@accepted("own-json-after-white-space-and-slowly", HTTP1)
def _(sim: Simulator) -> None:
    """Pieces of a few bytes with pauses between, white space in front."""

    def slow(body: bytes) -> Iterator[bytes]:
        yield b" \r\n"
        for at in range(0, len(body), 100):
            sim.pause(0.01)
            yield body[at : at + 100]

    sim.edit_reply(lambda request, reply: replace(reply, body=slow(whole(reply))))


@rejected("own-string-in-place-of-an-answer", HTTP, "not_openai_compatible endpoint_error", "base_url")
def _(sim: Simulator) -> None:
    """A JSON string, with 200."""
    sim.refuse(Reply(200, json.dumps("OK").encode()))


@rejected("own-plain-words-in-place-of-an-answer", HTTP, "not_openai_compatible endpoint_error", "base_url")
def _(sim: Simulator) -> None:
    """The words of the model without any JSON, with 200."""
    sim.refuse(text(200, "OK"))
