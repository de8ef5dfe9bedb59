"""From a failed proof to a diagnosis: code, field and suggestions, at endpoints that fail in one way each."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace

import pytest

from app.practice.models import Model
from app.practice.wire import Reply, Request, as_json, error
from app.probe.model_types import MODEL_TYPES
from app.probe.run import run
from app.probe.values import Diagnosis, Finished, Limits, Target
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
    typed = Target("http://no-such-host.invalid/v1", "", "m")
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
    typed = Target(f"http://127.0.0.1:{port}/v1", "", "m")
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


WALLS = {
    "cdn": html(403, "This distribution is not configured to allow the HTTP request method"),
    "proxy": html(403, "403 Forbidden"),
    "bucket": text(403, "<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "application/xml"),
    "filter": html(403, "Just a moment..."),
}


@pytest.mark.parametrize("wall", WALLS)
def test_a_wall_before_the_typed_path_is_looked_around(wall: str) -> None:
    """What serves no API at the root refuses calls there; only a filter by name is waited for."""
    endpoint = at("")
    endpoint.lost_reply = WALLS[wall]
    limits = replace(SHORT, probe_s=6.0, wait_s=0.5) if wall == "filter" else SHORT
    report = probed(endpoint, limits=limits)
    assert report.diagnosis is not None
    assert report.diagnosis.code == "wrong_path", report.diagnosis.message
    assert report.diagnosis.suggestions["base_url"][0].endswith("/v1")
    assert wall == "filter" or report.duration_ms < 5000


def test_a_wall_before_everything_is_a_filter() -> None:
    endpoint = Simulator()
    endpoint.every(html(403, "403 Forbidden"))
    found = diagnosed(endpoint)
    assert (found.code, found.suggestions) == ("not_openai_compatible", {})
    assert "filter" in found.message


ABOUT_THE_MODEL = {
    "no tier": (
        as_json({"error": {"message": "good-model is not part of your bundle"}}, 404),
        "model_not_found",
    ),
    "ended": (as_json({"detail": "good-model reached its end on 2026-01-01"}, 410), "model_not_found"),
    "no tier for it": (as_json({"error": "no tier of yours has this model"}, 404), "model_not_found"),
    "not a word of it": (as_json({"error": "Sorry, we can't find the page"}, 404), "wrong_path"),
    "not loaded": (as_json({"error": "Model good-model is not loaded"}, 404), "model_unavailable"),
    "router": (as_json({"detail": "Not Found"}, 404), "wrong_path"),
    "path told": (as_json({"error": "nothing serves /v1/chat/completions here"}, 404), "wrong_path"),
    "page": (html(404, "good-model is not here"), "wrong_path"),
}


@pytest.mark.parametrize("words", ABOUT_THE_MODEL)
def test_where_the_list_of_models_is_the_path_is_right(words: str) -> None:
    """A 404 with words of its own then speaks of the model; a router's says no more than that."""
    reply, code = ABOUT_THE_MODEL[words]
    endpoint = Simulator()
    endpoint.on("/chat/completions", reply)
    found = diagnosed(endpoint)
    assert found.code == code, found.message
    if code != "wrong_path":
        assert found.field == "model_id" and found.suggestions == {}


NO_TIER = as_json({"error": "no tier of yours has this model"}, 404)


def test_without_a_list_of_models_the_contrast_with_other_paths_tells() -> None:
    """They are told that there is no such route, this one something else: the path is right."""
    endpoint = Simulator()
    endpoint.catalog(None)
    endpoint.on("/chat/completions", NO_TIER)
    found = diagnosed(endpoint)
    assert (found.code, found.field) == ("model_not_found", "model_id")


def test_a_404_that_every_path_gets_leaves_the_path_in_doubt() -> None:
    endpoint = Simulator()
    endpoint.every(NO_TIER)
    assert diagnosed(endpoint).code == "wrong_path"


def test_a_404_of_no_model_leaves_the_path_in_doubt() -> None:
    endpoint = Simulator()
    endpoint.catalog(None)
    endpoint.on("/chat/completions", as_json({"error": "nobody is at home"}, 404))
    assert diagnosed(endpoint).code == "wrong_path"


def test_a_base_whose_every_path_is_refused_alike_is_not_suggested() -> None:
    """A site's own API asks for a sign-in at whatever stands under /api."""
    endpoint, numbers = Simulator(), iter(range(999))

    def site(request: Request) -> Reply:
        inside = request.path.startswith("/api")
        return error(401, f"Unauthorized (call {next(numbers)})") if inside else html(404, "Not found")

    endpoint.every(site)
    found = diagnosed(endpoint)
    assert (found.code, found.suggestions) == ("wrong_path", {})


@pytest.mark.parametrize("other", [404, 401])
def test_a_base_that_refuses_only_its_own_paths_is_suggested(other: int) -> None:
    """A bad key besides: all of /v1 asks for a key before it looks at the path, or the API's routes do."""
    endpoint = at("")
    endpoint.api_key = "sk-wrong-wrong-wrong-wrong"

    def refused(request: Request) -> Reply:
        known = request.path in ("/v1/models", "/v1/chat/completions")
        inside = request.path.startswith("/v1/") and (known or other == 401)
        return error(401, "Invalid API key") if inside else text(404, "404 page not found")

    endpoint.every(refused)
    found = diagnosed(endpoint)
    assert found.code == "wrong_path", found.message
    assert found.suggestions["base_url"][0].endswith("/v1")


@pytest.mark.parametrize("asked_as", ["embedding", "tts"])
def test_a_list_of_models_tells_where_an_api_of_another_type_is(asked_as: str) -> None:
    endpoint = at("")
    endpoint.model_type = asked_as
    found = diagnosed(endpoint)
    assert found.code == "wrong_path", found.message
    assert found.suggestions["base_url"][0].endswith("/v1")


def test_a_list_of_other_things_is_no_api() -> None:
    """Some sites list models of theirs under /api, in shapes of their own."""
    endpoint = Simulator()
    listed = as_json([{"id": "somebody/model-1"}, {"id": "somebody/model-2"}])
    endpoint.every(lambda request: listed if request.path == "/api/models" else html(404, "Not found"))
    found = diagnosed(endpoint)
    assert (found.code, found.suggestions) == ("wrong_path", {})


def test_a_slash_that_a_server_wants_is_named() -> None:
    endpoint = Simulator()

    def slashed(request: Request) -> Reply:
        return text(307, "", Location=f"{request.path}/")

    endpoint.every(slashed, when=lambda request: not request.path.endswith("/"))
    found = diagnosed(endpoint)
    assert (found.code, found.suggestions) == ("redirected", {})
    assert "slash at the end" in found.message


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (
            lambda answer: text(200, str(answer).replace("'", '"')[:-30], "application/json"),
            "endpoint_error",
            "cut off",
        ),
        (lambda answer: as_json({"code": 200, "data": answer}), "not_openai_compatible", ""),
        (lambda answer: as_json([answer]), "not_openai_compatible", ""),
    ],
)
def test_choices_that_cannot_be_reached(change: Callable[[object], Reply], code: str, words: str) -> None:
    endpoint = Simulator()
    answer = {"choices": [{"message": {"content": "OK"}, "finish_reason": "stop"}], "model": "good-model"}
    endpoint.on("/chat/completions", change(answer))
    found = diagnosed(endpoint)
    assert found.code == code, found.message
    assert words in found.message and "chat template" not in found.message
