"""What an answer means, by its words and else by its status.

Words beat statuses. Many endpoints say 400 for a bad key, 401 for an unknown model, 500 for a full memory, so
the words are read first (by the table in `wordings`), and only what no words explain falls to the status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from app.probe.reading.refusal import Refusal
from app.probe.reading.wordings import RULES, Advice, Meaning, Rule, any_of


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an answer that proves nothing means, of which field it speaks, and what its words advise."""

    meaning: Meaning
    field: str | None
    by_words: bool
    advice: Advice | None = None
    lasts: bool = False
    """A wait changes nothing of it."""


@lru_cache(maxsize=64)  # the same words are judged by who waits and by who reports
def meaning_of(refusal: Refusal) -> Judgement:
    """What the words mean; the status decides only where they say nothing.

    Takes the words of an answer that was no proof; never raises. `by_words` is False where only the status
    spoke.
    """
    inside = _failed_inside(refusal)
    for rule in RULES:
        if (rule.on_pages or not refusal.is_html) and rule.fits(refusal):
            if not (inside and rule.meaning in _OF_THE_CALLER):
                return _refine(rule, refusal)
    return _judge_page(refusal) if refusal.is_html else _by_status(refusal)


_OF_THE_CALLER: frozenset[Meaning] = frozenset(
    {"invalid_credentials", "permission_denied", "quota_exhausted", "filtered"}
)
"""Meanings that a 5xx has only where it speaks of the caller: else it is somebody else's key or disk."""

_WRAPPED = any_of(
    r"internal ?server ?error|api_?connection_?error|\b(status|error)( code)?\W{1,3}5\d\d\b",
    r"^5\d\d\b",
)
"""A failure of a server inside an answer that is called something else."""

_CALLERS = any_of(
    r"api[ _-]?key|access[ _-]?key|subscription key|invalid_(key|token)|bearer|authentication[ _]error",
    r"\byour (\w{1,20} ){0,3}(key|token|account|plan|balance|credits?|quota|organi[sz]ation|project|prompt)",
    r"insufficient_(user_)?quota|insufficient.{0,12}(balance|credits?|funds)|billing|payment.?required",
    r"content.?(filter|policy|management)|data_?inspection",
    r"(prompt|input|request) (was |is )?(flagged|blocked)",
    r"用户|余额|额度|令牌|密钥|欠费|敏感",
)
"""Words of an API about the caller's own key, plan or prompt (docs/probe.md, "Whose failure is it?")."""


def _failed_inside(refusal: Refusal) -> bool:
    """Whether a server failed at something of its own, and no word of it is about the caller."""
    failed = (refusal.status or 0) >= 500 or bool(_WRAPPED.search(refusal.all))
    return failed and not _CALLERS.search(refusal.all)


_SOON_S = 120


def _refine(rule: Rule, refusal: Refusal) -> Judgement:
    """A meaning that the status or a stated wait changes."""
    meaning, field = rule.meaning, rule.field
    if meaning == "quota_exhausted" and not rule.lasts and _ends_soon(refusal):
        # Gemini words a limit by the minute as a quota and says when it ends; a daily one names no near end.
        meaning = "rate_limited"
    if meaning == "invalid_credentials" and refusal.status in (502, 503, 504):
        meaning, field = "model_unavailable", "model_id"
    advice = rule.advice if meaning == rule.meaning else None
    return Judgement(meaning, field, True, advice, rule.lasts)


def _ends_soon(refusal: Refusal) -> bool:
    told = refusal.retry_after_s
    return refusal.status == 429 and told is not None and told <= _SOON_S


def _judge_page(refusal: Refusal) -> Judgement:
    """A web page without telling words: its status is all there is."""
    if refusal.status in (403, 429):
        return Judgement("bot_filter", "base_url", False)
    if refusal.status == 401:
        return Judgement("invalid_credentials", "api_key", False)
    if refusal.status in (502, 503, 504, *_EDGE):
        return Judgement("model_unavailable", "model_id", False)
    if refusal.status == _CAPTIVE:
        return Judgement("not_openai_compatible", "base_url", False)
    if refusal.status is not None and refusal.status >= 500:
        return Judgement("endpoint_error", "base_url", False)
    if refusal.status in (404, 405, 410):
        return Judgement("no_route", "base_url", True)
    return Judgement("not_openai_compatible", "base_url", True)


_EDGE = frozenset((*range(520, 528), 530))
"""Statuses of an edge network that did not reach the server behind it."""

_CAPTIVE = 511
"""A network that wants a person to sign in first (RFC 6585, 6): what answers is not the endpoint."""

_STATUS: Mapping[int, tuple[Meaning, str]] = {
    401: ("invalid_credentials", "api_key"),
    402: ("quota_exhausted", "api_key"),
    403: ("permission_denied", "api_key"),
    426: ("tls_wanted", "base_url"),
    429: ("rate_limited", "api_key"),
    451: ("permission_denied", "api_key"),
    _CAPTIVE: ("not_openai_compatible", "base_url"),
    **dict.fromkeys((400, 406, 409, 411, 413, 415, 422, 424), ("shape", "base_url")),
    **dict.fromkeys((404, 405, 410, 421, 501), ("no_route", "base_url")),
    **dict.fromkeys((408, 425, 502, 503, 504, 529, *_EDGE), ("model_unavailable", "model_id")),
}


def _by_status(refusal: Refusal) -> Judgement:
    status = refusal.status or 0
    if status in _STATUS:
        return Judgement(*_STATUS[status], False)
    if 200 <= status < 300 and not refusal.is_error and (refusal.text or refusal.is_json):
        return Judgement("not_openai_compatible", "base_url", False)
    return Judgement("endpoint_error", "base_url", False)


WAITS: frozenset[Meaning] = frozenset({"rate_limited", "model_unavailable", "bot_filter"})
"""Meanings of which one look is no verdict: the probe waits and asks again."""

FINAL: frozenset[Meaning] = frozenset(
    {"invalid_credentials", "permission_denied", "quota_exhausted", "model_not_found", "wrong_model_type"}
)
"""Meanings at which the ladder stops at once: about the key, the quota or the model, not the request."""


def worth_waiting(refusal: Refusal, judgement: Judgement) -> bool:
    """Whether the same call may succeed a little later: a limit, loading, overload, a bot filter.

    The rule is that of docs/probe.md, "Finding out". A page that is only 403 names no filter: web servers and
    CDNs answer so wherever nothing is served, and that stays.
    """
    if judgement.meaning == "bot_filter" and not judgement.by_words and refusal.status == 403:
        return False
    return judgement.meaning in WAITS and not judgement.lasts
