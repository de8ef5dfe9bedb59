"""Calls through a proxy of the settings: the rules hold for what is asked of it; keys stay in the tunnel."""

from __future__ import annotations

import time

import pytest
import trustme

from app.probe.transport.answer import Answer
from app.probe.transport.call import Call
from app.probe.transport.client import Client
from app.probe.transport.deadline import Deadline
from app.probe.transport.egress.dialer import Dialer
from app.probe.transport.egress.rules import EgressRules
from app.probe.transport.failure import TransportError
from app.probe.values import Limits
from tests.probe.transport.test_egress import Names
from tests.probe.transport.test_tls import server_context
from tests.probe.wire import OK, Server, answer, closed_port, relay, says, serve


def send(proxy: Server, url: str, user: str = "", **rules: object) -> Answer:
    address = f"http://{user}127.0.0.1:{proxy.port}"
    with Client(EgressRules(proxy=address, **rules), Limits()) as client:  # type: ignore[arg-type]
        return client.send(Call("POST", url, json={}, key="sk-secret"))


def test_http_is_forwarded_with_the_whole_url() -> None:
    with serve(says(OK)) as server, serve(relay(server.port)) as proxy:
        assert send(proxy, "http://gpu.example/v1/x?a=b", "us%65r:p%40ss@").ok
        head = proxy.requests[0].decode()
        assert head.startswith("POST http://gpu.example/v1/x?a=b HTTP/1.1\r\nHost: gpu.example\r\n")
        assert "Proxy-Authorization: Basic dXNlcjpwQHNz\r\n" in head  # user:p@ss


def test_https_goes_through_a_tunnel(tmp_path_factory: pytest.TempPathFactory) -> None:
    ca = trustme.CA()
    bundle = tmp_path_factory.mktemp("proxy") / "ca.pem"
    ca.cert_pem.write_to_path(str(bundle))
    context = server_context(ca.issue_cert("gpu.example"))
    with serve(says(OK), context=context) as server, serve(relay(server.port)) as proxy:
        assert send(proxy, "https://gpu.example/v1/x", "user:pass@", ca_bundle=str(bundle)).ok
        assert proxy.requests[0].startswith(b"CONNECT gpu.example:443 HTTP/1.1\r\nHost: gpu.example:443\r\n")
        assert b"Proxy-Authorization: Basic" in proxy.requests[0]
        assert server.requests[0].startswith(b"POST /v1/x HTTP/1.1\r\nHost: gpu.example\r\n")
        assert b"Proxy-Authorization" not in server.requests[0]
        failure = send(proxy, "https://other.example/", ca_bundle=str(bundle)).failure
    assert failure is not None
    assert failure.detail == "the certificate is not for other.example: it is for gpu.example"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (answer(b"", status="HTTP/1.1 407 Proxy Authentication Required"), "407 Proxy Authentication"),
        (answer(b"", status="HTTP/1.1 502 Bad Gateway"), "502 Bad Gateway"),
        (b"", "says nothing"),
        (b"nonsense\r\n\r\n", "says nothing"),
    ],
)
def test_a_tunnel_that_is_refused(reply: bytes, words: str) -> None:
    with serve(says(reply)) as proxy:
        failure = send(proxy, "https://gpu.example/").failure
    assert failure is not None
    assert failure.kind == "unreachable"
    assert words in failure.detail


def test_a_proxy_that_is_not_there() -> None:
    rules = EgressRules(proxy=f"http://127.0.0.1:{closed_port()}")
    with Client(rules, Limits()) as client:
        failure = client.send(Call("GET", "http://gpu.example/")).failure
    assert failure is not None
    assert failure.kind == "refused"


def test_a_proxy_of_another_kind() -> None:
    with Client(EgressRules(proxy="https://127.0.0.1:1"), Limits()) as client:
        failure = client.send(Call("GET", "http://gpu.example/")).failure
    assert failure is not None
    assert (failure.kind, "http://" in failure.detail) == ("unreachable", True)


REFUSED = [
    "169.254.169.254", "2852039166", "0xa9fea9fe", "[::ffff:a9fe:a9fe]", "169.254.169.254.", "0.0.0.0",
    "metadata.google.internal", "metadata", "blocked.example",
]  # fmt: skip


@pytest.mark.parametrize("host", REFUSED)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_rules_hold_for_what_the_proxy_is_asked(host: str, scheme: str) -> None:
    with serve(says(OK)) as proxy:
        failure = send(proxy, f"{scheme}://{host}/", deny=("blocked.example",)).failure
        assert failure is not None
        assert failure.kind == "egress_denied"
        assert proxy.connections == 0


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "0x7f.1", "10.0.0.1", "localhost", "a.localhost", "gpu", "gpu.local"]
)
def test_private_hosts_may_be_closed(host: str) -> None:
    with serve(says(OK)) as proxy:
        failure = send(proxy, f"http://{host}/", private=False).failure
        assert failure is not None
        assert failure.kind == "egress_denied"
        assert send(proxy, f"http://{host}/").ok
        assert send(proxy, f"http://{host}/", private=False, allow=("*", "0.0.0.0/0")).ok
        assert send(proxy, "http://gpu.example/", private=False).ok


def test_a_name_is_resolved_and_judged_as_without_a_proxy() -> None:
    names = Names(proxy_example=["127.0.0.1"], inside_example=["10.0.0.1"], meta_example=["169.254.169.254"])
    with serve(says(OK)) as proxy:
        rules = EgressRules(proxy=f"http://proxy.example:{proxy.port}", resolver=names, private=False)
        with Client(rules, Limits()) as client:
            for host in ("inside.example", "meta.example"):
                failure = client.send(Call("GET", f"http://{host}/")).failure
                assert failure is not None and failure.kind == "egress_denied"
        assert proxy.connections == 0


def test_a_name_that_only_the_proxy_knows_is_left_to_it() -> None:
    names = Names(proxy_example=["127.0.0.1"])
    with serve(says(OK)) as proxy:
        rules = EgressRules(proxy=f"http://proxy.example:{proxy.port}", resolver=names, private=False)
        with Client(rules, Limits()) as client:
            assert client.send(Call("GET", "http://gpu.example/")).ok
    assert names.asked == ["gpu.example", "proxy.example"]


def test_a_tunnel_through_the_proxy() -> None:
    with serve(says(OK)) as server, serve(relay(server.port)) as proxy:
        rules = EgressRules(proxy=f"http://127.0.0.1:{proxy.port}")
        stream = Dialer(rules, 1.0).open_tunnel("gpu.example", 80, Deadline(time.monotonic() + 1.0))
        stream.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert stream.makefile().readline().startswith(b"HTTP/1.1 200")
        stream.abort()
        with pytest.raises(TransportError):
            Dialer(rules, 1.0).open_tunnel("169.254.169.254", 80, Deadline(time.monotonic() + 1.0))
