"""Probes wait for endpoints: too many at once are refused, and the rest of the server works on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.web.probe_slots import PROBING
from tests.conftest import new_token
from tests.web.api.conftest import Endpoint

UNKNOWN = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def app(app_with: Callable[..., Flask]) -> Flask:
    """Two probes at once for one caller, three in all."""
    return app_with(probes_per_caller=2, probes_at_once=3)


def send(app: Flask, token: str, body: dict[str, Any]) -> TestResponse:
    """Validate a model with a token."""
    header = {"Authorization": f"Bearer {token}"}
    return app.test_client().post("/v2/models/openai-like/validate?depth=proof", json=body, headers=header)


@contextmanager
def running(
    app: Flask, endpoint: Endpoint, body: dict[str, Any], *tokens: str
) -> Iterator[list[Future[TestResponse]]]:
    """A probe for each token, all of which wait for the endpoint until the block ends."""
    endpoint.before = threading.Event()
    with ThreadPoolExecutor(len(tokens)) as pool:
        started = [pool.submit(send, app, token, body) for token in tokens]
        deadline = time.monotonic() + 20
        while len(endpoint.calls) < len(tokens) and time.monotonic() < deadline:
            time.sleep(0.02)
        try:
            yield started
        finally:
            endpoint.before.set()
    endpoint.before = None


def refused(answer: TestResponse) -> bool:
    """Whether it was refused for there being too many; anything else must have worked."""
    assert answer.status_code in (200, 429)
    if answer.status_code == 429:
        assert answer.json is not None and answer.json["error"]["code"] == "too_many_probes"
        assert int(answer.headers["Retry-After"]) >= 1
    return answer.status_code == 429


def test_one_caller_has_so_many(app: Flask, endpoint: Endpoint, good: dict[str, Any], token: str) -> None:
    with running(app, endpoint, good, token, token) as started:
        assert refused(send(app, token, good))
        header = {"Authorization": f"Bearer {token}"}
        assert app.test_client().get("/v2/models", headers=header).status_code == 200
    assert not any(refused(each.result()) for each in started)
    assert not refused(send(app, token, good))


def test_all_together_have_so_many(app: Flask, endpoint: Endpoint, good: dict[str, Any]) -> None:
    tokens = [new_token(app, "write") for _ in range(4)]
    with running(app, endpoint, good, *tokens[:3]):
        assert refused(send(app, tokens[3], good))
    assert not refused(send(app, tokens[3], good))


def test_a_request_that_fails_gives_its_place_back(
    app: Flask, endpoint: Endpoint, good: dict[str, Any], token: str
) -> None:
    for _ in range(3):
        assert send(app, token, {}).status_code == 400
    assert not refused(send(app, token, good))


def test_some_threads_never_probe(
    app_with: Callable[..., Flask], endpoint: Endpoint, good: dict[str, Any]
) -> None:
    small = app_with(threads=2, probes_at_once=100)
    one, other = new_token(small, "write"), new_token(small, "write")
    with running(small, endpoint, good, one):
        assert refused(send(small, other, good))


@pytest.mark.parametrize(
    "method, path",
    [
        ("POST", "/v2/endpoints"),
        ("POST", f"/v2/endpoints/{UNKNOWN}/models"),
        ("PATCH", f"/v2/endpoints/{UNKNOWN}"),
        ("GET", f"/v2/endpoints/{UNKNOWN}/catalog"),
        ("POST", "/v2/endpoints/catalog"),
        ("POST", "/v2/channels/x/test"),
        ("POST", "/v2/models/x/probes"),
    ],
)
def test_whatever_calls_out_counts(
    app: Flask, endpoint: Endpoint, good: dict[str, Any], method: str, path: str
) -> None:
    token = new_token(app, "admin")
    header = {"Authorization": f"Bearer {token}"}
    assert not refused_at(app, method, path, header)
    with running(app, endpoint, good, token, token):
        assert refused_at(app, method, path, header)


def refused_at(app: Flask, method: str, path: str, header: dict[str, str]) -> bool:
    """Whether a call with an empty body is refused for there being too many."""
    return app.test_client().open(path, method=method, json={}, headers=header).status_code == 429


def test_who_waits_for_news_leaves_threads_to_others(app_with: Callable[..., Flask]) -> None:
    """One thread of eight may wait; who does not wait is never refused."""
    small = app_with(threads=16)
    header = {"Authorization": f"Bearer {new_token(small, 'read')}"}
    other = {"Authorization": f"Bearer {new_token(small, 'read')}"}

    def follow(wait: int, header: dict[str, str]) -> TestResponse:
        return small.test_client().get(f"/v2/events?wait={wait}", headers=header)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(follow, 3, header)
        time.sleep(1)
        second = follow(1, header)
        assert second.status_code == 429 and second.json is not None
        assert second.json["error"]["code"] == "rate_limited" and second.headers["Retry-After"]
        assert follow(0, header).status_code == 200
        assert follow(1, other).status_code == 200
        assert waiting.result().status_code == 200
    assert follow(1, header).status_code == 200


def test_every_name_is_that_of_a_route(app: Flask) -> None:
    assert set(app.view_functions) >= PROBING
