"""Which addresses may be contacted, however they are spelled; what was judged is what is contacted."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from app.probe.transport.answer import Answer
from app.probe.transport.call import Call
from app.probe.transport.client import Client
from app.probe.transport.deadline import Cancellation, Deadline
from app.probe.transport.egress.dialer import Dialer
from app.probe.transport.egress.rules import Denied, EgressRules, judge_for_proxy, judge_host
from app.probe.transport.failure import TransportError
from app.probe.values import Limits
from tests.probe.wire import OK, closed_port, says, serve

OPEN = EgressRules()
CLOSED = EgressRules(private=False)


class Names:
    """A resolver with answers of its own; each name gives its lists in turn, the last one again."""

    def __init__(self, **names: Sequence[str] | Sequence[Sequence[str]]) -> None:
        self.names = {name.replace("_", "."): list(found) for name, found in names.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, **more: Any) -> list[tuple[Any, ...]]:
        self.asked.append(host)
        answers = self.names.get(host)
        if answers is None:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        found = answers
        if answers and not isinstance(answers[0], str):
            found = answers.pop(0) if len(answers) > 1 else answers[0]  # type: ignore[assignment]
        return [entry for address in found for entry in socket.getaddrinfo(str(address), port, **more)]


def reason(host: str, rules: EgressRules = OPEN, port: int = 80) -> str:
    """Why a host is denied; empty where it is not."""
    judged = judge_host(host, port, rules)
    return judged.reason if isinstance(judged, Denied) else ""


ALWAYS = [
    "169.254.169.254", "169.254.0.1", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192",
    "0.0.0.0", "0.1.2.3", "255.255.255.255", "224.0.0.1", "239.255.255.250",
    "::", "fe80::1", "fe80::1%lo", "fe80::1%25eth0", "febf::1", "ff02::1",
    "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254",
    "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "::169.254.169.254", "::ffff:0:a9fe:a9fe",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::169.254.169.254", "64:ff9b:1::a9fe:a9fe", "64:ff9b:1:a9fe:a9:fe00::", "2002:a9fe:a9fe::1",
    "2001:0:1:2:3:4:5601:5601", "fe80::5efe:a9fe:a9fe", "2001:db8::5efe:a9fe:a9fe",
    "::ffff:0.0.0.0", "::ffff:224.0.0.1",
    "2852039166", "0xa9fea9fe", "0xA9.0xFE.0xA9.0xFE", "0251.0376.0251.0376", "169.254.43518", "169.16689662",
    "0251.254.0xa9fe", "0", "0x0", "00000", "[::ffff:169.254.169.254]", "[fe80::1]",
    "metadata", "metadata.google.internal", "METADATA.google.internal.", "metadata.google.internal..",
    "instance-data",
    "instance-data.ec2.internal", "metadata.azure.internal", "api.metadata.cloud.ibm.com",
]  # fmt: skip


@pytest.mark.parametrize("host", ALWAYS)
@pytest.mark.parametrize("allow", [(), ("0.0.0.0/0", "::/0", "*")])
def test_nothing_opens_what_is_always_refused(host: str, allow: tuple[str, ...]) -> None:
    assert reason(host, EgressRules(allow=allow, resolver=Names(metadata=["8.8.8.8"])))


PRIVATE = [
    "127.0.0.1", "::1", "10.1.2.3", "192.168.1.17", "172.16.0.1", "fd12::1", "100.64.0.1", "2130706433",
    "0x7f.1", "0177.0.0.1", "127.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::",
]  # fmt: skip


@pytest.mark.parametrize("host", PRIVATE)
def test_private_addresses_are_open_until_closed(host: str) -> None:
    assert not reason(host)
    assert "private" in reason(host, CLOSED)
    assert not reason(host, EgressRules(private=False, allow=("0.0.0.0/0", "::/0")))


@pytest.mark.parametrize(
    "host", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808", "134744072"]
)
def test_public_addresses_are_open(host: str) -> None:
    assert not reason(host, CLOSED)


@pytest.mark.parametrize(
    ("entry", "host", "denied"),
    [
        ("10.0.0.0/8", "10.9.9.9", True),
        ("10.0.0.0/8", "::ffff:10.9.9.9", True),
        ("10.0.0.0/8", "11.9.9.9", False),
        ("8.8.8.8", "8.8.8.8", True),
        ("10.1.2.3/8", "10.9.9.9", True),
        ("2001:db8::/32", "2001:db8::1", True),
        ("gpu.example", "gpu.example", True),
        ("gpu.example", "GPU.example.", True),
        ("gpu.example", "a.gpu.example", False),
        ("*.example", "gpu.example", True),
        ("*.EXAMPLE", "a.gpu.example", True),
        ("*.example", "example", False),
        ("*", "gpu.example", True),
        ("*", "8.8.8.8", True),
        ("", "gpu.example", False),
    ],
)
def test_the_deny_list(entry: str, host: str, denied: bool) -> None:
    names = Names(
        gpu_example=["8.8.8.8"], GPU_example_=["8.8.8.8"], a_gpu_example=["8.8.8.8"], example=["8.8.8.8"]
    )
    assert bool(reason(host, EgressRules(deny=(entry,), resolver=names))) is denied


def test_deny_wins_over_allow() -> None:
    assert reason("10.0.0.1", EgressRules(allow=("10.0.0.0/8",), deny=("10.0.0.1",)))


@pytest.mark.parametrize(
    ("entry", "open_"), [("10.0.0.0/24", True), ("gpu", True), ("g*", True), ("10.1.0.0/16", False)]
)
def test_allow_opens_again_what_is_closed(entry: str, open_: bool) -> None:
    rules = EgressRules(private=False, allow=(entry,), resolver=Names(gpu=["10.0.0.5"]))
    assert bool(reason("gpu", rules)) is not open_


@pytest.mark.parametrize("private", [True, False])
def test_allow_closes_what_it_does_not_list(private: bool) -> None:
    rules = EgressRules(
        private=private, allow=("10.0.0.0/8", "*.example"), resolver=Names(gpu_example=["8.8.8.8"])
    )
    assert "allow list" in reason("8.8.8.8", rules)
    assert "allow list" in reason("127.0.0.1", rules)
    assert not reason("10.1.2.3", rules)
    assert not reason("gpu.example", rules)


@pytest.mark.parametrize("bad", ["169.254.169.254", "fe80::1", "64:ff9b::a9fe:a9fe", "0.0.0.0"])
def test_one_bad_address_of_a_name_is_enough(bad: str) -> None:
    for found in ([bad, "8.8.8.8"], ["8.8.8.8", bad]):
        assert bad in reason("two.example", EgressRules(resolver=Names(two_example=found)))


def test_one_private_address_of_a_name_is_enough_where_they_are_closed() -> None:
    names = Names(two_example=["8.8.8.8", "10.0.0.1"])
    assert "10.0.0.1" in reason("two.example", EgressRules(private=False, resolver=names))
    assert not reason("two.example", EgressRules(resolver=names))


@pytest.mark.parametrize(
    ("own", "host", "port", "denied"),
    [
        ("127.0.0.1", "127.0.0.1", 8000, True),
        ("127.0.0.1", "localhost", 8000, True),
        ("127.0.0.1", "::ffff:127.0.0.1", 8000, True),
        ("127.0.0.1", "127.0.0.1", 8001, False),
        ("0.0.0.0", "127.0.0.1", 8000, True),
        ("0.0.0.0", "127.9.9.9", 8000, True),
        ("0.0.0.0", "8.8.8.8", 8000, False),
        ("::", "::1", 8000, True),
        ("::", "127.0.0.1", 8000, True),
        ("localhost", "127.0.0.1", 8000, True),
        ("", "127.0.0.1", 8000, True),
        ("10.0.0.7", "10.0.0.7", 8000, True),
        ("10.0.0.7", "10.0.0.8", 8000, False),
        ("10.0.0.7", "::ffff:10.0.0.7", 8000, True),
        ("::ffff:10.0.0.7", "10.0.0.7", 8000, True),
        ("0", "127.0.0.1", 8000, True),
        ("[::]", "127.0.0.1", 8000, True),
        ("127.1", "127.0.0.1", 8000, True),
        ("muster.example", "muster.example", 8000, True),
        ("muster.example", "MUSTER.example.", 8000, True),
        ("muster.example", "8.8.8.8", 8000, False),
    ],
)
def test_muster_itself_is_refused(own: str, host: str, port: int, denied: bool) -> None:
    rules = EgressRules(own=((own, 8000),), allow=("*", "0.0.0.0/0"))
    assert ("Muster itself" in reason(host, rules, port)) is denied


def test_muster_is_refused_behind_a_proxy_by_its_name_alone() -> None:
    """Where only the proxy can resolve the name, the proxy would bring the call back here."""
    rules = EgressRules(own=(("muster.example", 8000),), resolver=Names())
    judged = judge_for_proxy("muster.example", 8000, rules)
    assert isinstance(judged, Denied) and "Muster itself" in judged.reason
    assert judge_for_proxy("muster.example", 8001, rules) == []


def test_muster_is_refused_at_any_address_of_its_machine() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("192.0.2.1", 9))
        address = sock.getsockname()[0]
    assert "Muster itself" in reason(address, EgressRules(own=(("0.0.0.0", 8000),)), 8000)


def send(rules: EgressRules, url: str, **limits: float) -> Answer:
    with Client(rules, Limits(**limits)) as client:  # type: ignore[arg-type]
        return client.send(Call("GET", url, key="sk-secret"))


def failed(rules: EgressRules, url: str, kind: str, **limits: float) -> str:
    """The words of a failure that is of the expected kind."""
    failure = send(rules, url, **limits).failure
    assert failure is not None
    assert failure.kind == kind, failure
    return failure.detail


REFUSED = [
    "http://169.254.169.254/latest", "http://2852039166/", "https://[::ffff:a9fe:a9fe]/", "http://0xa9.254.169.254:80/",
    "http://metadata.google.internal/", "http://0/", "http://[fe80::1%25eth0]/", "http://user@169.254.169.254/",
    "http://169.254.169.254./",
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED)
def test_a_call_to_what_is_refused_sends_nothing(url: str) -> None:
    failed(OPEN, url, "egress_denied")


def test_own_address_is_refused_by_a_call() -> None:
    with serve(says(OK)) as server:
        failed(EgressRules(own=(("127.0.0.1", server.port),)), server.url, "egress_denied")
        assert server.connections == 0


def test_a_name_is_looked_up_once_and_what_was_judged_is_contacted() -> None:
    """Rebinding: the second look at the name would give another address, where another server listens."""
    with serve(says(OK)) as good:
        names = Names(rebind_example=[["127.0.0.1"], ["169.254.169.254"]])
        with Client(EgressRules(resolver=names), Limits()) as client:
            for _ in range(3):
                assert client.send(Call("GET", f"http://rebind.example:{good.port}/v1")).ok
        assert names.asked == ["rebind.example"]
        assert good.connections == 3
        assert f"Host: rebind.example:{good.port}".encode() in good.requests[0]
        failed(EgressRules(resolver=names), f"http://rebind.example:{good.port}/", "egress_denied")


def test_ipv6() -> None:
    with serve(says(OK), address="::1") as server:
        assert send(OPEN, server.url).ok
        assert f"Host: [::1]:{server.port}".encode() in server.requests[0]


def test_an_international_name_is_asked_for_in_its_ascii_form() -> None:
    names = Names(**{"xn--bcher-kva.example": ["127.0.0.1"]})
    with serve(says(OK)) as server:
        assert send(EgressRules(resolver=names), f"http://b\u00fccher.example:{server.port}/").ok
        assert names.asked == ["xn--bcher-kva.example"]


def test_a_trailing_dot_is_for_the_resolver_only() -> None:
    names = Names(gpu_example_=["127.0.0.1"])
    with serve(says(OK)) as server:
        assert send(EgressRules(resolver=names), f"http://gpu.example.:{server.port}/").ok
        assert names.asked == ["gpu.example."]
        assert f"Host: gpu.example:{server.port}".encode() in server.requests[0]


def test_no_such_host() -> None:
    assert "no host named nowhere.example" in failed(
        EgressRules(resolver=Names()), "http://nowhere.example/", "no_host"
    )


@pytest.mark.parametrize(
    "error",
    [socket.gaierror(socket.EAI_AGAIN, "again"), UnicodeError("label too long"), OSError(5, "broken")],
)
def test_a_resolver_that_fails(error: Exception) -> None:
    def resolver(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
        raise error

    failed(EgressRules(resolver=resolver), "http://gpu.example/", "no_host")


def test_a_resolver_that_finds_nothing() -> None:
    failed(EgressRules(resolver=Names(gpu_example=[])), "http://gpu.example/", "no_host")


def hanging(seconds: float) -> Callable[..., list[tuple[Any, ...]]]:
    def resolver(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
        time.sleep(seconds)
        return []

    return resolver


def test_a_resolver_that_hangs_ends_with_the_connect_limit() -> None:
    start = time.monotonic()
    words = failed(EgressRules(resolver=hanging(2)), "http://gpu.example/", "timeout", connect_s=0.3)
    assert "gpu.example was not resolved" in words
    assert time.monotonic() - start < 1.2


def test_resolvers_that_hang_keep_no_address_waiting() -> None:
    """More lookups than may run at once, and meanwhile a host that needs none."""
    rules = EgressRules(resolver=hanging(1))
    clients = [Client(rules, Limits(connect_s=0.05)) for _ in range(70)]
    threads = [
        threading.Thread(target=client.send, args=(Call("GET", "http://gpu.example/"),)) for client in clients
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    start = time.monotonic()
    failed(rules, f"http://127.0.0.1:{closed_port()}/", "refused")
    assert time.monotonic() - start < 0.9


def test_a_cancellation_is_heard_while_resolving() -> None:
    cancelled = Cancellation()
    threading.Timer(0.1, cancelled.set).start()
    start = time.monotonic()
    with Client(EgressRules(resolver=hanging(2)), Limits(), cancelled=cancelled) as client:
        failure = client.send(Call("GET", "http://gpu.example/")).failure
    assert failure is not None
    assert failure.kind == "cancelled"
    assert time.monotonic() - start < 0.9


def test_refused() -> None:
    port = closed_port()
    assert f"port {port}" in failed(OPEN, f"http://127.0.0.1:{port}/", "refused")


def test_the_next_address_is_tried_where_one_refuses() -> None:
    with serve(says(OK)) as server:
        names = Names(gpu_example=["127.0.0.2", "127.0.0.1"])
        assert send(EgressRules(resolver=names), f"http://gpu.example:{server.port}/").ok


def full_backlog(port: int) -> tuple[socket.socket, list[socket.socket]]:
    """A listener at 127.0.0.2 with a full queue: the kernel leaves a new connection without an answer."""
    listener = socket.socket()
    listener.bind(("127.0.0.2", port))
    listener.listen(0)
    waiting = []
    for _ in range(4):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(listener.getsockname())
        waiting.append(sock)
    time.sleep(0.1)
    return listener, waiting


def test_a_silent_address_does_not_eat_the_connect_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        listener, waiting = full_backlog(port)
        threading.Thread(target=_serve_once, args=(server,), daemon=True).start()
        start = time.monotonic()
        rules = EgressRules(resolver=Names(gpu_example=["127.0.0.2", "127.0.0.1"]))
        assert send(rules, f"http://gpu.example:{port}/").ok
        assert time.monotonic() - start < 1.0
    words = failed(OPEN, f"http://127.0.0.2:{port}/", "timeout", connect_s=0.4)
    assert "took no connection within 0.4 s" in words
    for sock in (listener, *waiting):
        sock.close()


def _serve_once(server: socket.socket) -> None:
    connection, _ = server.accept()
    connection.recv(65536)
    connection.sendall(OK)
    connection.close()


def test_a_tunnel_without_a_proxy_is_a_connection() -> None:
    with serve(says(OK)) as server:
        stream = Dialer(OPEN, 1.0).open_tunnel("127.0.0.1", server.port, Deadline(time.monotonic() + 1.0))
        stream.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert stream.makefile().readline().startswith(b"HTTP/1.1 200")
        stream.abort()
    with pytest.raises(TransportError) as caught:
        Dialer(OPEN, 1.0).open_tunnel("::ffff:169.254.169.254", 80, Deadline(time.monotonic() + 1.0))
    assert caught.value.failure.kind == "egress_denied"
