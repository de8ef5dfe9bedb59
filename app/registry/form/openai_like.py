"""The one form: every request field of an OpenAI-compatible model with its rules, for browser and JSON alike.

A field's rules are its line here and nowhere else; the OpenAPI document is made from the same lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from wtforms.validators import ValidationError

from app.probe.model_types import MODEL_TYPES
from app.registry.credentials import require_set
from app.registry.form.fields import (
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
from app.registry.form.json_body import INT64
from app.registry.form.json_form import COLUMNS, JsonForm, inputs_of
from app.store.vault import VaultError, is_reference

_MILLION = "USD per 1,000,000 tokens"


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
        removable = {
            name for name, one in inputs_of(OpenAILikeForm).items() if not one.kwargs.get("required")
        }
        return {
            COLUMNS.get(field.name, field.name): None
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
