"""What a route says of itself: the OpenAPI document and the reference page are made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

V = TypeVar("V", bound=Callable[..., Any])


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
    examples: Mapping[str, Any] | None = None
    """Bodies by name, where the schema's own examples don't make one."""


def describe(**facts: Any) -> Callable[[V], V]:
    """Decorate a view with its `Operation`; its docstring's first line is the summary, the rest the text."""
    operation = Operation(**facts)

    def note(view: V) -> V:
        view.__dict__["operation"] = operation
        return view

    return note
