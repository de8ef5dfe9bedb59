"""Rerank models: what counts as scores, how the route and the names of the fields are found."""

from __future__ import annotations

from typing import Any

import pytest

from app.practice.wire import Reply, Request, as_json, error
from app.probe.model_types.rerank import scores
from tests.endpoints.base import Simulator
from tests.endpoints.replies import html, text
from tests.probe.asked import asked, check, probed, rejected_as


def endpoint(path: str = "/v1") -> Simulator:
    """A good endpoint of a reranker."""
    return Simulator(path, model_id="rank-1", model_type="rerank")


def gives(answer: Any) -> Simulator:
    """One that answers so."""
    sim = endpoint()
    sim.edit(lambda *_: answer, "/rerank")
    return sim


def test_a_score_for_each_document_proves_and_little_is_asked_for() -> None:
    sim = endpoint()
    assert probed(sim).verdict == "accepted"
    assert set(asked(sim, "/rerank")[0].json) == {"model", "query", "documents"}


@pytest.mark.parametrize(
    "answer",
    [
        {"results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": -3}]},
        {"results": [{"index": 1, "score": 0.9}, {"index": 0, "score": 0}]},
        {"data": [{"index": 0, "relevance_score": 1}, {"index": 1, "relevance_score": 0.5}]},
        [{"index": 0, "score": 0.99}, {"index": 1, "score": 0.01}],
        {"scores": [0.1, 0.2]},
        {"rankings": [{"index": 0, "logit": 3.5}, {"index": 1, "logit": -8.25}]},
        {"output": {"results": [{"relevance_score": 0.1}, {"relevance_score": 0.2}]}},
    ],
)
def test_scores_come_in_many_shapes(answer: Any) -> None:
    assert probed(gives(answer)).verdict == "accepted"


@pytest.mark.parametrize(
    "answer",
    [
        {"results": [{"relevance_score": 0.9}]},
        {"results": []},
        {"results": [{"relevance_score": 0.9}, {"relevance_score": 0.8}, {"relevance_score": 0.7}]},
        {"results": [{"relevance_score": 0.9}, {"relevance_score": None}]},
        {"results": [{"relevance_score": 0.9}, {"index": 1}]},
        {"results": [{"relevance_score": 0.9}, {"relevance_score": "0.8"}]},
        {"results": [{"relevance_score": 0.9}, {"relevance_score": True}]},
        {"results": [{"relevance_score": 0.9}, {"relevance_score": float("nan")}]},
        {"results": [{"relevance_score": 0.9}, {"relevance_score": float("inf")}]},
    ],
)
def test_fewer_scores_or_no_finite_ones_are_no_proof(answer: Any) -> None:
    assert rejected_as(probed(gives(answer))) == "endpoint_error"


def test_all_results_are_asked_for_where_only_the_best_comes() -> None:
    sim = endpoint()
    sim.edit(
        lambda asked, answer: answer | {"results": answer["results"][: asked.get("top_n", 1)]}, "/rerank"
    )
    report = probed(sim)
    assert report.verdict == "accepted"
    assert check(report, "proof").adaptations == ("asked for 2 results with `top_n`",)


def test_an_error_inside_a_200_is_no_proof() -> None:
    failed = {"error": {"message": "the tokenizer crashed"}, "results": [{"score": 1}, {"score": 2}]}
    assert probed(gives(failed)).verdict == "rejected"


def test_other_json_is_no_rerank() -> None:
    assert scores({"data": [{"embedding": [1, 2]}, {"embedding": [3, 4]}]}) is None
    assert scores("0.5") is None


@pytest.mark.parametrize(
    "refusal",
    [
        text(
            422, "Failed to deserialize the JSON body into the target type: missing field `texts` at line 1"
        ),
        as_json({"detail": [{"loc": ["body", "texts"], "msg": "Field required", "type": "missing"}]}, 422),
        Reply(400),
    ],
)
def test_documents_may_be_called_texts(refusal: Reply) -> None:
    sim = endpoint()
    sim.refuse(refusal, when=lambda body: "texts" not in body, path="/rerank")
    sim.reads(lambda body: body | {"documents": body.get("texts")}, path="/rerank")
    report = probed(sim)
    assert report.verdict == "accepted"
    assert check(report, "proof").adaptations == ("named the documents `texts`",)


def test_documents_may_be_objects() -> None:
    sim = endpoint()
    wanted = error(400, "The request could not be read.")
    sim.refuse(wanted, when=lambda body: not isinstance(body.get("documents", [""])[0], dict), path="/rerank")
    assert check(probed(sim), "proof").adaptations == ("sent each document as an object with `text`",)


def only_at(sim: Simulator, path: str) -> Simulator:
    """The route at another path, with the same key."""
    good = endpoint("")

    def ranked(request: Request) -> Reply | None:
        if request.path != path:
            return None
        return good.respond(Request("POST", "/rerank", headers=request.headers, body=request.body))

    sim.lost_reply = text(404, "404 page not found")
    sim.on("/rerank", text(404, "404 page not found"))
    sim.every(lambda request: ranked(request))
    return sim


@pytest.mark.parametrize(
    ("base", "path"),
    [
        ("/v1", "/rerank"),
        ("/v1", "/v2/rerank"),
        ("", "/v1/rerank"),
        ("/api", "/api/v2/rerank"),
        ("/v4", "/v2/rerank"),
    ],
)
def test_scores_at_another_version_are_another_base(base: str, path: str) -> None:
    """Clients ask for `/rerank` below the base that is stored, so that base must be right."""
    sim = only_at(endpoint(base), path)
    report = probed(sim)
    assert rejected_as(report) == "wrong_path" and report.diagnosis is not None
    (suggested,) = report.diagnosis.suggestions["base_url"]
    assert suggested.partition("://")[2].partition("/")[2] == path.removesuffix("/rerank").strip("/")


def test_a_path_for_each_version_is_asked_once() -> None:
    sim = endpoint()
    sim.on("/rerank", text(404, "404 page not found"))
    sim.lost_reply = text(404, "404 page not found")
    assert probed(sim).verdict == "rejected"
    assert sim.calls.count(("POST", "/v1/rerank")) <= 2  # the ladder and the cross-check on another base


@pytest.mark.parametrize(
    "refusal", [error(401, "Unauthorized"), Reply(401), error(403, "Invalid API key."), Reply(403)]
)
def test_a_refused_key_is_never_a_reason_for_another_path(refusal: Reply) -> None:
    sim = only_at(endpoint(), "/rerank")
    sim.rules.clear()
    sim.on("/rerank", refusal)
    assert rejected_as(probed(sim)) in ("invalid_credentials", "permission_denied")
    assert "/rerank" not in {path for _, path in sim.calls}


def test_a_page_at_another_path_is_not_the_answer_to_report() -> None:
    sim = endpoint()
    sim.on("/rerank", error(404, "Not Found"))
    sim.lost_reply = html(200, "Welcome")
    report = probed(sim)
    assert report.diagnosis and "/v1/rerank" in report.diagnosis.message
    assert rejected_as(report) in ("wrong_path", "wrong_model_type")


def test_null_options_are_left_out() -> None:
    sim = endpoint()
    probed(sim)
    assert all(value is not None for request in asked(sim, "/rerank") for value in request.json.values())
