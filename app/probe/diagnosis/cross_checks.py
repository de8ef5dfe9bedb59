"""Where a refused call would have worked: another base URL, another model type, another model id.

A missing route says "wrong path" and "wrong type" in the same words, so the probe looks: at the base itself
with the routes of chat and embedding, with an id that the catalog lists, and at the bases that may have been
meant.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice

from app.probe.base_url import Base, candidates
from app.probe.conversation import Conversation, Request
from app.probe.model_types import embedding
from app.probe.model_types.chat.proof import PROOF
from app.probe.proof import Outcome, Proof, prove
from app.probe.reading.catalog import Catalog, read_catalog
from app.probe.reading.catalog_facts import metadata_of
from app.probe.reading.meaning import FINAL, meaning_of
from app.probe.reading.refusal import read_refusal
from app.probe.reading.wordings import Meaning
from app.probe.shape import Shape

_TRIES = 24
_TRY_S = 15.0
_CROSS: Mapping[str, Proof] = {"chat": PROOF, "embedding": embedding.PROOF}


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What the look around found; each is None where it found nothing."""

    base: Base | None = None
    """A base at which the API answers; `proven` says whether the model itself worked there."""
    proven: bool = False
    model_type: str | None = None
    model_works: str | None = None
    """A listed model that works on this very route: the path and the type are right, the id is not."""


def look_around(
    talk: Conversation, type_name: str, proof: Proof, outcome: Outcome, catalog: Catalog
) -> Elsewhere:
    """Gather what tells a wrong path from a wrong type from a wrong id, within the probe's own limits."""
    until = min(talk.deadline, time.monotonic() + _TRY_S * 2)
    if catalog.there and catalog.listed(talk.endpoint.model_id) is False:
        works = _listed_model_works(talk, proof, catalog, until)
        if works:
            return Elsewhere(model_works=works)
    other = other_type(talk, type_name, catalog, until)
    if other:
        return Elsewhere(model_type=other)
    lost = not catalog.there and outcome.judgement.meaning in _NOWHERE
    return _other_base(talk, proof, lost, until) or Elsewhere()


def other_type(
    talk: Conversation, type_name: str, catalog: Catalog, until: float | None = None
) -> str | None:
    """The type that the model is instead: as the catalog states it, else as chat or embedding proves it."""
    stated = metadata_of(catalog.find(talk.endpoint.model_id)).get("type")
    if isinstance(stated, str) and stated != type_name:
        return stated
    until = min(talk.deadline, until or time.monotonic() + _TRY_S)
    for name, proof in _CROSS.items():
        if name != type_name and prove(talk, proof, shape=Shape(), until=until, calls=3).proven:
            return name
    return None


def _listed_model_works(talk: Conversation, proof: Proof, catalog: Catalog, until: float) -> str | None:
    for name in catalog.closest(talk.endpoint.model_id, 1) or catalog.ids[:1]:
        if prove(talk, proof, model=name, shape=Shape(), until=until, calls=2).proven:
            return name
    return None


def _other_base(talk: Conversation, proof: Proof, lost: bool, until: float) -> Elsewhere | None:
    bases = list(islice(candidates(talk.base), _TRIES))
    if talk.base.scheme == "http":
        bases.append(replace(talk.base, scheme="https"))
    with ThreadPoolExecutor(min(len(bases), talk.limits.calls_at_once)) as pool:
        tries = list(pool.map(lambda base: _try(talk, proof, base, until), bases))
        for base, tried in zip(bases, tries, strict=True):
            if tried.proven:
                return Elsewhere(base=base, proven=True)
        for base, tried in zip(bases, tries, strict=True):
            if _refuses_in_words(tried) and _is_the_api(talk, base, tried, until):
                return Elsewhere(base=base)
        lists = list(pool.map(lambda base: _lists_models(talk, base, until), bases)) if lost else []
    return next((Elsewhere(base=base) for base, there in zip(bases, lists, strict=False) if there), None)


_NOWHERE: frozenset[Meaning] = frozenset({"no_route", "not_openai_compatible", "bot_filter"})
"""Where the call met no API at all, a list of models shows where one is, even without this route."""


def _refuses_in_words(outcome: Outcome) -> bool:
    return outcome.judgement.meaning in FINAL and outcome.judgement.by_words and outcome.refusal.is_json


def _is_the_api(talk: Conversation, base: Base, outcome: Outcome, until: float) -> bool:
    """Whether a refusal comes from the API, and not from a wall before a whole site.

    Many sites answer every path under `/api` with one 401. So a list of models must be there, or a route that
    can't exist be answered otherwise: under the base, or beside it, where a key is asked for from `/v1` on.
    """
    if _lists_models(talk, base, until):
        return True
    return any(_told_apart(talk, place, outcome, until) for place in dict.fromkeys((base, base.stem)))


def _told_apart(talk: Conversation, place: Base, outcome: Outcome, until: float) -> bool:
    nowhere = replace(outcome.request, route=_NO_ROUTE, script=None, method="POST", under="base")
    refusal = read_refusal(talk.ask(nowhere, base=place, until=until))
    refused = (outcome.refusal.status, outcome.judgement.meaning)
    return refusal.status is not None and (refusal.status, meaning_of(refusal).meaning) != refused


_NO_ROUTE = "/muster-no-such-route"


def _lists_models(talk: Conversation, base: Base, until: float) -> bool:
    """Whether a list of models is there: as OpenAI shows it, or with the asked id (other sites list models
    of theirs in other shapes).
    """
    answer = talk.ask(Request("/models", method="GET"), base=base, until=until)
    catalog, body = read_catalog(answer), answer.json
    as_usual = isinstance(body, Mapping) and isinstance(body.get("data"), list)
    return catalog.there and (as_usual or catalog.listed(talk.endpoint.model_id) is True)


def _try(talk: Conversation, proof: Proof, base: Base, until: float) -> Outcome:
    return prove(talk, proof, base=base, shape=Shape(), until=until, calls=3)


def https_of(talk: Conversation, proof: Proof) -> Base | None:
    """The https form of an http base, where the API answers there."""
    base = replace(talk.base, scheme="https")
    outcome = _try(talk, proof, base, min(talk.deadline, time.monotonic() + _TRY_S))
    answered = (
        outcome.proven or outcome.answer.status is not None and outcome.judgement.meaning != "tls_wanted"
    )
    return base if answered else None
