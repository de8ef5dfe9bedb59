"""The simulated endpoints themselves: raw requests get what the field reports quote."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.endpoints.base import Simulator
from tests.endpoints.certificates import bundle
from tests.endpoints.changes import KEY
from tests.endpoints.every import REPORTS

JSON = Any
BY_ID = {report.id: report for report in REPORTS}
SAY_OK = [{"role": "user", "content": "Reply with the single word OK."}]
SYSTEM = [{"role": "system", "content": "Be brief."}, *SAY_OK]


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> JSON:
        """The body as JSON."""
        return json.loads(self.body)


def ask(
    endpoint: Simulator, path: str, body: JSON = None, method: str = "", key: str = KEY, **headers: str
) -> Answer:
    """One request on a new connection; JSON with a right key unless said otherwise."""
    assert endpoint.server
    connection = http.client.HTTPConnection("127.0.0.1", endpoint.server.server_port, timeout=10)
    sent = {"Authorization": f"Bearer {key}"} if key else {}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    try:
        connection.request(method or ("GET" if body is None else "POST"), path, raw, sent)
        got = connection.getresponse()
        named = {name.lower(): value for name, value in got.getheaders()}
        return Answer(got.status, named.get("content-type", ""), got.read(), named)
    finally:
        connection.close()


def chat(model: str, **changes: Any) -> dict[str, JSON]:
    """A minimal chat request."""
    return {"model": model, "messages": SAY_OK, "stream": False} | changes


def test_the_base_is_a_good_endpoint() -> None:
    with Simulator() as good:
        path = "/v1/chat/completions"
        assert ask(good, path, chat("good-model")).json["choices"][0]["message"]["content"] == "OK"
        assert ask(good, path, chat("good-model"), key="sk-wrong").json["error"]["code"] == "invalid_api_key"
        assert ask(good, path, chat("other")).json["error"]["code"] == "model_not_found"
        assert ask(good, "/chat/completions", chat("good-model")).status == 404
        assert ask(good, "/v1/models").json["data"][0]["id"] == "good-model"
        assert good.calls[-1] == ("GET", "/v1/models")


QUOTED = [
    ("openai-max-tokens-unsupported", {"max_tokens": 16}, 400, "Use 'max_completion_tokens' instead."),
    ("openai-max-tokens-unsupported", {"max_completion_tokens": 16}, 200, '"content": "OK"'),
    ("openai-temperature-only-default", {"temperature": 0}, 400, "does not support 0 with this model"),
    ("openai-temperature-only-default", {"temperature": 1}, 200, "OK"),
    ("lorax-424-roles-must-alternate", {"messages": SYSTEM}, 424, '"error_type": "generation"'),
    ("system-role-500-no-body", {"messages": SYSTEM}, 500, "Internal Server Error"),
    ("system-role-500-no-body", {}, 200, "OK"),
    ("mistral-extra-forbidden-unrelated-field", {"store": False, "seed": 1}, 422, '["body", "seed"]'),
    ("mistral-extra-forbidden-unrelated-field", {"max_tokens": 16}, 200, "OK"),
    (
        "small-context-max-tokens-too-large",
        {"max_tokens": 4096},
        400,
        "is too large: 4096. This model's maximum",
    ),
    ("groq-413-tpm-reservation", {"max_tokens": 12000}, 413, '"code": "rate_limit_exceeded"'),
    ("dashscope-empty-tools-array", {"tools": []}, 400, "[] is too short - 'tools'"),
    ("unclosed-think-truncated", {"max_tokens": 5}, 200, "<think>Okay"),
    ("stray-closing-think-tag", {}, 200, "reasoning text\\n</think>\\nOK"),
    ("siliconflow-content-list-glm", {}, 200, '"content": [{"type": "text", "text": "OK"}]'),
    ("single-data-event-full-completion", {}, 200, "data:{"),
    ("choices-null-error-payload", {}, 200, '"choices": null'),
    ("hf-503-loading-estimated-time", {}, 503, '"estimated_time": 20.0'),
    ("minimax-200-base-resp-invalid-key", {}, 200, '"status_code": 2049'),
    ("inferencer-blank-lines-while-loading", {}, 200, "\n\n\n\n\n{"),
    ("deepseek-400-model-not-exist", {}, 400, "Model Not Exist"),
    ("groq-model-decommissioned", {}, 400, "model_decommissioned"),
    ("mistral-400-invalid-model-1500", {}, 400, "Invalid model: mistral-typo"),
    ("azure-operation-not-supported", {}, 400, "OperationNotSupported"),
    ("openai-instruct-not-chat", {}, 404, "This is not a chat model"),
    ("fastflowlm-downloads-other-model", {}, 200, '"model": "llama3.2:1b"'),
    ("anthropic-alias-not-in-list", {}, 200, "claude-haiku-4-5-20251001"),
]


@pytest.mark.parametrize(
    ("name", "changes", "status", "words"), QUOTED, ids=[f"{row[0]}-{at}" for at, row in enumerate(QUOTED)]
)
def test_a_chat_request_gets_what_the_report_quotes(
    name: str, changes: dict[str, JSON], status: int, words: str
) -> None:
    report = BY_ID[name]
    with report.endpoint() as endpoint:
        answer = ask(endpoint, report.path + "/chat/completions", chat(report.model_id, **changes))
    assert answer.status == status, answer.body
    assert words in answer.body.decode().replace("\\u003c", "<")


def test_lm_studio_calls_every_path_200() -> None:
    with BY_ID["lmstudio-200-unexpected-endpoint"].endpoint() as endpoint:
        answer = ask(endpoint, "/chat/completions", chat("qwen2.5-7b-instruct"))
        assert (answer.status, answer.headers["x-powered-by"]) == (200, "Express")
        assert answer.json == {"error": "Unexpected endpoint or method. (POST /chat/completions)"}
        assert ask(endpoint, "/v1/chat/completions", chat("qwen2.5-7b-instruct")).json["choices"]


def test_a_page_for_whatever_lies_outside_of_v1() -> None:
    with BY_ID["spa-html-200-on-missing-v1"].endpoint() as endpoint:
        answer = ask(endpoint, "/models")
        assert (answer.status, answer.content_type) == (200, "text/html; charset=utf-8")


def test_gemini_wraps_its_error_in_an_array() -> None:
    with BY_ID["gemini-400-invalid-key"].endpoint() as endpoint:
        answer = ask(endpoint, "/v1beta/openai/chat/completions", chat("gemini-2.5-flash"))
        assert answer.status == 400 and answer.json[0]["error"]["details"][0]["reason"] == "API_KEY_INVALID"


def test_vllm_looks_at_the_key_under_v1_only() -> None:
    report = BY_ID["vllm-rerank-unprefixed-unauthenticated"]
    body = {"model": report.model_id, "query": "a", "documents": ["a", "b"]}
    with report.endpoint() as endpoint:
        assert ask(endpoint, "/v1/rerank", body, key="sk-wrong").json == {"error": "Unauthorized"}
        assert ask(endpoint, "/rerank", body, key="sk-wrong").status == 200


def test_tei_wants_texts() -> None:
    with BY_ID["tei-rerank-texts-not-documents"].endpoint() as endpoint:
        refused = ask(endpoint, "/rerank", {"query": "a", "documents": ["a"]})
        assert refused.status == 422 and b"missing field `texts`" in refused.body
        ranked = ask(endpoint, "/rerank", {"query": "red", "texts": ["red", "blue"]}).json
        assert [set(row) for row in ranked] == [{"index", "score"}] * 2


def test_a_stream_that_was_not_asked_for() -> None:
    report = BY_ID["stream-false-ignored-sse"]
    with report.endpoint() as endpoint:
        answer = ask(endpoint, "/v1/chat/completions", chat(report.model_id))
    assert answer.content_type == "text/event-stream"
    assert b'"object": "text_completion.chunk"' in answer.body and answer.body.endswith(b"data: [DONE]\n\n")


def test_a_stream_called_json_with_crlf() -> None:
    report = BY_ID["sse-body-labelled-json"]
    with report.endpoint() as endpoint:
        answer = ask(endpoint, "/v1/chat/completions", chat(report.model_id))
    assert answer.content_type.startswith("text/json") and b"\r\n\r\n" in answer.body


def test_the_middle_of_a_stream_is_an_error() -> None:
    report = BY_ID["openrouter-midstream-error-empty-choices"]
    with report.endpoint() as endpoint:
        answer = ask(endpoint, "/api/v1/chat/completions", chat(report.model_id, stream=True))
    assert answer.body.startswith(b": OPENROUTER PROCESSING") and b"[DONE]" not in answer.body


def test_zstd_only_where_it_is_offered() -> None:
    report = BY_ID["zstd-when-advertised"]
    with report.endpoint() as endpoint:
        path, body = "/v1/chat/completions", chat(report.model_id)
        assert ask(endpoint, path, body, Accept_Encoding="gzip").json["choices"]
        packed = ask(endpoint, path, body, Accept_Encoding="gzip, br, zstd")
    assert packed.headers["content-encoding"] == "zstd" and packed.body.startswith(b"\x28\xb5\x2f\xfd")


def test_well_known_programs_meet_a_bot_filter() -> None:
    with BY_ID["cloudflare-1010-python-ua"].endpoint() as endpoint:
        blocked = ask(endpoint, "/v1/models", User_Agent="python-requests/2.32")
        assert (blocked.status, blocked.headers["server"]) == (403, "cloudflare")
        assert ask(endpoint, "/v1/models", User_Agent="Muster/1").status == 200


def test_the_second_request_of_a_connection_is_reset() -> None:
    with BY_ID["stale-keepalive-reset"].endpoint() as endpoint:
        assert endpoint.server
        connection = http.client.HTTPConnection("127.0.0.1", endpoint.server.server_port, timeout=10)
        headers = {"Authorization": f"Bearer {KEY}"}
        connection.request("GET", "/v1/models", headers=headers)
        assert connection.getresponse().read()
        with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
            connection.request("GET", "/v1/models", headers=headers)
            connection.getresponse()
        connection.close()


def test_a_refused_connection_is_refused() -> None:
    with BY_ID["dify-localhost-docker-refused"].endpoint() as endpoint:
        assert endpoint.server
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", endpoint.server.server_port), timeout=5)


def test_plain_http_is_told_to_come_back_by_tls() -> None:
    with BY_ID["http-to-https-redirect-strips-auth"].endpoint() as endpoint:
        moved = ask(endpoint, "/v1/models")
        assert moved.status == 301 and moved.headers["location"].startswith("https://127.0.0.1:")
        assert endpoint.server
        trusted = ssl.create_default_context(cafile=bundle())
        secure = http.client.HTTPSConnection(
            "127.0.0.1", endpoint.server.server_port, context=trusted, timeout=10
        )
        secure.request("GET", "/v1/models", headers={"Authorization": f"Bearer {KEY}"})
        assert secure.getresponse().status == 200
        secure.close()


def test_a_realtime_session_opens_for_the_right_key() -> None:
    with Simulator(model_id="gpt-realtime", model_type="realtime") as endpoint:
        url = endpoint.origin.replace("http", "ws") + "/v1/realtime?model=gpt-realtime"
        with connect(url, additional_headers={"Authorization": f"Bearer {KEY}"}, proxy=None) as session:
            assert json.loads(session.recv(5))["session"]["model"] == "gpt-realtime"
        with pytest.raises(InvalidStatus), connect(url, proxy=None):
            pass


def test_a_realtime_endpoint_that_lets_wrong_keys_in() -> None:
    report = BY_ID["realtime-fake-key-connects-real-key-403"]
    with report.endpoint() as endpoint:
        url = endpoint.origin.replace("http", "ws") + f"/v1/realtime?model={report.model_id}"
        with pytest.raises(InvalidStatus, match="403"):
            connect(url, additional_headers={"Authorization": f"Bearer {KEY}"}, proxy=None)
        with connect(url, additional_headers={"Authorization": "Bearer sk-wrong"}, proxy=None) as session:
            assert json.loads(session.recv(5))["error"]["code"] == "invalid_api_key"


def test_a_placeholder_hides_the_picture() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    content = [{"type": "text", "text": "Which colour is it?"}, picture]
    with BY_ID["gateway-image-omitted-placeholder"].endpoint() as endpoint:
        body = chat("gpt-4o", messages=[{"role": "user", "content": content}])
        assert ask(endpoint, "/v1/chat/completions", body).status == 200
