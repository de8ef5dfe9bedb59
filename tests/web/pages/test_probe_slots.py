"""A probe that a page watches keeps its place until its last line was sent, and no longer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.web.pages.conftest import Form


@pytest.fixture
def app(app_with: Callable[..., Flask]) -> Flask:
    """One probe at once for each person."""
    return app_with(probes_per_caller=1)


def watch(browser: FlaskClient, form: Form) -> TestResponse:
    """The stream of a registration."""
    return browser.post("/models/new", data=form, headers={"Accept": "application/x-ndjson"})


def elsewhere(browser: FlaskClient, form: Form) -> int:
    """The status of another one, in a thread of its own as the server has it, watched to its end."""

    def watched() -> int:
        answer = watch(browser, form)
        assert answer.data
        answer.close()
        return answer.status_code

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(watched).result()


@pytest.mark.parametrize("to_its_end", [True, False])
def test_a_stream_holds_its_place_until_it_is_over(editor: FlaskClient, good: Form, to_its_end: bool) -> None:
    watched, another = watch(editor, good), good | {"model_id": "practice-reasoner"}
    lines = iter(watched.response)
    assert next(lines)
    assert elsewhere(editor, another) == 429
    if to_its_end:
        assert list(lines)
    watched.close()
    assert elsewhere(editor, another) == 200
