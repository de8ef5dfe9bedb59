"""From a failed proof to a diagnosis: the most specific code that the evidence supports, and a message to act
on.

A message has at most three sentences: what was asked of whom and what came back (`telling`), then what to do
next (`advice`, or in here where the probe found out more). See docs/probe.md, "Diagnosis".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from app.probe.base_url import Base
from app.probe.conversation import Conversation
from app.probe.diagnosis.advice import ADVICE, advice
from app.probe.diagnosis.codes import CODES
from app.probe.diagnosis.cross_checks import Elsewhere, https_of, look_around, other_type
from app.probe.diagnosis.model_suggestions import which_model
from app.probe.diagnosis.sentences import asked, came_back, evidence, facts, pasted
from app.probe.proof import Outcome, Proof
from app.probe.reading.catalog import Catalog
from app.probe.reading.catalog_facts import metadata_of
from app.probe.reading.refusal import printable
from app.probe.reading.wordings import Meaning
from app.probe.transport.failure import Failure
from app.probe.values import Diagnosis

_FAILURES: Mapping[str, str] = {
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
_SIGN_IN = ("login", "signin", "sign-in", "sso", "/auth", "access/", "oauth")


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

    def diagnosis(self) -> Diagnosis:
        """The one that fits, the plainest evidence first."""
        failure, status = self.outcome.answer.failure, self.outcome.answer.status
        meaning = self.outcome.judgement.meaning
        if failure is not None:
            return self._unanswered(failure) if status is None else self._broken_off(failure)
        if status is not None and 300 <= status < 400:
            return self._redirected()
        if meaning == "tls_wanted":
            return self._wants_tls()
        stated = self._stated_type()
        if meaning in _UNSURE and stated and {stated, self.type_name} != {"chat", "completion"}:
            return self._wrong_type(stated)
        if self.outcome.judgement.advice == "deployments" and self.catalog.listed(self.model_id) is False:
            return self._not_found()
        if meaning in _DIRECT:
            return self._advised(meaning, self.outcome.judgement.field)
        if meaning == "model_not_found":
            return self._not_found()
        if meaning == "wrong_model_type":
            return self._wrong_type(other_type(self.talk, self.type_name, self.catalog))
        return self._after_looking()

    def _after_looking(self) -> Diagnosis:
        meaning, status = self.outcome.judgement.meaning, self.outcome.answer.status or 0
        if self.outcome.why or meaning == "endpoint_error" and status < 300:
            return self._advised("endpoint_error")
        found = look_around(self.talk, self.type_name, self.proof, self.outcome, self.catalog)
        if found.model_works:
            return self._not_found(found.model_works)
        if found.model_type:
            return self._wrong_type(found.model_type)
        if found.base and (found.proven or not self._path_is_right()):
            return self._wrong_path(found)
        if meaning == "bot_filter":
            return self._advised("not_openai_compatible", None, "filter")
        if self._path_is_right():
            return self._not_found()
        if meaning == "no_route":
            return self._no_route()
        code = "not_openai_compatible" if meaning == "not_openai_compatible" else "endpoint_error"
        return self._advised(code)

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

    def _not_found(self, works: str | None = None) -> Diagnosis:
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
        """What else would do than another type, where that can be told."""
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

    def _wants_tls(self) -> Diagnosis:
        base = str(https_of(self.talk, self.proof) or replace(self.talk.base, scheme="https"))
        following = f"Only https answers there: use {base} as the base URL."
        return self._say("redirected", "base_url", following, {"base_url": (base,)})

    def _redirected(self) -> Diagnosis:
        target, base = self._target()
        where = printable(target.split("?")[0], self.talk.endpoint.api_key)
        status = f"answered {self.outcome.answer.status}, a redirect{f' to {where}' if where else ''}"
        message = f"{asked(self.talk, self.outcome)} {status}. {self._after_redirect(where, base)}"
        return Diagnosis("redirected", "base_url", message, {"base_url": (str(base),)} if base else {})

    def _after_redirect(self, where: str, base: Base | None) -> str:
        """What to do about a redirect to `where` (shown without its query), which means `base` if any."""
        if not where:
            return "It does not say to where: take the address of the API from its documentation."
        if base and base.netloc.lower() == self.talk.base.netloc.lower():
            return f"Use {base} as the base URL: a key is never sent along a redirect."
        if base:
            return f"If you trust it, use {base} as the base URL: a key is never sent along a redirect."
        if where == f"{self.outcome.answer.call.url.partition('?')[0]}/":
            return (
                "It wants a slash at the end of this route, which clients of the OpenAI API do not send: "
                "have the server take the route as it is."
            )
        if any(word in where.lower() for word in _SIGN_IN):
            return (
                "That looks like a sign-in before the API: use an address of the API without one, or "
                "have Muster's calls let past it."
            )
        return "A key is never sent along a redirect: take the address of the API from its documentation."

    def _target(self) -> tuple[str, Base | None]:
        """Where a redirect leads, and the base that it means: the target without the route that was asked
        for. No base for a login page, or for the one typed.
        """
        location = self.outcome.answer.headers.get("location", "")
        target = urljoin(self.outcome.answer.call.url, location) if location else ""
        parts, route = urlsplit(target), self.outcome.request.route.partition("?")[0]
        path = parts.path.rstrip("/")
        if parts.scheme not in ("http", "https") or not parts.netloc or not path.endswith(route):
            return target, None
        base = Base(parts.scheme, parts.netloc, path[: -len(route)].rstrip("/"), self.talk.base.query)
        return target, base if base != self.talk.base else None

    def _unanswered(self, failure: Failure) -> Diagnosis:
        code = _FAILURES.get(failure.kind, "endpoint_unreachable")
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
