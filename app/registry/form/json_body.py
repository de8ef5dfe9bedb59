"""A JSON body as a form's input: strict about JSON, about types and about names.

`parse` reads bytes, `read` flattens an object into what a form takes. Nothing is coerced; every
problem names its field, and all of them are found in one go.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from werkzeug.datastructures import MultiDict
from werkzeug.http import parse_options_header

from app.errors import ApiError

JSON = Any
Kind = Literal["string", "boolean", "number", "integer"]
Kinds = Mapping[str, "Kind | Mapping[str, Kind]"]
INT64 = 2**63 - 1
"""The largest whole number that a column or another program can hold."""

_DIGITS = 400
"""Longer numbers are read as infinite: no field takes them, and making the integer costs time."""

TOLD_AT_MOST = 50
"""Unknown names, and names that stand twice, that are told of one by one: a body of 1 MiB holds 100,000."""

_LONGEST_NAME = 64
"""Of an unknown name, so many characters are compared with the known ones."""

_WORDS: Mapping[str, str] = {
    "string": "a string",
    "boolean": "true or false",
    "number": "a number",
    "integer": "a whole number",
    "object": "an object",
    "array": "an array",
    "null": "null",
}
_UNSENDABLE = re.compile("[\ud800-\udfff\x00]")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a request: the wire name of its field, a code, a sentence."""

    field: str | None
    code: str
    message: str
    suggestions: tuple[str, ...] = ()

    def as_detail(self) -> dict[str, JSON]:
        """The problem as an entry of `error.details`."""
        return {"field": self.field, "code": self.code, "message": self.message}


class Members(dict[str, JSON]):
    """A JSON object that remembers the names that stood in it twice."""

    twice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotJson:
    """NaN, Infinity or -Infinity: Python's parser takes them, JSON has none."""

    text: str


def parse(body: bytes, content_type: str) -> JSON:
    """The JSON value of a body; objects in which a name stands twice come as `Members`.

    ApiError 415 for another content type or character set, 400 `invalid_json` with what is wrong and where.
    """
    _require_json(content_type)
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _bad_json(f"The body is not UTF-8: byte {error.start} can't be read.") from error
    if not text.strip():
        raise _bad_json("The body is empty; send a JSON object.")
    try:
        return json.loads(
            text,
            object_pairs_hook=_members,
            parse_constant=NotJson,
            parse_int=lambda digits: int(digits) if len(digits) <= _DIGITS else math.inf,
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _bad_json(f"The body is not JSON: {error.msg.rstrip(':')} at {where}.") from error
    except RecursionError as error:
        raise _bad_json("The body is nested too deeply.") from error


def read(body: JSON, kinds: Kinds) -> tuple[MultiDict[str, str], list[Problem]]:
    """An object as form input by field name (`configuration.model_id` as `configuration_model_id`).

    `kinds` names the fields and their JSON types. Null counts as not given.
    """
    given: MultiDict[str, str] = MultiDict()
    if not isinstance(body, dict):
        return given, [Problem(None, "wrong_type", f"The body must be a JSON object, not {kind_of(body)}.")]
    return given, list(_read_members(body, kinds, "", given))


def kind_of(value: JSON) -> str:
    """The JSON type of a parsed value, with its article, for a sentence."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, NotJson):
        return value.text
    names = (
        (int, "a number"),
        (float, "a number"),
        (str, "a string"),
        (dict, "an object"),
        (list, "an array"),
    )
    return next(name for type_, name in names if isinstance(value, type_))


def fits(kind: Kind, value: JSON) -> bool:
    """Whether a parsed value has the JSON type; 1.0 is an integer as JSON Schema reads it, 1.5 is none."""
    if isinstance(value, bool) or kind == "boolean":
        return isinstance(value, bool) and kind == "boolean"
    if kind == "string":
        return isinstance(value, str)
    if not isinstance(value, int | float) or not is_finite(value):
        return False
    return kind == "number" or value == int(value)


def is_finite(value: float) -> bool:
    """Whether a number can be held as a double; a whole number of 400 digits can't."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def closest(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """The known names that an unknown one was most likely meant to be."""
    return tuple(difflib.get_close_matches(name[:_LONGEST_NAME].lower(), list(known), n=2, cutoff=0.75))


def _read_members(
    members: dict[str, JSON], kinds: Kinds, prefix: str, given: MultiDict[str, str]
) -> Iterable[Problem]:
    for name in getattr(members, "twice", ())[:TOLD_AT_MOST]:
        yield Problem(
            prefix + shortened(name),
            "duplicate_field",
            f"`{prefix}{shortened(name)}` stands in the body twice.",
        )
    unknown = [name for name in members if name not in kinds]
    told = set(unknown[:TOLD_AT_MOST])
    for name, value in members.items():
        kind = kinds.get(name)
        if kind is None:
            if name in told:
                yield _unknown(name, kinds, prefix)
        elif isinstance(kind, Mapping):
            yield from _read_object(name, value, kind, given)
        elif value is not None:
            problem = _problem_of(prefix + name, value, kind)
            if problem:
                yield problem
            else:
                given.add((prefix + name).replace(".", "_"), _typed_in(value, kind))
    if len(unknown) > len(told):
        more = f"{len(unknown) - len(told):,} more fields here are unknown."
        yield Problem(prefix.rstrip(".") or None, "unknown_field", more)


def _read_object(
    name: str, value: JSON, kinds: Mapping[str, Kind], given: MultiDict[str, str]
) -> Iterable[Problem]:
    if isinstance(value, dict):
        yield from _read_members(value, kinds, name + ".", given)
    elif value is not None:
        yield Problem(name, "wrong_type", f"`{name}` must be an object, not {kind_of(value)}.")


def _problem_of(name: str, value: JSON, kind: Kind) -> Problem | None:
    if isinstance(value, NotJson):
        return Problem(name, "wrong_type", f"`{name}` must be {_WORDS[kind]}; {value.text} is no JSON value.")
    if isinstance(value, int | float) and not isinstance(value, bool) and not is_finite(value):
        return Problem(name, "out_of_range", f"`{name}` is too large a number.")
    if not fits(kind, value):
        got = repr(value) if isinstance(value, float) else kind_of(value)
        return Problem(name, "wrong_type", f"`{name}` must be {_WORDS[kind]}, not {got}.")
    if isinstance(value, str) and _UNSENDABLE.search(value):
        return Problem(
            name, "invalid_characters", f"`{name}` holds a character that is no text (NUL or half a pair)."
        )
    return None


def _unknown(name: str, kinds: Kinds, prefix: str) -> Problem:
    near = tuple(prefix + found for found in closest(name, kinds))
    hint = f" Did you mean `{near[0]}`?" if near else ""
    return Problem(
        prefix + shortened(name),
        "unknown_field",
        f"There is no field `{prefix}{shortened(name)}`.{hint}",
        near,
    )


def shortened(text: str, longest: int = 80) -> str:
    """A text of the caller's, short and printable, for a sentence."""
    clean = "".join(sign if sign.isprintable() else "?" for sign in text[: longest + 1])
    return clean if len(clean) <= longest else clean[:longest] + "…"


def _typed_in(value: JSON, kind: Kind) -> str:
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "integer":
        return str(int(value))
    return value if kind == "string" else repr(value)


def _members(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    plain = dict(pairs)
    if len(plain) == len(pairs):
        return plain
    made = Members(plain)
    made.twice = tuple(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
    return made


def _require_json(content_type: str) -> None:
    kind, options = parse_options_header(content_type.lower())
    charset = options.get("charset", "utf-8")
    is_json = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
    if not is_json or charset not in ("utf-8", "utf8", "us-ascii"):
        got = f"`{shortened(content_type)}`" if content_type else "none"
        raise ApiError(
            "unsupported_media_type",
            f"Send the body as `Content-Type: application/json` in UTF-8; it has {got}.",
        )


def _bad_json(message: str) -> ApiError:
    return ApiError("invalid_json", message)
