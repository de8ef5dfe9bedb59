"""What the neighbours of a refused call are told: a path that can't exist, and the list of models.

The contrast is evidence (docs/probe.md, "Diagnosis"). Where a path that can't exist is refused in
the same words, the words are about the caller or about the place, never about the shape of the request;
where it is told that there is no such route and the typed path something else, the typed path is right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from app.probe.conversation.request import Request
from app.probe.conversation.talk import Conversation
from app.probe.proof import Outcome
from app.probe.reading.catalog import Catalog
from app.probe.reading.meaning import meaning_of
from app.probe.reading.named_fields import names_a_field
from app.probe.reading.refusal import Refusal, read_refusal

NO_ROUTE = "/muster-no-such-route"
_CHANGING = re.compile(r"/\S*|\b(?=\w*\d)[\w-]+\b|[^\w/]+")
"""What differs from call to call in the same refusal: paths, numbers, ids of requests."""
_ABSENT = frozenset({404, 405, 410, 426, 501})
_WANTED = re.compile(
    r"\b(is|are) (required|missing|mandatory)\b|\brequires?\b|\b(required|missing) (field|param)"
)
"""Said of what a request lacks, which is no matter of the model."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """`same`: a path that can't exist is refused in the same words. `gate`: so is the list of models, which
    is asked for without a model or fields, and no missing route is meant. `route_is_there`: the other paths
    are told that there is no such route, this one something else, of the model.
    """

    same: bool = False
    gate: bool = False
    route_is_there: bool = False


def neighbours_of(talk: Conversation, outcome: Outcome, catalog: Catalog, until: float) -> Neighbours:
    """Ask a path that can't exist, and where it could be a gate the list of models; two calls at most."""
    nowhere = read_refusal(
        talk.ask(replace(outcome.request, route=NO_ROUTE, script=None, method="POST"), until=until)
    )
    if nowhere.status is None:
        return Neighbours()
    same = same_words(outcome.refusal, nowhere)
    if _may_be_a_gate(outcome, catalog) and (same or outcome.refusal.text):
        listing = read_refusal(talk.ask(Request("/models", method="GET"), until=until))
        if same_words(outcome.refusal, listing) and not listing.is_html:
            return Neighbours(same=same, gate=True)
    if same:
        return Neighbours(same=True)
    missing = meaning_of(nowhere).meaning == "no_route"
    return Neighbours(route_is_there=missing and _is_of_the_model(talk, outcome))


def _may_be_a_gate(outcome: Outcome, catalog: Catalog) -> bool:
    """Whether a refusal is of the kind that those before all routes give: some look at the key route by
    route, so a path that can't exist need not be refused alike.
    """
    refused = outcome.refusal.status or 0
    speaks = 400 <= refused < 500 and refused not in _ABSENT
    return speaks and not catalog.there and outcome.judgement.meaning != "no_route"


def same_words(one: Refusal, other: Refusal) -> bool:
    """Whether two refusals say the same, but for what differs from call to call."""
    return one.status == other.status and one.is_html == other.is_html and _kept(one) == _kept(other)


def _kept(refusal: Refusal) -> str:
    return _CHANGING.sub(" ", refusal.text.lower()).strip()


def _is_of_the_model(talk: Conversation, outcome: Outcome) -> bool:
    """Whether the words of a 4xx, which no rule knows, speak of the model and of no other field."""
    refusal, judgement = outcome.refusal, outcome.judgement
    if refusal.is_html or refusal.status is None or not 400 <= refusal.status < 500:
        return False
    if judgement.by_words and judgement.meaning != "no_route" or names_a_field(refusal, outcome.request.sent):
        return False
    if _WANTED.search(refusal.all):
        return False
    return "model" in refusal.all or talk.endpoint.model_id.lower() in refusal.all
