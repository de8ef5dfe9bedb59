"""The one form: every request field of an OpenAI-compatible model with its rules, for browser and JSON alike.

A field's rules are its line here and nowhere else; the OpenAPI document is made from the same lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Self

from flask_wtf import FlaskForm
from wtforms.fields.core import UnboundField
from wtforms.validators import ValidationError

from app.errors import ApiError
from app.probe.model_types import MODEL_TYPES
from app.registry import json_body
from app.registry.credentials import require_set
from app.registry.fields import (
    Choice,
    FieldError,
    Flag,
    Input,
    Length,
    Number,
    Prose,
    Range,
    Secret,
    Text,
    Whole,
    absolute_url,
    no_binary,
    no_controls,
    sendable,
)
from app.registry.json_body import INT64, Kinds, Problem
from app.store.vault import VaultError, is_reference

_MILLION = "USD per 1,000,000 tokens"


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
        for name, field in _inputs(cls).items():
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
            _COLUMNS.get(field.name, field.name): field.data
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


class OpenAILikeForm(JsonForm):
    """A model to register. `values()` gives what registration takes."""

    base_url = Text(
        "Base URL",
        Length(2048, min=1),
        absolute_url,
        required=True,
        section="connection",
        help="Where the API lives, up to and including /v1. Kept exactly as you write it.",
        example="http://127.0.0.1:8099/v1",
    )
    api_key = Secret(
        "API key",
        Length(8192),
        sendable,
        required=True,
        section="connection",
        help="Empty: the endpoint needs none. env://NAME takes it from the server's environment.",
        example="practice-key",
    )
    model_id = Text(
        "Model id",
        Length(256, min=1),
        no_controls,
        required=True,
        section="connection",
        help="The id that the endpoint knows the model by.",
        example="practice-chat",
    )
    configuration_model_id = Text(
        "Id sent to the endpoint",
        Length(256, min=1),
        no_controls,
        section="connection",
        wire="configuration.model_id",
        help="Only where it differs from the model id, which is then this workspace's own name for it.",
    )
    model_type = Choice(
        "Model type",
        required=True,
        section="connection",
        help="Decides which call proves that it works.",
        choices={name: row.label for name, row in MODEL_TYPES.items()},
        example="chat",
    )
    display_name = Text(
        "Display name",
        Length(128, min=1, trimmed=True),
        no_controls,
        required=True,
        help="What people see in lists.",
        example="Our chat model",
    )
    region = Text(
        "Region",
        Length(64, min=1),
        no_controls,
        required=True,
        help="A free label, such as us, europe or on-prem.",
        example="on-prem",
    )
    description = Prose("Description", Length(2048), no_binary, help="What it is for, who runs it.")
    benchmark_model = Text(
        "Benchmark model", Length(256), no_controls, help="The public model that it is compared with."
    )
    max_tokens = Whole(
        "Maximum tokens", Range(1, INT64), unit="tokens", help="The longest answer, and the default limit."
    )
    temperature = Number("Temperature", Range(0, 2), help="The default, from 0 (repeatable) to 2 (varied).")
    input_cost = Number(
        "Input", Range(0), section="pricing", unit=_MILLION, help="What prompts cost.", example=0.15
    )
    output_cost = Number(
        "Output", Range(0), section="pricing", unit=_MILLION, help="What answers cost.", example=0.6
    )
    cache_read_cost = Number(
        "Cache read", Range(0), section="pricing", unit=_MILLION, help="A prompt that comes from the cache."
    )
    cache_write_cost = Number(
        "Cache write", Range(0), section="pricing", unit=_MILLION, help="A prompt that is kept in the cache."
    )
    cost_per_image = Number(
        "Image", Range(0), section="pricing", unit="USD per image", help="What one image costs."
    )
    supports_tool_calling = Flag(
        "Tool calling", section="capabilities", help="Calls functions.", example=True
    )
    supports_strict_tool = Flag(
        "Strict tools", section="capabilities", help="Arguments follow the schema strictly."
    )
    supports_vision = Flag("Vision", section="capabilities", help="Sees images in a prompt.")
    has_reasoning = Flag("Reasoning", section="capabilities", help="Thinks before it answers.")
    supports_image_edit = Flag(
        "Image editing", section="capabilities", help="Changes an image that it is given."
    )

    def validate_api_key(self, field: Input) -> None:
        """A reference to the environment must be allowed and set; the key of the form stays the reference."""
        check_reference(field)


class OpenAILikeUpdateForm(OpenAILikeForm):
    """A change: only name, region and type must be there, the rest stays as it was where absent.

    A null in a JSON body takes away what a model can be without.
    """

    nulls: frozenset[str] = frozenset()

    @classmethod
    def from_json(cls, body: Any) -> Self:
        """As every form; remembers which members are null."""
        form = super().from_json(body)
        form.nulls = frozenset(_nulls(body))
        return form

    def taken_away(self) -> dict[str, None]:
        """The columns that are to be emptied."""
        removable = {name for name, one in _inputs(OpenAILikeForm).items() if not one.kwargs.get("required")}
        return {
            _COLUMNS.get(field.name, field.name): None
            for field in self.inputs()
            if field.name in removable
            and (field.wire in self.nulls or field.wire.partition(".")[0] in self.nulls)
        }

    base_url = Text(
        "Base URL",
        Length(2048, min=1),
        absolute_url,
        section="connection",
        help="A changed origin needs the key again, or the scope admin.",
    )
    api_key = Secret(
        "API key",
        Length(8192),
        sendable,
        section="connection",
        help="A new key is probed first; the old one stays until it passed.",
    )
    model_id = Text(
        "Model id",
        Length(256, min=1),
        no_controls,
        section="connection",
        help="The id that the endpoint knows the model by.",
    )


_COLUMNS: Mapping[str, str] = {"configuration_model_id": "remote_model_id"}


def _nulls(body: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """The wire names of the members of a body that are null."""
    for name, value in body.items():
        if value is None:
            yield prefix + name
        elif isinstance(value, dict) and not prefix:
            yield from _nulls(value, f"{name}.")


def check_reference(field: Input) -> None:
    """ValidationError where a field names a variable that may not be read or is not set."""
    if field.data and is_reference(field.data):
        try:
            require_set(field.data)
        except VaultError as error:
            raise ValidationError(FieldError(str(error), "invalid_reference")) from error


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


def _inputs(form: type[JsonForm]) -> dict[str, UnboundField[Any]]:
    """The fields of a form class by name, those of its bases first."""
    found: dict[str, UnboundField[Any]] = {}
    for base in reversed(form.__mro__):
        found |= {name: field for name, field in vars(base).items() if isinstance(field, UnboundField)}
    return {name: field for name, field in found.items() if issubclass(field.field_class, Input)}
