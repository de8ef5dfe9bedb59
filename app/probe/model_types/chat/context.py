"""How much of a long text is read: only where it was asked for, since it costs as much as the text is."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from app.probe.conversation.record import check_of
from app.probe.conversation.talk import Conversation
from app.probe.model_types.chat.attempt import judged_completion
from app.probe.model_types.chat.proof import request_of
from app.probe.model_types.chat.question import CHECK_LIMIT
from app.probe.model_types.chat.state import ChatState
from app.probe.reading.completion.whole import Completion, tokens
from app.probe.reading.refusal import Refusal, quote
from app.probe.reading.wordings import any_of
from app.probe.tasks import Finding, Result, Task
from app.probe.transport.answer import Answer
from app.probe.values import CheckWaiting, Status

NAME = "context_window"
_FILLING = "The rain in the hills fell on the old road and the river rose by the bridge at night. "
"""About one token for each of its words."""
_FILLING_TOKENS = 19
_SHARE = 0.85
"""Of the stated length, so that a tokenizer which cuts finer than ours still fits."""
_MOST_TOKENS = 200_000
_TOO_LONG = any_of(
    r"context (length|window|size)|maximum (context|length|prompt|input)|too (long|large|many tokens)",
    r"exceed\w*\b.{0,60}\b(tokens?|context|length|limit)|prompt is too",
)


def stated_length(talk: Conversation) -> int | None:
    """The context window in tokens as the endpoint states it; None where it states none."""
    stated: Any = talk.catalog_metadata.get(NAME)
    return stated if isinstance(stated, int) and not isinstance(stated, bool) and stated > 0 else None


def text_length(stated: int) -> int:
    """How many tokens the text has that is sent to a model with this context window, its answer left out."""
    return min(int(stated * _SHARE), _MOST_TOKENS)


def context_task(chat: ChatState) -> Task:
    """Read a text of the stated length with one odd word at its start."""
    return Task((NAME,), partial(_read_long, chat=chat))


def _read_long(talk: Conversation, chat: ChatState) -> Result:
    stated = stated_length(talk)
    if stated is None:
        evidence = "The endpoint states no length of its context, so there is none to be tried."
        return Result((Finding(NAME, None, evidence),))
    asked = text_length(stated) - chat.limit_for(CHECK_LIMIT)
    word = talk.word()
    price = f"one call with a text of about {asked:,} tokens, since the endpoint states {stated:,}"
    talk.emit(CheckWaiting(NAME, 0.0, price))
    text = (
        f'The word of this text is "{word}". {_FILLING * (asked // _FILLING_TOKENS)}'
        "What is the word of this text, which stood in quotes at its beginning?"
    )
    request = request_of(
        talk.endpoint.model_id,
        talk.shape,
        [{"role": "user", "content": text}],
        chat.limit_for(CHECK_LIMIT),
    )
    answer, refusal = talk.ask_in_time(NAME, request, time.monotonic() + talk.limits.probe_s)
    observed, evidence = _judge(talk, answer, refusal, word, asked)
    status: Status = "passed" if observed else "inconclusive" if observed is None else "failed"
    check = check_of(NAME, status, request, answer, evidence, talk)
    return Result((Finding(NAME, observed, check.evidence),), (check,))


def _judge(
    talk: Conversation, answer: Answer, refusal: Refusal, word: str, asked: int
) -> tuple[bool | None, str]:
    if answer.failure:
        return None, f"No answer to a text of about {asked:,} tokens: {answer.failure.detail}."
    completion = judged_completion(answer)
    if completion is not None:
        return _read(completion, word, asked)
    words = quote(refusal, talk.endpoint.api_key) or "no words"
    is_too_long = answer.status in (400, 413, 422) and _TOO_LONG.search(refusal.all)
    return (False if is_too_long else None), f"A text of about {asked:,} tokens was refused: {words}"


def _read(completion: Completion, word: str, asked: int) -> tuple[bool | None, str]:
    used = tokens(completion.usage, "prompt_tokens")
    counted = f" The usage counts {used:,} tokens." if used else ""
    if word in completion.content.lower():
        return True, f"A text of about {asked:,} tokens was read from its start.{counted}"
    if completion.cut and not completion.content:
        return None, f"The token limit ended the answer before it could show anything.{counted}"
    return False, f"The start of a text of about {asked:,} tokens was cut off or not read.{counted}"
