"""What a refusal of one request means, and whether waiting for another answer is worth it."""

from __future__ import annotations

from app.probe.conversation.request import Request
from app.probe.negotiation import learn
from app.probe.reading.meaning import Judgement, meaning_of
from app.probe.reading.named_fields import complained, names_a_field
from app.probe.reading.refusal import Refusal
from app.probe.shape import Shape

_WAITS, _FEW_WAITS = 10, 4
"""How often one call is asked again after a wait: where the endpoint says that later helps, and where it only
answers so now (the page of a bot filter, a gateway's bare 502)."""
_SAY_LATER = frozenset({429, 503, 529})


def waits_at_most(refusal: Refusal, judgement: Judgement) -> int:
    """How often the call that was refused so is asked again after a wait."""
    said = judgement.by_words and judgement.meaning != "bot_filter" or refusal.status in _SAY_LATER
    return _WAITS if said or refusal.retry_after_s is not None else _FEW_WAITS


def meant(refusal: Refusal, request: Request) -> Judgement:
    """What a refusal of this request means."""
    judgement = meaning_of(refusal)
    if judgement.meaning in ("no_route", "wrong_model_type") and names_a_field(refusal, request.sent):
        # Who complains of a field has read it: route and type are right.
        return Judgement("shape", "base_url", judgement.by_words)
    return judgement


_PASSING = frozenset({408, 409, 425, 429})
"""Of the 4xx, those that speak of the moment: the others stay as long as the request does."""


def teaches(refusal: Refusal, request: Request) -> bool:
    """Whether a refusal says what is wrong with the request: gateways wrap that in words of an outage
    ("Provider returned error"), and no waiting changes it.
    """
    if refusal.status is None or not 400 <= refusal.status < 500 or refusal.status in _PASSING:
        return False
    return bool(complained(refusal, request.sent)) or learn(Shape(), refusal, request.sent) is not None
