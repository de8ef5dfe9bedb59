"""What a chat model writes and sees: JSON, JSON by a schema, pictures."""

from __future__ import annotations

from typing import Any

from app.probe.conversation.talk import Conversation
from app.probe.model_types.chat.question import CUT_SHORT, ChatReply, Draft, Question
from app.probe.model_types.chat.questions.colours import colours_named
from app.probe.model_types.picture import data_url, two_colours
from app.probe.transport.answer import parsed


def _add_json_mode(draft: Draft, talk: Conversation) -> None:
    draft.more["response_format"] = {"type": "json_object"}
    draft.user.append("Answer with a JSON object about a city of Norway.")


def _judge_json_mode(reply: ChatReply) -> tuple[bool | None, str]:
    if isinstance(_json_of(reply.completion.content), dict):
        return True, "The whole content is one JSON object."
    if reply.completion.cut:
        return None, CUT_SHORT
    return False, f"The content is not one JSON object: {reply.completion.content[:80]}"


def _add_json_schema(draft: Draft, talk: Conversation) -> None:
    properties: dict[str, Any] = {"label": {"type": "string", "enum": [draft.word]}}
    if draft.image:
        properties |= {"left": {"type": "string"}, "right": {"type": "string"}}
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    draft.more["response_format"] = {
        "type": "json_schema",
        "json_schema": {"name": "note", "strict": True, "schema": schema},
    }
    if not draft.image:
        draft.user.append("Write a short note as JSON.")


def _judge_json_schema(reply: ChatReply) -> tuple[bool | None, str]:
    content = _json_of(reply.completion.content)
    wanted = reply.draft.more["response_format"]["json_schema"]["schema"]["properties"]
    if isinstance(content, dict) and set(content) == set(wanted) and content.get("label") == reply.draft.word:
        return True, "The content validates against a schema that chance would hardly hit."
    if reply.completion.cut:
        return None, CUT_SHORT
    return False, f"The content does not keep to the schema: {reply.completion.content[:80]}"


def _add_vision(draft: Draft, talk: Conversation) -> None:
    left, right = two_colours(talk.rng)
    draft.image = data_url(left, right)
    draft.expected["vision"] = (left, right)
    draft.user.append(
        "Which colour is the left half of this picture, and which the right half? "
        "Use only red, green, blue, yellow, black or white. Answer in this order: left, right."
    )


def _judge_vision(reply: ChatReply) -> tuple[bool | None, str]:
    expected = reply.draft.expected["vision"]
    content = _json_of(reply.completion.content)
    is_pair = isinstance(content, dict) and {"left", "right"} <= set(content)
    named = colours_named(f"{content['left']} {content['right']}" if is_pair else reply.completion.content)
    if named == list(expected):
        return True, f"The model named both halves: {', '.join(named)}."
    if reply.completion.cut:
        return None, CUT_SHORT
    return False, f"The halves are {' and '.join(expected)}; the model said: {reply.completion.content[:80]}"


def _json_of(content: str) -> Any:
    return parsed(content)


JSON_MODE = Question(
    "json_mode",
    _add_json_mode,
    _judge_json_mode,
    ("response_format",),
    ("response_format", "json", "response format"),
)
JSON_SCHEMA = Question(
    "json_schema",
    _add_json_schema,
    _judge_json_schema,
    ("response_format",),
    ("response_format", "json", "schema", "response format", "structured", "grammar", "guided"),
)
VISION = Question(
    "vision",
    _add_vision,
    _judge_vision,
    ("messages",),
    ("image", "vision", "multimodal", "multi-modal", "content", "mmproj", "modalit"),
    right_answers=2,
)
