"""Which models of an endpoint are to be registered: what a browser sent, and what the endpoint lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import select

from app.access.actors import Actor
from app.errors import ApiError
from app.probe.model_types import MODEL_TYPES
from app.probe.values import EndpointSettings, Target
from app.registry.credentials import Use, require_may_name, target_for
from app.registry.endpoints import intake, rows
from app.registry.endpoints.catalog import EndpointModels, OfferedModel, list_endpoint_models
from app.registry.endpoints.form import EndpointForm, read_models
from app.registry.endpoints.intake import Result
from app.registry.endpoints.proxies import address_shown
from app.registry.form.fields import FieldError
from app.registry.probing import ProbeOrder
from app.store.base import db
from app.store.endpoints import Endpoint
from app.store.models import RegisteredModel
from app.store.rotation import digest
from app.web.guards import current_actor
from app.web.pages.endpoints.proxy_sign_in import ProxySignIn
from app.web.pages.label_fields import LABELS, LabelFields
from app.web.pages.register import held_keys
from app.web.pages.register.held_keys import Held

Action = Literal["look", "all", "save"]
AT_MOST = 100
"""Models that one page offers; a search finds the others."""
TYPES = {name: kind.label for name, kind in MODEL_TYPES.items()}
_NUMBERS = ("input_cost", "output_cost", "cache_read_cost", "cache_write_cost")


@dataclass(slots=True)
class Batch:
    """The form as it was sent, and what came of it. `endpoint` is None for a new one.

    `ticked` are model ids, `types` the chosen type of each, `results` what became of those that were probed,
    `name` which sending it is.
    """

    form: EndpointForm
    endpoint: Endpoint | None = None
    action: Action = "look"
    held: Held | None = None
    proxy: ProxySignIn = field(default_factory=ProxySignIn)
    ticked: set[str] = field(default_factory=set)
    types: dict[str, str] = field(default_factory=dict)
    region: str = ""
    filter: str = ""
    proof_only: bool = False
    prices: bool = True
    list_prices: bool = False
    labels: LabelFields = field(default_factory=LabelFields)
    name: str = ""
    look: EndpointModels = field(default_factory=EndpointModels)
    there: dict[str, str] = field(default_factory=dict)
    results: dict[str, Result] = field(default_factory=dict)
    problem: str = ""
    key_problem: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    def within_this_context(self) -> Batch:
        """The same in the session of the context at hand: a stream begins when its request's is gone."""
        if self.endpoint is not None:
            self.endpoint = db.session.merge(self.endpoint, load=False)
        return self

    @property
    def base_url(self) -> str:
        """Where the models are."""
        return self.endpoint.base_url if self.endpoint else self.form.base_url.data or ""

    @property
    def shown_proxy(self) -> str:
        """The chosen proxy as the page shows it."""
        return address_shown(self.form.proxy.data or "")

    @property
    def new(self) -> Sequence[OfferedModel]:
        """What is not registered yet: all that is ticked, then what the search leaves, as far as it fits."""
        fresh = [offer for offer in self.look.offers if offer.id not in self.there]
        chosen = [offer for offer in fresh if offer.id in self.ticked]
        sought = self.filter.casefold()
        others = [offer for offer in fresh if offer.id not in self.ticked and sought in offer.id.casefold()]
        return [*chosen, *others[: max(0, AT_MOST - len(chosen))]]

    @property
    def unseen(self) -> int:
        """How many that are not registered the page does not show."""
        return sum(offer.id not in self.there for offer in self.look.offers) - len(self.new)

    @property
    def registered(self) -> Sequence[Result]:
        """What got in just now, or was there already."""
        return [result for result in self.results.values() if result.outcome != "rejected"]

    @property
    def failed(self) -> Sequence[Result]:
        """What did not get in."""
        return [result for result in self.results.values() if result.outcome == "rejected"]

    @property
    def error_labels(self) -> Sequence[tuple[str, str, str]]:
        """Each field that is wrong: its id, its label, and why."""
        labels = {"region": "Region", **LABELS}
        return [(name, labels[name], text) for name, text in self.errors.items()]

    @property
    def any_listed(self) -> bool:
        """Whether the price catalogue knows prices that the endpoint does not state."""
        return any(offer.listed for offer in self.new)

    @property
    def is_done(self) -> bool:
        """Whether everything that was ticked is in."""
        return bool(self.results) and not self.failed and not self.problem

    def type_of(self, offer: OfferedModel) -> str:
        """The type that was chosen, or the one that the endpoint or the id points to."""
        return self.types.get(offer.id) or offer.likely_type

    def is_valid(self) -> bool:
        """Whether there is something to probe; otherwise `errors` and `problem` say what is missing."""
        if not self.take_a_look():
            return False
        if not self.region:
            self.errors["region"] = "Give the region, such as europe or on-prem."
        self.labels.read()
        self.errors |= self.labels.errors
        if not self.ticked:
            self.problem = "Tick at least one model."
        return not self.errors and not self.problem

    def take_a_look(self) -> bool:
        """Fetch the endpoint's list. False where URL, key or proxy can't be used: nothing was contacted."""
        form = self.form
        sent = (form.base_url, form.api_key, form.proxy)
        good = self.endpoint is not None or all([field.validate(form) for field in sent])
        if self.key_problem:
            form.api_key.errors = [FieldError(self.key_problem, "required")]
        if not self.proxy.is_valid(form.proxy) or not good or self.key_problem:
            return False
        try:
            self.look = list_endpoint_models(self._target_of_list())
        except ApiError as error:
            self.problem = error.message
            return False
        self.there = self._registered()
        self.ticked -= self.there.keys()
        return True

    def tick_all(self) -> None:
        """Tick everything that the page shows."""
        self.ticked |= {offer.id for offer in self.new}

    def models(self) -> list[dict[str, Any]]:
        """The values of a form for everything ticked. ApiError 400 where one can't be sent."""
        offers = {offer.id: offer for offer in self.look.offers}
        chosen = [offers.get(id) or OfferedModel(id, None) for id in sorted(self.ticked)]
        shared = {"base_url": self.base_url, "region": self.region}
        values, problems = read_models([self._entry(offer) for offer in chosen], shared)
        if problems:
            raise ApiError("invalid_request", problems[0].message)
        labels = self.labels.read()
        return [each | {"labels": labels} for each in values]

    def target(self, order: ProbeOrder) -> tuple[Target, str]:
        """Where they are, and the key as it was typed or is stored. Commits."""
        if self.endpoint is not None:
            return intake.stored_target(self.endpoint, order)
        key = self.form.api_key.data or ""
        return self._typed_target(order.actor, "register"), key

    def place(self) -> str:
        """The id of the endpoint that the models got in at."""
        ids = [result.model for result in self.registered if result.model]
        query = select(RegisteredModel.endpoint_id).where(RegisteredModel.id.in_(ids)).limit(1)
        return db.session.scalar(query) or ""

    def note(self, result: Result) -> None:
        """Keep what became of a model; only what failed stays ticked."""
        self.results[result.model_id] = result
        if result.outcome != "rejected":
            self.ticked.discard(result.model_id)
            self.there[result.model_id] = result.model or ""

    def keep_key(self) -> None:
        """Hold the typed key, and who signs in at the proxy, for the next step, sealed; the page gets ids."""
        if self.endpoint is None:
            self.proxy.keep(self.form.proxy)
            self.held = held_keys.keep(self.form.api_key, self.base_url, current_actor().id, self.held)

    def drop_key(self) -> None:
        """Forget the key that was held: the endpoint has it now."""
        if self.held:
            held_keys.drop(self.held.id)
        self.proxy.drop()

    def _target_of_list(self) -> Target:
        actor, key = current_actor(), self.form.api_key.data or ""
        if self.endpoint is not None:
            return target_for(actor, "list_models", self.base_url, endpoint=self.endpoint)
        require_may_name(actor, key, self.base_url)
        return self._typed_target(actor, "list_models")

    def _typed_target(self, actor: Actor, use: Use) -> Target:
        """With the typed key: through the chosen proxy, else as an endpoint like it is called already."""
        key, proxy = self.form.api_key.data or "", self.form.proxy.data
        settings = EndpointSettings(proxy=proxy) if proxy else None
        known = None if proxy else rows.found(self.base_url, digest(key))
        return target_for(actor, use, self.base_url, typed=key, endpoint=known, settings=settings)

    def _registered(self) -> dict[str, str]:
        """What of the list is registered: the id that is sent, and the id of the row."""
        if self.endpoint is not None:
            return rows.registered_at(self.endpoint.id)
        same = select(RegisteredModel).where(RegisteredModel.base_url == self.base_url)
        return {model.wire_model_id: model.id for model in db.session.scalars(same)}

    def _entry(self, offer: OfferedModel) -> dict[str, Any]:
        entry: dict[str, Any] = {"model_id": offer.id, "display_name": offer.id[:128]}
        entry["model_type"] = self.type_of(offer)
        taken = dict(offer.stated) if self.prices else {}
        if self.list_prices:
            taken |= {name: offer.values[name] for name in offer.listed}
        entry |= {name: float(taken[name]) for name in _NUMBERS if name in taken}
        if "max_tokens" in offer.values:
            entry["max_tokens"] = int(offer.values["max_tokens"])
        return entry


def words_of(result: Result) -> str:
    """What became of a model, as a sentence."""
    if result.error:
        return str(result.error["message"])
    return "Registered already." if result.outcome == "exists" else "Registered."
