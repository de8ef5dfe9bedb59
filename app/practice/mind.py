"""The mind of the practice endpoint: a model that does what it is told, by general rules.

It follows quoted words, schemas, tools and pictures as a good model would; it has no canned prompts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

JSON = Any

QUOTED = re.compile(r"[\"“«]([^\"”»]{1,80})[\"”»]")
TOKEN = re.compile(r"\s*(?:\w{1,6}|[^\w\s])|\s+")
PLACE = re.compile(r"(?<![.!?:]\s)(?<!^)\b[A-Z][a-z]+(?:\s[A-Z][a-z]+)*\b")
SINGLE_WORD = re.compile(r"\b(?:single|one|only the|just the) word:?\s+[\"“]?(\w[\w-]*)", re.IGNORECASE)
COUNT = re.compile(r"\bcount\b.{0,100}?\bfrom\s+(\d{1,9})\s+(?:up )?to\s+(\d{1,9})", re.IGNORECASE)
SAY = re.compile(r"\b(?:say|repeat|reply with|answer with|respond with)\b:?\s+[\"“]?([\w-]+)", re.IGNORECASE)
OUTRIGHT = re.compile(r"\b(?:use|call) (?:the |a |this )?(?:tool|function)\b", re.IGNORECASE)
WORD = re.compile(r"[a-z]{3,}")
SMALL_WORDS = frozenset(
    "the and for get this that with from each use what which you are tool call function".split()
)


@dataclass(frozen=True)
class Asked:
    """What a request asks of the mind. `colours`: of the left and right half, per picture."""

    user: str
    system: str = ""
    colours: tuple[tuple[str, str], ...] = ()
    tools: Sequence[Mapping[str, JSON]] = ()
    tool_choice: JSON = "auto"
    parallel: bool = True
    response_format: Mapping[str, JSON] = field(default_factory=dict)
    tool_result: str = ""


@dataclass(frozen=True)
class Thought:
    """What the mind wants to say: words, or calls of functions as (name, arguments)."""

    text: str = ""
    calls: tuple[tuple[str, JSON], ...] = ()


def tokens(text: str) -> list[str]:
    """The text in pieces of at most six letters, which joined give it back."""
    return TOKEN.findall(text)


def think(asked: Asked) -> Thought:
    """The answer to what was asked."""
    calls = _calls(asked)
    if calls:
        return Thought(calls=calls)
    kind = asked.response_format.get("type", "text")
    if kind == "json_schema":
        schema = asked.response_format.get("json_schema", {}).get("schema", {})
        return Thought(json.dumps(fill(schema, asked), ensure_ascii=False))
    if kind == "json_object":
        return Thought(json.dumps(_object(asked), ensure_ascii=False))
    return Thought(_ordered(asked.system, _words(asked)))


def _words(asked: Asked) -> str:
    """Plain words for the user's last message."""
    if asked.tool_result:
        return f"The tool says: {asked.tool_result}"
    if asked.colours:
        return ", ".join(colour for pair in asked.colours for colour in pair)
    if counted := COUNT.search(asked.user):
        first, last = int(counted[1]), int(counted[2])
        return ", ".join(str(number) for number in range(first, min(last, first + 999) + 1))
    if word := SINGLE_WORD.search(asked.user) or SAY.search(asked.user):
        return word[1]
    if quoted := QUOTED.findall(asked.user):
        return " ".join(quoted)
    return "Hello, this is a practice model. It does as it is told, and it knows nothing of the world."


def _ordered(system: str, answer: str) -> str:
    """The answer as the system message wants it: begun, ended or replaced by the words that it quotes."""
    for sentence in re.split(r"(?<=[.!?])\s+", system):
        quoted = " ".join(QUOTED.findall(sentence))
        if not quoted:
            continue
        order = sentence.lower()
        if re.search(r"\b(?:end|finish|close|append)\b", order):
            answer = f"{answer} {quoted}"
        elif re.search(r"\b(?:only|nothing else|whatever|always answer|always reply)\b", order):
            answer = quoted
        else:
            answer = f"{quoted} {answer}"
    return answer


def _object(asked: Asked) -> dict[str, JSON]:
    """A JSON object with the keys that the prompt quotes; of two quoted words the second is the value."""
    quoted = QUOTED.findall(asked.user) or QUOTED.findall(asked.system)
    if not quoted:
        return {"answer": _words(asked)}
    if len(quoted) == 2:
        return {quoted[0]: quoted[1]}
    return dict.fromkeys(quoted, asked.tool_result or "practice")


def _calls(asked: Asked) -> tuple[tuple[str, JSON], ...]:
    """The calls of functions that the request forces, or that its words suggest."""
    functions = [tool["function"] for tool in asked.tools]
    choice = asked.tool_choice
    if not functions or choice == "none" or asked.tool_result:
        return ()
    if isinstance(choice, Mapping):
        wanted = [one for one in functions if one["name"] == choice["function"]["name"]]
    else:
        outright = choice == "required" or OUTRIGHT.search(asked.user)
        wanted = [one for one in functions if _suggested(one, asked.user)] or functions * bool(outright)
    if not wanted:
        return ()
    function, schema = wanted[0], wanted[0].get("parameters") or {}
    places = PLACE.findall(asked.user) if _takes_text(schema) else []
    if len(places) > 1 and asked.parallel:
        return tuple((function["name"], fill(schema, asked, place)) for place in places[:8])
    return ((function["name"], fill(schema, asked)),)


def _suggested(function: Mapping[str, JSON], text: str) -> bool:
    """Whether the words of the user touch those of the function's name."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", function["name"]).lower()
    said = set(WORD.findall(text.lower()))
    return bool((set(WORD.findall(name.replace("_", " "))) - SMALL_WORDS) & said)


def _takes_text(schema: Mapping[str, JSON]) -> bool:
    properties = (schema.get("properties") or {}).values()
    return any(one.get("type") == "string" and "enum" not in one and "const" not in one for one in properties)


def fill(schema: Mapping[str, JSON], asked: Asked, place: str = "", name: str = "", depth: int = 0) -> JSON:
    """A value that a JSON schema allows, taken from what was asked where it fits."""
    if depth > 8:
        return None
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for several in ("anyOf", "oneOf", "allOf"):
        if schema.get(several):
            return fill(schema[several][0], asked, place, name, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        properties = schema.get("properties") or {}
        return {key: fill(one, asked, place, key, depth + 1) for key, one in properties.items()}
    if kind == "array":
        return [fill(schema.get("items") or {}, asked, place, name, depth + 1)] * max(
            1, schema.get("minItems", 1)
        )
    if kind in ("integer", "number"):
        found = re.search(r"\d{1,15}", asked.user)  # int() refuses thousands of digits
        return int(found[0]) if found else schema.get("minimum", 1)
    return {"boolean": True, "null": None}.get(kind, _text(asked, place, name))


def _text(asked: Asked, place: str, name: str) -> str:
    """A string for a property of this name: a colour seen, a place named, a word quoted."""
    if asked.colours and "left" in name.lower():
        return asked.colours[0][0]
    if asked.colours and "right" in name.lower():
        return asked.colours[0][1]
    if asked.colours:
        return ", ".join(asked.colours[0])
    named = [place] if place else PLACE.findall(asked.user)
    return (named or QUOTED.findall(asked.user) or ["practice"])[0]
