"""From a failed proof to a diagnosis: code, field and suggestions, at endpoints that fail in one way each."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace

import pytest

from app.model_types import MODEL_TYPES
from app.practice_models import Model
from app.practice_wire import Reply, error
from app.probe import run
from app.probe.types import Diagnosis, Endpoint, Finished, Limits
from tests.endpoints.base import Simulator
from tests.endpoints.replies import html, raw, sse, text
from tests.probe.asked import asked, probed

SHORT = Limits(probe_s=30.0, first_byte_s=2.0, connect_s=2.0)
Change = Callable[[Simulator], object]


def diagnosed(endpoint: Simulator) -> Diagnosis:
    """The diagnosis; its message names who was asked, and never the key."""
    report = probed(endpoint, limits=SHORT)
    assert report.verdict == "rejected"
    assert report.diagnosis is not None
    if report.diagnosis.code != "egress_denied":
        assert "127.0.0.1" in report.diagnosis.message, report.diagnosis.message
    assert endpoint.api_key not in report.diagnosis.message
    return report.diagnosis


def on_chat(reply: Reply) -> Change:
    """Every chat call is answered so."""
    return lambda endpoint: endpoint.on("/chat/completions", reply)


def at(path: str, model_type: str = "chat") -> Simulator:
    """A good endpoint at /v1, typed with another path."""
    endpoint = Simulator(model_type=model_type)
    endpoint.typed_url = f"http://127.0.0.1:PORT{path}"
    return endpoint


ANSWERED: dict[str, tuple[Change, str, str]] = {
    "bad key": (on_chat(error(401, "Invalid API key")), "invalid_credentials", "api_key"),
    "no right": (on_chat(error(403, "Forbidden")), "permission_denied", "api_key"),
    "no right to the model": (
        on_chat(error(403, "You do not have access to this model")),
        "permission_denied",
        "model_id",
    ),
    "no money": (on_chat(error(429, "Insufficient balance")), "quota_exhausted", "api_key"),
    "limited": (on_chat(error(429, "Rate limit exceeded, try again in 900s")), "rate_limited", "api_key"),
    "full": (on_chat(error(500, "CUDA out of memory")), "model_unavailable", "model_id"),
    "upstream key": (
        on_chat(error(401, "litellm.AuthenticationError: OpenAIException - Incorrect API key")),
        "model_unavailable",
        "model_id",
    ),
    "unknown": (lambda endpoint: endpoint.serve_instead(Model("x")), "model_not_found", "model_id"),
    "bot filter": (on_chat(text(403, "error code: 1010")), "not_openai_compatible", "base_url"),
    "login page": (
        lambda endpoint: endpoint.every(html(200, "Sign in")),
        "not_openai_compatible",
        "base_url",
    ),
    "another JSON": (on_chat(text(200, '{"hello": 1}')), "not_openai_compatible", "base_url"),
    "failing": (on_chat(error(500, "oops")), "endpoint_error", "base_url"),
    "no choice": (on_chat(text(200, '{"choices": []}')), "endpoint_error", "base_url"),
    "empty stream": (on_chat(sse()), "not_openai_compatible", "base_url"),
    "error in a 200": (on_chat(text(200, '{"error": {"message": "oops"}}')), "endpoint_error", "base_url"),
}


@pytest.mark.parametrize("kind", ANSWERED)
def test_the_code_and_field_of_an_answer(kind: str) -> None:
    change, code, field = ANSWERED[kind]
    endpoint = Simulator()
    change(endpoint)
    found = diagnosed(endpoint)
    assert (found.code, found.field) == (code, field), found.message


def silent(endpoint: Simulator) -> None:
    def wait(request: object) -> Reply:
        endpoint.pause(20)
        return text(200, "")

    endpoint.every(wait)


def refusing(endpoint: Simulator) -> None:
    endpoint.refuses_connections = True


UNANSWERED: dict[str, tuple[Change, str]] = {
    "refused": (refusing, "endpoint_unreachable"),
    "reset": (lambda endpoint: endpoint.every(raw(reset=True)), "endpoint_unreachable"),
    "closed": (lambda endpoint: endpoint.every(raw()), "endpoint_unreachable"),
    "silent": (silent, "timeout"),
    "another protocol": (
        lambda endpoint: endpoint.every(raw(b"SSH-2.0-OpenSSH_9.6\r\n")),
        "not_openai_compatible",
    ),
    "broken off": (
        lambda endpoint: endpoint.every(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")),
        "endpoint_error",
    ),
}


@pytest.mark.parametrize("kind", UNANSWERED)
def test_the_code_of_a_failure_below_http(kind: str) -> None:
    change, code = UNANSWERED[kind]
    endpoint = Simulator()
    change(endpoint)
    found = diagnosed(endpoint)
    assert (found.code, found.field) == (code, "base_url"), found.message


def test_no_such_host() -> None:
    typed = Endpoint("http://no-such-host.invalid/v1", "", "m")
    last = list(run(typed, MODEL_TYPES["chat"], {}, limits=SHORT))[-1]
    assert isinstance(last, Finished) and last.report.diagnosis is not None
    assert last.report.diagnosis.code == "endpoint_unreachable"
    assert "no-such-host.invalid" in last.report.diagnosis.message


def test_a_key_that_no_header_holds() -> None:
    endpoint = Simulator()
    endpoint.api_key = "ключ-ключ-ключ-ключ"
    report = probed(endpoint, limits=SHORT)
    assert report.diagnosis is not None
    assert (report.diagnosis.code, report.diagnosis.field) == ("invalid_request", "api_key")
    assert endpoint.api_key not in report.diagnosis.message
    assert endpoint.seen == []


@pytest.mark.parametrize(
    "typed",
    ["", "/", "/v1/v1", "/v1/chat/completions", "/v1/chat/completions/", "/api", "/openai/v1", "/v1/models"],
)
def test_a_wrong_path_is_told_with_the_right_one(typed: str) -> None:
    endpoint = at(typed)
    found = diagnosed(endpoint)
    assert (found.code, found.field) == ("wrong_path", "base_url"), found.message
    assert [
        url.removeprefix("http://127.0.0.1:").partition("/")[2] for url in found.suggestions["base_url"]
    ] == ["v1"]


def test_a_needless_v1_is_told() -> None:
    endpoint = Simulator(path="/api/coding")
    endpoint.typed_url = "http://127.0.0.1:PORT/api/coding/v1"
    found = diagnosed(endpoint)
    assert found.code == "wrong_path"
    assert found.suggestions["base_url"][0].endswith("/api/coding")


def test_a_path_is_proven_before_it_is_suggested() -> None:
    """A server without any API: nothing to suggest."""
    endpoint = Simulator()
    endpoint.every(text(404, "404 page not found"))
    found = diagnosed(endpoint)
    assert (found.code, found.suggestions) == ("wrong_path", {})


@pytest.mark.parametrize(
    ("is_", "asked_as"),
    [
        ("embedding", "chat"),
        ("chat", "embedding"),
        ("chat", "rerank"),
        ("embedding", "rerank"),
        ("embedding", "completion"),
    ],
)
def test_another_type_is_told_by_trying_it(is_: str, asked_as: str) -> None:
    endpoint = Simulator(model_type=is_)
    endpoint.catalog(None)
    endpoint.model_type = asked_as
    found = diagnosed(endpoint)
    assert (found.code, found.field) == ("wrong_model_type", "model_type"), found.message
    assert found.suggestions == {"model_type": (is_,)}


def test_a_type_that_the_catalog_states_outweighs_a_vague_answer() -> None:
    endpoint = Simulator()
    endpoint.catalog({"data": [{"id": "good-model", "type": "rerank"}]})
    endpoint.on("/chat/completions", error(400, "bad request"))
    found = diagnosed(endpoint)
    assert (found.code, found.suggestions) == ("wrong_model_type", {"model_type": ("rerank",)})


def test_a_type_that_the_catalog_states_does_not_outweigh_a_bad_key() -> None:
    endpoint = Simulator()
    endpoint.catalog({"data": [{"id": "good-model", "type": "rerank"}]})
    endpoint.on("/chat/completions", error(401, "Invalid API key"))
    assert diagnosed(endpoint).code == "invalid_credentials"


def test_an_unknown_id_comes_with_the_closest_ones() -> None:
    endpoint = Simulator(model_id="gpt-4o-mni")
    endpoint.serve_instead(Model("whisper-1"), Model("gpt-4o-mini"), Model("text-embedding-3"))
    found = diagnosed(endpoint)
    assert found.code == "model_not_found"
    assert found.suggestions["model_id"][0] == "gpt-4o-mini"
    assert "gpt-4o-mini" in found.message


def test_a_missing_route_for_this_id_alone_is_a_missing_model() -> None:
    """Some answer an unknown id as an unknown path: that a listed id works there tells them apart."""
    endpoint = Simulator(model_id="typed")
    endpoint.serve_instead(Model("really-served"))
    endpoint.unknown_reply = lambda name: text(404, "404 page not found")
    found = diagnosed(endpoint)
    assert (found.code, found.suggestions) == ("model_not_found", {"model_id": ("really-served",)})


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_but_told(status: int) -> None:
    with Simulator() as target:
        endpoint = Simulator()
        location = {"Location": f"{target.origin}/other/v1/chat/completions"}
        endpoint.on("/chat/completions", replace(text(status, ""), headers=location))
        found = diagnosed(endpoint)
        assert (found.code, found.field) == ("redirected", "base_url")
        assert found.suggestions == {"base_url": (f"{target.origin}/other/v1",)}
        assert target.seen == [], "the key went nowhere else"


@pytest.mark.parametrize("location", ["/login", "https://sso.example.com/authorize?x=1", "", "::::"])
def test_a_redirect_to_something_else_suggests_nothing(location: str) -> None:
    endpoint = Simulator()
    endpoint.every(replace(text(302, ""), headers={"Location": location} if location else {}))
    found = diagnosed(endpoint)
    assert (found.code, found.suggestions) == ("redirected", {})
    assert "x=1" not in found.message, "a query may hold secrets"


def test_a_wrong_path_is_looked_for_with_the_key_of_the_caller_only() -> None:
    endpoint = at("")
    diagnosed(endpoint)
    assert {request.key for request in endpoint.seen} == {endpoint.api_key}


def test_the_endpoints_own_words_are_told_without_the_key() -> None:
    endpoint = Simulator()
    endpoint.on("/chat/completions", error(401, f"Incorrect API key provided: {endpoint.api_key}. Zebra."))
    assert "Zebra" in diagnosed(endpoint).message


def test_nothing_listens_where_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    typed = Endpoint(f"http://127.0.0.1:{port}/v1", "", "m")
    last = list(run(typed, MODEL_TYPES["chat"], {}, limits=SHORT))[-1]
    assert isinstance(last, Finished) and last.report.diagnosis is not None
    assert last.report.diagnosis.code == "endpoint_unreachable"
    assert f"refuses connections on port {port}" in last.report.diagnosis.message


def test_the_proof_of_a_rejected_model_is_on_record() -> None:
    endpoint = Simulator()
    endpoint.on("/chat/completions", error(401, "Invalid API key"))
    report = probed(endpoint, limits=SHORT)
    (proof,) = (check for check in report.checks if check.name == "proof")
    assert (proof.status, proof.http_status, proof.method) == ("failed", 401, "POST")
    assert proof.path == "/v1/chat/completions"
    assert proof.request["model"] == "good-model"
    assert len(asked(endpoint, "/chat/completions")) == 1
