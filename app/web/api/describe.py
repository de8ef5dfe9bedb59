"""What a route says about itself: the OpenAPI document and the reference page are made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask import request

from app.errors import ApiError
from app.registry.form import json_body
from app.web.api.answers import refuse_method

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Operation:
    """A route. `gives` and `takes` name component schemas, with `[]` at the end for an array of them.

    `errors` are statuses beyond those that follow from a scope, a body, a parameter or an id in the path.
    """

    tag: str
    gives: str = ""
    takes: str = ""
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    errors: tuple[int, ...] = ()
    status: int = 200
    texts: tuple[str, ...] = ()
    """Other content types that the answer may have, as text."""
    any_query: bool = False
    """Whether unknown query parameters are passed over: what watches a server, or lists models for any
    client, may add its own.
    """
    most: int | None = None
    """How many members an array that it takes may have."""
    examples: Mapping[str, Any] | None = None
    """Bodies by name, where the schema's own examples don't make one."""


def describe(**facts: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a view, next to it, with its `Operation`; its docstring's first paragraph is the summary.

    What is not described is not taken: an unknown query parameter is ApiError 400, so that a filter with a
    typing error does not list everything. So is one that is given twice.
    """
    operation = Operation(**facts)
    known = [name.rpartition(":")[2] for name in operation.query]

    def note(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def strict(*args: P.args, **kwargs: P.kwargs) -> R:
            _check_query(known, others=operation.any_query)
            return view(*args, **kwargs)

        strict.__dict__["operation"] = operation
        return strict

    return note


def _check_query(known: Sequence[str], *, others: bool) -> None:
    for name, values in request.args.lists():
        if name not in known and others:
            continue
        if name not in known:
            refuse_method()
            raise _unknown(name, known)
        if len(values) > 1:
            message = f"The query parameter `{name}` is given {len(values)} times. Give it once."
            raise ApiError("invalid_request", message, field=name)


def _unknown(name: str, known: Sequence[str]) -> ApiError:
    shown, near = json_body.shortened(name), json_body.closest(name, known)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    message = f"There is no query parameter `{shown}` here.{hint}"
    return ApiError("invalid_request", message, field=shown, suggestions={shown: near} if near else None)
