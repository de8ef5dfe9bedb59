"""How the requests to one endpoint must look: all that was learned so far, of which each one is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

FIRST_LIMIT = 16
HIGHER_LIMIT = 256


@dataclass(frozen=True, slots=True)
class Shape:
    """How requests to this endpoint must look. `form` counts the alternative bodies of a model type."""

    stream: bool = False
    limit_name: str | None = "max_tokens"
    limit: int = FIRST_LIMIT
    fixed_limit: bool = False
    """The limit was forced by the endpoint, so checks may not ask for more."""
    stream_options: bool = True
    content_list: bool = False
    dropped: frozenset[str] = frozenset()
    added: Mapping[str, Any] = field(default_factory=dict)
    form: int = 0
    route: int = 0
    """Which of a model type's routes is asked."""
    instead: Mapping[str, Any] = field(default_factory=dict)
    """Values that are sent in place of the usual ones, by field."""
    refused: frozenset[str] = frozenset()
    """Values that the endpoint refused, of fields for which it may choose the value (a size, a voice)."""
    plain: bool = False
    """A content filter refused the usual prompt: ask with a plainer one."""
    adaptations: tuple[str, ...] = ()

    def because(self, adaptation: str, **changes: Any) -> Shape:
        """This shape with `changes`, and the sentence that says what the endpoint forced."""
        return replace(self, adaptations=(*self.adaptations, adaptation), **changes)

    def fit(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """`body` without what the endpoint refuses and with what it demands."""
        kept = {
            name: self.instead.get(name, value) for name, value in body.items() if name not in self.dropped
        }
        return {**{name: value for name, value in self.added.items() if name not in kept}, **kept}

    def limits(self, tokens: int, name: str | None = None) -> dict[str, Any]:
        """The token limit as this endpoint takes it: one field, or none."""
        name = name or self.limit_name
        return (
            {}
            if name is None or name in self.dropped
            else {name: min(tokens, self.limit) if self.fixed_limit else tokens}
        )
