"""The two control calls: an id that can't exist, and a key that can't be right."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from app.practice.models import Model
from app.practice.wire import error
from app.probe.controls import UNKNOWN_MODEL, WRONG_KEY, doubtful, nonexistent_id, wrong_key
from app.probe.reading.catalog import Catalog
from app.probe.values import Limits, Report
from tests.endpoints.base import Simulator
from tests.probe.asked import asked, check, probed, rejected_as

PROOF: dict[str, Any] = {"depth": "proof"}


def warnings(report: Report) -> list[str]:
    return [warning.code for warning in report.warnings]


def models_asked(endpoint: Simulator) -> list[str]:
    return [request.json["model"] for request in asked(endpoint, "/chat/completions")]


def names(report: Report) -> list[str]:
    return [one.name for one in report.checks]


def echoing(endpoint: Simulator) -> None:
    """Whatever id is asked for is answered, and said to be the one that answered."""
    endpoint.fallback = endpoint.model_id
    endpoint.edit(lambda asked, answer: {**answer, "model": asked["model"]})


def silent(endpoint: Simulator) -> None:
    """Whatever id is asked for is answered, and nothing is said of a model."""
    endpoint.fallback = endpoint.model_id
    endpoint.edit(lambda asked, answer: {name: value for name, value in answer.items() if name != "model"})


def test_a_listed_id_is_not_doubted() -> None:
    endpoint = Simulator()
    report = probed(endpoint, **PROOF)
    assert report.verdict == "accepted"
    assert UNKNOWN_MODEL not in names(report)
    assert set(models_asked(endpoint)) == {endpoint.model_id}


@pytest.mark.parametrize("variant", ["good-model:latest", "models/good-model", "GOOD-MODEL"])
def test_a_variant_of_a_listed_id_is_not_doubted(variant: str) -> None:
    endpoint = Simulator(model_id=variant)
    endpoint.catalog({"data": [{"id": "good-model"}]})
    assert UNKNOWN_MODEL not in names(probed(endpoint, **PROOF))


@pytest.mark.parametrize("listed", [None, {"data": [{"id": "another"}]}])
def test_an_id_that_is_heeded_stands(listed: object) -> None:
    """An unlisted alias works, and an id that can't exist does not: the proof stands."""
    endpoint = Simulator()
    endpoint.catalog(listed)
    report = probed(endpoint, **PROOF)
    assert (report.verdict, warnings(report)) == ("accepted", [])
    assert check(report, UNKNOWN_MODEL).status == "passed"
    assert check(report, UNKNOWN_MODEL).http_status == 404
    assert len([name for name in models_asked(endpoint) if name != endpoint.model_id]) == 1


def test_without_a_catalog_a_model_that_names_another_is_not_the_asked_one() -> None:
    endpoint = Simulator(model_id="typed")
    endpoint.serve_instead(Model("really-served"))
    endpoint.fallback = "really-served"
    endpoint.catalog(None)
    report = probed(endpoint, **PROOF)
    assert rejected_as(report) == "model_not_found"
    assert report.diagnosis is not None
    assert report.diagnosis.field == "model_id"
    assert report.diagnosis.suggestions == {"model_id": ("really-served",)}
    assert "really-served" in report.diagnosis.message
    assert check(report, UNKNOWN_MODEL).status == "failed"
    assert report.observed == {}


@pytest.mark.parametrize("listed", [None, {"data": [{"id": "snapshot-1"}, {"id": "default"}]}])
def test_a_fallback_for_unknown_ids_is_no_ignored_id(listed: object) -> None:
    """A router answers the asked alias by its snapshot, and what it does not know by its default."""
    endpoint = Simulator(model_id="alias")
    endpoint.serve_also(Model("default"))
    endpoint.fallback = "default"
    names = {"alias": "snapshot-1"}
    endpoint.edit(lambda asked, answer: {**answer, "model": names.get(asked["model"], "default")})
    endpoint.catalog(listed)
    report = probed(endpoint, **PROOF)
    assert (report.verdict, warnings(report)) == ("accepted", [])
    assert check(report, UNKNOWN_MODEL).status == "passed"
    assert "default" in check(report, UNKNOWN_MODEL).evidence


def test_a_catalog_that_lists_others_tells_the_real_ids() -> None:
    endpoint = Simulator(model_id="typed")
    echoing(endpoint)
    endpoint.catalog({"data": [{"id": "really-served"}]})
    report = probed(endpoint, **PROOF)
    assert rejected_as(report) == "model_not_found"
    assert report.diagnosis is not None
    assert report.diagnosis.suggestions == {"model_id": ("really-served",)}


@pytest.mark.parametrize("tells_nothing", [echoing, silent])
def test_an_endpoint_that_tells_nothing_is_let_in_with_a_warning(tells_nothing: object) -> None:
    endpoint = Simulator()
    tells_nothing(endpoint)  # type: ignore[operator]
    endpoint.catalog(None)
    report = probed(endpoint, **PROOF)
    assert (report.verdict, warnings(report)) == ("accepted", ["model_id_not_enforced"])
    assert check(report, UNKNOWN_MODEL).status == "failed"


def test_a_limit_tells_nothing_of_the_id() -> None:
    endpoint = Simulator()
    endpoint.catalog(None)
    endpoint.unknown_reply = lambda name: error(429, "Rate limit exceeded, try again in 600s")
    report = probed(endpoint, **PROOF)
    assert (report.verdict, warnings(report)) == ("accepted", [])
    assert check(report, UNKNOWN_MODEL).status == "inconclusive"


def test_a_wrong_key_is_refused() -> None:
    endpoint = Simulator()
    report = probed(endpoint, **PROOF)
    assert check(report, WRONG_KEY).status == "passed"
    assert warnings(report) == []
    keys = {request.key for request in asked(endpoint, "/chat/completions")}
    assert len(keys) == 2
    assert all(len(key) == len(endpoint.api_key) and key.startswith("sk-") for key in keys)


def test_an_open_endpoint_is_warned_of_and_let_in() -> None:
    endpoint = Simulator()
    endpoint.key = ""
    report = probed(endpoint, **PROOF)
    assert (report.verdict, warnings(report)) == ("accepted", ["key_not_enforced"])
    assert check(report, WRONG_KEY).status == "failed"


@pytest.mark.parametrize(("status", "message"), [(403, "Forbidden"), (400, "Invalid API key"), (401, "")])
def test_a_refusal_in_other_words_is_one(status: int, message: str) -> None:
    endpoint = Simulator()
    endpoint.every(error(status, message), when=lambda request: request.key != endpoint.api_key)
    assert check(probed(endpoint, **PROOF), WRONG_KEY).status == "passed"


def test_a_failure_of_another_kind_tells_nothing() -> None:
    endpoint = Simulator()
    endpoint.every(error(500, "oops"), when=lambda request: request.key != endpoint.api_key)
    report = probed(endpoint, **PROOF)
    assert check(report, WRONG_KEY).status == "inconclusive"
    assert (report.verdict, warnings(report)) == ("accepted", [])


def test_no_wrong_key_is_tried_without_a_key_nor_where_it_is_left_out() -> None:
    """Some servers lock an address out after a few wrong keys."""
    endpoint = Simulator()
    assert WRONG_KEY not in names(probed(endpoint, key_control=False, **PROOF))
    assert {request.key for request in endpoint.seen} == {endpoint.api_key}
    keyless = Simulator()
    keyless.key = keyless.api_key = ""
    assert WRONG_KEY not in names(probed(keyless, **PROOF))
    assert not any("authorization" in request.headers for request in keyless.seen)


def test_no_control_follows_a_failed_proof() -> None:
    endpoint = Simulator()
    endpoint.serve_instead(Model("another"))
    report = probed(endpoint, limits=Limits(probe_s=10))
    assert rejected_as(report) == "model_not_found"
    assert not {WRONG_KEY, UNKNOWN_MODEL} & set(names(report))


@pytest.mark.parametrize("key", ["sk-abcdefghijklmnop", "short", "a", "----", "0123456789abcdef" * 4, "ключ"])
def test_a_wrong_key_looks_like_the_right_one(key: str) -> None:
    other = wrong_key(key)
    assert other != key
    assert len(other) >= len(key)
    assert other.isascii() or not key.isascii()
    if len(key) > 12:
        assert other[:3] == key[:3]


def test_an_id_that_cannot_exist_is_new_every_time() -> None:
    assert nonexistent_id() != nonexistent_id()


def test_doubt() -> None:
    assert doubtful(Catalog(), "m")
    assert doubtful(Catalog(True, {"n": {}}), "m")
    assert not doubtful(Catalog(True, {"m": {}}), "m")


def test_a_router_that_spreads_calls_heeds_no_id() -> None:
    """Two names may differ by chance: the asked id must bring the same one each time."""
    endpoint = Simulator(model_id="alias")
    endpoint.serve_also(Model("default"))
    endpoint.fallback = "default"
    turns = count()
    endpoint.edit(lambda asked, answer: {**answer, "model": f"backend-{next(turns)}"})
    endpoint.catalog(None)
    report = probed(endpoint, **PROOF)
    assert check(report, UNKNOWN_MODEL).status == "failed"
    assert report.diagnosis is not None and report.diagnosis.code == "model_not_found"
