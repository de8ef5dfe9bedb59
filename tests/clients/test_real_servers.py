"""Servers that others wrote as judges of the probe: every mistake of an operator is told rightly, each time.

llama.cpp with a tiny model, aimock (a mock of many APIs) and Portkey's open gateway. One wrong verdict in
forty probes once came from an answer that a server gives now and then only, so each is asked a few times.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.probe import run
from app.probe.model_types import MODEL_TYPES
from app.probe.values import Diagnosis, Finished, Report, Target
from tests.clients.installed import node_servers
from tests.clients.test_llama_cpp import KEY, llama

ROUNDS = 3
MODEL = "tiny-babbler"
TYPES = tuple(MODEL_TYPES)


def probed(url: str, model_type: str, model: str, key: str) -> Report:
    """The report of a probe of depth proof, with the limits that a person has."""
    events = list(run(Target(url, key, model), MODEL_TYPES[model_type], {}, depth="proof"))
    (end,) = (event for event in events if isinstance(event, Finished))
    assert end.report.verdict == "accepted" or end.report.usage["calls"] <= 25
    return end.report


def told(report: Report) -> tuple[str, str | None, Mapping[str, Any]]:
    """Code, field and suggestions of a rejection; `accepted` for none."""
    found = report.diagnosis or Diagnosis("accepted", None, "")
    return found.code, found.field, found.suggestions


@pytest.fixture(scope="module", params=["chat", "embedding", "rerank"])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """llama.cpp started for one kind of model: the kind and the URL, which ends with /v1."""
    with llama(tmp_path_factory.mktemp("llama"), request.param) as url:
        yield request.param, url


WORKS = {
    "chat": {"chat", "completion"},
    "embedding": {"chat", "completion", "embedding"},
    "rerank": {"chat", "completion", "rerank"},
}
"""What llama.cpp serves in truth, by what it was started for."""


@pytest.mark.parametrize("asked_as", TYPES)
def test_llama_cpp_asked_as_every_type(served: tuple[str, str], asked_as: str) -> None:
    kind, url = served
    for _ in range(ROUNDS):
        code, field, suggestions = told(probed(url, asked_as, MODEL, KEY))
        if asked_as in WORKS[kind]:
            assert code == "accepted"
        else:
            assert (code, field) == ("wrong_model_type", "model_type")
            assert set(suggestions["model_type"]) <= WORKS[kind]


def test_llama_cpp_asked_amiss(served: tuple[str, str]) -> None:
    """Without /v1, with an operation pasted, with /v1 twice, with a wrong key, by https, by another id."""
    kind, url = served
    root = url.removesuffix("/v1")
    right = {"base_url": (url,)}
    amiss = {
        f"{url}/v1": ("wrong_path", "base_url", right),
        f"{url}/chat/completions": ("wrong_path", "base_url", right),
        url.replace("http://", "https://"): ("tls_error", "base_url", {}),
        # The native route of the root has the same name, and answers what no OpenAI client reads.
        root: ("wrong_path", "base_url", right) if kind == "embedding" else ("accepted", None, {}),
    }
    for _ in range(ROUNDS):
        assert {base: told(probed(base, kind, MODEL, KEY)) for base in amiss} == amiss
        assert told(probed(url, kind, MODEL, "wrong"))[:2] == ("invalid_credentials", "api_key")
        other = probed(url, kind, "gpt-4o", KEY)
        if kind == "chat":
            assert told(other) == ("model_not_found", "model_id", {"model_id": (MODEL,)})
        else:
            assert [warning.code for warning in other.warnings] == ["model_id_not_enforced"]


@contextmanager
def node_server(script: str, folder: Path) -> Iterator[str]:
    """A server in JavaScript, as a process that ends with the block; gives its URL."""
    with subprocess.Popen(["node", script], cwd=folder, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            yield child.stdout.readline().strip()
        finally:
            child.terminate()


@pytest.fixture(scope="module")
def aimock() -> Iterator[str]:
    """A mock of many APIs; its URL without /v1."""
    with node_server("aimock.mjs", node_servers()) as url:
        yield url


@pytest.fixture(scope="module")
def portkey() -> Iterator[str]:
    """A gateway that wants to be told by a header whom to ask; its URL without /v1."""
    with node_server("portkey.mjs", node_servers()) as url:
        yield url


def test_a_mock_of_many_apis(aimock: str) -> None:
    """What it serves gets in at /v1; what it serves only there is not taken at the root."""
    right = {"base_url": (f"{aimock}/v1",)}
    for _ in range(ROUNDS):
        for model_type in ("chat", "embedding", "moderation", "realtime"):
            assert told(probed(f"{aimock}/v1", model_type, "gpt-4o", KEY))[0] == "accepted"
        for model_type in ("completion", "rerank", "stt", "tts", "image"):
            code, field, suggestions = told(probed(f"{aimock}/v1", model_type, "gpt-4o", KEY))
            assert (code, field, suggestions) == ("wrong_model_type", "model_type", {"model_type": ("chat",)})
        for base in (f"{aimock}/v1/v1", f"{aimock}/v1/chat/completions"):
            assert told(probed(base, "chat", "gpt-4o", KEY)) == ("wrong_path", "base_url", right)
        assert told(probed(aimock, "moderation", "gpt-4o", KEY)) == ("wrong_path", "base_url", right)
        assert told(probed(f"{aimock}/v1", "chat", "no-such-model", KEY))[:2] == (
            "model_not_found",
            "model_id",
        )


@pytest.mark.parametrize("model_type", TYPES)
def test_a_gateway_that_wants_a_header(portkey: str, model_type: str) -> None:
    """The same refusal on every route is about the caller; the message names the header that is wanted."""
    for _ in range(ROUNDS):
        report = probed(f"{portkey}/v1", model_type, "gpt-4o", KEY)
        assert told(report)[:2] == ("permission_denied", "api_key")
        assert report.diagnosis and "x-portkey-provider" in report.diagnosis.message
        assert "further headers of the endpoint" in report.diagnosis.message


def test_a_gateway_without_its_version(portkey: str) -> None:
    found = told(probed(portkey, "chat", "gpt-4o", KEY))
    assert found == ("wrong_path", "base_url", {"base_url": (f"{portkey}/v1",)})
