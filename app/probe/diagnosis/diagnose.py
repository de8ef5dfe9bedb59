"""From a failed proof to a diagnosis: the most specific code that the evidence supports, and a message to act
on.

A message has at most three sentences: what was asked of whom and what came back (`telling`), then what to do
next (`advice`, or in here where the probe found out more). See docs/probe.md, "Diagnosis".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from app.probe.base_url import candidates
from app.probe.conversation import Conversation
from app.probe.diagnosis.advice import ADVICE, advice
from app.probe.diagnosis.codes import CODES
from app.probe.diagnosis.cross_checks import Elsewhere, LookAround, https_of
from app.probe.diagnosis.model_suggestions import either, is_about_the_id, offered_ids, which_model
from app.probe.diagnosis.place import Place, place_of
from app.probe.diagnosis.redirects import after_redirect, redirect_target
from app.probe.diagnosis.sentences import asked, came_back, evidence, facts, pasted
from app.probe.diagnosis.typed_query import queries_instead
from app.probe.diagnosis.wanted import wanted_of
from app.probe.proof import Outcome, Proof
from app.probe.reading.catalog import Catalog
from app.probe.reading.catalog_facts import metadata_of
from app.probe.reading.named_fields import names_a_field
from app.probe.reading.refusal import printable
from app.probe.reading.wordings import Meaning
from app.probe.transport.failure import Failure
from app.probe.values import Diagnosis

FAILURES: Mapping[str, str] = {
    "egress_denied": "egress_denied",
    "no_host": "endpoint_unreachable",
    "refused": "endpoint_unreachable",
    "unreachable": "endpoint_unreachable",
    "reset": "endpoint_unreachable",
    "tls": "tls_error",
    "timeout": "timeout",
    "too_large": "endpoint_error",
    "undecodable": "endpoint_error",
    "protocol": "not_openai_compatible",
    "bad_header": "invalid_request",
    "cancelled": "timeout",
}
"""The code of each kind of failure below HTTP; where a status had come already, see `_broken_off`."""

_DIRECT: frozenset[Meaning] = frozenset(
    {"invalid_credentials", "permission_denied", "quota_exhausted", "rate_limited", "model_unavailable"}
)
_UNSURE: frozenset[Meaning] = frozenset({"model_not_found", "shape", "endpoint_error", "no_route"})
"""Meanings that the type which the catalog states outweighs."""


def diagnose(
    talk: Conversation, type_name: str, proof: Proof, outcome: Outcome, catalog: Catalog
) -> Diagnosis:
    """The diagnosis of a proof that failed; makes cross-checks where the answer itself says too little."""
    return _Verdict(talk, type_name, proof, outcome, catalog).diagnosis()


class _Verdict:
    """One failed proof. The methods give the diagnosis of one family of failures each."""

    def __init__(
        self, talk: Conversation, type_name: str, proof: Proof, outcome: Outcome, catalog: Catalog
    ) -> None:
        self.talk, self.type_name, self.proof = talk, type_name, proof
        self.outcome, self.catalog = outcome, catalog
        self.model_id = talk.endpoint.model_id
        self.around = LookAround(talk, type_name, proof, outcome, catalog)

    def diagnosis(self) -> Diagnosis:
        """The one that fits, the plainest evidence first."""
        failure, status = self.outcome.answer.failure, self.outcome.answer.status
        meaning = self.outcome.judgement.meaning
        if failure is not None:
            return self._unanswered(failure) if status is None else self._broken_off(failure)
        if status is not None and 300 <= status < 400:
            return self._redirected()
        if meaning == "tls_wanted":
            return self._wants_tls() or self._after_looking()
        return self._by_words() or self._after_looking()

    def _by_words(self) -> Diagnosis | None:
        """What the words say, the place before anything else; None where they say too little."""
        refusal, meaning = self.outcome.refusal, self.outcome.judgement.meaning
        if not names_a_field(refusal, self.outcome.request.sent):
            found = self._other_query() or self._said_place(place_of(refusal, self.talk.base))
            if found:
                return found
        stated = self._stated_type()
        if meaning in _UNSURE and stated and {stated, self.type_name} != {"chat", "completion"}:
            return self._wrong_type(stated)
        offered = offered_ids(refusal, self.outcome.answer, self.model_id) if meaning in _UNSURE else ()
        ids = tuple(filter(self._is_clean, offered))
        if ids and (is_about_the_id(refusal) or self.around.works_with(ids[0])):
            return self._of_another_type() or self._not_found(offered=ids)
        if self.outcome.judgement.advice == "deployments" and self.catalog.listed(self.model_id) is False:
            return self._not_found()  # a router that has none of an id that it does not even list
        if meaning == "permission_denied" and not self.outcome.judgement.by_words:
            return self._of_this_model() or self._advised(meaning, self.outcome.judgement.field)
        if meaning in _DIRECT:
            return self._of_no_reason() or self._advised(meaning, self.outcome.judgement.field)
        if meaning == "model_not_found":
            return self._of_another_type() or self._not_found()
        return self._wrong_type(self.around.other_type()) if meaning == "wrong_model_type" else None

    def _of_another_type(self) -> Diagnosis | None:
        """Routers that sort models by type say of one of another type that it does not exist: it is listed,
        or its id says of which type it is, and as that it works.
        """
        if self.outcome.judgement.advice in ("retired", "start_model"):
            return None
        listed = self.catalog.listed(self.model_id) is True
        other = self.around.other_type() if listed else self.around.type_by_id()
        return self._wrong_type(other) if other else None

    def _of_no_reason(self) -> Diagnosis | None:
        """The typed model may not be used, and no reason is told: as another type it may."""
        judgement = self.outcome.judgement
        of_model = judgement.meaning == "permission_denied" and judgement.field == "model_id"
        return self._of_another_type() if of_model and judgement.advice is None else None

    def _other_query(self) -> Diagnosis | None:
        """The typed query, where the words speak of it."""
        bases = list(queries_instead(self.talk.base, self.outcome.refusal))
        if not bases:
            return None
        found = self.around.proven_base(bases)
        if found:
            return self._wrong_path(found)
        following = f"The query that was typed, {self.talk.base.query}, is what it refuses: change it."
        return self._say("wrong_path", "base_url", following)

    def _said_place(self, place: Place | None) -> Diagnosis | None:
        """What words about the place mean: the base that they name, or the one that is found."""
        if place is None:
            return None
        if place.base is not None and place.base != self.talk.base and self._is_clean(str(place.base)):
            following = f"It says where to ask instead: if you trust that, use {place.base} as the base URL."
            return self._say("wrong_path", "base_url", following, {"base_url": (str(place.base),)})
        if place.of_type:
            return self._wrong_type(self.around.other_type())
        found = self.around.proven_base(candidates(self.talk.base))
        if found:
            return self._wrong_path(found)
        if not place.sure:
            return None
        other = self.around.other_type()
        if other or self.outcome.judgement.meaning == "wrong_model_type":
            return self._wrong_type(other)
        following = "Its words are about the place: take the base URL for this model from its documentation."
        return self._say("wrong_path", "base_url", following)

    def _of_this_model(self) -> Diagnosis | None:
        """A refusal of the typed model alone, where another one that is listed works."""
        if not self.catalog.there or self.outcome.refusal.is_html:
            return None
        works = self.around.listed_model_works()
        if works is None:
            return None
        return self._only_this_one(works) if self.catalog.listed(self.model_id) else self._not_found(works)

    def _only_this_one(self, works: str) -> Diagnosis:
        denied = self.outcome.judgement.meaning == "permission_denied"
        code = "permission_denied" if denied else "model_unavailable"
        following = (
            f"With {works}, which it lists too, the same call works: see there what this model needs, "
            "or choose another."
        )
        return self._say(code, "model_id", following)

    def _after_looking(self) -> Diagnosis:
        meaning, status = self.outcome.judgement.meaning, self.outcome.answer.status or 0
        suspect = self.outcome.suspect
        if suspect == "type":
            other = self.around.other_type()
            return self._wrong_type(other) if other else self._advised("endpoint_error")
        is_empty = self._is_empty()
        failed = meaning == "endpoint_error" and status < 300 and not is_empty
        if suspect is None and (self.outcome.why or failed):
            return self._advised("endpoint_error")
        found = self.around.all_around()
        if found.gate:
            return self._gate()
        if found.model_works:
            if found.at_fault:
                return self._only_this_one(found.model_works)
            return self._not_found(found.model_works)
        if found.model_type:
            return self._wrong_type(found.model_type)
        if found.base and (found.proven or not self._path_is_right()):
            return self._wrong_path(found)
        if meaning == "bot_filter":
            return self._advised("not_openai_compatible", None, "filter")
        if self._path_is_right() or found.route_is_there:
            return self._not_found()
        if found.serves_pages or suspect == "base" or is_empty and found.same:
            return self._advised("not_openai_compatible")
        if meaning == "no_route":
            return self._shut_socket() or self._no_route()
        code = "not_openai_compatible" if meaning == "not_openai_compatible" else "endpoint_error"
        return self._advised(code)

    def _is_empty(self) -> bool:
        """A good status with nothing after it: of a server that has nothing here, as like as not."""
        answer = self.outcome.answer
        told = self.outcome.why or answer.text.strip() or self.outcome.request.script
        return (answer.status or 0) < 300 and not told

    def _shut_socket(self) -> Diagnosis | None:
        """A WebSocket that was refused with 403 and no word, for a listed id that works as nothing else: then
        it is a matter of permission. Servers without sockets refuse all of them so.
        """
        first = self.outcome.first
        if first is None or first.answer.status != 403 or not self.catalog.listed(self.model_id):
            return None
        self.outcome = first
        return self._advised("permission_denied")

    def _gate(self) -> Diagnosis:
        """Every route is refused in the same words: they are about the caller."""
        following = self._wanted() or (
            "It refuses every path alike, so it is about the caller and not about this call: see which "
            "address, tenant or header its operator lets in."
        )
        return self._say("permission_denied", "api_key", following)

    def _is_clean(self, text: str) -> bool:
        """Whether a piece of the endpoint's words can be repeated whole: the key is not in it."""
        return printable(text, self.talk.endpoint.api_key) == text

    def _wanted(self) -> str:
        wanted = wanted_of(self.outcome, self.talk.endpoint.settings)
        return wanted if self._is_clean(wanted) else ""

    def _say(
        self,
        code: str,
        field: str | None,
        following: str,
        suggestions: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Diagnosis:
        sentence = f"{asked(self.talk, self.outcome)} {came_back(self.talk, self.outcome)}."
        return Diagnosis(code, field, f"{sentence} {following}", suggestions or {})

    def _advice(self, code: str, *marks: str) -> str:
        found = evidence(self.talk, self.outcome, *marks)
        broken = self.outcome.why or self.outcome.answer.failure
        named = None if broken else self.outcome.judgement.advice
        return advice(code, named, found, facts(self.talk, self.outcome, self.type_name))

    def _advised(self, code: str, field: str | None = None, *marks: str) -> Diagnosis:
        """A code whose next step the table of advice knows."""
        field = field or CODES[code].field
        wanted = self._wanted() if code in ("invalid_credentials", "permission_denied") else ""
        if wanted:
            return self._say(code, field, wanted)
        rows = f"{code}/{field}" if f"{code}/{field}" in ADVICE else code
        return self._say(code, field, self._also_unlisted(code, self._advice(rows, *marks)))

    def _also_unlisted(self, code: str, following: str) -> str:
        """The same with what a list of models that lacks the id adds to a model that does not answer."""
        if code != "model_unavailable" or self.catalog.listed(self.model_id) is not False:
            return following
        return f"{following.removesuffix('.')}; the endpoint's list of models does not hold this id."

    def _stated_type(self) -> str | None:
        """The type that the catalog states, where it is another than the one asked for."""
        stated = metadata_of(self.catalog.find(self.model_id)).get("type")
        return stated if isinstance(stated, str) and stated != self.type_name else None

    def _path_is_right(self) -> bool:
        """A 404 or 410 that speaks of the model, at a base that lists models.

        Routers say no more than that nothing is there, or repeat the path.
        """
        refusal, judgement = self.outcome.refusal, self.outcome.judgement
        if not self.catalog.there or refusal.status not in (404, 410) or judgement.by_words:
            return False
        route = self.outcome.request.route.partition("?")[0]
        about_it = self.model_id.lower() in refusal.all or "model" in refusal.all
        return refusal.is_json and about_it and route not in refusal.text

    def _not_found(self, works: str | None = None, offered: tuple[str, ...] = ()) -> Diagnosis:
        if offered:
            following = f"It says which it takes: use {either(offered[:3])} as the model id."
            return self._say("model_not_found", "model_id", following, {"model_id": offered})
        if self.catalog.listed(self.model_id) and self.outcome.judgement.advice == "start_model":
            return self._advised("model_unavailable")
        close = self.catalog.closest(self.model_id)
        following = which_model(self.outcome.judgement.advice, self.model_id, self.catalog, works)
        return self._say("model_not_found", "model_id", following, {"model_id": close} if close else {})

    def _wrong_type(self, other: str | None) -> Diagnosis:
        if other is None:
            marks = ("no_route",) if self.outcome.judgement.meaning == "no_route" else ()
            return self._say("wrong_model_type", "model_type", self._advice("wrong_model_type", *marks))
        known = (
            f"The endpoint's list of models calls it {other}"
            if other == self._stated_type()
            else f"Asked as {other}, the model works"
        )
        following = f"{known}: choose the type {other}{self._or_else()}."
        return self._say("wrong_model_type", "model_type", following, {"model_type": (other,)})

    def _or_else(self) -> str:
        """What to do in place of another type, where that can be told."""
        if self.outcome.judgement.advice == "start_flags":
            return ", or start the server as its words say"
        if self.outcome.judgement.meaning == "no_route":
            return f", or an endpoint that serves {facts(self.talk, self.outcome, '')['route']}"
        return ", or another model"

    def _no_route(self) -> Diagnosis:
        listed = self.catalog.there and self.catalog.listed(self.model_id)
        if listed and self.type_name != "chat":
            return self._wrong_type(None)
        route = facts(self.talk, self.outcome, self.type_name)["route"]
        return self._say(
            "wrong_path",
            "base_url",
            "A server is there, but its API is neither at this path nor at the usual ones, which were tried "
            f"too. Take the base URL from its documentation: it ends where {route} begins.",
        )

    def _wrong_path(self, found: Elsewhere) -> Diagnosis:
        base = str(found.base)
        following = (
            f"At {base} the same call works: use that as the base URL."
            if found.proven
            else f"At {base} the API answers, though it refuses this call for another reason: use that as "
            "the base URL and probe again."
        )
        return self._say("wrong_path", "base_url", following, {"base_url": (base,)})

    def _wants_tls(self) -> Diagnosis | None:
        """Only https is served; None where no more than a status (426) says so and nothing answers there."""
        found = https_of(self.talk, self.proof)
        if found is None and not self.outcome.judgement.by_words:
            return None
        base = str(found or replace(self.talk.base, scheme="https"))
        following = f"Only https answers there: use {base} as the base URL."
        return self._say("redirected", "base_url", following, {"base_url": (base,)})

    def _redirected(self) -> Diagnosis:
        target, base = redirect_target(self.talk, self.outcome)
        where = printable(target.split("?")[0], self.talk.endpoint.api_key)
        status = f"answered {self.outcome.answer.status}, a redirect{f' to {where}' if where else ''}"
        following = after_redirect(self.talk, self.outcome, where, base)
        message = f"{asked(self.talk, self.outcome)} {status}. {following}"
        return Diagnosis("redirected", "base_url", message, {"base_url": (str(base),)} if base else {})

    def _unanswered(self, failure: Failure) -> Diagnosis:
        code = FAILURES.get(failure.kind, "endpoint_unreachable")
        if self.talk.base.scheme == "http" and failure.kind in ("protocol", "reset"):
            base = https_of(self.talk, self.proof)
            if base:
                came = "was not answered over http, but https answers there"
                message = f"{asked(self.talk, self.outcome)} {came}. Use {base} as the base URL."
                return Diagnosis("wrong_path", "base_url", message, {"base_url": (str(base),)})
        found = self._advised(code)
        operation = pasted(self.talk)
        if not operation or code in ("egress_denied", "invalid_request"):
            return found
        return replace(
            found, message=f"{found.message[:-1]}; and leave {operation} off the end of the base URL."
        )

    def _broken_off(self, failure: Failure) -> Diagnosis:
        return self._advised("timeout" if failure.kind in ("timeout", "cancelled") else "endpoint_error")
