"""llama.cpp's own server with a tiny random model: an endpoint that nobody here wrote. It only babbles,
which is all that a registration asks of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.clients.tiny_llama import WIDTH
from tests.load.running import Running

JSON = Any
KEY = "llama-key"
SURE = ("streaming", "json_mode", "json_schema", "vision", "reasoning")


@contextmanager
def llama(folder: Path, kind: str) -> Iterator[str]:
    """The server, as a process that ends with the block; gives its base URL."""
    command = [sys.executable, "-m", "tests.clients.tiny_llama", str(folder / f"{kind}.gguf"), kind]
    with (
        (folder / f"{kind}.log").open("wb") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as child,
    ):
        try:
            assert child.stdout is not None
            url = child.stdout.readline().strip()
            assert url, (folder / f"{kind}.log").read_text(errors="replace")[-2000:]
            yield url
        finally:
            child.kill()


@pytest.fixture(scope="module")
def chat_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server for text."""
    with llama(tmp_path_factory.mktemp("llama"), "chat") as url:
        yield url


@pytest.fixture(scope="module")
def embedding_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server for embeddings."""
    with llama(tmp_path_factory.mktemp("llama"), "embedding") as url:
        yield url


def register(muster: Running, url: str, kind: str, **changes: JSON) -> requests.Response:
    """Ask Muster to register what the server at this URL serves, as a model of this type."""
    body = {"api_key": KEY, "base_url": url, "display_name": "Tiny", "model_id": "tiny-babbler"}
    body |= {"model_type": kind, "region": "here"} | changes
    with muster.session() as client:
        return client.post(f"{muster.url}/v2/models/openai-like", json=body, timeout=120)


def report_of(muster: Running, id: str) -> JSON:
    """The report of a model's last probe."""
    with muster.session() as client:
        return client.get(f"{muster.url}/v2/models/{id}/probes", timeout=30).json()[0]


def observed_in_the_end(running: Running, id: str, report: JSON) -> dict[str, bool | None]:
    """What was observed. Now and then a babble ends at the token limit before it shows anything, and is told
    as null: what was not told of `SURE` is asked again, as a person would.
    """
    observed: dict[str, bool | None] = {}
    for _ in range(4):
        observed |= {
            name: seen["observed"]
            for name, seen in report["capabilities"].items()
            if observed.get(name) is None
        }
        if all(observed[name] is not None for name in SURE):
            break
        with running.session() as client:
            report = client.post(f"{running.url}/v2/models/{id}/probes", timeout=120).json()
    return observed


def test_a_chat_model_that_babbles_gets_in(empty: Running, chat_url: str) -> None:
    answer = register(empty, chat_url, "chat")
    assert answer.status_code == 200, answer.text
    report = report_of(empty, answer.json()["id"])
    checks = {check["name"]: check for check in report["checks"]}
    assert report["verdict"] == "accepted" and report["warnings"] == []
    assert checks["proof"]["status"] == "passed" and checks["wrong_key"]["status"] == "passed"
    assert report["catalog"]["listed"] is True
    observed = observed_in_the_end(empty, answer.json()["id"], report)
    # A grammar holds even this model to JSON; pictures it is not served with; and what it babbles is no
    # obedience: nothing that needs a mind may be seen in it.
    assert observed["streaming"] is observed["json_mode"] is observed["json_schema"] is True
    assert observed["vision"] is observed["reasoning"] is False
    for needs_a_mind in ("system_message", "tool_calling", "tool_choice", "parallel_tool_calls"):
        assert observed[needs_a_mind] is not True
    with empty.session() as client:
        metadata = client.get(f"{empty.url}/v2/models/{answer.json()['id']}", timeout=30).json()["metadata"]
    assert metadata["context_window"] == 4096 and metadata["supports_streaming"] is True
    assert metadata["supports_vision"] is False


def test_it_gets_in_as_a_completion_model(empty: Running, chat_url: str) -> None:
    answer = register(empty, chat_url, "completion")
    assert answer.status_code == 200, answer.text


def test_an_embedding_model_gets_in(empty: Running, embedding_url: str) -> None:
    answer = register(empty, embedding_url, "embedding")
    assert answer.status_code == 200, answer.text
    assert answer.json()["metadata"]["embedding_dimensions"] == WIDTH


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"api_key": "wrong"}, "invalid_credentials", "api_key"),
        ({"api_key": ""}, "invalid_credentials", "api_key"),
        ({"model_type": "embedding"}, "wrong_model_type", "model_type"),
        ({"model_type": "rerank"}, "wrong_model_type", "model_type"),
    ],
)
def test_what_llama_cpp_refuses_is_named(
    empty: Running, chat_url: str, changes: dict[str, str], code: str, field: str
) -> None:
    answer = register(empty, chat_url, "chat", **changes)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code), answer.text
    assert answer.json()["error"]["field"] == field


def test_another_model_id_is_found_out(empty: Running, chat_url: str) -> None:
    """This server answers for any id, and its catalog tells what it really serves."""
    answer = register(empty, chat_url, "chat", model_id="gpt-4o")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "model_not_found"), answer.text
    assert answer.json()["error"]["suggestions"] == {"model_id": ["tiny-babbler"]}


def test_its_base_without_v1_works_too(empty: Running, chat_url: str) -> None:
    """llama.cpp serves the same routes without /v1, so that base works as it stands."""
    answer = register(empty, chat_url.removesuffix("/v1"), "chat")
    assert answer.status_code == 200, answer.text


def test_the_embedding_server_chats_too(empty: Running, embedding_url: str) -> None:
    """llama.cpp started with `--embeddings` still answers on the chat route, and that is what counts."""
    answer = register(empty, embedding_url, "chat")
    assert answer.status_code == 200, answer.text
