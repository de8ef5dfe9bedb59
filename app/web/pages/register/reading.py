"""What a browser sends, or a page begins with, as a submission of the form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from werkzeug.datastructures import MultiDict

from app.probe.values import DEPTHS
from app.registry.document import rfc3339
from app.registry.endpoints.catalog import name_of, type_of
from app.registry.form.openai_like import OpenAILikeForm
from app.store.labels import labels_of
from app.store.models import RegisteredModel
from app.web.pages.label_fields import fields_of, sent_labels
from app.web.pages.register import held_keys, presets, sendings
from app.web.pages.register.held_keys import Held
from app.web.pages.register.submission import Action, Submission

GONE = "The key you typed earlier is no longer kept. Type it again, or send none."
ELSEWHERE = "Type the key again: the one kept was typed for {origin} and is sent nowhere else."
_USABLE = ("base_url", "model_id", "configuration_model_id", "model_type", "strict")
_BY_ID = "As the model id suggests."
_COLUMNS = {"configuration_model_id": "remote_model_id"}


def blank(arguments: Mapping[str, str]) -> Submission:
    """The form as it stands first, with a preset filled in where the URL names one."""
    preset = presets.by_name(arguments.get("preset", ""))
    given: MultiDict[str, str] = MultiDict(preset.fills if preset else {})
    form = OpenAILikeForm(formdata=given if preset else None)
    held = held_keys.practice() if preset and preset.name == "practice" else None
    return Submission(form, held=held, preset=preset)


def copy_of(model: RegisteredModel) -> Submission:
    """A new model that begins as another one is, without its key."""
    return Submission(_filled_from(model), source=model, labels=fields_of(labels_of(model.id)))


def change_of(model: RegisteredModel) -> Submission:
    """The form of a model that is there; its key field is empty, which leaves the key as it is."""
    labels = fields_of(labels_of(model.id))
    return Submission(_filled_from(model), model=model, seen=rfc3339(model.updated), labels=labels)


def read(sent: MultiDict[str, str], user_id: str, model: RegisteredModel | None = None) -> Submission:
    """What a browser sent: a suggestion or a preset put in place, the key that was kept found again."""
    given = MultiDict(sent)
    preset = presets.by_name(sent.get("preset", ""))
    action = _action_of(sent)
    if action == "preset":
        _put(given, preset.fills if preset else {})
    _use_suggestion(given, sent.get("use", ""))
    guessed = _guess(given)
    held, problem = _key_for(given, user_id)
    if action == "preset" and preset and preset.name == "practice":
        held, problem = held_keys.practice(), ""
    return Submission(
        OpenAILikeForm(formdata=given),
        action,
        strict=given.get("strict") == "yes",
        depth=next((depth for depth in DEPTHS if depth == sent.get("depth")), "full"),
        held=held,
        problem=problem,
        preset=preset,
        model=model,
        seen=sent.get("seen", ""),
        no_key=sent.get("no_key") == "yes",
        move_key=sent.get("move_key") == "yes",
        repeated=action == "save" and model is None and sendings.is_repeated(sent, user_id),
        adopted=dict.fromkeys(guessed, _BY_ID),
        labels=sent_labels(sent) if "owner" in sent or model is None else fields_of(labels_of(model.id)),
        trial=sent.get("trial", ""),
    )


def _action_of(sent: MultiDict[str, str]) -> Action:
    return next((action for action in get_args(Action) if action == sent.get("do")), "save")


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


def _guess(given: MultiDict[str, str]) -> list[str]:
    """Fill in name and type where nobody said them, from the id; which of them were filled in."""
    id, sent_id = given.get("model_id", "").strip(), given.get("configuration_model_id", "").strip()
    if not id:
        return []
    guesses = {"display_name": name_of(id), "model_type": type_of(sent_id or id) or "chat"}
    unsaid = [name for name in guesses if not given.get(name, "").strip()]
    _put(given, {name: guesses[name] for name in unsaid})
    return unsaid


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
