"""Where a refused call would have worked: another base URL, another model type, another model id.

A missing route says "wrong path" and "wrong type" in the same words, so the probe looks: at what the
neighbours are told, at the base itself with the routes of other types, with an id that the catalog lists, and
at the bases that may have been meant. Every look is one quick call or two; all of them together stay within
`_CALLS` of a probe and `_LOOK_S`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice

from app.probe.base_url import Base, candidates, kin
from app.probe.conversation.request import Request
from app.probe.conversation.talk import Conversation
from app.probe.diagnosis.neighbours import NO_ROUTE, Neighbours, neighbours_of
from app.probe.diagnosis.types_pointed_at import named_types, pointed_at, stated_type
from app.probe.model_types import audio, completion, embedding, rerank
from app.probe.model_types.chat.proof import PROOF
from app.probe.proof import Outcome, Proof, prove
from app.probe.reading.catalog import Catalog, read_catalog
from app.probe.reading.catalog_facts import metadata_of
from app.probe.reading.meaning import FINAL, meaning_of
from app.probe.reading.refusal import read_refusal
from app.probe.reading.web_page import is_html
from app.probe.reading.wordings import Meaning
from app.probe.shape import Shape

_CALLS = 24
"""Calls of a whole probe after which nothing more is looked for: a look may take a call more."""
_TRIES = 15
"""Bases that are tried beside those that the typed path itself suggests."""
_AT_ONCE = 4
_LOOK_S = 10.0
_MODEL_S = 30.0
"""Seconds for calls that a model itself answers, which it may have to be loaded for."""
_CROSS: Mapping[str, Proof] = {
    "chat": PROOF,
    "completion": completion.PROOF,
    "embedding": embedding.PROOF,
    "rerank": rerank.PROOF,
    "stt": audio.STT_PROOF,
    "tts": audio.TTS_PROOF,
}
_USUAL: Mapping[str, tuple[str, ...]] = {"rerank": ("/v1", "/v2")}
"""Bases at which a type is served that the OpenAI API does not have."""
_MADE_UP_KEY = "sk-muster-no-such-key"
_UNPOINTED = ("chat", "completion", "embedding", "rerank", "stt")
"""The types that are tried where nothing points to one, in this order."""
_NOWHERE: frozenset[Meaning] = frozenset({"no_route", "not_openai_compatible", "bot_filter"})
"""Where the call met no API at all, a list of models shows where one is, even without this route."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What the look around found; each is None or False where it found nothing."""

    base: Base | None = None
    """A base at which the API answers; `proven` says whether the model itself worked there."""
    proven: bool = False
    model_type: str | None = None
    model_works: str | None = None
    """Another listed model that works on this very route: the path and the type are right."""
    gate: bool = False
    """The list of models is refused in the same words: they are about the caller."""
    route_is_there: bool = False
    """The route is there, other paths are told that there is none: the words are about the model."""
    serves_pages: bool = False
    """A web server of files."""
    same: bool = False
    """A path that can't exist is answered in the same way."""


class LookAround:
    """The looks of one failed proof, within the limits of the probe."""

    def __init__(
        self, talk: Conversation, type_name: str, proof: Proof, outcome: Outcome, catalog: Catalog
    ) -> None:
        self.talk, self.type_name, self.proof = talk, type_name, proof
        self.outcome, self.catalog = outcome, catalog
        self.until = self._in(_LOOK_S)
        self.model_until = self._in(_MODEL_S)
        self.tried: dict[Base, Outcome] = {}

    def wants_a_key(self) -> bool:
        """Whether a server that fails at a call without any key refuses one with a made-up key for that key:
        some read the header before they look whether it is there.
        """
        if self.talk.endpoint.api_key or (self.outcome.answer.status or 0) < 500:
            return False
        answer = self.talk.ask(self.outcome.request, key=_MADE_UP_KEY, until=self.until)
        return meaning_of(read_refusal(answer)).meaning == "invalid_credentials"

    def all_around(self) -> Elsewhere:
        """Gather what tells a wrong path from a wrong type from a wrong id, the likeliest first."""
        meaning, listed = self.outcome.judgement.meaning, self.catalog.listed(self.talk.endpoint.model_id)
        if self.outcome.suspect == "base":
            return self.proven_base(self.other_bases()) or Elsewhere()
        works = self.listed_model_works()
        if works:
            return Elsewhere(model_works=works)
        beside = neighbours_of(self.talk, self.outcome, self.catalog, self.until)
        if beside.gate:
            return Elsewhere(gate=True)
        lost = beside.same or meaning in _NOWHERE and not beside.route_is_there
        pages = lost and self._serves_pages()
        return self._of_place(lost, beside, listed is True) or Elsewhere(
            route_is_there=beside.route_is_there, serves_pages=pages, same=beside.same
        )

    def _of_place(self, lost: bool, beside: Neighbours, listed: bool) -> Elsewhere | None:
        """The base or the type. Where the route is missing, the typed type's own route below the bases that
        the typed path suggests comes first: chat that works at a bare base is no reason to doubt the type.
        """
        near = self._near() if lost else ()
        found = self.proven_base(near)
        nothing_here = beside.same and not self.catalog.there
        if found is None and not nothing_here:
            found = self._of_type()
        if found or not lost:
            return found
        if listed and not beside.same:
            return None
        self.until = self._in(_LOOK_S)  # the models above may have taken their time
        far = self.other_bases(near)
        if self.talk.base.scheme == "http" and ":" not in self.talk.base.netloc:
            far.append(replace(self.talk.base, scheme="https"))
        found = self.proven_base(far) or self._answering_base()
        return found or (self._of_type() if nothing_here else None)

    def _near(self) -> tuple[Base, ...]:
        """The bases that the typed path suggests, and those where this type is usually served."""
        usual = tuple(replace(self.talk.base, path=path) for path in _USUAL.get(self.type_name, ()))
        return tuple(base for base in dict.fromkeys((*kin(self.talk.base), *usual)) if base != self.talk.base)

    def _of_type(self) -> Elsewhere | None:
        other = self.other_type()
        return Elsewhere(model_type=other) if other else None

    def listed_model_works(self) -> str | None:
        """One other model that the catalog lists, where the same call works with it."""
        if not self.catalog.there or self.outcome.refusal.is_html:
            return None
        typed = self.talk.endpoint.model_id
        close = self.catalog.closest(typed, 3) or self.catalog.ids[:3]
        of_type = [name for name in (*close, *self.catalog.ids) if self._may_be_of_type(name)]
        name = next((name for name in of_type if name != typed), "")
        return name if name and self._works(self.proof, model=name) else None

    def works_with(self, model: str) -> bool:
        """Whether the same call works with another id."""
        return self._works(self.proof, model=model)

    def _may_be_of_type(self, name: str) -> bool:
        stated = metadata_of(self.catalog.entries.get(name)).get("type")
        return stated is None or stated == self.type_name

    def other_type(self) -> str | None:
        """The type that the model is instead: as the catalog states it, else as the first one proves it of
        those that words and catalog point to, then of the commonest.
        """
        entry = self.catalog.find(self.talk.endpoint.model_id)
        stated = stated_type(entry, self.type_name)
        if stated:
            return stated
        # A reranker that is asked for vectors gives some that tell nothing.
        first = ("rerank",) if self.outcome.suspect == "type" else pointed_at(self.outcome.refusal, entry)
        return self._working((*first, *named_types(self.talk.endpoint.model_id), *_UNPOINTED))

    def type_by_id(self) -> str | None:
        """The type that the model's own id names, where it works as that."""
        return self._working(named_types(self.talk.endpoint.model_id))

    def _working(self, names: Iterable[str]) -> str | None:
        """The first of these types as which the model works."""
        order = (name for name in dict.fromkeys(names) if name != self.type_name)
        return next((name for name in order if self._works(_CROSS[name])), None)

    def proven_base(self, bases: Iterable[Base]) -> Elsewhere | None:
        """The first of these bases at which the very same call works; asked a few at a time."""
        waiting = [base for base in bases if base not in self.tried]
        while waiting and self._may_ask():
            count = min(_AT_ONCE, _CALLS - self.talk.budget.calls)
            wave, waiting = waiting[:count], waiting[count:]
            with ThreadPoolExecutor(len(wave)) as pool:
                found = list(pool.map(self._asked_at, wave))
            self.tried.update(zip(wave, found, strict=True))
            proven = next((base for base, tried in zip(wave, found, strict=True) if tried.proven), None)
            if proven:
                return Elsewhere(base=proven, proven=True)
        return None

    def _answering_base(self) -> Elsewhere | None:
        """A base at which the API answers, if only with a refusal in its own words, or lists its models.

        Below the typed path any refusal of another kind than a missing route is the API's.
        """
        if self.outcome.judgement.meaning == "no_route":
            for base in kin(self.talk.base):
                if base in self.tried and _is_asked_for_more(self.tried[base]):
                    return Elsewhere(base=base)
        for base, tried in self.tried.items():
            if self._may_ask() and _refuses_in_words(tried) and self._is_the_api(base, tried):
                return Elsewhere(base=base)
        if self.catalog.there or self.outcome.judgement.meaning not in _NOWHERE:
            return None
        there = (
            base for base in islice(self.tried, _AT_ONCE) if self._may_ask() and self._lists_models(base)
        )
        found = next(there, None)
        return Elsewhere(base=found) if found else None

    def _is_the_api(self, base: Base, tried: Outcome) -> bool:
        """Whether a refusal comes from the API, and not from a wall before a whole site, nor from a gateway
        that passes on whatever comes below a path.

        Many sites answer every path under `/api` with one 401. So a list of models must be there, or a route
        that can't exist be answered otherwise: under the base, or beside it, where a key is asked for from
        `/v1` on.
        """
        if self._lists_models(base):
            return True
        return any(self._told_apart(place, tried) for place in dict.fromkeys((base, base.stem)))

    def _told_apart(self, place: Base, tried: Outcome) -> bool:
        nowhere = replace(tried.request, route=NO_ROUTE, script=None, method="POST")
        refusal = read_refusal(self.talk.ask(nowhere, base=place, until=self.until))
        refused = (tried.refusal.status, tried.judgement.meaning)
        return refusal.status is not None and (refusal.status, meaning_of(refusal).meaning) != refused

    def _lists_models(self, base: Base) -> bool:
        """Whether a list of models is there: as OpenAI shows it, or with the asked id (other sites list
        models of theirs in other shapes).
        """
        answer = self.talk.ask(Request("/models", method="GET"), base=base, until=self.until)
        catalog, body = read_catalog(answer), answer.json
        as_usual = isinstance(body, Mapping) and isinstance(body.get("data"), list)
        return catalog.there and (as_usual or catalog.listed(self.talk.endpoint.model_id) is True)

    def _serves_pages(self) -> bool:
        """Whether this is a web server of files: it takes no POST, and gives a page to GET."""
        refusal = self.outcome.refusal
        if refusal.status not in (405, 501) or not refusal.is_html or not self._may_ask():
            return False
        root = replace(self.talk.base, path="", query="")
        return is_html(self.talk.ask(Request("/", method="GET"), base=root, until=self.until))

    def other_bases(self, besides: tuple[Base, ...] = ()) -> list[Base]:
        """The likeliest of the bases that may have been meant; an app of pages answers with one, or refuses
        any POST."""
        web_app = self.outcome.refusal.is_html or self.outcome.refusal.status == 405
        others = (one for one in candidates(self.talk.base, web_app=web_app) if one not in besides)
        return [*islice(others, _TRIES)]

    def _asked_at(self, base: Base) -> Outcome:
        return prove(
            self.talk, self.proof, base=base, shape=Shape(), until=self.until, calls=2, patient=False
        )

    def _works(self, proof: Proof, model: str | None = None) -> bool:
        until = self.model_until
        if self.talk.budget.calls >= _CALLS or time.monotonic() >= until:
            return False
        outcome = prove(self.talk, proof, model=model, shape=Shape(), until=until, calls=2, patient=False)
        return outcome.proven is not None

    def _in(self, seconds: float) -> float:
        return min(self.talk.deadline, time.monotonic() + seconds)

    def _may_ask(self) -> bool:
        return self.talk.budget.calls < _CALLS and time.monotonic() < self.until


def _is_asked_for_more(outcome: Outcome) -> bool:
    refusal = outcome.refusal
    return refusal.is_json and bool(refusal.text) and refusal.status in (400, 401, 403, 422, 429)


def _refuses_in_words(outcome: Outcome) -> bool:
    return outcome.judgement.meaning in FINAL and outcome.judgement.by_words and outcome.refusal.is_json


def https_of(talk: Conversation, proof: Proof) -> Base | None:
    """The https form of an http base, where the API answers there."""
    base = replace(talk.base, scheme="https")
    until = min(talk.deadline, time.monotonic() + _LOOK_S)
    outcome = prove(talk, proof, base=base, shape=Shape(), until=until, calls=3, patient=False)
    answered = (
        outcome.proven or outcome.answer.status is not None and outcome.judgement.meaning != "tls_wanted"
    )
    return base if answered else None
