"""Every field report: its endpoint, simulated to the wire, and what Muster concludes about it."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import BytecodeCache
from sqlalchemy import delete
from werkzeug.test import TestResponse

from app import config
from app.store import database, vault
from app.store.base import db
from app.store.models import RegisteredModel
from tests.conftest import new_token
from tests.endpoints.every import REPORTS
from tests.endpoints.judging import (
    DECLARED_AS,
    judge,
    judge_manners,
    probed,
    registration,
    running,
    settings_of,
)
from tests.endpoints.reports import CHANGES, Report
from tests.shared_app import SharedApp

JSON = Any
Muster = Callable[[Mapping[str, Any]], tuple[FlaskClient, dict[str, str]]]
each_report = pytest.mark.parametrize("report", REPORTS, ids=[report.id for report in REPORTS])


@pytest.fixture(scope="module")
def muster(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, compiled_templates: BytecodeCache
) -> Iterator[Muster]:
    """A running Muster with these settings: its client and the header of a token."""
    folder = tmp_path_factory.mktemp("muster")
    shutil.copyfile(sqlite_template, folder / "muster.sqlite")
    fixed = {"instance": folder, "rate_limit": 0, "TESTING": True, "WTF_CSRF_ENABLED": False}
    shared = SharedApp(fixed, compiled_templates, None)
    app = shared.lend(fixed)
    vault.ensure_ring(app.config["MUSTER"])
    config.ensure_secret(app.config["MUSTER"])
    token = {"Authorization": f"Bearer {new_token(app, 'write')}"}

    def with_settings(settings: Mapping[str, Any]) -> tuple[FlaskClient, dict[str, str]]:
        app = shared.lend(dict(settings) | fixed)
        _forget_models(app)
        return app.test_client(), token

    yield with_settings
    with app.app_context():
        database.let_go()


def _forget_models(app: Flask) -> None:
    """Another report's endpoint may have had the same port, and its model the same id."""
    with app.app_context():
        db.session.execute(delete(RegisteredModel))
        db.session.commit()


def test_every_report_has_its_endpoint() -> None:
    """No report without a simulated endpoint, no endpoint without a report."""
    assert {report.id for report in REPORTS} == set(CHANGES)
    assert len(REPORTS) == 144


@each_report
def test_the_probe_concludes_as_reported(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe alone."""
    with running(report, monkeypatch) as endpoint:
        judge(report, endpoint, probed(report, endpoint))


@each_report
def test_registering_ends_as_reported(
    report: Report, muster: Muster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The JSON API: the document of an accepted model, the error of a rejected one, each with its report."""
    with running(report, monkeypatch) as endpoint:
        client, token = muster(settings_of(endpoint))
        answer = client.post("/v2/models/openai-like", json=registration(report, endpoint), headers=token)
    judge_manners(endpoint, answer.text)
    if report.verdict == "accepted":
        assert answer.status_code == 200, answer.text
        judge_document(report, answer.json)
        judge(report, endpoint, _last_report(client, token, _json(answer)["id"]))
    else:
        assert answer.status_code == 400, answer.text
        judge_error(report, endpoint, answer.json)


def _last_report(client: FlaskClient, token: dict[str, str], model: str) -> JSON:
    answer = client.get(f"/v2/models/{model}/probes", headers=token)
    assert answer.status_code == 200, answer.text
    return _json(answer)[0]


def _json(answer: TestResponse) -> JSON:
    return answer.json


def judge_document(report: Report, document: JSON) -> None:
    """What was declared is echoed unchanged, whatever was observed."""
    metadata = document["metadata"]
    for name, field in (("tools", "supports_tool_calling"), ("vision", "supports_vision")):
        if name in report.declared:
            assert metadata[field] is True, metadata


def judge_error(report: Report, endpoint: Any, body: JSON) -> None:
    """The error says the same as the report beside it."""
    error = body["error"]
    assert error["code"] in report.code, error
    if report.field:
        assert error["field"] in report.field, error
    diagnosis = {
        "code": error["code"],
        "field": error.get("field"),
        "message": error["message"],
        "suggestions": error.get("suggestions") or {},
    }
    found = body.get("probe") or {"verdict": "rejected", "capabilities": {}}
    judge(report, endpoint, dict(found) | {"diagnosis": diagnosis})


@pytest.mark.parametrize(
    "name", ["openai-401-incorrect-key-echo", "base-without-v1-append", "tei-embedding-nulls"]
)
def test_a_good_endpoint_is_not_taken_for_a_reported_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail: at a good endpoint, none of the rejections is concluded."""
    reported = next(report for report in REPORTS if report.id == name)
    report = dataclasses.replace(reported, change=lambda simulator: None)
    with running(report, monkeypatch) as endpoint, pytest.raises(AssertionError):
        judge(report, endpoint, probed(report, endpoint))


CONTRADICTED = [
    report
    for report in REPORTS
    if report.verdict == "accepted"
    and any(report.capabilities.get(DECLARED_AS.get(name, "")) is False for name in report.declared)
]


@pytest.mark.parametrize("report", CONTRADICTED, ids=[report.id for report in CONTRADICTED])
def test_what_was_declared_and_is_not_there_is_warned_of(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A declared capability that was observed false is a warning, not a rejection."""
    with running(report, monkeypatch) as endpoint:
        found = probed(report, endpoint)
    assert "capability_contradicted" in [warning["code"] for warning in found["warnings"]]
