"""Registering at a simulated endpoint, and comparing what Muster concludes with what it should."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest

from app import config
from app.probe.model_types import MODEL_TYPES
from app.probe.pasted_input import clean_key
from app.probe.run import run
from app.probe.values import Finished, Target
from tests.endpoints.base import Simulator
from tests.endpoints.reports import Observed, Report
from tests.probe.messages import faults

JSON = Any
DECLARED_AS = {"tools": "tool_calling", "vision": "vision", "reasoning": "reasoning"}
"""What a report calls declared, as the probe names it; the rest can't be declared in a registration."""
FLAGS = {"tools": "supports_tool_calling", "vision": "supports_vision", "reasoning": "has_reasoning"}
PATIENCE = {"probe_seconds": 20.0, "probe_wait_seconds": 0.5}
"""A probe that concludes wrongly should not take two minutes of a test run to do so."""


@contextmanager
def running(report: Report, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """The endpoint of a report, served, with the environment that the report is about."""
    with report.endpoint() as endpoint:
        for name, value in endpoint.environment.items():
            monkeypatch.setenv(name, value)
        yield endpoint


def settings_of(endpoint: Simulator) -> dict[str, Any]:
    """The settings of Muster for this endpoint, as overrides of `create_app`."""
    return PATIENCE | endpoint.settings


def registration(report: Report, endpoint: Simulator) -> dict[str, JSON]:
    """The body of `POST /v2/models/openai-like` as a person would type it."""
    typed = {
        "api_key": endpoint.api_key,
        "base_url": endpoint.base_url,
        "display_name": report.id,
        "model_id": report.model_id,
        "model_type": report.model_type,
        "region": "test",
    }
    return typed | {FLAGS[name]: value for name, value in report.declared.items() if name in FLAGS}


def probed(report: Report, endpoint: Simulator) -> dict[str, JSON]:
    """The report of a probe without any registry around it."""
    chosen = config.load_with(settings_of(endpoint))
    declared = {DECLARED_AS[name]: value for name, value in report.declared.items() if name in DECLARED_AS}
    typed = Target(endpoint.base_url, clean_key(endpoint.api_key) or "", report.model_id)
    asked = MODEL_TYPES[report.model_type]
    events = list(run(typed, asked, declared, limits=chosen.limits, rules=chosen.egress))
    ends = [event for event in events if isinstance(event, Finished)]
    assert len(ends) == 1 and events[-1] is ends[0], "a probe ends in one terminal event"
    return ends[0].report.as_dict()


def judge(report: Report, endpoint: Simulator, found: Mapping[str, JSON]) -> None:
    """Compare a probe's report with what the field report says a correct prober concludes."""
    told = json.dumps(found.get("diagnosis"), ensure_ascii=False, indent=1)
    assert found["verdict"] == report.verdict, told
    if report.verdict == "rejected":
        judge_diagnosis(report, endpoint, found["diagnosis"])
        judge_cost(report, endpoint, found)
    assert not report.calls or len(endpoint.seen) <= report.calls, (len(endpoint.seen), told)
    for name, observed in report.capabilities.items():
        judge_capability(report, name, observed, found["capabilities"].get(name) or {"observed": None})
    for name in report.declared:
        if name in DECLARED_AS and report.verdict == "accepted":
            assert found["capabilities"][DECLARED_AS[name]]["declared"] is True
    warned = {warning["code"] for warning in found.get("warnings", [])}
    assert set(report.warnings) <= warned, (report.warnings, warned)
    everything = json.dumps(found, ensure_ascii=False)
    assert not [words for words in report.unsaid if words in everything], everything
    judge_manners(endpoint, everything)


MAY_WAIT = {"rate_limited", "model_unavailable", "quota_exhausted", "timeout", "endpoint_unreachable"}
"""What an endpoint is waited for that says so, or that does not answer at once."""


def judge_cost(report: Report, endpoint: Simulator, found: Mapping[str, JSON]) -> None:
    """No rejection makes over 25 calls, and none takes over 15 s where nothing is to be waited for."""
    assert len(endpoint.seen) <= (report.calls or 25), endpoint.calls
    if "duration_ms" in found and not MAY_WAIT & set(report.code):
        assert found["duration_ms"] < 15_000


def judge_diagnosis(report: Report, endpoint: Simulator, diagnosis: JSON) -> None:
    """Code, field and suggestions; the message has the form that all have."""
    assert diagnosis["code"] in report.code, diagnosis["message"]
    if report.field:
        assert diagnosis["field"] in report.field, diagnosis["message"]
    if diagnosis["code"] != "invalid_request":  # which the form may say too, before anything is asked
        found = list(faults(diagnosis["message"], guarded(endpoint)))
        assert not found, (diagnosis, found)
    for words in report.words:
        assert words in diagnosis["message"], (words, diagnosis["message"])
    for name, wanted in report.suggests.items():
        value = suggestion(wanted, endpoint) if name == "base_url" else wanted
        assert value in diagnosis["suggestions"].get(name, []), diagnosis


def suggestion(wanted: str, endpoint: Simulator) -> str:
    """A suggested base URL of a report, which leaves the host out."""
    if wanted.startswith("/"):
        return endpoint.origin + wanted
    if "://" in wanted:
        return wanted
    return endpoint.base_url.replace("http://", "https://", 1)


def judge_capability(report: Report, name: str, right: Observed, found: Mapping[str, JSON]) -> None:
    """What was observed, also of a rejected model: a proof that was tried as a stream tells of streaming."""
    states = right if isinstance(right, tuple) else (right,)
    assert any(found["observed"] is state for state in states), (report.verdict, name, found)


def guarded(endpoint: Simulator) -> str:
    """The key that may stand nowhere; empty where it is so short that it is a word like any other."""
    key = endpoint.api_key.strip().strip("“”\"'")
    return key if len(key) >= 12 else ""


def forms_of(key: str) -> Iterator[str]:
    """A key as it is and in the codings in which endpoints repeat one."""
    raw = key.encode()
    yield key
    yield from (raw.hex(), raw.hex().upper(), quote(key, safe="").replace("~", "%7E"))
    yield from ("".join(f"%{byte:02{case}}" for byte in raw) for case in "xX")
    yield "".join(f"&#{byte};" for byte in raw)
    for coded in (base64.b64encode(raw).decode(), base64.b32encode(raw).decode()):
        yield coded.rstrip("=")


def judge_manners(endpoint: Simulator, told: str) -> None:
    """The key is nowhere in what is told; nothing proves itself by HEAD or OPTIONS."""
    key = guarded(endpoint)
    assert not key or not [form for form in forms_of(key) if form in told], "the key stands in the report"
    assert not {"HEAD", "OPTIONS"} & {method for method, _ in endpoint.calls}
    for neighbour in endpoint.neighbours:
        assert not any("authorization" in request.headers for request in neighbour.seen), (
            "the key went elsewhere"
        )
    if '"egress_denied"' in told:
        assert endpoint.calls == [], "nothing is sent where the address is forbidden"
