"""Routes that a setting may open to anybody."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from app.config import Settings, settings
from app.web.guards import require_scope

P = ParamSpec("P")
R = TypeVar("R")


def open_where(
    is_open: Callable[[Settings], bool], scope: str = "read"
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate an API view: a token with this scope is needed unless the settings open it."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        guarded = require_scope(scope)(view)

        @wraps(guarded)
        def chosen(*args: P.args, **kwargs: P.kwargs) -> R:
            return (view if is_open(settings()) else guarded)(*args, **kwargs)

        return chosen

    return decorate
