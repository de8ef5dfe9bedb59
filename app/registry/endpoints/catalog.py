"""A look at an endpoint before it is probed: which models it lists, and what it says of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from app.config import settings
from app.probe.base_url import Base
from app.probe.model_types import MODEL_TYPES
from app.probe.reading.catalog import read_catalog
from app.probe.reading.catalog_facts import metadata_of
from app.probe.reading.redaction import cleaned
from app.probe.reading.refusal import quote, read_refusal
from app.probe.transport.answer import Answer
from app.probe.transport.call import Call
from app.probe.transport.client import Client
from app.probe.values import Target
from app.registry.declared import price_catalogue
from app.registry.probing import egress_rules
from app.store.base import db

WITHIN_S = 10.0
AT_MOST = 2000
"""Models that are offered; a catalog with more is cut, since a page has to hold them."""


_SIGNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("rerank", ("rerank",)),
    ("embedding", ("embed", "bge-", "e5-", "gte-")),
    ("realtime", ("realtime",)),
    ("stt", ("whisper", "transcribe", "stt")),
    ("tts", ("tts",)),
    ("moderation", ("moderation",)),
    ("image", ("dall-e", "image", "flux", "diffusion", "sdxl")),
)
"""What in a model's id points to its type, the surest sign first."""


@dataclass(frozen=True, slots=True)
class OfferedModel:
    """A model of the list, and what the endpoint says of it, by the names of the form's fields."""

    id: str
    context_window: int | None
    values: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    """Where prices come from that the endpoint itself does not tell."""
    listed: frozenset[str] = frozenset()
    """Which of `values` come from there."""

    @property
    def stated(self) -> Mapping[str, str]:
        """What the endpoint itself says."""
        return {name: value for name, value in self.values.items() if name not in self.listed}

    @property
    def likely_type(self) -> str:
        """The type that the endpoint states, or else the one that the id points to; chat where none does."""
        return self.values.get("model_type") or type_of(self.id) or "chat"


def type_of(model_id: str) -> str | None:
    """The type that the words of an id point to; None where they point to none."""
    folded = model_id.casefold()
    return next((kind for kind, signs in _SIGNS if any(sign in folded for sign in signs)), None)


def name_of(model_id: str) -> str:
    """A name for people, as far as an id gives one: its last part, at most 128 characters."""
    return model_id.strip().rstrip("/").rpartition("/")[2][:128]


@dataclass(frozen=True, slots=True)
class EndpointModels:
    """What was seen: the models, or one sentence about why there are none."""

    offers: Sequence[OfferedModel] = ()
    problem: str = ""

    def offer(self, model_id: str) -> OfferedModel | None:
        """The model with exactly this id."""
        return next((offer for offer in self.offers if offer.id == model_id), None)


def list_endpoint_models(target: Target) -> EndpointModels:
    """Ask `GET {base_url}/models`, once, within ten seconds; its model id is not looked at.

    It decides nothing: many endpoints that work have no such list. Nothing is stored.
    """
    key, url = target.api_key, Base.of(target.base_url).url("models")
    db.session.rollback()  # no connection is held while an endpoint is asked
    with Client(egress_rules(), settings().limits, settings=target.settings) as client:
        answer = cleaned(client.send(Call("GET", url, key=key, timeout_s=WITHIN_S)))
    catalog = read_catalog(answer)
    if not catalog.there:
        return EndpointModels(problem=_why_not(answer, url, key))
    return EndpointModels(
        [offer_of(id, entry, target.base_url) for id, entry in list(catalog.entries.items())[:AT_MOST]]
    )


_REFUSED = {
    401: "the key was not accepted there",
    403: "this key may not read the list",
    407: "the proxy wants a user and a password, or does not know these",
}


def _why_not(answer: Answer, url: str, key: str) -> str:
    where = f"GET {urlsplit(url).path} at {urlsplit(url).netloc}"
    if answer.status is None:
        return f"{where} got no answer: {answer.failure.detail if answer.failure else 'nothing came'}."
    if answer.status in _REFUSED:
        words = quote(read_refusal(answer), key)
        return f"{where} answered {answer.status}: {_REFUSED[answer.status]}. {words}"
    return f"{where} answered {answer.status} and gave no list of models. Type the model id yourself."


def offer_of(id: str, entry: Mapping[str, Any], base_url: str) -> OfferedModel:
    """One entry of a list, with what the price catalogue knows where the endpoint says nothing."""
    known = metadata_of(entry)
    values = {name: format(price, ".10g") for name, price in (known.get("prices") or {}).items()}
    if known.get("type") in MODEL_TYPES:
        values["model_type"] = str(known["type"])
    if known.get("max_output_tokens"):
        values["max_tokens"] = str(known["max_output_tokens"])
    listed = price_catalogue.looked_up(base_url, id)
    if listed is None:
        return OfferedModel(id, known.get("context_window"), values)
    more = {name: format(price, ".10g") for name, price in listed.values.items() if name not in values}
    context = known.get("context_window") or listed.context_window
    source = price_catalogue.source() if more else ""
    return OfferedModel(id, context, values | more, source, frozenset(more))
