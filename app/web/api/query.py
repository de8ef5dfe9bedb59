"""Arguments of a query string, each read once, with a clear sentence if it is wrong."""

from __future__ import annotations

import re
from collections.abc import Collection

from flask import request

from app.errors import ApiError
from app.probe.model_types import MODEL_TYPES
from app.probe.reliability import FEWEST, MOST, Repeat
from app.probe.values import DEPTHS, Depth
from app.web.api.answers import ID

LONGEST_PAGE = 500
PAGE = 100


def text_argument(name: str, longest: int = 256) -> str | None:
    """A query parameter, None where it is absent or empty; ApiError 400 where it can't be one."""
    value = request.args.get(name, "")
    if len(value) > longest or "\0" in value:
        raise bad_argument(name, f"may have at most {longest} characters, and no NUL")
    return value or None


def choice_argument(name: str, choices: Collection[str]) -> str | None:
    """A query parameter that is one of `choices`, or None; ApiError 400."""
    value = request.args.get(name)
    if value is not None and value not in choices:
        raise bad_argument(name, f"must be one of {', '.join(choices)}")
    return value


def flag_argument(name: str) -> bool | None:
    """A query parameter that is `true` or `false`, or None; ApiError 400."""
    value = choice_argument(name, ("true", "false"))
    return None if value is None else value == "true"


def depth_argument() -> Depth:
    """`depth`: only what decides, what the model can do too, or what is dear to find out besides."""
    chosen = choice_argument("depth", DEPTHS)
    return next((depth for depth in DEPTHS if depth == chosen), "full")


def repeat_argument(model_type: str) -> Repeat | None:
    """`repeat` and `checks`: which checks of this model type to ask how often, None where none."""
    times, names = request.args.get("repeat"), text_argument("checks", 1000)
    if times is None:
        if names is not None:
            raise bad_argument("checks", "needs `repeat`, which says how often")
        return None
    if not re.fullmatch(r"[0-9]{1,3}", times) or not FEWEST <= int(times) <= MOST:
        raise bad_argument("repeat", f"must be a whole number from {FEWEST} to {MOST}")
    asked = tuple(dict.fromkeys((names or "tool_calling").split(",")))
    known = MODEL_TYPES[model_type].repeatable
    if not set(asked) <= set(known):
        raise bad_argument("checks", f"must be some of {', '.join(known) or 'none for this model type'}")
    return Repeat(int(times), asked)


def limit_argument() -> int:
    """`limit`: how many entries a page may have."""
    value = request.args.get("limit", str(PAGE))
    if not re.fullmatch(r"[0-9]{1,6}", value) or not 1 <= int(value) <= LONGEST_PAGE:
        raise bad_argument("limit", f"must be a whole number from 1 to {LONGEST_PAGE}")
    return int(value)


def cursor_argument() -> str | None:
    """`cursor`: the id after which a page begins, as the `Link` of the page before gave it."""
    value = request.args.get("cursor")
    if value is not None and not ID.fullmatch(value):
        raise bad_argument("cursor", "must be one that a Link header gave")
    return value


def bad_argument(name: str, wrong: str) -> ApiError:
    """The answer for a query parameter that can't be used."""
    return ApiError("invalid_request", f"The query parameter `{name}` {wrong}.", field=name)
