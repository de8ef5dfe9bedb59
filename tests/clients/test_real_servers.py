"""Servers that others wrote as judges of the probe: every mistake of an operator is told rightly, each time.

llama.cpp with a tiny model, aimock (a mock of many APIs) and Portkey's open gateway, each asked ten times.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clients.asked_often import TYPES, always_told, reports_of, told
from tests.clients.installed import node_servers
from tests.clients.test_llama_cpp import KEY, llama

MODEL = "tiny-babbler"


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
    code, field, suggestions = always_told(url, asked_as, MODEL, KEY)
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
    assert {base: always_told(base, kind, MODEL, KEY) for base in amiss} == amiss
    assert always_told(url, kind, MODEL, "wrong")[:2] == ("invalid_credentials", "api_key")
    others = reports_of(url, kind, "gpt-4o", KEY)
    if kind == "chat":
        assert told(others[0]) == ("model_not_found", "model_id", {"model_id": (MODEL,)})
    else:
        warnings = [[warning.code for warning in other.warnings] for other in others]
        assert warnings == [["model_id_not_enforced"]] * len(others)


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
    for model_type in ("chat", "embedding", "moderation", "realtime"):
        assert always_told(f"{aimock}/v1", model_type, "gpt-4o", KEY)[0] == "accepted"
    another_type = ("wrong_model_type", "model_type", {"model_type": ("chat",)})
    for model_type in ("completion", "rerank", "stt", "tts", "image"):
        assert always_told(f"{aimock}/v1", model_type, "gpt-4o", KEY) == another_type
    for base in (f"{aimock}/v1/v1", f"{aimock}/v1/chat/completions"):
        assert always_told(base, "chat", "gpt-4o", KEY) == ("wrong_path", "base_url", right)
    assert always_told(aimock, "moderation", "gpt-4o", KEY) == ("wrong_path", "base_url", right)
    unknown = always_told(f"{aimock}/v1", "chat", "no-such-model", KEY)
    assert unknown[:2] == ("model_not_found", "model_id")


@pytest.mark.parametrize("model_type", TYPES)
def test_a_gateway_that_wants_a_header(portkey: str, model_type: str) -> None:
    """The same refusal on every route is about the caller; the message names the header that is wanted."""
    for report in reports_of(f"{portkey}/v1", model_type, "gpt-4o", KEY):
        assert told(report)[:2] == ("permission_denied", "api_key")
        assert report.diagnosis and "x-portkey-provider" in report.diagnosis.message
        assert "further headers of the endpoint" in report.diagnosis.message


def test_a_gateway_without_its_version(portkey: str) -> None:
    found = always_told(portkey, "chat", "gpt-4o", KEY)
    assert found == ("wrong_path", "base_url", {"base_url": (f"{portkey}/v1",)})
