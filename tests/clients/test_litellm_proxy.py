"""LiteLLM's own proxy in front of two llama.cpp servers: one base URL and one key for a model that chats and
one that embeds. Each has a name at the proxy that is not its name at the server behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
from openai import APIStatusError, OpenAI

from app.probe.model_types import MODEL_TYPES
from app.probe.run import run
from app.probe.values import Finished, Report, Target
from tests.clients.asked_often import TYPES, always_told, told
from tests.clients.installed import litellm_proxy
from tests.clients.test_llama_cpp import KEY as LLAMA_KEY
from tests.clients.test_llama_cpp import llama
from tests.clients.test_real_servers import MODEL as LLAMA_MODEL
from tests.clients.test_real_servers import WORKS
from tests.clients.tiny_llama import WIDTH
from tests.load.running import Running
from tests.ports import free_port

JSON = Any
KEY = "sk-the-proxys-own-master-key"
MODELS = {"chat": "team-babbler", "embedding": "team-vectors"}
"""The id at the proxy, by what it is."""
FIRM = {"streaming", "stream_usage", "json_schema", "logprobs", "responses_api"}
"""What even a model that babbles shows each time; JSON without a schema it may babble on past any limit."""
READY_WITHIN_S = 180
NO_NETWORK = {
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1",
}


class Proxy(NamedTuple):
    """The proxy's base URL, which ends with /v1, and those of the servers behind it by their kind."""

    url: str
    behind: dict[str, str]

    @property
    def root(self) -> str:
        """The URL without /v1."""
        return self.url.removesuffix("/v1")


def config(behind: dict[str, str]) -> JSON:
    """A config as people write one. A model that failed once is not left out for some seconds: tests would
    wait for it."""
    models = [
        {
            "model_name": MODELS[kind],
            "litellm_params": {
                "model": f"openai/{LLAMA_MODEL}",
                "api_base": url,
                "api_key": LLAMA_KEY,
                "max_retries": 0,
            },
            "model_info": {"mode": kind},
        }
        for kind, url in behind.items()
    ]
    return {
        "model_list": models,
        "general_settings": {"master_key": KEY},
        "litellm_settings": {"telemetry": False},
        "router_settings": {"disable_cooldowns": True, "num_retries": 0},
    }


@contextmanager
def serving(folder: Path, behind: dict[str, str]) -> Iterator[str]:
    """The proxy, as a process that ends with the block; gives its base URL. It reaches loopback alone."""
    (folder / "config.yaml").write_text(json.dumps(config(behind)))  # JSON is YAML
    port = free_port()
    command = [sys.executable, "-m", "litellm.proxy.proxy_cli", "--config", "config.yaml"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environ = kept | NO_NETWORK | {"PYTHONPATH": str(litellm_proxy()), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    log = folder / "proxy.log"
    with (
        log.open("wb") as out,
        subprocess.Popen(command, cwd=folder, env=environ, stdout=out, stderr=out) as child,
    ):
        try:
            await_ready(child, f"http://127.0.0.1:{port}", log)
            yield f"http://127.0.0.1:{port}/v1"
            assert child.poll() is None, f"It ended by itself, with {child.returncode}:\n{end_of(log)}"
        finally:
            child.kill()


def await_ready(child: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Return once it answers; its log is the error where it does not."""
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and child.poll() is None:
        with suppress(requests.ConnectionError, requests.Timeout):
            if requests.get(f"{url}/health/liveliness", timeout=10).ok:
                return
        time.sleep(0.1)
    raise AssertionError(f"LiteLLM's proxy did not start:\n{end_of(log)}")


def end_of(log: Path) -> str:
    """What it wrote last."""
    return log.read_text(encoding="utf-8", errors="replace")[-4000:]


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The proxy with both servers behind it."""
    litellm_proxy()  # before anything is started for nothing
    folder = tmp_path_factory.mktemp("litellm")
    with ExitStack() as stack:
        behind = {kind: stack.enter_context(llama(folder, kind)) for kind in MODELS}
        yield Proxy(stack.enter_context(serving(folder, behind)), behind)


def test_both_get_in_with_one_paste_of_the_key(empty: Running, proxy: Proxy) -> None:
    models = [{"model_id": id, "model_type": kind} for kind, id in MODELS.items()]
    body = {"base_url": proxy.url, "api_key": KEY, "region": "here", "models": models}
    with empty.session() as client:
        answer = client.post(f"{empty.url}/v2/endpoints", json=body, timeout=120)
        assert answer.status_code == 200, answer.text
        made, results = answer.json()["endpoint"], answer.json()["results"]
        rows = client.get(f"{empty.url}/v2/endpoints", timeout=30).json()
        catalog = client.get(f"{empty.url}/v2/endpoints/{made['id']}/catalog", timeout=30).json()
    assert [result["outcome"] for result in results] == ["registered", "registered"]
    documents = {result["model_id"]: result["model"] for result in results}
    assert {id: document["model_type"] for id, document in documents.items()} == {
        id: kind for kind, id in MODELS.items()
    }
    assert documents[MODELS["chat"]]["metadata"]["supports_streaming"] is True
    assert documents[MODELS["embedding"]]["metadata"]["embedding_dimensions"] == WIDTH
    assert {document["configuration"]["integration_id"] for document in documents.values()} == {made["id"]}
    mine = [row for row in rows if row["base_url"] == proxy.url]
    assert [(row["id"], row["models"], row["health"]) for row in mine] == [(made["id"], 2, "up")]
    assert KEY not in answer.text + json.dumps([rows, catalog])
    listed = {entry["id"]: entry for entry in catalog["models"]}
    assert {id: (entry["model_type"], entry["registered"]) for id, entry in listed.items()} == {
        id: (kind, documents[id]["id"]) for kind, id in MODELS.items()
    }


@pytest.mark.parametrize("asked_as", TYPES)
@pytest.mark.parametrize("kind", MODELS)
def test_asked_as_every_type(proxy: Proxy, kind: str, asked_as: str) -> None:
    """What works behind the proxy works through it; of the rest its own list says what the model is."""
    wrong = ("wrong_model_type", "model_type", {"model_type": (kind,)})
    found = always_told(proxy.url, asked_as, MODELS[kind], KEY)
    assert found == (("accepted", None, {}) if asked_as in WORKS[kind] else wrong)


@pytest.mark.parametrize("kind", MODELS)
def test_another_base(proxy: Proxy, kind: str) -> None:
    """It serves the same routes without /v1, so that base works as it stands."""
    right = ("wrong_path", "base_url", {"base_url": (proxy.url,)})
    amiss = {
        proxy.root: ("accepted", None, {}),
        f"{proxy.url}/v1": right,
        f"{proxy.url}/chat/completions": right,
        f"{proxy.root}/embeddings": ("wrong_path", "base_url", {"base_url": (proxy.root,)}),
        f"{proxy.root}/api/v1": right,
        proxy.url.replace("http://", "https://"): ("tls_error", "base_url", {}),
    }
    assert {base: always_told(base, kind, MODELS[kind], KEY) for base in amiss} == amiss


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("key", ["wrong", "sk-wrong", LLAMA_KEY, ""])
def test_another_key(proxy: Proxy, kind: str, key: str) -> None:
    """The proxy says "No connected db." of a key that is not its own, and fails where none came."""
    assert always_told(proxy.url, kind, MODELS[kind], key) == ("invalid_credentials", "api_key", {})


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("model", ["gpt-4o", LLAMA_MODEL, "team-babler"])
def test_another_model_id(proxy: Proxy, kind: str, model: str) -> None:
    """The ids are the proxy's; the one of the server behind it is no id here."""
    found = always_told(proxy.url, kind, model, KEY)
    assert found == ("model_not_found", "model_id", {"model_id": tuple(sorted(MODELS.values()))})


def whole(url: str, model_type: str, model: str, key: str) -> Report:
    """The report of a full probe that let the model in without a doubt."""
    events = list(run(Target(url, key, model), MODEL_TYPES[model_type], {}))
    (end,) = (event for event in events if isinstance(event, Finished))
    assert (told(end.report)[0], end.report.warnings) == ("accepted", ())
    assert {check.name: check.status for check in end.report.checks}["wrong_key"] == "passed"
    return end.report


def seen(report: Report, *, working: bool) -> set[str]:
    """The capabilities that were seen to work, or seen not to."""
    return {name for name, found in report.capabilities.items() if found.observed is working}


def test_what_it_can_do_is_told_as_without_the_proxy(proxy: Proxy) -> None:
    through = whole(proxy.url, "chat", MODELS["chat"], KEY)
    directly = whole(proxy.behind["chat"], "chat", LLAMA_MODEL, LLAMA_KEY)
    # It babbles, so some may not be told each time; but what is seen to work here is not refuted there.
    assert seen(through, working=True) & seen(directly, working=True) >= FIRM
    assert not seen(through, working=True) & seen(directly, working=False)
    assert not seen(through, working=False) & seen(directly, working=True)
    assert "vision" in seen(through, working=False) & seen(directly, working=False)
    # What the proxy changes: its list tells the mode of each model, but not the context of the server behind.
    assert directly.observed["context_window"] == 4096 and "context_window" not in through.observed
    vectors = whole(proxy.url, "embedding", MODELS["embedding"], KEY)
    assert vectors.observed["embedding_dimensions"] == WIDTH


def test_what_it_can_do_is_told_as_plain_calls_show(proxy: Proxy) -> None:
    report = whole(proxy.url, "chat", MODELS["chat"], KEY)
    with OpenAI(base_url=proxy.url, api_key=KEY, max_retries=0, timeout=60) as client:
        plain = PlainCalls(client)
        shown = {name: getattr(plain, name)() for name in ("streaming", "json_schema", "logprobs", "vision")}
    assert shown == {"streaming": True, "json_schema": True, "logprobs": True, "vision": False}
    assert {name: report.capabilities[name].observed for name in shown} == shown


class PlainCalls:
    """What a client that knows nothing of Muster sees; a method for each capability, named as it is."""

    def __init__(self, client: OpenAI) -> None:
        self.create: Any = client.chat.completions.create
        self.asked = {"model": MODELS["chat"], "messages": [{"role": "user", "content": "Say red."}]}

    def streaming(self) -> bool:
        """Whether the text comes in pieces."""
        pieces = list(self.create(**self.asked, max_tokens=20, stream=True))
        return sum(bool(piece.choices and piece.choices[0].delta.content) for piece in pieces) > 1

    def json_schema(self) -> bool:
        """Whether the content is what a schema asks for that chance would not meet."""
        schema = {
            "type": "object",
            "properties": {"wet": {"type": "boolean"}},
            "required": ["wet"],
            "additionalProperties": False,
        }
        form = {"type": "json_schema", "json_schema": {"name": "rain", "schema": schema, "strict": True}}
        answer = self.create(**self.asked, max_tokens=250, response_format=form)
        found = json.loads(answer.choices[0].message.content)
        return set(found) == {"wet"} and isinstance(found["wet"], bool)

    def logprobs(self) -> bool:
        """Whether the tokens come with their log-probabilities."""
        answer = self.create(**self.asked, max_tokens=5, logprobs=True, top_logprobs=2)
        return len(answer.choices[0].logprobs.content[0].top_logprobs) == 2

    def vision(self) -> bool:
        """Whether a picture is taken."""
        png = (
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
        )
        picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{png}"}}
        try:
            self.create(**self.asked | {"messages": [{"role": "user", "content": [picture]}]}, max_tokens=5)
        except APIStatusError:
            return False
        return True
