"""Bodies of the watch's calls, checked by the very schemas that the OpenAPI document shows."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any

from app.errors import ApiError
from app.registry.form.json_body import TOLD_AT_MOST, Problem, closest
from app.registry.form.json_form import invalid
from app.store.base import time_of
from app.web.api.answers import json_body
from app.web.api.schemas.watch import SCHEMAS

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

A_TIME = "must be a time with its zone, such as 2026-03-01T12:00:00Z"


def checked_body(name: str) -> dict[str, Any]:
    """The body of the request where it is what the schema of this name says; ApiError 400."""
    body = json_body()
    problems = [_problem(error) for error in islice(_validator(name).iter_errors(body), TOLD_AT_MOST)]
    if problems:
        raise invalid(problems)
    return dict(body)


def moment_of(body: dict[str, Any], name: str) -> datetime | None:
    """A time of the body with its zone, None where it is absent; ApiError 400."""
    text = body.get(name)
    moment = None if text is None else time_of(text)
    if text is not None and moment is None:
        raise ApiError("invalid_request", f"`{name}` {A_TIME}.", field=name)
    return moment


@cache
def _validator(name: str) -> Draft202012Validator:
    # Imported when it is needed: with its checks of formats installed that takes as long as all the rest.
    made: Draft202012Validator = import_module("jsonschema").Draft202012Validator(SCHEMAS[name])
    return made


def _problem(error: Any) -> Problem:
    path = ".".join(str(part) for part in error.absolute_path)
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = error.schema.get("properties", {})
        unknown = next(member for member in error.instance if member not in known)
        where = f"{path}.{unknown}"[-80:].lstrip(".") if path else unknown[:80]
        return Problem(where, "unknown_field", f"There is no field `{where}`.", closest(unknown, known))
    if error.validator == "required":
        missing = next(member for member in error.validator_value if member not in error.instance)
        return Problem(missing, "required", f"`{missing}` is required.")
    shown = f"`{path}`" if path else "The body"
    return Problem(path or None, "invalid", f"{shown} can't be taken: {error.message[:200]}.")
