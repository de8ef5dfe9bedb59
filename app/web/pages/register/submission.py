"""One submission of the form: what was typed, which key is meant, what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from werkzeug.datastructures import MultiDict

from app.errors import ApiError
from app.probe.base_url import origin_of
from app.probe.values import DEPTHS, Depth
from app.registry.credentials import require_may_name, target_for
from app.registry.document import rfc3339
from app.registry.endpoint_models import EndpointModels, list_endpoint_models
from app.registry.fields import FieldError
from app.registry.form import OpenAILikeForm
from app.store.models import RegisteredModel
from app.store.vault import is_reference
from app.web.guards import current_actor
from app.web.pages.register import held_keys, presets, sendings
from app.web.pages.register.held_keys import Held

Action = Literal["save", "validate", "preset", "look"]

GONE = "The key you typed earlier is no longer kept. Type it again, or send none."
ELSEWHERE = "Type the key again: the one kept was typed for {origin} and is sent nowhere else."
_REFERENCE = re.compile(r"env://[A-Z0-9_]{1,256}")
_USABLE = ("base_url", "model_id", "configuration_model_id", "model_type")
_COLUMNS = {"configuration_model_id": "remote_model_id"}


@dataclass(slots=True)
class Submission:
    """The form as it was sent. `model` is the one that is changed, None for a new one.

    `problem` is what is wrong with the key that was kept, `seen` the state of the model that the form was
    made from, `repeated` whether this very form was sent before, `unchanged` whether it
    asks for nothing new, `adopted` the fields that were filled in with what the endpoint says.
    """

    form: OpenAILikeForm
    action: Action = "save"
    strict: bool = False
    depth: Depth = "full"
    held: Held | None = None
    problem: str = ""
    preset: presets.Preset | None = None
    model: RegisteredModel | None = None
    source: RegisteredModel | None = None
    seen: str = ""
    no_key: bool = False
    move_key: bool = False
    repeated: bool = False
    unchanged: bool = False
    look: EndpointModels = field(default_factory=EndpointModels)
    adopted: set[str] = field(default_factory=set)

    @property
    def remote_field(self) -> str:
        """The field that holds the id that is sent: suggestions for the model id belong there."""
        return "configuration_model_id" if self.form.configuration_model_id.data else "model_id"

    @property
    def keyed(self) -> bool:
        """Whether a key would be sent."""
        stored = self.model is not None and self.model.endpoint.has_key
        return bool(self.form.api_key.data) or (stored and not self.no_key)

    @property
    def may_move_key(self) -> tuple[str, str] | None:
        """From which origin to which the stored key would go, for who may decide that; else None."""
        if self.model is None or not self.model.endpoint.has_key or not current_actor().may("admin"):
            return None
        before, after = origin_of(self.model.base_url), held_keys.origin(self.form.base_url.data or "")
        return (before, after) if after and before != after else None

    def is_valid(self) -> bool:
        """Whether the form is valid for a probe; its errors say what is wrong."""
        good = self.form.validate()
        try:
            require_may_name(current_actor(), self.form.api_key.data or "", self.form.base_url.data or "")
        except ApiError as error:
            self.problem = error.message
            self.form.api_key.errors = []
        if self.problem:
            self.form.api_key.errors = [*self.form.api_key.errors, FieldError(self.problem, "required")]
        return good and not self.problem

    def keep_key(self, user_id: str) -> None:
        """Hold a key that was typed and is fit to be sent, so that the next try need not ask for it again."""
        key = self.form.api_key.data
        if not key or self.form.api_key.errors or is_reference(key):
            return
        if not (self.held and self.held.key(self.form.base_url.data or "") == key):
            self.held = held_keys.hold(key, self.form.base_url.data or "", user_id)

    def changes(self) -> dict[str, Any]:
        """What the form has otherwise than the model; the key only where one was typed, or taken away."""
        values = self.form.values()
        key = values.pop("api_key")
        changed = {name: value for name, value in values.items() if getattr(self.model, name) != value}
        return changed | ({"api_key": key or ""} if key or self.no_key else {})

    def take_a_look(self) -> bool:
        """Fetch the endpoint's list of models, and fill in what it says of the one that was chosen.

        False where base URL or key can't be used: then nothing was contacted, and their errors say why.
        """
        try:
            require_may_name(current_actor(), self.form.api_key.data or "", self.form.base_url.data or "")
        except ApiError as error:
            self.look = EndpointModels(problem=error.message)
            return True
        if not (self.form.base_url.validate(self.form) and self.form.api_key.validate(self.form)):
            return False
        self.look = self._looked()
        offer = self.look.offer(self.form[self.remote_field].data or "")
        for name, value in (offer.values if offer else {}).items():
            if self.form[name].data is None or (name == "model_type" and self.form[name].data != value):
                self.form[name].process(MultiDict({name: value}))
                self.adopted.add(name)
        return True

    def _looked(self) -> EndpointModels:
        """The endpoint's list, asked for with the typed key or with the one of the model that is changed.

        Where the URL leads to another server than before, the stored key stays at home.
        """
        base_url, typed = self.form.base_url.data or "", self.form.api_key.data or ""
        same = self.model is not None and origin_of(base_url) == origin_of(self.model.base_url)
        stored = same and not typed and not self.no_key
        endpoint = self.model.endpoint if self.model is not None and same else None
        try:
            target = target_for(
                current_actor(), "list_models", base_url, typed=None if stored else typed, endpoint=endpoint
            )
        except ApiError as error:
            return EndpointModels(problem=error.message)
        return list_endpoint_models(target)


def blank(arguments: Mapping[str, str]) -> Submission:
    """The form as it stands first, with a preset filled in where the URL names one."""
    preset = presets.by_name(arguments.get("preset", ""))
    given: MultiDict[str, str] = MultiDict(preset.fills if preset else {})
    form = OpenAILikeForm(formdata=given if preset else None)
    held = held_keys.practice() if preset and preset.name == "practice" else None
    return Submission(form, held=held, preset=preset)


def copy_of(model: RegisteredModel) -> Submission:
    """A new model that begins as another one is, without its key."""
    return Submission(_filled_from(model), source=model)


def change_of(model: RegisteredModel) -> Submission:
    """The form of a model that is there; its key field is empty, which leaves the key as it is."""
    return Submission(_filled_from(model), model=model, seen=rfc3339(model.updated))


def read(sent: MultiDict[str, str], user_id: str, model: RegisteredModel | None = None) -> Submission:
    """What a browser sent: a suggestion or a preset put in place, the key that was kept found again."""
    given = MultiDict(sent)
    preset = presets.by_name(sent.get("preset", ""))
    action = _action_of(sent)
    if action == "preset":
        _put(given, preset.fills if preset else {})
    _use_suggestion(given, sent.get("use", ""))
    held, problem = _key_for(given, user_id)
    if action == "preset" and preset and preset.name == "practice":
        held, problem = held_keys.practice(), ""
    return Submission(
        OpenAILikeForm(formdata=given),
        action,
        strict=sent.get("strict") == "yes",
        depth=next((depth for depth in DEPTHS if depth == sent.get("depth")), "full"),
        held=held,
        problem=problem,
        preset=preset,
        model=model,
        seen=sent.get("seen", ""),
        no_key=sent.get("no_key") == "yes",
        move_key=sent.get("move_key") == "yes",
        repeated=action == "save" and model is None and sendings.is_repeated(sent, user_id),
    )


def shown_key(form: OpenAILikeForm) -> str:
    """What the key field shows again: only a reference to the environment, which is no secret."""
    typed = form.api_key.data or ""
    return typed if _REFERENCE.fullmatch(typed) else ""


def _action_of(sent: MultiDict[str, str]) -> Action:
    known: dict[str, Action] = {"validate": "validate", "preset": "preset", "look": "look"}
    return known.get(sent.get("do", ""), "save")


def _filled_from(model: RegisteredModel) -> OpenAILikeForm:
    with_columns = OpenAILikeForm(formdata=None)
    values = {
        row.name: getattr(model, _COLUMNS.get(row.name, row.name))
        for row in with_columns.inputs()
        if row.name != "api_key"
    }
    return OpenAILikeForm(formdata=None, data=values)


def _use_suggestion(given: MultiDict[str, str], use: str) -> None:
    """Put a suggestion (`field=value`) into its field."""
    name, _, value = use.partition("=")
    if name in _USABLE and value:
        _put(given, {name: value})


def _put(given: MultiDict[str, str], values: Mapping[str, str]) -> None:
    for name, value in values.items():
        given[name] = value


def _key_for(given: MultiDict[str, str], user_id: str) -> tuple[Held | None, str]:
    """The key that was kept, put into the form where none was typed, and what is wrong with that."""
    held_id = given.get("held_key", "")
    if given.get("no_key"):
        given["api_key"] = ""
        return None, ""
    if not held_id:
        return None, ""
    held = held_keys.find(held_id, user_id)
    if given.get("api_key", "").strip():
        return held, ""
    if held is None:
        return None, GONE
    if not held.fits(given.get("base_url", "")):
        return None, ELSEWHERE.format(origin=held.origin)
    given["api_key"] = held.key(given.get("base_url", ""))
    return held, ""
