"""One sending of the registration form: what was typed, which key is meant, what is to be done with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from werkzeug.datastructures import MultiDict

from app.fields import Sentence
from app.forms import OpenAILikeForm
from app.pages import heldkeys, presets
from app.pages.heldkeys import Held
from app.vault import is_reference

Action = Literal["register", "validate", "preset"]

GONE = "The key that you typed before is not kept any more. Type it again, or leave this empty to send none."
ELSEWHERE = "Type the key again: the one that is kept was typed for {host}, and goes nowhere else."
_REFERENCE = re.compile(r"env://[A-Z0-9_]{1,256}")
_USABLE = ("base_url", "model_id", "model_type")


@dataclass(slots=True)
class Attempt:
    """The form as it was sent. `problem` is what is wrong with the key that was kept."""

    form: OpenAILikeForm
    action: Action
    strict: bool
    depth: Literal["full", "proof"]
    held: Held | None
    problem: str = ""
    preset: presets.Preset | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The boxes beside the form."""
        return {"strict": self.strict, "depth": self.depth}

    @property
    def remote_field(self) -> str:
        """The field that holds the id that is sent: suggestions for the model id belong there."""
        return "configuration_model_id" if self.form.configuration_model_id.data else "model_id"

    def is_valid(self) -> bool:
        """Whether the form can be probed with; its errors say what is wrong."""
        good = self.form.validate()
        if self.problem:
            self.form.api_key.errors = [*self.form.api_key.errors, Sentence(self.problem, "required")]
        return good and not self.problem

    def keep_key(self, user_id: str) -> None:
        """Hold a key that was typed and is fit to be sent, so that the next try need not ask for it again."""
        key = self.form.api_key.data
        if not key or self.form.api_key.errors or is_reference(key):
            return
        if not (self.held and self.held.key() == key):
            self.held = heldkeys.hold(key, self.form.base_url.data or "", user_id)


def blank(arguments: Mapping[str, str]) -> Attempt:
    """The form as it stands first, with a preset filled in where the URL names one."""
    preset = presets.by_name(arguments.get("preset", ""))
    given: MultiDict[str, str] = MultiDict(preset.fills if preset else {})
    form = OpenAILikeForm(formdata=given if preset else None)
    return Attempt(form, "register", False, "full", _practice_key(preset), preset=preset)


def read(sent: MultiDict[str, str], user_id: str) -> Attempt:
    """What a browser sent: a suggestion or a preset put in place, the key that was kept found again."""
    given = MultiDict(sent)
    action: Action = "validate" if sent.get("do") == "validate" else "register"
    preset = presets.by_name(sent.get("preset", ""))
    if sent.get("do") == "preset":
        action = "preset"
        _put(given, preset.fills if preset else {})
    _use_suggestion(given, sent.get("use", ""))
    held, problem = _key_for(given, user_id)
    form = OpenAILikeForm(formdata=given)
    if action == "preset" and preset and preset.name == "practice":
        held, problem = heldkeys.practice(), ""
    depth: Literal["full", "proof"] = "proof" if sent.get("depth") == "proof" else "full"
    return Attempt(form, action, sent.get("strict") == "yes", depth, held, problem, preset)


def _use_suggestion(given: MultiDict[str, str], use: str) -> None:
    """Put a suggestion (`field=value`) into its field."""
    field, _, value = use.partition("=")
    if field == "model_id" and given.get("configuration_model_id", "").strip():
        field = "configuration_model_id"
    if field in (*_USABLE, "configuration_model_id") and value:
        _put(given, {field: value})


def _put(given: MultiDict[str, str], values: Mapping[str, str]) -> None:
    for name, value in values.items():
        given[name] = value


def _key_for(given: MultiDict[str, str], user_id: str) -> tuple[Held | None, str]:
    """The key that was kept, put into the form where none was typed, and what is wrong with that."""
    held_id = given.get("held_key", "")
    if not held_id:
        return None, ""
    held = heldkeys.find(held_id, user_id)
    if given.get("no_key"):
        given["api_key"] = ""
        return None, ""
    if given.get("api_key", "").strip():
        return held, ""
    if held is None:
        return None, GONE
    if not held.fits(given.get("base_url", "")):
        return None, ELSEWHERE.format(host=held.host)
    given["api_key"] = held.key()
    return held, ""


def _practice_key(preset: presets.Preset | None) -> Held | None:
    return heldkeys.practice() if preset and preset.name == "practice" else None


def shown_key(form: OpenAILikeForm) -> str:
    """What the key field shows again: only a reference to the environment, which is no secret."""
    typed = form.api_key.data or ""
    return typed if _REFERENCE.fullmatch(typed) else ""
