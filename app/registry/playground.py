"""Try a registered model: send it a prompt with its stored key, and hand on the answer as it comes.

Nothing of the prompt or the answer is kept; the audit log has that it was done.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.access import audit
from app.access.actors import Actor
from app.config import settings
from app.probe.base_url import Base
from app.probe.model_types.embedding import vector_of
from app.probe.model_types.image import picture_in
from app.probe.reading.completion.live import Piece, Tap
from app.probe.reading.completion.whole import read_completion, tokens
from app.probe.reading.redaction import cleaned, secrets_of, without_secrets
from app.probe.reading.refusal import printable, quote, read_refusal
from app.probe.transport.answer import Answer
from app.probe.transport.call import Call
from app.probe.transport.client import Client
from app.probe.transport.deadline import Cancellation
from app.probe.transport.egress.rules import EgressRules
from app.probe.values import Limits, Target
from app.registry import saving
from app.registry.credentials import target_for
from app.registry.probing import egress_rules
from app.store.base import db
from app.store.models import RegisteredModel
from app.store.probes import Probe

JSON = Any
LIMITS = ("max_completion_tokens", "max_tokens")
ROUTES = {
    "chat": "chat/completions",
    "completion": "completions",
    "embedding": "embeddings",
    "image": "images/generations",
}
"""The model types that can be tried, with their route."""


@dataclass(frozen=True, slots=True)
class PlaygroundAnswer:
    """How it ended. Times in milliseconds; `picture` is a data URL or an address, `similarity` a cosine."""

    problem: str = ""
    text: str = ""
    thinking: str = ""
    duration_ms: int = 0
    first_token_ms: int | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cut: bool = False
    dimensions: int | None = None
    similarity: float | None = None
    picture: str = ""


@dataclass(slots=True)
class _Call:
    """One model, its key in clear, and the shape of the request that its last proof found to work."""

    model: RegisteredModel
    target: Target
    shape: Mapping[str, JSON]
    cancelled: Cancellation
    limits: Limits
    rules: EgressRules

    def ask(self, body: Mapping[str, JSON], tap: Callable[[bytes], bool] | None = None) -> Answer:
        """Send one request; works on any thread."""
        url = Base.of(self.target.base_url).url(ROUTES[self.model.model_type])
        deadline = time.monotonic() + self.limits.probe_s
        with Client(
            self.rules,
            self.limits,
            deadline=deadline,
            cancelled=self.cancelled,
            settings=self.target.settings,
        ) as client:
            sent = {"model": self.model.wire_model_id, **body}
            return cleaned(client.send(Call("POST", url, json=sent, key=self.target.api_key, stop=tap)))


def answer(
    id: str,
    actor: Actor,
    texts: Sequence[str],
    limit: int,
    cancelled: Cancellation | None = None,
) -> Iterator[Piece | PlaygroundAnswer]:
    """Send `texts` (a prompt; for an embedding two) to the model with this id: pieces, then one
    PlaygroundAnswer.

    `limit` is the most tokens of the answer. ApiError 404 where the model is gone, 400 where its key can't be
    used. Commits.
    """
    model = saving.model_with(id)
    audit.record(actor, "model.tried", model)
    endpoint = model.endpoint
    target = target_for(actor, "playground", endpoint.base_url, model.wire_model_id, endpoint=endpoint)
    call = _Call(
        model,
        target,
        _shape(model),
        cancelled or Cancellation(),
        settings().limits,
        egress_rules(),
    )
    db.session.commit()
    db.session.refresh(model)
    db.session.expunge(model)
    db.session.rollback()  # no connection is held while the model speaks
    if model.model_type == "embedding":
        yield _compare(call, texts)
    elif model.model_type == "image":
        yield _draw(call, texts[0])
    else:
        yield from _speak(call, texts[0], limit)


def _speak(call: _Call, prompt: str, limit: int) -> Iterator[Piece | PlaygroundAnswer]:
    """Stream the answer: the call runs in a thread, its pieces come through a queue."""
    pieces: queue.SimpleQueue[Piece | Answer] = queue.SimpleQueue()
    body = _chat_body(call, prompt, limit) | {"stream": True}
    thread = threading.Thread(target=lambda: pieces.put(_streamed(call, body, pieces.put)), daemon=True)
    thread.start()
    try:
        while not isinstance(got := pieces.get(), Answer):
            yield got
    except GeneratorExit:
        call.cancelled.set()
        raise
    yield _heard(got, call.target.api_key)


def _streamed(call: _Call, body: Mapping[str, JSON], emit: Callable[[Piece], None]) -> Answer:
    """Ask with the usage at the end of the stream; where that is refused, without."""
    answer = _tapped(call, {**body, "stream_options": {"include_usage": True}}, emit)
    return _tapped(call, body, emit) if answer.status in (400, 404, 422) else answer


def _tapped(call: _Call, body: Mapping[str, JSON], emit: Callable[[Piece], None]) -> Answer:
    tap = Tap(emit, secrets_of(call.target.api_key, call.target.settings))
    answer = call.ask(body, tap)
    tap.end()
    return answer


def _chat_body(call: _Call, prompt: str, limit: int) -> dict[str, JSON]:
    if call.model.model_type == "completion":
        content: dict[str, JSON] = {"prompt": prompt}
    else:
        messages = call.shape.get("messages")
        last = messages[-1] if isinstance(messages, list) and messages else {}
        in_parts = isinstance(last, Mapping) and isinstance(last.get("content"), list)
        message: JSON = [{"type": "text", "text": prompt}] if in_parts else prompt
        content = {"messages": [{"role": "user", "content": message}]}
    names = [name for name in LIMITS if name in call.shape]
    return content | ({names[0]: limit} if names else {})


def _heard(answer: Answer, key: str) -> PlaygroundAnswer:
    completion = read_completion(answer) if answer.answered else None
    if completion is None or completion.has_error:
        return _failed(answer, key)
    secrets = secrets_of(key, answer.call.settings)
    return PlaygroundAnswer(
        text=without_secrets(completion.content, secrets),
        thinking=without_secrets(completion.reasoning, secrets),
        duration_ms=answer.duration_ms,
        first_token_ms=completion.first_token_ms,
        tokens_in=tokens(completion.usage, "prompt_tokens"),
        tokens_out=tokens(completion.usage, "completion_tokens"),
        cut=completion.cut,
        problem=f"The answer broke off: {answer.failure.detail}." if answer.failure else "",
    )


def _compare(call: _Call, texts: Sequence[str]) -> PlaygroundAnswer:
    """The vectors of one or two texts: their length, and how alike they are."""
    began, vectors = time.monotonic(), []
    for text in [text for text in texts if text.strip()][:2]:
        answer = call.ask(_embedding_body(call, text))
        vector = vector_of(answer.json) if answer.ok else None
        if not vector:
            return _failed(answer, call.target.api_key)
        vectors.append(vector)
    took = round((time.monotonic() - began) * 1000)
    alike = _cosine(*vectors) if len(vectors) == 2 else None
    return PlaygroundAnswer(duration_ms=took, dimensions=len(vectors[0]), similarity=alike)


def _embedding_body(call: _Call, text: str) -> dict[str, JSON]:
    name = next((name for name in ("inputs", "texts") if name in call.shape), "input")
    return {name: [text] if isinstance(call.shape.get(name), list) else text}


def _draw(call: _Call, prompt: str) -> PlaygroundAnswer:
    kept = {name: call.shape[name] for name in ("size", "response_format", "n") if name in call.shape}
    answer = call.ask({"prompt": prompt, **kept})
    if not answer.ok:
        return _failed(answer, call.target.api_key)
    rows = answer.json.get("data") if isinstance(answer.json, Mapping) else None
    row = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], Mapping) else {}
    picture = _picture(row)
    return (
        PlaygroundAnswer(duration_ms=answer.duration_ms, picture=picture)
        if picture
        else _failed(answer, call.target.api_key)
    )


def _picture(row: Mapping[str, JSON]) -> str:
    coded, address = row.get("b64_json"), row.get("url")
    if isinstance(coded, str) and picture_in(coded):
        kind = {"/9j/": "jpeg", "UklG": "webp", "R0lG": "gif"}.get(coded[:4], "png")
        return f"data:image/{kind};base64,{coded}"
    if isinstance(address, str) and address.startswith(("https://", "http://", "data:image/")):
        return address
    return ""


def _cosine(one: Sequence[float], other: Sequence[float]) -> float | None:
    if len(one) != len(other):
        return None
    long = math.sqrt(sum(x * x for x in one)) * math.sqrt(sum(x * x for x in other))
    return sum(x * y for x, y in zip(one, other, strict=True)) / long if long else None


def _failed(answer: Answer, key: str) -> PlaygroundAnswer:
    if answer.status is None:
        why = answer.failure.detail if answer.failure else "nothing came"
        return PlaygroundAnswer(problem=f"No answer: {printable(why, key)}.", duration_ms=answer.duration_ms)
    words = quote(read_refusal(answer), key) or "nothing that could be read"
    return PlaygroundAnswer(
        problem=f"The endpoint answered {answer.status}: {words}", duration_ms=answer.duration_ms
    )


def _shape(model: RegisteredModel) -> Mapping[str, JSON]:
    """The request of the last proof that passed, where the last probe had one."""
    probe = Probe.by_id(model.last_probe_id) if model.last_probe_id else None
    for check in probe.report.get("checks", []) if probe else ():
        if check["name"] == "proof" and isinstance(check.get("request"), Mapping):
            return dict(check["request"])
    return {}
