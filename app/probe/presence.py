"""The cheapest look at an endpoint: one call for its list of models, with the key. It uses no tokens."""

from __future__ import annotations

from dataclasses import dataclass

from app.probe.base_url import Base
from app.probe.diagnosis.diagnose import FAILURES
from app.probe.reading.catalog import Catalog, read_catalog
from app.probe.reading.meaning import meaning_of
from app.probe.reading.redaction import cleaned
from app.probe.reading.refusal import quote, read_refusal
from app.probe.transport.answer import Answer
from app.probe.transport.call import Call
from app.probe.transport.client import Client
from app.probe.transport.egress.rules import EgressRules
from app.probe.values import Limits, Target, Validity

_WITHIN_S = 10.0
_OF_THE_KEY = frozenset({"invalid_credentials", "quota_exhausted", "rate_limited"})


@dataclass(frozen=True, slots=True)
class Presence:
    """What one call for the list of models showed. `code` is that of a diagnosis, None where all is well.

    An endpoint without a list that answers is reached all the same: many have none.
    """

    code: str | None
    message: str
    duration_ms: int
    catalog: Catalog
    certificate: Validity | None = None
    """The server's own."""


def look_at_catalog(target: Target, limits: Limits, rules: EgressRules) -> Presence:
    """Ask `GET {base}/models` once. Never raises for what the endpoint does."""
    url = Base.of(target.base_url).url("models")
    with Client(rules, limits, settings=target.settings) as client:
        answer = cleaned(client.send(Call("GET", url, key=target.api_key, timeout_s=_WITHIN_S)))
        certificate = client.certificate
    code, message = _wrong(answer, target.api_key)
    return Presence(code, message, answer.duration_ms, read_catalog(answer), certificate)


def _wrong(answer: Answer, key: str) -> tuple[str | None, str]:
    if answer.failure is not None:
        code = FAILURES.get(answer.failure.kind, "endpoint_unreachable")
        return code, f"GET /models got no answer: {answer.failure.detail}."
    if answer.ok:
        return None, "The catalog was read."
    refusal = read_refusal(answer)
    meaning = meaning_of(refusal).meaning
    if meaning in _OF_THE_KEY:
        return meaning, f"GET /models answered {answer.status}: {quote(refusal, key)}"
    return None, f"The endpoint answers; it has no list of models ({answer.status})."
