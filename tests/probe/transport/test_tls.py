"""TLS of every broken kind: the failure says which, in words an operator can act on."""

from __future__ import annotations

import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.probe.transport.call import Call
from app.probe.transport.client import Client
from app.probe.transport.egress.rules import EgressRules
from app.probe.transport.failure import Failure
from app.probe.values import Limits, Validity
from tests.probe.transport.test_egress import Names
from tests.probe.wire import OK, Script, answer, read_some, reset, says, serve

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA(organization_name="Example Trust")


@pytest.fixture(scope="module")
def rules(ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> EgressRules:
    bundle = tmp_path_factory.mktemp("tls") / "ca.pem"
    ca.cert_pem.write_to_path(str(bundle))
    return EgressRules(ca_bundle=str(bundle), resolver=Names(gpu_example=["127.0.0.1"]))


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def self_signed(tmp_path: Path) -> tuple[ssl.SSLContext, str]:
    """A server's own certificate, as `openssl req -x509` makes it, and its path."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gpu")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("gpu.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "own.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context, str(pem)


def fails(rules: EgressRules, context: ssl.SSLContext | None, host: str = "gpu.example") -> Failure:
    """How a call over TLS to a server with this context fails; no request may have reached it."""
    with serve(says(OK), context=context) as server, Client(rules, Limits(connect_s=2.0)) as client:
        failure = client.send(Call("GET", f"https://{host}:{server.port}/", key="sk-secret")).failure
        assert server.requests in ([], [b""])
    assert failure is not None
    return failure


def test_a_good_certificate(rules: EgressRules, ca: trustme.CA) -> None:
    context = server_context(ca.issue_cert("gpu.example", "127.0.0.1", "::1"))
    with Client(rules, Limits()) as client:
        with serve(says(OK, keep=True), context=context) as server:
            for host in ("gpu.example", "GPU.example", "127.0.0.1"):
                assert client.send(Call("GET", f"https://{host}:{server.port}/")).ok
            assert client.send(Call("GET", f"https://127.0.0.1:{server.port}/")).ok
        with serve(says(OK), context=context, address="::1") as server:
            assert client.send(Call("GET", server.url)).ok


def test_connections_are_used_again(rules: EgressRules, ca: trustme.CA) -> None:
    context = server_context(ca.issue_cert("gpu.example"))
    with serve(says(OK, keep=True), context=context) as server, Client(rules, Limits()) as client:
        for _ in range(4):
            assert client.send(Call("GET", f"https://gpu.example:{server.port}/")).ok
        assert server.connections == 1


def test_how_long_the_certificate_holds_is_known(rules: EgressRules, ca: trustme.CA) -> None:
    begins, ends = (NOW + timedelta(days) for days in (-2, 9))
    certificate = ca.issue_cert("gpu.example", not_before=begins, not_after=ends)
    with Client(rules, Limits()) as client:
        with serve(says(OK)) as server:
            assert client.send(Call("GET", server.url)).ok
        assert client.certificate is None
        with serve(says(OK), context=server_context(certificate)) as server:
            assert client.send(Call("GET", f"https://gpu.example:{server.port}/")).ok
        whole = [moment.replace(microsecond=0) for moment in (begins, ends)]
        assert client.certificate == Validity(*whole)


def test_a_certificate_that_is_not_trusted_tells_nothing(rules: EgressRules, tmp_path: Path) -> None:
    context, _ = self_signed(tmp_path)
    with Client(rules, Limits()) as client, serve(says(OK), context=context) as server:
        assert not client.send(Call("GET", f"https://gpu.example:{server.port}/")).ok
        assert client.certificate is None


def test_the_server_is_told_the_name(rules: EgressRules, ca: trustme.CA) -> None:
    asked: list[str | None] = []
    context = server_context(ca.issue_cert("gpu.example", "127.0.0.1"))
    context.sni_callback = lambda _, name, __: asked.append(name)
    with serve(says(OK), context=context) as server, Client(rules, Limits()) as client:
        client.send(Call("GET", f"https://gpu.example:{server.port}/"))
        client.send(Call("GET", f"https://127.0.0.1:{server.port}/"))
    assert asked == ["gpu.example", None]


def test_expired(rules: EgressRules, ca: trustme.CA) -> None:
    certificate = ca.issue_cert("gpu.example", not_before=NOW - timedelta(9), not_after=NOW - timedelta(2))
    failure = fails(rules, server_context(certificate))
    day = f"{NOW - timedelta(2):%Y-%m-%d}"
    assert failure == Failure("tls", f"the certificate for gpu.example expired on {day}")


def test_not_yet_valid(rules: EgressRules, ca: trustme.CA) -> None:
    certificate = ca.issue_cert("gpu.example", not_before=NOW + timedelta(2), not_after=NOW + timedelta(9))
    failure = fails(rules, server_context(certificate))
    day = f"{NOW + timedelta(2):%Y-%m-%d}"
    assert failure == Failure("tls", f"the certificate for gpu.example is not valid before {day}")


def test_for_another_host(rules: EgressRules, ca: trustme.CA) -> None:
    failure = fails(rules, server_context(ca.issue_cert("a.example", "*.b.example", "10.0.0.5", "c.example")))
    assert failure.kind == "tls"
    assert failure.detail == (
        "the certificate is not for gpu.example: it is for a.example, *.b.example, 10.0.0.5 and 1 more"
    )


def test_for_another_address(rules: EgressRules, ca: trustme.CA) -> None:
    failure = fails(rules, server_context(ca.issue_cert("gpu.example")), "127.0.0.1")
    assert failure == Failure("tls", "the certificate is not for 127.0.0.1: it is for gpu.example")


def test_self_signed(rules: EgressRules, tmp_path: Path) -> None:
    context, _ = self_signed(tmp_path)
    assert fails(rules, context) == Failure("tls", "the certificate for gpu.example is self-signed")


def test_a_self_signed_certificate_may_be_trusted(tmp_path: Path) -> None:
    context, path = self_signed(tmp_path)
    rules = EgressRules(ca_bundle=path, resolver=Names(gpu_example=["127.0.0.1"]))
    with serve(says(OK), context=context) as server, Client(rules, Limits()) as client:
        assert client.send(Call("GET", f"https://gpu.example:{server.port}/")).ok


def test_unknown_issuer(rules: EgressRules) -> None:
    stranger = trustme.CA(organization_name="Strangers", organization_unit_name="Unit")
    failure = fails(rules, server_context(stranger.issue_cert("gpu.example")))
    assert failure.kind == "tls"
    assert "issued by" in failure.detail
    assert "not trusted here" in failure.detail


def test_a_missing_certificate_between(rules: EgressRules, ca: trustme.CA) -> None:
    leaf = ca.create_child_ca().issue_cert("gpu.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with leaf.private_key_pem.tempfile() as key, leaf.cert_chain_pems[0].tempfile() as certificate:
        context.load_cert_chain(certificate, key)
    assert "leaves out a certificate in between" in fails(rules, context).detail


def test_an_old_protocol(rules: EgressRules, ca: trustme.CA) -> None:
    context = server_context(ca.issue_cert("gpu.example"))
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    failure = fails(rules, context)
    assert failure.kind == "tls"
    assert "below 1.2" in failure.detail


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate_is_required(
    rules: EgressRules, ca: trustme.CA, version: ssl.TLSVersion
) -> None:
    context = server_context(ca.issue_cert("gpu.example"))
    context.minimum_version = context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    ca.configure_trust(context)
    failure = fails(rules, context)
    assert failure.kind == "tls"
    if version == ssl.TLSVersion.TLSv1_3:
        assert "client certificate" in failure.detail


def test_no_certificate_for_the_name(rules: EgressRules, ca: trustme.CA) -> None:
    context = server_context(ca.issue_cert("gpu.example"))
    context.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    assert "has no certificate for gpu.example" in fails(rules, context).detail


def raw(script: Script, rules: EgressRules) -> Failure:
    """How a call over TLS fails at a server that answers the handshake with bytes of its own."""
    with serve(script, read=read_some) as server, Client(rules, Limits(connect_s=1.0)) as client:
        failure = client.send(Call("GET", f"https://gpu.example:{server.port}/")).failure
    assert failure is not None
    return failure


@pytest.mark.parametrize(
    "reply",
    [
        answer(b"bad", status="HTTP/1.1 400 Bad Request"),
        b"<html>400</html>",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"-ERR wrong\r\n",
        b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    ],
)
def test_no_tls_there(rules: EgressRules, reply: bytes) -> None:
    failure = raw(says(reply), rules)
    assert failure.kind == "tls"
    assert "does not speak TLS" in failure.detail


def test_closed_within_the_handshake(rules: EgressRules) -> None:
    for script in (says(b""), lambda connection, _: reset(connection)):
        failure = raw(script, rules)
        assert failure.kind == "reset"
        assert "while TLS was being set up" in failure.detail


def test_silence_within_the_handshake(rules: EgressRules) -> None:
    failure = raw(lambda *_: time.sleep(1.5), rules)
    assert failure.kind == "timeout"
    assert "TLS handshake" in failure.detail


def plainly(connection: socket.socket, head: bytes) -> None:
    """A server of plain HTTP that waits for the end of a head, which TLS never sends."""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(1024)
        if not piece:
            return
        head += piece
    connection.sendall(answer(b"hello"))


def test_a_plain_port_that_waits_for_more_is_told_soon(rules: EgressRules) -> None:
    started = time.monotonic()
    with serve(plainly, read=read_some) as server, Client(rules, Limits(connect_s=2.0)) as client:
        failure = client.send(Call("POST", f"https://gpu.example:{server.port}/", key="sk-secret")).failure
        seen = b"".join(server.requests)
    assert failure is not None and (failure.kind, "does not speak TLS" in failure.detail) == ("tls", True)
    assert time.monotonic() - started < 1.5
    assert b"sk-secret" not in seen, "nothing of the call goes over a connection without TLS"


def test_a_handshake_that_is_only_slow_is_waited_for(rules: EgressRules, ca: trustme.CA) -> None:
    context, names = server_context(ca.issue_cert("gpu.example")), count()
    context.sni_callback = lambda *_: time.sleep(0.9 if next(names) < 2 else 0)
    with serve(says(OK), context=context) as server, Client(rules, Limits(connect_s=3.0)) as client:
        assert client.send(Call("GET", f"https://gpu.example:{server.port}/")).status == 200


def test_plain_http_where_only_tls_answers(rules: EgressRules, ca: trustme.CA) -> None:
    """An OpenSSL server closes without a word, or sends an alert: both end the call at once."""
    context = server_context(ca.issue_cert("gpu.example"))
    with serve(says(OK), context=context) as server, Client(rules, Limits()) as client:
        failure = client.send(Call("GET", f"http://gpu.example:{server.port}/", key="sk-secret")).failure
    assert failure is not None
    assert failure.kind in ("tls", "reset")


NO_PEM = [None, b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n"]


@pytest.mark.parametrize("content", NO_PEM)
def test_a_bundle_that_cannot_be_read(tmp_path: Path, ca: trustme.CA, content: bytes | None) -> None:
    path = tmp_path / "bundle.pem"
    if content is not None:
        path.write_bytes(content)
    rules = EgressRules(ca_bundle=str(path), resolver=Names(gpu_example=["127.0.0.1"]))
    assert "CA bundle" in fails(rules, server_context(ca.issue_cert("gpu.example"))).detail


def test_a_bundle_that_changes_is_read_again(tmp_path: Path, ca: trustme.CA, rules: EgressRules) -> None:
    path = tmp_path / "bundle.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    changing = EgressRules(ca_bundle=str(path), resolver=rules.resolver)
    context = server_context(ca.issue_cert("gpu.example"))
    assert fails(changing, context).kind == "tls"
    ca.cert_pem.write_to_path(str(path))
    with serve(says(OK), context=context) as server, Client(changing, Limits()) as client:
        assert client.send(Call("GET", f"https://gpu.example:{server.port}/")).ok
