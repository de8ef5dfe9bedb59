"""Capabilities as questions: what each adds to a request, and what of the answer shows it.

A `Question` is one capability. Several are asked together in one call first, to spare calls, tokens and time;
whatever that call does not *show* is asked alone. So a combination can only ever yield "true": every false
and every null comes from a call that changes one thing of the proof's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.probe.conversation.request import Request
from app.probe.conversation.talk import Conversation
from app.probe.model_types.chat.proof import request_of
from app.probe.reading.completion.whole import Completion
from app.probe.transport.answer import Answer

USER_PROMPT = "Say hello."
CUT_SHORT = "The token limit ended the answer before it could show anything."
CHECK_LIMIT = 48
"""Tokens that one check's answer may use; a model that thinks gets room for that beside them."""


@dataclass(slots=True)
class Draft:
    """A chat request in the making; questions add to it."""

    word: str
    system: str | None = None
    system_parts: bool = False
    """The system message goes as a list of parts."""
    developer: str | None = None
    user: list[str] = field(default_factory=list)
    turns: list[dict[str, Any]] = field(default_factory=list)
    """Messages that follow the user's."""
    image: str | None = None
    more: dict[str, Any] = field(default_factory=dict)
    limit: int = CHECK_LIMIT
    is_tight: bool = False
    """The limit is what is asked about: it is the same for a model that thinks."""
    limit_name: str | None = None
    stream: bool | None = None
    expected: dict[str, Any] = field(default_factory=dict)
    """What the answer must show, by the question that will look for it."""

    def request(self, talk: Conversation) -> Request:
        """The draft in the shape that this endpoint takes."""
        built = request_of(talk.endpoint.model_id, talk.shape, [*self._messages()], self.limit, **self.more)
        body = dict(built.body or {})
        if self.stream is not None:
            body["stream"] = self.stream
        if self.limit_name:
            body = {name: value for name, value in body.items() if not name.startswith("max_")}
            body[self.limit_name] = self.limit
        return Request(built.route, body)

    def _messages(self) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        if self.system:
            parts = [{"type": "text", "text": self.system}]
            messages.append({"role": "system", "content": parts if self.system_parts else self.system})
        if self.developer:
            messages.append({"role": "developer", "content": self.developer})
        content: Any = " ".join(self.user) or USER_PROMPT
        if self.image:
            picture = {"type": "image_url", "image_url": {"url": self.image}}
            content = [{"type": "text", "text": content}, picture]
        return [*messages, {"role": "user", "content": content}, *self.turns]


@dataclass(frozen=True, slots=True)
class ChatReply:
    """An answer to a draft, as a judge sees it."""

    answer: Answer
    completion: Completion
    draft: Draft


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another way to ask the same, where the first is refused with `words`; `how` says so in the report."""

    words: re.Pattern[str]
    change: Callable[[Draft], None]
    how: str


@dataclass(frozen=True, slots=True)
class Question:
    """A capability.

    `fields` are the fields of the request that it is about: a refusal that names one of them refuses it.
    `judge` gives (observed, evidence) for an answer that a model gave. `role` marks a message role: chat
    templates that don't know one fail inside the server, with a 500 that says nothing (field reports
    system-role-500-no-body, lorax-424-roles-must-alternate). `right_answers` is how many right answers it
    takes after a wrong one, where a guess may be right. `chances` is how many answers must lack it before it
    is false, where the model is free to choose.
    """

    name: str
    add: Callable[[Draft, Conversation], None]
    judge: Callable[[ChatReply], tuple[bool | None, str]]
    fields: tuple[str, ...]
    words: tuple[str, ...] = ()
    role: bool = False
    alternative: Alternative | None = None
    right_answers: int = 1
    chances: int = 1


def draft_of(talk: Conversation, questions: Sequence[Question]) -> Draft:
    """A draft that carries all of `questions`."""
    draft = Draft(word=talk.word())
    for question in questions:
        question.add(draft, talk)
    return draft


def estimated_tokens(request: Request, image: bool) -> int:
    """A rough count of a request's prompt, for the budget: four characters a token, a small image about
    260.
    """
    body: Mapping[str, Any] = request.body or {}
    others = {name: value for name, value in body.items() if name != "messages"}
    text = len(json.dumps(others, separators=(",", ":")))
    text += sum(len(part) for message in body.get("messages", ()) for part in _texts(message["content"]))
    return text // 4 + (260 if image else 0)


def _texts(content: Any) -> list[str]:
    if isinstance(content, list):
        return [str(part.get("text", "")) for part in content if isinstance(part, dict)]
    return [str(content or "")]
