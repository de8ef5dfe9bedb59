"""What words, neighbours and other models tell of a refused call, and cases that only look alike."""

from __future__ import annotations

from typing import Any

import pytest

from app.practice.models import Model
from app.practice.wire import Request, error
from app.probe.base_url import Base, kin
from app.probe.diagnosis.neighbours import same_words
from app.probe.diagnosis.place import place_of
from app.probe.diagnosis.typed_query import queries_instead
from app.probe.diagnosis.types_pointed_at import named_types, pointed_at
from app.probe.reading.refusal import Refusal
from app.probe.values import Diagnosis
from tests.endpoints.base import Simulator
from tests.endpoints.changes import KEY
from tests.endpoints.replies import raw, text
from tests.probe.asked import probed

TYPED = Base.of("https://api.example/v1?api-version=2024-02-01")


def said(words: str, status: int = 400, **more: Any) -> Refusal:
    """A refusal in these words."""
    return Refusal(status, words, "", None, (), True, False, True, None, **more)


def diagnosed(sim: Simulator) -> Diagnosis:
    """Why a probe of it was rejected."""
    found = probed(sim).diagnosis
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("words", "base"),
    [
        ("model `m` isn't supported on this route", None),
        ("This model is not available at this host.", None),
        ("Incorrect regional hostname. Please make your request to us.api.example", "us.api.example"),
        (
            'only available when using beta api (set base_url="https://api.other.example/beta")',
            "api.other.example",
        ),
        ("not supported on this endpoint, see https://docs.example/guide", None),
    ],
)
def test_words_about_the_place(words: str, base: str | None) -> None:
    place = place_of(said(words), TYPED)
    assert place is not None and place.sure and not place.of_type
    assert (place.base.netloc if place.base else None) == base


@pytest.mark.parametrize(
    "words",
    [
        "The model `m` does not exist",
        "Your request was blocked on this route by a guard",
        "See https://docs.example for supported hosts",
        "temperature is not supported with this model",
    ],
)
def test_words_about_something_else(words: str) -> None:
    assert place_of(said(words), TYPED) is None


def test_words_about_another_operation_are_about_the_type() -> None:
    place = place_of(said('Model "m" is not supported in realtime mode.'), TYPED)
    assert place is not None and place.of_type


def test_a_field_that_is_not_supported_at_an_endpoint_is_not_the_place() -> None:
    sim = Simulator()
    sim.refuse(error(400, "`max_tokens` is not supported on this endpoint.", param="max_tokens"))
    assert diagnosed(sim).code != "wrong_path"


def test_the_typed_query_and_what_is_tried_instead() -> None:
    words = "enabled only for api versions 2024-12-01-preview and later"
    queries = [base.query for base in queries_instead(TYPED, said(words))]
    assert queries == ["", "api-version=2024-12-01-preview"]
    assert list(queries_instead(TYPED, said("The model does not exist"))) == []
    assert list(queries_instead(Base.of("https://api.example/v1"), said(words))) == []


@pytest.mark.parametrize(
    ("words", "entry", "first"),
    [
        ("Unsupported task. Options are {'rerank'}", None, "rerank"),
        ("m is an embedding model", None, "embedding"),
        ("Not Found", {"model_type": "audio", "model_ability": ["text2audio"]}, "tts"),
        ("Not Found", {"task": "automatic-speech-recognition"}, "stt"),
        ("Not Found", {"owned_by": "rerankers.example"}, None),
        ("the reranker is down", None, None),
    ],
)
def test_what_points_to_a_type(words: str, entry: dict[str, Any] | None, first: str | None) -> None:
    found = pointed_at(said(words), entry)
    assert (found[0] if found else None) == first


@pytest.mark.parametrize(
    ("typed", "paths"),
    [
        ("", ["/v1"]),
        ("/v1", ["", "/v2"]),
        ("/api", ["/v1", "/api/v1"]),
        ("/v2", ["", "/v1"]),
        ("/v1/chat/completions", ["/v1", "", "/v2"]),
    ],
)
def test_the_bases_that_the_typed_path_suggests(typed: str, paths: list[str]) -> None:
    assert [base.path for base in kin(Base.of(f"http://h{typed}"))] == paths


UNKNOWN = error(400, "The moon is in the wrong house.")


def test_a_listed_model_that_alone_is_refused_is_at_fault() -> None:
    sim = Simulator()
    sim.serve_also(Model("other"))
    sim.refuse(UNKNOWN, lambda body: body["model"] == sim.model_id)
    found = diagnosed(sim)
    assert (found.code, found.field) == ("model_unavailable", "model_id")
    assert "With other" in found.message


def test_a_refusal_of_every_listed_model_is_not_the_typed_ones() -> None:
    sim = Simulator()
    sim.serve_also(Model("other"))
    sim.refuse(UNKNOWN)
    found = diagnosed(sim)
    assert (found.code, found.field) == ("endpoint_error", "base_url")


def test_another_model_of_another_type_is_no_witness() -> None:
    sim = Simulator()
    sim.catalog({"data": [{"id": sim.model_id}, {"id": "vectors", "type": "embedding"}]})
    sim.serve_also(Model("vectors", "embedding"))
    sim.refuse(UNKNOWN)
    diagnosed(sim)
    assert not [request for request in sim.seen if b'"vectors"' in request.body]


def test_the_same_words_on_every_route_are_about_the_caller() -> None:
    sim = Simulator()
    sim.every(lambda request: error(400, f"Tenant missing (request {id(request)})"))
    found = diagnosed(sim)
    assert (found.code, found.field) == ("permission_denied", "api_key")
    assert "its list of models alike" in found.message


def test_so_are_those_of_a_gate_that_looks_at_the_key_route_by_route() -> None:
    sim = Simulator()
    sim.every(error(400, "Tenant missing"), lambda request: "no-such-route" not in request.path)
    found = diagnosed(sim)
    assert (found.code, found.field) == ("permission_denied", "api_key")


def test_other_words_for_the_list_are_no_gate() -> None:
    sim = Simulator()
    sim.every(error(400, "Tenant missing"), lambda request: request.path.endswith("/chat/completions"))
    sim.every(error(400, "Team missing"), lambda request: request.path.endswith("/models"))
    found = diagnosed(sim)
    assert (found.code, found.field) == ("endpoint_error", "base_url")


def _keyless(request: Request) -> bool:
    return not request.key


def test_a_server_that_fails_where_no_key_came_wants_one() -> None:
    sim = Simulator()
    sim.api_key = ""
    sim.every(text(500, "Internal Server Error"), _keyless)
    found = diagnosed(sim)
    assert (found.code, found.field) == ("invalid_credentials", "api_key")
    assert "refuses a made-up one" in found.message


@pytest.mark.parametrize("key", ["", KEY])
def test_a_server_that_fails_with_any_key_is_at_fault_itself(key: str) -> None:
    sim = Simulator()
    sim.api_key = key
    sim.every(text(500, "Internal Server Error"))
    found = diagnosed(sim)
    assert (found.code, found.field) == ("endpoint_error", "base_url")


def test_the_same_words_where_the_list_is_shown_are_no_gate() -> None:
    sim = Simulator()
    sim.every(error(400, "Tenant missing"), lambda request: request.method == "POST")
    assert diagnosed(sim).code == "endpoint_error"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("Missing 'x-tenant' header.", "x-tenant"),
        ("Either x-gate-config or x-gate-provider header is required", "x-gate-provider"),
        ("Request is missing x-session-id and cannot be routed", "x-session-id"),
    ],
)
def test_the_message_names_the_header_that_is_wanted(words: str, named: str) -> None:
    sim = Simulator()
    sim.every(error(400, words))
    assert f"the header {named}: add it, with its value, to the further headers" in diagnosed(sim).message


def test_no_header_is_asked_for_that_the_probe_sent() -> None:
    sim = Simulator()
    sim.every(error(401, "Missing Authorization header"))
    assert "further headers" not in diagnosed(sim).message


@pytest.mark.parametrize("offered", ["'right-one' or 'right-two'", "right-one"])
def test_an_allowed_id_is_suggested_where_it_works(offered: str) -> None:
    sim = Simulator(model_id="typed")
    sim.catalog(None)
    sim.serve_instead(Model("right-one"), Model("right-two"))
    sim.unknown_reply = lambda name: error(400, f"This gateway's model must be: {offered}")
    found = diagnosed(sim)
    assert found.code == "model_not_found" and found.suggestions["model_id"][0] == "right-one"


def test_an_allowed_value_that_is_no_id_is_not_suggested_as_one() -> None:
    sim = Simulator()
    sim.refuse(error(400, "For this model the mode must be: turbo"))
    found = diagnosed(sim)
    assert found.code != "model_not_found" and "turbo" not in found.suggestions.get("model_id", ())


def test_the_first_failure_is_told_where_nobody_answers_the_second() -> None:
    sim, answers = Simulator(), iter([error(503, "CUDA error: the model is loading")])
    sim.refuse(lambda request: next(answers, None) or raw(reset=True))
    found = diagnosed(sim)
    assert found.code == "model_unavailable" and "CUDA error" in found.message


def test_the_search_ends_where_a_base_works() -> None:
    """The prefixes behind it are not asked."""
    sim = Simulator("")
    sim.prefix = "/v1"
    sim.lost_reply = text(404, "404 page not found")
    assert diagnosed(sim).suggestions == {"base_url": (f"{sim.origin}/v1",)}
    assert not [path for _, path in sim.calls if path.startswith("/openai")]


def test_a_key_goes_to_no_host_that_words_name() -> None:
    with Simulator() as other:
        sim = Simulator()
        sim.every(error(400, f"Please make your requests to {other.origin}/v1"))
        found = diagnosed(sim)
        assert (found.code, found.suggestions) == ("wrong_path", {"base_url": (f"{other.origin}/v1",)})
        assert other.seen == []


@pytest.mark.parametrize(
    "words",
    [
        "Please make your requests to http://other.example/KEY/v1",
        "This gateway's model must be: KEY",
        "Missing 'x-KEY' header.",
    ],
)
def test_a_key_in_what_is_offered_is_not_repeated(words: str) -> None:
    sim = Simulator()
    sim.every(error(400, words.replace("KEY", sim.api_key)))
    found = diagnosed(sim)
    assert sim.api_key not in f"{found}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Invalid URL (POST /v1/audio/speech)", "Invalid URL (POST /v1/muster-no-such-route)"),
        ("Path '/chat/completions' not found.", "Path '/muster-no-such-route' not found."),
        ("Cannot POST /v1/rerank", "Cannot POST /v1/muster-no-such-route"),
        ("No such route (request 8f3a1c)", "No such route (request 77b0e2)"),
    ],
)
def test_a_refusal_that_repeats_the_path_is_the_same_refusal(one: str, other: str) -> None:
    assert same_words(said(one, 404), said(other, 404))
    assert not same_words(said(one, 404), said(other, 400))
    assert not same_words(said(one, 404), said("The model does not exist", 404))


@pytest.mark.parametrize(
    ("model_id", "types"),
    [
        ("text-embedding-3-small", ("embedding",)),
        ("BAAI/bge-reranker-v2-m3", ("rerank",)),
        ("openai/whisper-1", ("stt",)),
        ("gpt-4o-mini-transcribe", ("stt",)),
        ("playai-tts", ("tts",)),
        ("tts-1-hd", ("tts",)),
        ("gpt-4o", ()),
        ("watts-7b", ()),
    ],
)
def test_an_id_may_name_its_type(model_id: str, types: tuple[str, ...]) -> None:
    assert named_types(model_id) == types
