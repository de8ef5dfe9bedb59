"""What /metrics tells of web processes and of the watch's counts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import Metric, values
from prometheus_client.parser import text_string_to_metric_families

from app.store.base import db, now
from app.store.watch.counts import Counts
from app.store.watch.health import WatchCost
from app.web import metrics
from tests.rows import a_model

Scrape = Callable[[], dict[str, Metric]]


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """An application that has counted nothing yet."""
    return make_app()


@pytest.fixture
def scrape(client: FlaskClient, auth: dict[str, str]) -> Scrape:
    """Reads /metrics."""

    def read() -> dict[str, Metric]:
        answer = client.get("/metrics", headers=auth)
        assert answer.status_code == 200
        return {family.name: family for family in text_string_to_metric_families(answer.text)}

    return read


def sum_of(family: Metric) -> float:
    """The values of all samples together."""
    return sum(one.value for one in family.samples)


def value_of(family: Metric, suffix: str = "", **labels: str) -> float:
    """The value of the one sample with these labels."""
    (found,) = (
        one.value for one in family.samples
        if one.name == family.name + suffix and labels.items() <= one.labels.items()
    )  # fmt: skip
    return found


def test_requests_are_counted_by_route_and_status(
    client: FlaskClient, auth: dict[str, str], scrape: Scrape
) -> None:
    for _ in range(3):
        client.get("/v2/models", headers=auth)
    client.get("/v2/models")
    for path in ("/v2/models/one", "/v2/models/two"):
        client.get(path, headers=auth)
    found = scrape()["muster_http_requests"]
    assert value_of(found, "_total", route="/v2/models", status="200") == 3
    assert value_of(found, "_total", route="/v2/models", status="401") == 1
    assert value_of(found, "_total", route="/v2/models/<path:ref>", status="404") == 2


def test_paths_that_callers_make_up_are_no_labels(client: FlaskClient, scrape: Scrape) -> None:
    for number in range(20):
        client.open(f"/nowhere-{number}", method=f"VERB{number}")
    found = scrape()["muster_http_requests"]
    assert value_of(found, "_total", route="none") == 20
    assert "nowhere" not in str(found.samples) and "VERB" not in str(found.samples)


def test_how_long_answers_took(client: FlaskClient, auth: dict[str, str], scrape: Scrape) -> None:
    client.get("/v2/models", headers=auth)
    client.get("/signin")
    found = scrape()["muster_http_request_seconds"]
    assert value_of(found, "_count", area="api") == 1 and value_of(found, "_count", area="pages") == 1
    assert 0 < value_of(found, "_sum", area="api") < 30


def test_the_processes(scrape: Scrape) -> None:
    """Those of the tests here: this one, and what others of its tests have started."""
    found = scrape()
    assert sum_of(found["muster_process_running"]) >= 1
    assert sum_of(found["muster_process_resident_memory_bytes"]) > 10_000_000
    assert sum_of(found["muster_process_open_fds"]) > 3
    assert sum_of(found["muster_process_cpu_seconds"]) > 0


def test_what_workers_count_adds_up(app: Flask, scrape: Scrape) -> None:
    first, second = Counts(), Counts()
    for counts, result in ((first, "good"), (second, "good"), (second, "failed")):
        counts.add("looks", "e", f"proof:{result}")
    for took_ms in (50, 51, 90_000):
        first.observe("latency", "e", took_ms)
    second.observe("latency", "e", None)
    second.observe("first_token", "e", 700)
    second.add("deliveries", "", "sent")
    with app.app_context():
        for counts in (first, second, second):
            counts.write()
    found = scrape()
    assert value_of(found["muster_looks"], "_total", endpoint="e", kind="proof", result="good") == 2
    assert value_of(found["muster_looks"], "_total", result="failed") == 1
    assert value_of(found["muster_deliveries"], "_total", outcome="sent") == 1
    seconds = found["muster_look_seconds"]
    reached = {one.labels["le"]: one.value for one in seconds.samples if one.name.endswith("_bucket")}
    assert (reached["0.05"], reached["0.1"], reached["60.0"], reached["+Inf"]) == (1, 2, 2, 3)
    assert value_of(seconds, "_count") == 3 and value_of(seconds, "_sum") == pytest.approx(90.101)
    assert value_of(found["muster_first_token_seconds"], "_bucket", le="1.0") == 1


def test_what_the_watch_used_in_this_month(app: Flask, scrape: Scrape) -> None:
    with app.app_context():
        today = now().date()
        models = [a_model(model_id=name) for name in ("a", "b")]
        db.session.add_all(models)
        db.session.flush()
        last_year = today.replace(year=today.year - 1, day=1)
        for model, day, tokens in (
            (models[0], today, 30),
            (models[1], today, 12),
            (models[0], last_year, 500),
        ):
            row: dict[str, Any] = {"looks": 1, "calls": 2, "tokens": tokens, "money": tokens / 100}
            db.session.add(WatchCost(model_pk=model.id, day=day, **row))
        db.session.commit()
        ids = [model.id for model in models]
    found = scrape()
    assert value_of(found["muster_watch_month_tokens"]) == 42
    assert value_of(found["muster_watch_month_cost_usd"]) == pytest.approx(0.42)
    assert value_of(found["muster_watch_tokens"], "_total", id=ids[0]) == 30


def test_messages_that_wait(app: Flask, scrape: Scrape) -> None:
    assert value_of(scrape()["muster_deliveries_pending"]) == 0


@pytest.fixture
def shared(make_app: Callable[..., Flask], tmp_path: Path) -> Iterator[Flask]:
    """An application whose processes count together."""
    usual = values.ValueClass
    metrics.share(make_app().config["MUSTER"])
    yield make_app(metrics_public=True)
    values.ValueClass = usual
    del os.environ["PROMETHEUS_MULTIPROC_DIR"]


def test_processes_that_answer_for_one_muster_count_together(shared: Flask) -> None:
    def answer() -> None:
        for _ in range(5):
            shared.test_client().get("/healthz")

    answer()
    child = os.fork()
    if not child:
        answer()
        os._exit(0)
    os.waitpid(child, 0)
    text = shared.test_client().get("/metrics").text
    assert 'muster_http_requests_total{method="GET",route="/healthz",status="200"} 10.0' in text
