"""How a chat model is talked to: streams, message roles, the limit of tokens, sampling."""

from __future__ import annotations

import re

from app.probe.conversation.talk import Conversation
from app.probe.model_types.chat.question import CUT_SHORT, Alternative, ChatReply, Draft, Question
from app.probe.reading.completion.whole import tokens
from app.probe.reading.wordings import any_of


def _add_streaming(draft: Draft, talk: Conversation) -> None:
    draft.stream = True
    if not draft.user:
        draft.user.append("Count from 1 to 9 with digits.")
    if talk.shape.stream_options and "stream_options" not in talk.shape.dropped:
        draft.more["stream_options"] = {"include_usage": True}


def _judge_streaming(reply: ChatReply) -> tuple[bool | None, str]:
    completion = reply.completion
    if completion.has_error:
        return False, "The stream held an error."
    if not completion.streamed:
        return False, "A stream was asked for, and one whole answer came."
    if not completion.deltas:
        return False, "Events came, but none with a delta."
    if not completion.fed:
        return (
            (None, CUT_SHORT) if completion.cut else (False, "Deltas came, but none that brought anything.")
        )
    if completion.is_cumulative:
        return False, "Each delta held all of the text so far: a client shows it many times over."
    return True, f"{completion.deltas} chunks with deltas came as server-sent events."


def _add_stream_usage(draft: Draft, talk: Conversation) -> None:
    draft.stream = True
    draft.more["stream_options"] = {"include_usage": True}


def _judge_stream_usage(reply: ChatReply) -> tuple[bool | None, str]:
    completion = reply.completion
    used = tokens(completion.usage, "completion_tokens") or 0
    if not completion.streamed:
        return None, "One whole answer came, so it could not be told."
    if used:
        return True, f"The stream ended with a usage of {used} tokens."
    return False, "`include_usage` was taken, and the stream brought no usage that counts anything."


def _add_system(draft: Draft, talk: Conversation) -> None:
    draft.system = f'Begin every answer with the word "{draft.word}".'


def _add_system_parts(draft: Draft, talk: Conversation) -> None:
    _add_system(draft, talk)
    draft.system_parts = True


def _add_developer(draft: Draft, talk: Conversation) -> None:
    draft.developer = f'Begin every answer with the word "{draft.word}".'
    if "response_format" in draft.more:
        draft.developer = f'Every JSON object you write has the key "{draft.word}".'


def _judge_word(reply: ChatReply) -> tuple[bool | None, str]:
    letters = re.sub(r"[^a-z]", "", reply.completion.content.lower())
    if reply.draft.word in letters:
        return True, f"The answer did as it was told: it holds the word {reply.draft.word}."
    if reply.completion.cut:
        return None, CUT_SHORT
    return False, f"The instruction was not followed: {reply.completion.content[:80]}"


def _add_max_completion(draft: Draft, talk: Conversation) -> None:
    draft.user[:] = ["Count from 1 to 60 in words."]
    draft.limit_name, draft.is_tight = "max_completion_tokens", True
    draft.limit = max(24, talk.shape.limit if talk.shape.limit < 64 else 24)


def _judge_max_completion(reply: ChatReply) -> tuple[bool | None, str]:
    used = tokens(reply.completion.usage, "completion_tokens")
    if reply.completion.cut and (used is None or used <= reply.draft.limit * 2) or used == reply.draft.limit:
        return True, f"The answer ended at the limit of {reply.draft.limit} tokens."
    if used is not None and used > reply.draft.limit * 2:
        return False, f"{used} tokens came under a limit of {reply.draft.limit}: the limit is ignored."
    if len(reply.completion.content.split()) > reply.draft.limit * 2:
        return False, "The answer went past the limit: it is ignored."
    return None, "The answer was too short to show whether the limit holds."


def _add_sampling(draft: Draft, talk: Conversation) -> None:
    draft.more |= {"temperature": 0.7, "top_p": 0.9}


def _heat_alone(draft: Draft) -> None:
    draft.more.pop("top_p", None)


def _judge_sampling(reply: ChatReply) -> tuple[bool | None, str]:
    if "top_p" not in reply.draft.more:
        return True, "`temperature` 0.7 was taken; `top_p` beside it is refused."
    return True, "`temperature` 0.7 and `top_p` 0.9 were taken."


def _add_logprobs(draft: Draft, talk: Conversation) -> None:
    draft.more |= {"logprobs": True, "top_logprobs": 2}


def _judge_logprobs(reply: ChatReply) -> tuple[bool | None, str]:
    if reply.completion.logprobs:
        return True, f"{reply.completion.logprobs} tokens came with the log-probabilities of others."
    if not reply.completion.content:
        return None, "No words came whose log-probabilities there could be."
    return False, "`logprobs` was taken, and no token came with the log-probabilities of others."


STREAMING = Question("streaming", _add_streaming, _judge_streaming, ("stream",))
SYSTEM = Question(
    "system_message", _add_system, _judge_word, ("messages",), ("system", "role", "alternate"), role=True
)
SYSTEM_PARTS = Question(
    "system_message_list",
    _add_system_parts,
    _judge_word,
    ("messages",),
    ("system", "role", "content", "valid string", "must be a string"),
    role=True,
)
STREAM_USAGE = Question(
    "stream_usage",
    _add_stream_usage,
    _judge_stream_usage,
    ("stream_options",),
    ("stream_options", "include_usage"),
)
LOGPROBS = Question(
    "logprobs", _add_logprobs, _judge_logprobs, ("logprobs", "top_logprobs"), ("logprobs", "logprob")
)
DEVELOPER = Question(
    "developer_message",
    _add_developer,
    _judge_word,
    ("messages",),
    ("developer", "role", "alternate"),
    role=True,
)
MAX_COMPLETION = Question(
    "max_completion_tokens", _add_max_completion, _judge_max_completion, ("max_completion_tokens",)
)
SAMPLING = Question(
    "sampling_params",
    _add_sampling,
    _judge_sampling,
    ("temperature", "top_p"),
    ("temperature", "top_p"),
    alternative=Alternative(
        any_of(r"^(?=.*temperature)(?=.*top_?p).*\b(both|together|only one|one of|either|same time)\b"),
        _heat_alone,
        "sent `temperature` without `top_p`",
    ),
)
