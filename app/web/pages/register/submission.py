"""One submission of the form: what was typed, which key is meant, what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from werkzeug.datastructures import MultiDict

from app.errors import ApiError
from app.probe.base_url import origin_of
from app.probe.values import Depth
from app.registry.credentials import require_may_name, target_for
from app.registry.declared.price_catalogue import ListedPrices, listed_prices
from app.registry.endpoints.catalog import EndpointModels, list_endpoint_models
from app.registry.form.fields import FieldError
from app.registry.form.openai_like import OpenAILikeForm
from app.store.models import RegisteredModel
from app.web.guards import current_actor
from app.web.pages.label_fields import LabelFields
from app.web.pages.register import held_keys, presets
from app.web.pages.register.held_keys import Held

Action = Literal["save", "validate", "preset", "look", "type", "prices"]

_REFERENCE = re.compile(r"env://[A-Z0-9_]{1,256}")
_OWN_LIST = "From the endpoint's own list."


@dataclass(slots=True)
class Submission:
    """The form as it was sent. `model` is the one that is changed, None for a new one.

    `problem` is what is wrong with the key that was kept, `seen` the state of the model that the form was
    made from, `repeated` whether this very form was sent before, `unchanged` whether it asks for nothing new.
    `adopted` are the fields that were filled in for the person, with where from; `trial` is the id of an
    accepted trial.
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
    adopted: dict[str, str] = field(default_factory=dict)
    labels: LabelFields = field(default_factory=LabelFields)
    trial: str = ""

    @property
    def remote_field(self) -> str:
        """The field that holds the id that is sent: suggestions for the model id belong there."""
        return "configuration_model_id" if self.form.configuration_model_id.data else "model_id"

    @property
    def sent_id(self) -> str:
        """The id that is sent to the endpoint, "" where none was typed yet."""
        return self.form[self.remote_field].data or ""

    @property
    def listed(self) -> ListedPrices | None:
        """What the price catalogue knows for fields that are empty; None where that is nothing."""
        return listed_prices(self.form.base_url.data or "", self.sent_id, self._empty_prices())

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
        if not self.form.model_id.data:
            self.form.display_name.errors = []  # it follows from the id, as does the type
            if not self.form.model_type.data:
                self.form.model_type.errors = []
        self.labels.read()
        return good and not self.problem and not self.labels.errors

    def values(self) -> dict[str, Any]:
        """What a registration takes, with the labels."""
        return self.form.values() | {"labels": self.labels.read()}

    def keep_key(self, user_id: str) -> None:
        """Hold a key that was typed and is fit to be sent, so that the next try need not ask for it again."""
        self.held = held_keys.keep(self.form.api_key, self.form.base_url.data or "", user_id, self.held)

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
        offer = self.look.offer(self.sent_id)
        for name, value in (offer.stated if offer else {}).items():
            if self.form[name].data is None or (name == "model_type" and self.form[name].data != value):
                self._fill(name, value, _OWN_LIST)
        return True

    def take_prices(self) -> None:
        """Fill in what the price catalogue knows for prices that are empty."""
        listed = self.listed
        for name, value in (listed.values if listed else {}).items():
            self._fill(name, value, f"From {listed.source if listed else ''}.")

    def _fill(self, name: str, value: str, where_from: str) -> None:
        self.form[name].process(MultiDict({name: value}))
        self.adopted[name] = where_from

    def _empty_prices(self) -> frozenset[str]:
        return frozenset(
            row.name for row in self.form.inputs() if row.section == "pricing" and row.data is None
        )

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


def shown_key(form: OpenAILikeForm) -> str:
    """What the key field shows again: only a reference to the environment, which is no secret."""
    typed = form.api_key.data or ""
    return typed if _REFERENCE.fullmatch(typed) else ""
