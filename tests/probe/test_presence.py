"""One call for the list of models: what it says of the endpoint, and how it is made."""

from __future__ import annotations

import ssl

import pytest
import trustme

from app.probe.presence import look_at_catalog
from app.probe.transport.egress.rules import EgressRules
from app.probe.values import EndpointSettings, Limits, Target
from tests.probe.wire import answer, closed_port, says, serve

KEY = "sk-0123456789abcdefghij"
LIST = answer(b'{"object": "list", "data": [{"id": "m"}]}')


def test_it_calls_as_the_endpoint_wants_it() -> None:
    """With another header, a proxy of keys would refuse every look at its catalog."""
    settings = EndpointSettings("api-key", "", headers=(("X-Team", "blue"),))
    with serve(says(LIST)) as server:
        there = look_at_catalog(Target(f"{server.url}/v1", KEY, "m", settings), Limits(), EgressRules())
        request = server.requests[0].decode().lower()
    assert (there.code, list(there.catalog.entries)) == (None, ["m"])
    assert f"api-key: {KEY}" in request and "x-team: blue" in request and "authorization" not in request


def test_a_server_of_an_authority_of_its_own_is_trusted() -> None:
    """Else an image model behind it would count as down between two proofs."""
    ca, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    settings = EndpointSettings(ca_pem=ca.cert_pem.bytes().decode())
    with serve(says(LIST), context=context) as server:
        there = look_at_catalog(Target(f"{server.url}/v1", KEY, "m", settings), Limits(), EgressRules())
    assert there.code is None and there.certificate is not None


@pytest.mark.parametrize(
    ("status", "code"),
    [("HTTP/1.1 404 Not Found", None), ("HTTP/1.1 401 Unauthorized", "invalid_credentials")],
)
def test_an_endpoint_that_answers_is_there(status: str, code: str | None) -> None:
    body = answer(b'{"error": {"message": "Incorrect API key provided."}}' if code else b"", status=status)
    with serve(says(body)) as server:
        assert look_at_catalog(Target(server.url, KEY, "m"), Limits(), EgressRules()).code == code


def test_nobody_there() -> None:
    target = Target(f"http://127.0.0.1:{closed_port()}/v1", KEY, "m")
    there = look_at_catalog(target, Limits(), EgressRules())
    assert (there.code, there.certificate) == ("endpoint_unreachable", None)
