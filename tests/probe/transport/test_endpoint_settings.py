"""How an endpoint wants to be called: header and scheme of the key, further headers, TLS of its own."""

from __future__ import annotations

import json
import ssl
from typing import Any

import pytest
import trustme

from app.probe.transport.call import Call
from app.probe.transport.client import Client
from app.probe.transport.egress.rules import EgressRules
from app.probe.values import EndpointSettings, Limits
from tests.probe.wire import OK, answer, says, serve

KEY = "sk-0123456789abcdefghij"


def sent(settings: EndpointSettings, key: str = KEY) -> str:
    """The request as it came over the wire, in lower case."""
    with serve(says(OK)) as server, Client(EgressRules(), Limits(), settings=settings) as client:
        assert client.send(Call("GET", server.url, key=key)).ok
        return server.requests[0].decode().lower()


@pytest.mark.parametrize(
    ("header", "scheme", "line"),
    [("Authorization", "Bearer", f"authorization: bearer {KEY}"), ("api-key", "", f"api-key: {KEY}"),
     ("x-api-key", "", f"x-api-key: {KEY}"), ("Authorization", "Key", f"authorization: key {KEY}")],
)  # fmt: skip
def test_the_key_goes_where_the_endpoint_looks_for_it(header: str, scheme: str, line: str) -> None:
    request = sent(EndpointSettings(header, scheme))
    assert f"\r\n{line}\r\n" in request and request.count(KEY) == 1


def test_no_key_sends_no_header_for_it() -> None:
    assert "api-key" not in sent(EndpointSettings("api-key", ""), key="")


def test_further_headers_go_along() -> None:
    request = sent(EndpointSettings(headers=(("X-Team", "blue"), ("X-Zone", "7"))))
    assert "\r\nx-team: blue\r\n" in request and "\r\nx-zone: 7\r\n" in request


def test_the_value_of_a_header_is_shown_to_nobody() -> None:
    secret = "team-secret-0123456789"
    settings = EndpointSettings(headers=(("X-Team", secret),))
    echo = answer(json.dumps({"error": f"no team {secret}"}).encode(), "403 Forbidden")
    with serve(says(echo)) as server, Client(EgressRules(), Limits(), settings=settings) as client:
        came = client.send(Call("GET", server.url, key=KEY))
    assert came.json == {"error": "no team [key]"} and secret not in repr(settings) + repr(came)


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


def server_context(ca: trustme.CA, *, asks: bool = False) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(made)
    if asks:
        ca.configure_trust(made)
        made.verify_mode = ssl.CERT_REQUIRED
    return made


def called(context: ssl.SSLContext, settings: EndpointSettings) -> Any:
    with (
        serve(says(OK), context=context) as server,
        Client(EgressRules(), Limits(), settings=settings) as client,
    ):
        return client.send(Call("GET", server.url))


def test_a_ca_of_its_own_is_trusted_by_this_endpoint_alone(ca: trustme.CA) -> None:
    pem = ca.cert_pem.bytes().decode()
    assert called(server_context(ca), EndpointSettings(ca_pem=pem)).ok
    failed = called(server_context(ca), EndpointSettings())
    assert failed.failure is not None and failed.failure.kind == "tls"


def test_a_client_certificate_is_shown_where_one_is_asked_for(ca: trustme.CA) -> None:
    pem, mine = ca.cert_pem.bytes().decode(), ca.issue_cert("muster").private_key_and_cert_chain_pem
    own = EndpointSettings(ca_pem=pem, client_certificate=mine.bytes().decode())
    assert called(server_context(ca, asks=True), own).ok
    assert not called(server_context(ca, asks=True), EndpointSettings(ca_pem=pem)).ok


@pytest.mark.parametrize(
    "broken", [EndpointSettings(ca_pem="none"), EndpointSettings(client_certificate="no \u20ac certificate")]
)
def test_what_can_not_be_read_is_said(ca: trustme.CA, broken: EndpointSettings) -> None:
    failed = called(server_context(ca), broken)
    assert failed.failure is not None and "can't be read" in failed.failure.detail
