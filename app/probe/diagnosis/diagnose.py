"""From a failed proof to a diagnosis: the most specific code that the evidence supports. What each one says
stands in `messages`. See docs/probe.md, "Diagnosis".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from app.probe.conversation.talk import Conversation
from app.probe.diagnosis.cross_checks import LookAround, https_of
from app.probe.diagnosis.messages import Messages
from app.probe.diagnosis.model_suggestions import is_about_the_id, offered_ids
from app.probe.diagnosis.place import Place, place_of
from app.probe.diagnosis.redirects import after_redirect, redirect_target
from app.probe.diagnosis.sentences import pasted
from app.probe.diagnosis.typed_query import queries_instead
from app.probe.proof import Outcome, Proof
from app.probe.reading.catalog import Catalog
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
        self.tell = Messages(talk, type_name, outcome, catalog)
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
        stated = self.tell.stated_type
        if meaning in _UNSURE and stated and {stated, self.type_name} != {"chat", "completion"}:
            return self.tell.wrong_type(stated)
        offered = offered_ids(refusal, self.outcome.answer, self.model_id) if meaning in _UNSURE else ()
        ids = tuple(filter(self.tell.is_clean, offered))
        if ids and (is_about_the_id(refusal) or self.around.works_with(ids[0])):
            return self._of_another_type() or self.tell.not_found(offered=ids)
        if self.outcome.judgement.advice == "deployments" and self.catalog.listed(self.model_id) is False:
            return self.tell.not_found()  # a router that has none of an id that it does not even list
        if meaning == "permission_denied" and not self.outcome.judgement.by_words:
            return self._of_this_model() or self.tell.advised(meaning, self.outcome.judgement.field)
        if meaning in _DIRECT:
            return self._of_no_reason() or self.tell.advised(meaning, self.outcome.judgement.field)
        if meaning == "model_not_found":
            return self._of_another_type() or self.tell.not_found()
        return self.tell.wrong_type(self.around.other_type()) if meaning == "wrong_model_type" else None

    def _of_another_type(self) -> Diagnosis | None:
        """Routers that sort models by type say of one of another type that it does not exist: it is listed,
        or its id says of which type it is, and as that it works.
        """
        if self.outcome.judgement.advice in ("retired", "start_model"):
            return None
        listed = self.catalog.listed(self.model_id) is True
        other = self.around.other_type() if listed else self.around.type_by_id()
        return self.tell.wrong_type(other) if other else None

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
            return self.tell.wrong_path(found)
        following = f"The query that was typed, {self.talk.base.query}, is what it refuses: change it."
        return self.tell.said("wrong_path", "base_url", following)

    def _said_place(self, place: Place | None) -> Diagnosis | None:
        """What words about the place mean: the base that they name, or the one that is found."""
        if place is None:
            return None
        if place.base is not None and place.base != self.talk.base and self.tell.is_clean(str(place.base)):
            following = f"It says where to ask instead: if you trust that, use {place.base} as the base URL."
            return self.tell.said("wrong_path", "base_url", following, {"base_url": (str(place.base),)})
        if place.of_type:
            return self.tell.wrong_type(self.around.other_type())
        found = self.around.proven_base(self.around.other_bases())
        if found:
            return self.tell.wrong_path(found)
        if not place.sure:
            return None
        other = self.around.other_type()
        if other or self.outcome.judgement.meaning == "wrong_model_type":
            return self.tell.wrong_type(other)
        following = "Its words are about the place: take the base URL for this model from its documentation."
        return self.tell.said("wrong_path", "base_url", following)

    def _of_this_model(self) -> Diagnosis | None:
        """A refusal of the typed model alone, where another one that is listed works."""
        works = self.around.listed_model_works()
        return self.tell.another_works(works) if works else None

    def _after_looking(self) -> Diagnosis:
        meaning, status = self.outcome.judgement.meaning, self.outcome.answer.status or 0
        suspect = self.outcome.suspect
        if suspect == "type":
            other = self.around.other_type()
            return self.tell.wrong_type(other) if other else self.tell.advised("endpoint_error")
        is_empty = self._is_empty()
        failed = meaning == "endpoint_error" and status < 300 and not is_empty
        if suspect is None and (self.outcome.why or failed):
            return self.tell.advised("endpoint_error")
        if meaning == "endpoint_error" and self.around.wants_a_key():
            return self.tell.wants_a_key()
        found = self.around.all_around()
        if found.gate:
            return self.tell.gate()
        if found.model_works:
            return self.tell.another_works(found.model_works)
        if found.model_type:
            return self.tell.wrong_type(found.model_type)
        if found.base and (found.proven or not self._path_is_right()):
            return self.tell.wrong_path(found)
        if meaning == "bot_filter":
            return self.tell.advised("not_openai_compatible", None, "filter")
        if self._path_is_right() or found.route_is_there:
            return self.tell.not_found()
        if found.serves_pages or suspect == "base" or is_empty and found.same:
            return self.tell.advised("not_openai_compatible")
        if meaning == "no_route":
            return self._shut_socket() or self.tell.no_route()
        code = "not_openai_compatible" if meaning == "not_openai_compatible" else "endpoint_error"
        return self.tell.advised(code)

    def _is_empty(self) -> bool:
        """A good status with nothing after it: mostly of a server that has nothing here."""
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
        return replace(self.tell, outcome=first).advised("permission_denied")

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

    def _wants_tls(self) -> Diagnosis | None:
        """Only https is served; None where no more than a status (426) says so and nothing answers there."""
        found = https_of(self.talk, self.proof)
        if found is None and not self.outcome.judgement.by_words:
            return None
        base = str(found or replace(self.talk.base, scheme="https"))
        following = f"Only https answers there: use {base} as the base URL."
        return self.tell.said("redirected", "base_url", following, {"base_url": (base,)})

    def _redirected(self) -> Diagnosis:
        target, base = redirect_target(self.talk, self.outcome)
        where = printable(target.split("?")[0], self.talk.endpoint.api_key)
        status = f"answered {self.outcome.answer.status}, a redirect{f' to {where}' if where else ''}"
        following = after_redirect(self.talk, self.outcome, where, base)
        suggestions = {"base_url": (str(base),)} if base else {}
        return self.tell.said("redirected", "base_url", following, suggestions, came=status)

    def _unanswered(self, failure: Failure) -> Diagnosis:
        code = FAILURES.get(failure.kind, "endpoint_unreachable")
        if self.talk.base.scheme == "http" and failure.kind in ("protocol", "reset"):
            base = https_of(self.talk, self.proof)
            if base:
                came = "was not answered over http, but https answers there"
                following = f"Use {base} as the base URL."
                return self.tell.said("wrong_path", "base_url", following, {"base_url": (str(base),)}, came)
        found = self.tell.advised(code)
        operation = pasted(self.talk)
        if not operation or code in ("egress_denied", "invalid_request"):
            return found
        return replace(
            found, message=f"{found.message[:-1]}; and leave {operation} off the end of the base URL."
        )

    def _broken_off(self, failure: Failure) -> Diagnosis:
        return self.tell.advised("timeout" if failure.kind in ("timeout", "cancelled") else "endpoint_error")
