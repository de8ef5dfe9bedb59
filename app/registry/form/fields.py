"""The kinds of field that the form is made of, and their rules.

A field knows its JSON type and its wire name, so browser and JSON validate alike and the OpenAPI document
is made from the same objects. A rule raises `FieldError`s: words for people that carry a code for programs.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from wtforms import Field, PasswordField, SelectField, StringField, TextAreaField
from wtforms.form import BaseForm
from wtforms.validators import StopValidation, ValidationError
from wtforms.widgets import NumberInput

from app.probe.pasted_input import CONTROLS, SURROUNDING, clean_key, wrong_with_base_url
from app.probe.transport.call import is_header_value
from app.registry.form.json_body import INT64, Kind

_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,4})?")
_WHOLE = re.compile(r"[-+]?\d{1,400}")
_CONTROLS_OF_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class FieldError(str):
    """A sentence about what is wrong with a field, and the code that programs know it by."""

    code: str

    def __new__(cls, text: str, code: str) -> FieldError:
        made = super().__new__(cls, text)
        made.code = code
        return made


Rule = Callable[[Any, "Input"], None]


class Input(Field):
    """What every field of the form has: JSON type, wire name, section, unit, whether it is required."""

    kind: Kind = "string"

    def __init__(
        self,
        label: str,
        *rules: Rule,
        help: str = "",
        section: str = "general",
        unit: str = "",
        wire: str = "",
        required: bool = False,
        example: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(label, validators=list(rules), description=help, **options)
        self.section, self.unit, self.required, self.example = section, unit, required, example
        self.wire = wire or self.name
        self.rules: Sequence[Rule] = rules

    @property
    def given(self) -> bool:
        """Whether the caller sent this field; null does not count, nor an empty optional one in a browser."""
        return bool(self.raw_data) and self.data is not None

    def called(self, form: BaseForm) -> str:
        """The field's name in a sentence: its wire name for a program, its label for a person."""
        return f"`{self.wire}`" if getattr(form, "speaks_json", False) else self.label.text

    def pre_validate(self, form: BaseForm) -> None:
        """Skip the rules of a field that was left out; complain where it is required."""
        if self.process_errors:
            raise StopValidation()
        if self.data == "" and not self.required and not getattr(form, "speaks_json", False):
            self.data = None
        if self.data is None:
            if self.required:
                raise StopValidation(FieldError(f"{self.called(form)} is required.", "required"))
            raise StopValidation()


class Text(Input, StringField):
    """A line of text, without the white space around it."""

    def __init__(self, label: str, *rules: Rule, **options: Any) -> None:
        super().__init__(label, *rules, filters=[_trimmed], **options)


class Prose(Input, TextAreaField):
    """Text of several lines, kept as it was written."""


class Secret(Input, PasswordField):
    """An API key: what surrounds it in a paste goes; it is never shown again."""

    def __init__(self, label: str, *rules: Rule, **options: Any) -> None:
        super().__init__(label, *rules, filters=[clean_key], **options)


class Choice(Input, SelectField):
    """One of a list. `choices` maps values to labels."""

    def pre_validate(self, form: BaseForm) -> None:
        """Refuse what is not on the list, and say what is."""
        Input.pre_validate(self, form)
        values = [value for value, *_ in self.iter_choices()]
        if self.data not in values:
            raise StopValidation(
                FieldError(
                    f"{self.called(form)} must be one of {', '.join(map(str, values))}.", "invalid_choice"
                )
            )


class Flag(Input, SelectField):
    """Yes, no, or not said: True, False or None."""

    kind: Kind = "boolean"
    _VALUES = {"": None, "true": True, "false": False}
    _LABELS = {"": "Not declared", "true": "Yes", "false": "No"}

    def __init__(self, label: str, *rules: Rule, **options: Any) -> None:
        super().__init__(label, *rules, choices=dict(self._LABELS), **options)

    def process_data(self, value: Any) -> None:
        """Take a default or a stored value: True, False or None."""
        self.data = value

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Take `true`, `false` or nothing."""
        text = valuelist[0] if valuelist else ""
        if text not in self._VALUES:
            raise ValueError(FieldError(f"{self.label.text} must be yes, no or not declared.", "wrong_type"))
        self.data = self._VALUES[text]

    def iter_choices(self) -> Iterator[tuple[Any, str, bool, dict[str, Any]]]:
        """The three states, the current one selected."""
        for value, label in self._LABELS.items():
            yield value, label, self._VALUES[value] is self.data, {}

    def pre_validate(self, form: BaseForm) -> None:
        """Skip the rules where nothing was said."""
        Input.pre_validate(self, form)


class Number(Input):
    """A finite number, as a float."""

    kind: Kind = "number"
    widget = NumberInput(step="any")

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read what was typed; a comma is told apart from a point."""
        text = valuelist[0].strip(SURROUNDING) if valuelist else ""
        self.data = self._read(text) if text else None

    def _read(self, text: str) -> float | int:
        value = float(text) if _NUMBER.fullmatch(text) else None
        if value is None:
            raise ValueError(FieldError(f"{self.label.text} must be a number such as 0.15.", "wrong_type"))
        if abs(value) > sys.float_info.max:
            raise ValueError(FieldError(f"{self.label.text} is too large a number.", "out_of_range"))
        return value

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else format(self.data, ".15g")


class Whole(Number):
    """A whole number."""

    kind: Kind = "integer"
    widget = NumberInput(step="1")

    def _read(self, text: str) -> int:
        if not _WHOLE.fullmatch(text):
            raise ValueError(
                FieldError(f"{self.label.text} must be a whole number such as 4096.", "wrong_type")
            )
        return int(text)

    def _value(self) -> str:
        return str(self.raw_data[0]) if self.raw_data else "" if self.data is None else str(self.data)


class Length:
    """From `min` to `max` characters; surrounding white space counts, but where `trimmed` says not."""

    def __init__(self, max: int, min: int = 0, *, trimmed: bool = False) -> None:
        self.min, self.max, self.trimmed = min, max, trimmed
        self.field_flags = {"maxlength": max} | ({"minlength": min} if min else {})

    def __call__(self, form: BaseForm, field: Input) -> None:
        """Raise a `FieldError` that names the bounds and what the text has."""
        length = len(field.data)
        if length < self.min:
            raise StopValidation(
                FieldError(f"{field.called(form)} is empty; it needs at least one character.", "too_short")
            )
        if not self.trimmed and field.raw_data and isinstance(field.raw_data[0], str):
            length = max(length, len(field.raw_data[0]))
        if length > self.max:
            bound = f"at most {self.max:,} characters; this has {length:,}"
            raise StopValidation(FieldError(f"{field.called(form)} may have {bound}.", "too_long"))


class Range:
    """A number from `min` to `max`."""

    def __init__(self, min: float, max: float | None = None) -> None:
        self.min, self.max = min, max
        self.field_flags = {"min": min} | ({} if max is None else {"max": max})

    def __call__(self, form: BaseForm, field: Input) -> None:
        """Raise a `FieldError` that names the bounds."""
        if field.data < self.min or (self.max is not None and field.data > self.max):
            bounds = (
                f"{self.min} or more"
                if self.max is None or self.max == INT64
                else f"from {self.min} to {self.max}"
            )
            if self.max == INT64 and field.data > INT64:
                bounds = "smaller: it does not fit into 64 bits"
            raise ValidationError(FieldError(f"{field.called(form)} must be {bounds}.", "out_of_range"))


def no_controls(form: BaseForm, field: Input) -> None:
    """A name of one line that reads as it is: a control character in it would break logs, headers and pages,
    and one that turns text around, or that nobody sees, makes it look like another.
    """
    if CONTROLS.search(field.data):
        raise ValidationError(
            FieldError(
                f"{field.called(form)} holds a control character, an invisible one or a line end; remove it.",
                "invalid_characters",
            )
        )


def no_binary(form: BaseForm, field: Input) -> None:
    """Text of several lines without control characters other than tab and line end."""
    if _CONTROLS_OF_TEXT.search(field.data):
        raise ValidationError(
            FieldError(f"{field.called(form)} holds a control character; remove it.", "invalid_characters")
        )


def absolute_url(form: BaseForm, field: Input) -> None:
    """An http or https URL with a host, without user-info and fragment (docs/wire.md)."""
    wrong = wrong_with_base_url(field.data)
    if wrong:
        raise ValidationError(FieldError(f"{field.called(form)} {wrong}", "invalid_url"))


def sendable(form: BaseForm, field: Input) -> None:
    """A key that can stand in a header; its own text never gets into the sentence."""
    if field.data and not is_header_value(field.data):
        raise ValidationError(
            FieldError(
                f"{field.called(form)} holds a character that can't be sent in an HTTP header "
                "(a line end, a space or a letter outside of ASCII). Copy the key again.",
                "invalid_characters",
            )
        )


def _trimmed(text: str | None) -> str | None:
    return None if text is None else text.strip(SURROUNDING)
