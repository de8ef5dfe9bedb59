"""What refusals mean: hundreds of real wordings, statuses that speak alone, what is worth waiting for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.probe.diagnosis.codes import CODES
from app.probe.reading.meaning import FINAL, WAITS, meaning_of, worth_waiting
from app.probe.reading.wordings import RULES
from tests.probe.answers import Text, refusal
from tests.probe.test_corpus import CORPUS
from tests.probe.wordings import WORDINGS, Wording, page

_FILE = Path(__file__).with_name("sentences.json")
SENTENCES = [
    (meaning, sentence)
    for meaning, sentences in json.loads(_FILE.read_text("utf-8")).items()
    for sentence in sentences
]
FIELDS = {
    "invalid_credentials": "api_key",
    "quota_exhausted": "api_key",
    "rate_limited": "api_key",
    "model_not_found": "model_id",
    "wrong_model_type": "model_type",
    "model_unavailable": "model_id",
}
"""The field that a meaning always speaks of; the others leave it open or speak of the base URL."""


@pytest.mark.parametrize("wording", WORDINGS, ids=[wording.whose for wording in WORDINGS])
def test_a_wording_means_what_a_careful_reader_concludes(wording: Wording) -> None:
    found = meaning_of(refusal(wording.status, wording.body))
    assert found.meaning in wording.means
    assert found.field == (wording.field or FIELDS.get(found.meaning, "base_url"))
    assert found.by_words is wording.by_words
    assert wording.advice in (None, found.advice or "none")
    assert wording.lasts in (None, found.lasts)


def test_capitals_make_no_difference() -> None:
    """Servers and the gateways before them write the same sentence in any letter case."""
    for wording in WORDINGS:
        words = refusal(wording.status, wording.body)
        loud = refusal(wording.status, {"error": {"message": words.text.upper(), "code": words.tags.upper()}})
        if not words.is_html and words.text:
            assert meaning_of(loud).meaning == meaning_of(words).meaning, wording.whose


@pytest.mark.parametrize(("meaning", "sentence"), SENTENCES)
def test_the_words_alone_say_it(meaning: str, sentence: str) -> None:
    """With a status that means nothing (a missing route is believed only with the statuses of one)."""
    found = meaning_of(refusal(400 if meaning == "no_route" else 418, {"error": {"message": sentence}}))
    assert found.meaning == meaning
    assert found.by_words


def test_a_page_is_prose() -> None:
    """Only what filters, walls and tunnels write on pages is believed there."""
    on_pages = (None, "bot_filter", "tls_wanted", "permission_denied", "model_unavailable")
    for meaning, sentence in SENTENCES:
        found = meaning_of(refusal(418, page("Welcome", sentence)))
        believed = found.meaning if found.meaning != "not_openai_compatible" else None
        assert believed in on_pages, sentence
        if meaning in ("bot_filter", "tls_wanted"):
            assert believed == meaning, sentence


NOT_WHAT_THEY_SEEM = [
    (
        "Authentication Error, Invalid proxy server token passed; no provider credential",
        "invalid_credentials",
    ),
    ("Authentication Error: virtual key expected; provider credential unused", "invalid_credentials"),
    ("Access denied due to invalid subscription key", "invalid_credentials"),
    ("10 calls per minute and 100 requests per day are allowed", "quota_exhausted"),
    ("too many requests, upstream error", "model_unavailable"),
    ("The tool does not support chat", "endpoint_error"),
    ("json_schema: the model does not support text", "endpoint_error"),
    ("image_url: the model does not support images", "endpoint_error"),
    ("max_completion_tokens: the model only supports text", "endpoint_error"),
    ("Unsupported parameter: model not found in list", "endpoint_error"),
    ("Unsupported value for this model: 7 is unknown", "endpoint_error"),
    ("Unrecognized request argument supplied: this model does not exist there", "endpoint_error"),
    ("'n' is not supported with this model: the model x is not supported", "endpoint_error"),
    ("Extra inputs: token is invalid", "endpoint_error"),
    ("token count is invalid", "endpoint_error"),
    ("This API version has been retired", "endpoint_error"),
    ("Access denied: no quota, the key is fine", "permission_denied"),
    ("Unsupported parameter: token is required", "endpoint_error"),
]


TWO_THINGS_AT_ONCE = [
    ("The upstream answered 403: this model's maximum context length is 16 tokens", "shape"),
    ("The upstream answered 403: error code: 1010", "model_unavailable"),
    ("error code: 1020 (error code: 1033)", "bot_filter"),
    (
        "The model is not found or you do not have access; it is not available in your region",
        "model_not_found",
    ),
    ("Not on the allowlist: you have no access to this model", "permission_denied"),
    ("No access to model x, which allows 3 requests per minute", "permission_denied"),
    ("Rate limit of 3 requests per minute; top up for more", "rate_limited"),
    ("The API key is disabled: insufficient balance", "quota_exhausted"),
    ("API key is currently blocked: permission denied", "invalid_credentials"),
    ("Access denied while overloaded", "permission_denied"),
    ("Too many requests: the model is overloaded", "model_unavailable"),
    ("Too many requests: only supports chat", "rate_limited"),
    ("This server does not support chat; try again later", "wrong_model_type"),
    ("Bad gateway: no route matched", "model_unavailable"),
    ("No route matched: no such model", "no_route"),
    ("The model x does not exist for an invalid API key", "model_not_found"),
    ("Unauthorized by the content policy", "invalid_credentials"),
    ("content_filter: resource not found", "filtered"),
]


@pytest.mark.parametrize(("sentence", "meaning"), TWO_THINGS_AT_ONCE)
def test_the_more_specific_of_two_things_wins(sentence: str, meaning: str) -> None:
    assert meaning_of(refusal(400, {"error": {"message": sentence}})).meaning == meaning


@pytest.mark.parametrize(("sentence", "meaning"), NOT_WHAT_THEY_SEEM)
def test_words_beside_it_change_a_meaning(sentence: str, meaning: str) -> None:
    assert meaning_of(refusal(418, {"error": {"message": sentence}})).meaning == meaning


def test_no_wording_stands_twice() -> None:
    assert len({wording.whose for wording in WORDINGS}) == len(WORDINGS) > 300


NO_WORDS = {
    200: ("endpoint_error", "base_url"),
    400: ("shape", "base_url"),
    401: ("invalid_credentials", "api_key"),
    402: ("quota_exhausted", "api_key"),
    403: ("permission_denied", "api_key"),
    404: ("no_route", "base_url"),
    405: ("no_route", "base_url"),
    406: ("shape", "base_url"),
    407: ("endpoint_error", "base_url"),
    408: ("model_unavailable", "model_id"),
    409: ("shape", "base_url"),
    410: ("no_route", "base_url"),
    411: ("shape", "base_url"),
    413: ("shape", "base_url"),
    415: ("shape", "base_url"),
    418: ("endpoint_error", "base_url"),
    422: ("shape", "base_url"),
    424: ("shape", "base_url"),
    425: ("model_unavailable", "model_id"),
    426: ("tls_wanted", "base_url"),
    451: ("permission_denied", "api_key"),
    429: ("rate_limited", "api_key"),
    500: ("endpoint_error", "base_url"),
    501: ("no_route", "base_url"),
    502: ("model_unavailable", "model_id"),
    503: ("model_unavailable", "model_id"),
    504: ("model_unavailable", "model_id"),
    511: ("not_openai_compatible", "base_url"),
    519: ("endpoint_error", "base_url"),
    520: ("model_unavailable", "model_id"),
    527: ("model_unavailable", "model_id"),
    528: ("endpoint_error", "base_url"),
    529: ("model_unavailable", "model_id"),
    530: ("model_unavailable", "model_id"),
}


@pytest.mark.parametrize("status", NO_WORDS)
def test_without_words_the_status_decides(status: int) -> None:
    found = meaning_of(refusal(status, b""))
    assert (found.meaning, found.field) == NO_WORDS[status]
    assert not found.by_words


PAGES = {
    200: "not_openai_compatible",
    302: "not_openai_compatible",
    401: "invalid_credentials",
    403: "bot_filter",
    404: "no_route",
    405: "no_route",
    410: "no_route",
    429: "bot_filter",
    499: "not_openai_compatible",
    500: "endpoint_error",
    501: "endpoint_error",
    502: "model_unavailable",
    503: "model_unavailable",
    504: "model_unavailable",
    511: "not_openai_compatible",
    520: "model_unavailable",
    527: "model_unavailable",
    530: "model_unavailable",
}


@pytest.mark.parametrize("status", PAGES)
def test_a_page_is_judged_by_its_status(status: int) -> None:
    """Its prose may speak of models, keys and limits without meaning this call."""
    found = meaning_of(
        refusal(status, page("Models", "<p>Invalid API key? The model does not exist? Rate limit!</p>"))
    )
    assert found.meaning == PAGES[status]


def test_a_success_without_a_proof_is_no_api_of_this_kind() -> None:
    assert meaning_of(refusal(200, {"hello": "world", "message": "hi"})).meaning == "not_openai_compatible"
    assert meaning_of(refusal(200, {"hello": 1})).meaning == "not_openai_compatible"
    assert meaning_of(refusal(204, Text("pong"))).meaning == "not_openai_compatible"
    assert meaning_of(refusal(200, {"error": {"message": "boom"}})).meaning == "endpoint_error"
    assert meaning_of(refusal(None, b"")).meaning == "endpoint_error"


@pytest.mark.parametrize(
    ("status", "text", "meaning"),
    [
        (429, "Quota exceeded. Please retry in 22s.", "rate_limited"),
        (429, "Quota exceeded. Please retry in 120s.", "rate_limited"),
        (429, "Quota exceeded. Please retry in 121s.", "quota_exhausted"),
        (429, "Quota exceeded.", "quota_exhausted"),
        (403, "Quota exceeded. Please retry in 22s.", "quota_exhausted"),
        (429, "Daily quota exceeded. Please retry in 22s.", "quota_exhausted"),
        (429, "Quota exceeded: limit per week. Please retry in 22s.", "quota_exhausted"),
        (429, "Monthly quota exceeded. Please retry in 22s.", "quota_exhausted"),
        (429, "Insufficient balance. Please retry in 22s.", "quota_exhausted"),
        (429, "额度不足，余额不足 retry in 22s", "quota_exhausted"),
    ],
)
def test_a_quota_that_ends_soon_is_a_rate(status: int, text: str, meaning: str) -> None:
    """But money does not come back in seconds, and a day's quota not before the day is over."""
    assert meaning_of(refusal(status, {"error": text})).meaning == meaning


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_key_that_a_gateway_could_not_use_is_not_the_callers(status: int) -> None:
    found = meaning_of(refusal(status, {"error": "Invalid API key"}))
    assert (found.meaning, found.field) == ("model_unavailable", "model_id")
    assert meaning_of(refusal(500, {"error": "Invalid API key"})).meaning == "invalid_credentials"


@pytest.mark.parametrize("status", [500, 502, 503, None])
def test_a_missing_route_is_no_matter_of_a_failing_server(status: int | None) -> None:
    """Behind a 5xx, "not found" speaks of something inside."""
    for sentence in ("Not Found", "No route matched"):
        assert meaning_of(refusal(status, {"error": sentence})).meaning != "no_route"


@pytest.mark.parametrize("status", [200, 301, 400, 403, 404, 405, 410, 501])
def test_a_missing_route_is_said_with_these_statuses(status: int) -> None:
    for sentence in ("Not Found", "No route matched"):
        found = meaning_of(refusal(status, {"error": {"message": sentence}}))
        assert (found.meaning, found.field, found.by_words) == ("no_route", "base_url", True)


WAITED_FOR = [
    (429, {"error": "Rate limit exceeded"}, True),
    (503, {"error": "Loading model"}, True),
    (529, {"error": {"type": "overloaded_error", "message": "Overloaded"}}, True),
    (403, Text("error code: 1010"), True),
    (403, page("Just a moment..."), True),
    (429, page("Slow down"), True),
    (403, page("403 Forbidden", "nginx"), False),
    (403, Text("<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"), False),
    (503, b"", True),
    (401, {"error": "Invalid API key"}, False),
    (402, b"", False),
    (500, {"error": "model requires more system memory (7 GiB) than is available"}, False),
    (500, {"error": "CUDA out of memory"}, False),
    (500, {"error": "failed to load model"}, False),
    (500, {"error": "could not load the model"}, False),
    (500, {"error": "error loading model: bad magic"}, False),
    (503, {"error": "upstream provider said: unauthorized"}, False),
    (401, {"error": "litellm.PermissionDeniedError: no"}, False),
    (500, {"error": "OpenAIException - Incorrect API key"}, False),
    (404, {"detail": "Not Found"}, False),
    (400, {"error": "max_tokens is not supported"}, False),
]


def test_a_filter_that_signs_with_a_header_is_waited_for() -> None:
    words = refusal(403, page("Einen Moment"), {"cf-mitigated": "challenge"})
    assert meaning_of(words).by_words and worth_waiting(words, meaning_of(words))


@pytest.mark.parametrize(("status", "body", "worth"), WAITED_FOR)
def test_only_what_passes_is_waited_for(status: int, body: object, worth: bool) -> None:
    words = refusal(status, body)
    assert worth_waiting(words, meaning_of(words)) is worth


def test_every_meaning_that_ends_a_probe_has_its_code() -> None:
    assert set(CODES) >= FINAL | (WAITS - {"bot_filter"})
    for code in CODES.values():
        assert code.title[0].isupper() and not code.title.endswith(".")
        assert code.help.endswith(".") and "  " not in code.help


def test_the_reference_of_codes_is_whole() -> None:
    fields = {
        "base_url": "egress_denied endpoint_unreachable tls_error timeout redirected wrong_path "
        "not_openai_compatible endpoint_error",
        "api_key": "invalid_credentials permission_denied quota_exhausted rate_limited invalid_request",
        "model_id": "model_not_found model_unavailable",
        "model_type": "wrong_model_type",
        None: "capability_contradicted",
    }
    assert {name: code.field for name, code in CODES.items()} == {
        name: field for field, names in fields.items() for name in names.split()
    }


def test_meanings_are_final_or_pass_but_not_both() -> None:
    assert not FINAL & WAITS
    assert FINAL | WAITS == {"bot_filter", *FIELDS, "permission_denied"}


def test_every_rule_is_needed() -> None:
    """Each rule reads at least one wording first, of those that must be right or of the sample."""
    idle = set(range(len(RULES)))
    seen = [(one.status, one.body) for one in WORDINGS] + [(one.status, one.body) for one in CORPUS]
    for status, body in seen:
        words = refusal(status, body)
        idle -= {
            next((i for i, r in enumerate(RULES) if (r.on_pages or not words.is_html) and r.fits(words)), -1)
        }
    assert not idle, [RULES[i].words.pattern[:60] for i in idle]
