"""Arguments of a query string, each read once, with a clear sentence if it is wrong."""

from __future__ import annotations

import re
from collections.abc import Collection

from flask import request

from app.errors import ApiError
from app.registry.probing import Depth
from app.web.api.answers import ID

LONGEST_PAGE = 1000
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
    """`depth`: the whole probe, or only what decides."""
    return "proof" if choice_argument("depth", ("full", "proof")) == "proof" else "full"


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
