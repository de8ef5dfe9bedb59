"""The diagnoses that a failed proof can come to, each with a message to act on.

A message has at most three sentences: what was asked of whom and what came back (`sentences`), then what to
do next (`advice`, or in here where the probe found out more). See docs/probe.md, "Diagnosis".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.probe.conversation.talk import Conversation
from app.probe.diagnosis.advice import ADVICE, advice
from app.probe.diagnosis.codes import CODES
from app.probe.diagnosis.cross_checks import Elsewhere
from app.probe.diagnosis.model_suggestions import either, which_model
from app.probe.diagnosis.sentences import asked, came_back, evidence, facts
from app.probe.diagnosis.types_pointed_at import stated_type
from app.probe.diagnosis.wanted import wanted_of
from app.probe.proof import Outcome
from app.probe.reading.catalog import Catalog
from app.probe.reading.refusal import printable
from app.probe.values import Diagnosis


@dataclass(frozen=True, slots=True)
class Messages:
    """What can be said of one failed proof; each method gives one diagnosis."""

    talk: Conversation
    type_name: str
    outcome: Outcome
    catalog: Catalog

    @property
    def model_id(self) -> str:
        """The id that was typed."""
        return self.talk.endpoint.model_id

    @property
    def stated_type(self) -> str | None:
        """The type that the catalog states, where it is another than the one asked for."""
        return stated_type(self.catalog.find(self.model_id), self.type_name)

    def is_clean(self, text: str) -> bool:
        """Whether a piece of the endpoint's words can be repeated whole: the key is not in it."""
        return printable(text, self.talk.endpoint.api_key) == text

    def said(
        self,
        code: str,
        field: str | None,
        following: str,
        suggestions: Mapping[str, tuple[str, ...]] | None = None,
        came: str = "",
    ) -> Diagnosis:
        """A code with this as the next step; `came` in place of what came back, where more is known."""
        sentence = f"{asked(self.talk, self.outcome)} {came or came_back(self.talk, self.outcome)}."
        return Diagnosis(code, field, f"{sentence} {following}", suggestions or {})

    def advised(self, code: str, field: str | None = None, *marks: str) -> Diagnosis:
        """A code whose next step the table of advice knows."""
        field = field or CODES[code].field
        wanted = self._wanted() if code in ("invalid_credentials", "permission_denied") else ""
        if wanted:
            return self.said(code, field, wanted)
        rows = f"{code}/{field}" if f"{code}/{field}" in ADVICE else code
        return self.said(code, field, self._also_unlisted(code, self._advice(rows, *marks)))

    def gate(self) -> Diagnosis:
        """The list of models is refused in the same words: they are about the caller."""
        following = self._wanted() or (
            "It refuses its list of models alike, so it is about the caller and not about this call: see "
            "which key, address, tenant or header its operator lets in."
        )
        return self.said("permission_denied", "api_key", following)

    def wants_a_key(self) -> Diagnosis:
        """No key was given, and the server fails where it refuses a made-up one."""
        following = "It fails so without a key and refuses a made-up one: give the key that it issued."
        return self.said("invalid_credentials", "api_key", following)

    def another_works(self, works: str) -> Diagnosis:
        """Another listed model works: an unlisted id is unknown, a listed one is refused for itself."""
        if not self.catalog.listed(self.model_id):
            return self.not_found(works)
        denied = self.outcome.judgement.meaning == "permission_denied"
        code = "permission_denied" if denied else "model_unavailable"
        following = (
            f"With {works}, which it lists too, the same call works: see there what this model needs, "
            "or choose another."
        )
        return self.said(code, "model_id", following)

    def not_found(self, works: str | None = None, offered: tuple[str, ...] = ()) -> Diagnosis:
        """There is no such model; `works` is one that does, `offered` is what the words say is taken."""
        if offered:
            following = f"It says which it takes: use {either(offered[:3])} as the model id."
            return self.said("model_not_found", "model_id", following, {"model_id": offered})
        if self.catalog.listed(self.model_id) and self.outcome.judgement.advice == "start_model":
            return self.advised("model_unavailable")
        close = self.catalog.closest(self.model_id)
        following = which_model(self.outcome.judgement.advice, self.model_id, self.catalog, works)
        return self.said("model_not_found", "model_id", following, {"model_id": close} if close else {})

    def wrong_type(self, other: str | None) -> Diagnosis:
        """The model is of another type; None where it is not known of which."""
        if other is None:
            marks = ("no_route",) if self.outcome.judgement.meaning == "no_route" else ()
            return self.said("wrong_model_type", "model_type", self._advice("wrong_model_type", *marks))
        known = (
            f"The endpoint's list of models calls it {other}"
            if other == self.stated_type
            else f"Asked as {other}, the model works"
        )
        following = f"{known}: choose the type {other}{self._or_else()}."
        return self.said("wrong_model_type", "model_type", following, {"model_type": (other,)})

    def wrong_path(self, found: Elsewhere) -> Diagnosis:
        """The API is at another base."""
        base = str(found.base)
        following = (
            f"At {base} the same call works: use that as the base URL."
            if found.proven
            else f"At {base} the API answers, though it refuses this call for another reason: use that as "
            "the base URL and probe again."
        )
        return self.said("wrong_path", "base_url", following, {"base_url": (base,)})

    def no_route(self) -> Diagnosis:
        """The route is missing, and no other base was found; a listed model may be of another type."""
        if self.type_name != "chat" and self.catalog.there and self.catalog.listed(self.model_id):
            return self.wrong_type(None)
        route = facts(self.talk, self.outcome, self.type_name)["route"]
        return self.said(
            "wrong_path",
            "base_url",
            "A server is there, but its API is neither at this path nor at the usual ones, which were tried "
            f"too. Take the base URL from its documentation: it ends where {route} begins.",
        )

    def _wanted(self) -> str:
        wanted = wanted_of(self.outcome, self.talk.endpoint.settings)
        return wanted if self.is_clean(wanted) else ""

    def _advice(self, code: str, *marks: str) -> str:
        found = evidence(self.talk, self.outcome, *marks)
        broken = self.outcome.why or self.outcome.answer.failure
        named = None if broken else self.outcome.judgement.advice
        return advice(code, named, found, facts(self.talk, self.outcome, self.type_name))

    def _also_unlisted(self, code: str, following: str) -> str:
        """The same with what a list of models that lacks the id adds to a model that does not answer."""
        if code != "model_unavailable" or self.catalog.listed(self.model_id) is not False:
            return following
        return f"{following.removesuffix('.')}; the endpoint's list of models does not hold this id."

    def _or_else(self) -> str:
        """What to do in place of another type, where that can be told."""
        if self.outcome.judgement.advice == "start_flags":
            return ", or start the server as its words say"
        if self.outcome.judgement.meaning == "no_route":
            return f", or an endpoint that serves {facts(self.talk, self.outcome, '')['route']}"
        return ", or another model"
