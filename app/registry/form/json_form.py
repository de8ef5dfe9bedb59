"""A form that browser and JSON fill alike, and the answer for one that is filled wrongly."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Self

from flask_wtf import FlaskForm
from wtforms.fields.core import UnboundField

from app.errors import ApiError
from app.registry.form import json_body
from app.registry.form.fields import FieldError, Input
from app.registry.form.json_body import Kinds, Problem

COLUMNS: Mapping[str, str] = {"configuration_model_id": "remote_model_id"}
"""The fields whose column has another name."""


class JsonForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A form that browser and JSON fill alike. `values()` is what it holds; `problems()` what is wrong."""

    speaks_json = False
    body_problems: tuple[Problem, ...] = ()

    @classmethod
    def from_json(cls, body: Any) -> Self:
        """The form filled from a parsed JSON body; `validate()` then counts what was wrong with the body too.

        ApiError 400 where the body is no object.
        """
        given, problems = json_body.read(body, cls.kinds())
        if not isinstance(body, dict):
            raise invalid(problems)
        form = cls(formdata=given, meta={"csrf": False})
        form.speaks_json = True
        form.body_problems = tuple(problems)
        return form

    @classmethod
    @lru_cache
    def kinds(cls) -> Kinds:
        """The JSON type of every wire name; an object's members in a mapping of their own."""
        kinds: dict[str, Any] = {}
        for name, field in inputs_of(cls).items():
            outer, _, inner = field.kwargs.get("wire", name).partition(".")
            if inner:
                kinds.setdefault(outer, {})[inner] = field.field_class.kind
            else:
                kinds[outer] = field.field_class.kind
        return kinds

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether everything is right; a field that the body had wrong shows that and nothing else."""
        good: bool = super().validate(extra_validators)
        for problem in self.body_problems:
            field = self._fields.get((problem.field or "").replace(".", "_"))
            if field is not None:
                field.errors = [FieldError(problem.message, problem.code)]
        return good and not self.body_problems

    def inputs(self) -> list[Input]:
        """The fields of the wire in their order, without what only the browser needs."""
        return [field for field in self if isinstance(field, Input)]

    def values(self, *, only_given: bool = False) -> dict[str, Any]:
        """What registration takes: a value per column (`api_key` in clear), None where it was not given."""
        return {
            COLUMNS.get(field.name, field.name): field.data
            for field in self.inputs()
            if field.given or not only_given
        }

    def problems(self) -> list[Problem]:
        """Everything wrong, in the order of the fields; unknown names come last."""
        known = {field.wire for field in self.inputs()}
        found = [
            Problem(field.wire, getattr(text, "code", "invalid"), str(text))
            for field in self.inputs()
            for text in field.errors
        ]
        return found + [problem for problem in self.body_problems if problem.field not in known]

    def require_valid(self) -> None:
        """Validate; ApiError 400 `invalid_request` with every problem where something is wrong."""
        if not self.validate():
            raise invalid(self.problems())


_TOLD = 100


def invalid(problems: list[Problem], code: str = "invalid_request") -> ApiError:
    """The answer for a bad request: the first problem in front, and the first hundred as details."""
    first, problems = problems[0], problems[:_TOLD]
    suggestions = {
        problem.field: problem.suggestions for problem in problems if problem.field and problem.suggestions
    }
    return ApiError(
        code,
        first.message,
        field=first.field,
        details=[problem.as_detail() for problem in problems if problem.field],
        suggestions=suggestions,
    )


def inputs_of(form: type[JsonForm]) -> dict[str, UnboundField[Any]]:
    """The fields of a form class by name, those of its bases first."""
    found: dict[str, UnboundField[Any]] = {}
    for base in reversed(form.__mro__):
        found |= {name: field for name, field in vars(base).items() if isinstance(field, UnboundField)}
    return {name: field for name, field in found.items() if issubclass(field.field_class, Input)}
