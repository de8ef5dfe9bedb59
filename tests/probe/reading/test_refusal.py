"""The words of an endpoint, out of every shape of error that was met; and what of them may be shown."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote_plus

import pytest

from app.probe.reading.redaction import without_key
from app.probe.reading.refusal import printable, quote
from app.probe.transport.answer import parsed
from tests.probe.answers import Text, answered, refusal, streamed

KEY = "sk-simulated-0123456789abcdef"

SHAPES: dict[str, tuple[object, str]] = {
    "openai": ({"error": {"message": "No.", "type": "x"}}, "No."),
    "a string": ({"error": "No."}, "No."),
    "vllm": ({"object": "error", "message": "No.", "code": 400}, "No."),
    "fastapi": ({"detail": "No."}, "No."),
    "fastapi in an object": ({"detail": {"error": "No."}}, "No."),
    "pydantic": ({"detail": [{"loc": ["body", "n"], "msg": "Field required"}]}, "n: Field required"),
    "pydantic twice": (
        {"detail": [{"loc": ["body", "a"], "msg": "One"}, {"loc": ["query", "b", 0], "msg": "Two"}]},
        "a: One; query.b.0: Two",
    ),
    "mistral": (
        {"object": "error", "message": {"detail": [{"loc": ["body", "a", "b"], "msg": "One"}]}},
        "a.b: One",
    ),
    "gemini": ([{"error": {"message": "No.", "status": "X"}}], "No."),
    "baidu": ({"error_code": 110, "error_msg": "No."}, "No."),
    "wechat": ({"errcode": 40014, "errmsg": "No."}, "No."),
    "tencent": ({"Response": {"Error": {"Code": "X", "Message": "No."}, "RequestId": "r"}}, "No."),
    "an error in a result": ({"result": {"error": "No."}}, "No."),
    "a result that is none": ({"result": "Fine.", "header": "Fine."}, ""),
    "iflytek": ({"header": {"code": 11200, "message": "No."}}, "No."),
    "camel case": ({"errorMessage": "No."}, "No."),
    "two spellings": ({"Message": None, "message": "No."}, "No."),
    "minimax": ({"base_resp": {"status_code": 1004, "status_msg": "No."}}, "No."),
    "cloudflare": ({"success": False, "errors": [{"code": 1, "message": "No."}]}, "No."),
    "bedrock": ({"Message": "No."}, "No."),
    "problem details": ({"title": "Forbidden", "detail": "No.", "status": 403}, "No. Forbidden"),
    "title within detail": ({"title": "No", "detail": "No."}, "No."),
    "kong": ({"message": "No.", "request_id": "a"}, "No."),
    "xai": ({"code": "Bad", "error": "No."}, "No."),
    "openrouter": (
        {"error": {"message": "Provider returned error", "metadata": {"raw": "busy"}}},
        "Provider returned error busy",
    ),
    "fault": ({"fault": {"faultstring": "No."}}, "No."),
    "oauth": ({"error": "denied", "error_description": "No."}, "No. denied"),
    "plain": (Text("  No.\r\n  Never. "), "No. Never."),
    "a JSON string": (Text('"No."'), "No."),
    "event": (streamed({"error": {"message": "No."}}), "No."),
    "event after chunks": (streamed({"choices": []}, {"error": {"message": "No."}}), "No."),
    "page": (
        Text("<!doctype html><head><title>No</title><style>p{}</style></head><p>Not &amp; never</p>"),
        "No Not & never",
    ),
    "page with script": (Text("<html><script>if (a<b && c>d) x('<p>')</script><b>No</b></html>"), "No"),
    "unclosed script": (Text("<html><b>No</b><script>more"), "No"),
    "nothing": (b"", ""),
    "null": (Text("null"), "null"),
    "a number": (Text("7"), ""),
    "an empty object": ({}, ""),
    "ionos": ({"httpStatus": 401, "messages": [{"errorCode": "auth-1", "message": "No."}]}, "No."),
    "clarifai": ({"status": {"code": 21200, "description": "No.", "details": "Never."}}, "Never. No."),
    "deep": (json.loads('{"error":' * 40 + '"deep"' + "}" * 40), ""),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_sentence_is_found(shape: str) -> None:
    body, text = SHAPES[shape]
    assert refusal(400, body).text == text


def test_codes_are_tags_in_any_style() -> None:
    body = {"Response": {"Error": {"Code": "AuthFailure", "ErrCode": 7}}}
    assert refusal(200, body).tags == "authfailure 7"


def test_the_header_of_a_bot_filter_is_a_tag() -> None:
    assert refusal(403, Text("<html>"), {"cf-mitigated": "challenge"}).tags == "cf-mitigated"


def test_codes_and_types_are_tags() -> None:
    body = {"error": {"message": "m", "type": "Kind", "code": "Bad", "status": 7, "errors": [{"code": 9}]}}
    words = refusal(400, body)
    assert set(words.tags.split()) == {"kind", "bad", "7", "9"}
    assert words.all == f"m {words.tags}"
    assert refusal(400, {"code": True, "type": None, "error_type": "x" * 80}).tags == ""
    assert refusal(400, {"type": "x" * 79}).tags == "x" * 79


def test_the_name_of_a_quota_is_a_tag() -> None:
    details = [{"violations": [{"quotaId": "PerDay-Free"}]}]
    assert "perday-free" in refusal(429, [{"error": {"message": "m", "details": details}}]).tags


def test_param_and_places() -> None:
    assert refusal(400, {"error": {"message": "m", "param": "a.b"}}).param == "a.b"
    assert refusal(400, {"error": {"message": "m", "param": ""}}).param is None
    body = {"detail": [{"loc": ["body", "a", 0]}, {"loc": ["query", "b"]}, {"loc": "c"}]}
    assert refusal(422, body).places == (("a", "0"), ("b",))


@pytest.mark.parametrize(
    ("body", "is_error"),
    [
        ({"error": "x"}, True),
        ({"error": None, "choices": []}, False),
        ({"errors": [{}]}, True),
        ({"object": "error"}, True),
        ({"type": "error"}, True),
        ({"base_resp": {"status_code": 1}}, True),
        ({"base_resp": {"status_code": 0}}, False),
        ({"success": False}, True),
        ({"success": True}, False),
        ({"detail": "x"}, True),
        ({"detail": "x", "choices": []}, False),
        ([{"error": {"code": 1}}], True),
        ([{"embedding": []}], False),
        ({"choices": []}, False),
        (streamed({"error": "x"}), True),
        (b"plain", False),
    ],
)
def test_whether_a_body_speaks_of_an_error(body: object, is_error: bool) -> None:
    assert refusal(200, body).is_error is is_error


@pytest.mark.parametrize(
    ("body", "content_type", "is_html"),
    [
        ("<!DOCTYPE html><p>", "", True),
        ("\n <html>", "", True),
        ("<?xml version='1.0'?><e/>", "", True),
        ("<div>", "text/html; charset=utf-8", True),
        ("<div>", "text/plain", False),
        ('{"a": 1}', "text/html", False),
        ("404 page not found", "text/html", False),
    ],
)
def test_what_is_a_page(body: str, content_type: str, is_html: bool) -> None:
    assert refusal(404, Text(body), {"content-type": content_type}).is_html is is_html


@pytest.mark.parametrize(
    ("body", "is_json"), [({"a": 1}, True), (b"x", False), (streamed({"error": 1}), True)]
)
def test_what_is_json(body: object, is_json: bool) -> None:
    assert refusal(400, body).is_json is is_json


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry-after": "20"}, {}, 20),
        ({"retry-after": " 2.5 "}, {}, 2.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, {}, 1.5),
        ({"x-ratelimit-reset-after": "3"}, {}, 3),
        ({"retry-after": "soon"}, {}, None),
        ({"retry-after": "-5"}, {}, None),
        ({"retry-after": "9" * 30}, {}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:20 GMT", "date": "Wed, 21 Oct 2015 07:28:00 GMT"}, {}, 20),
        ({"retry-after": "Wed, 21 Oct 2015 07:27:00 GMT", "date": "Wed, 21 Oct 2015 07:28:00 GMT"}, {}, 0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:20 GMT"}, {}, None),
        ({}, {"error": "loading", "estimated_time": 20.0}, 20),
        ({}, {"error": {"retry_after": "3"}}, 3),
        ({}, [{"error": {"details": [{"retryDelay": "22s"}]}}], 22),
        ({"retry-after": "1"}, {"estimated_time": 20.0}, 1),
        ({}, {"message": "Please try again in 7m12s."}, 432),
        ({}, {"message": "Please try again in 3.8s. Need more?"}, 3.8),
        ({}, {"message": "try again in 250ms"}, 0.25),
        ({}, {"message": "Please retry after 18 seconds."}, 18),
        ({}, {"message": "Please wait 35000 seconds before retrying"}, 35000),
        ({}, {"message": "The limit resets in 1 h 5 min"}, 3900),
        ({}, {"message": "available in 2 days"}, 172_800),
        ({}, {"message": "Quota will be replenished in 08:23:11."}, 30_191),
        ({}, {"message": "Quota will be replenished in 2.00:00:05."}, 172_805),
        ({}, {"message": "retry your request with 5 messages"}, None),
        ({}, {"message": "retry after the break from 08:23:11"}, None),
        ({}, {"message": "try again later"}, None),
        ({}, {"message": "it took 5 seconds"}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], body: object, seconds: float | None) -> None:
    assert refusal(429, body, headers).retry_after_s == seconds


def test_a_long_text_is_cut_before_any_rule_reads_it() -> None:
    words = refusal(
        400, {"error": {"message": "x " * 5000, "errors": [{"code": f"code{n}"} for n in range(8)]}}
    )
    assert len(words.text) == 2000


def test_what_is_shown_is_one_short_printable_line() -> None:
    assert printable("a\x00b\x1b[31m\u202e\ud800c\n\td") == "a b [31m c d"
    assert printable("é 模型 “x”") == "é 模型 “x”"
    assert printable("x" * 400) == "x" * 299 + "…"
    assert printable("x" * 300) == "x" * 300
    assert printable("abc def", limit=5) == "abc…"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"Incorrect key {KEY}.", "Incorrect key [key]."),
        (f"Bearer {KEY}", "Bearer [key]"),
        (f"Incorrect key {KEY[:-1]}", "Incorrect key [key]"),
        (f"starts with {KEY[:14]}…", "starts with [key]"),
        (f"ends with …{KEY[-14:]}", "ends with …"),
        ("no key here", "no key here"),
    ],
)
def test_the_key_is_never_shown(text: str, left: str) -> None:
    shown = printable(text, KEY)
    assert shown.startswith(left)
    for piece in (KEY[:12], KEY[-12:]):
        assert piece not in shown


@pytest.mark.parametrize("before", ["", "u:", "user:", "key="])
@pytest.mark.parametrize("key", ["sk-0123456789abcdefghij", "sk/0123+4567=89abcdefghij"])
def test_a_key_is_found_in_other_spellings(key: str, before: str) -> None:
    inside = key[4:-4]
    spelled = [
        inside,
        quote_plus(key),
        key.encode().hex(),
        base64.b64encode((before + key).encode()).decode(),
    ]
    for text in spelled:
        shown = printable(f"the key {text} is wrong", key, 400)
        assert "[key]" in shown
        for at in range(len(text) - 14):
            assert text[at : at + 14] not in shown


def test_words_that_only_resemble_a_key_stay() -> None:
    text = "sk-0123 is how it begins, sk-01234567 is eleven letters of it, 0123456789ab is twelve"
    assert without_key(text, "sk-0123456789abcdefghij") == text.replace("0123456789ab", "[key]")


@pytest.mark.parametrize(
    ("echo", "shown"),
    [
        ("provided: sk-wrong****-000. You", "provided: [key]. You"),
        ("key ****-000 is invalid", "key [key] is invalid"),
        ('"sk-w…"', '"[key]"'),
        ("provided: sk...00, twice: sk...00", "provided: [key], twice: [key]"),
        ("another's: sk-other****abcd", "another's: sk-other****abcd"),
        ("it ends in 00, see docs/sk... for more", "it ends in 00, see docs/sk... for more"),
    ],
)
def test_a_masked_key_is_no_less_a_key(echo: str, shown: str) -> None:
    assert without_key(echo, "sk-wrong-key-000") == shown


def test_a_key_that_is_repeated_for_megabytes_is_found_each_time() -> None:
    key = "sk-0123456789abcdefghij"
    text = f"{'y' * 50} {key} sk-0123****ghij " * 25_000
    assert without_key(text, key) == f"{'y' * 50} [key] [key] " * 25_000


def test_a_key_typed_with_its_scheme_is_found_without_it() -> None:
    assert without_key("the key abcdef is bad", "Bearer abcdef") == "the key [key] is bad"
    assert without_key("anything", "") == "anything"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Authorization: Bearer ollama is unknown", "Authorization: Bearer [key] is unknown"),
        ("token 'ollama' is unknown", "token '[key]' is unknown"),
        ("key: ollama", "key: [key]"),
        ("model registry.ollama.ai/library/x not found", None),
        ("ollama is not running", None),
        ("Bearer ollama-cloud", None),
        ('"https://ollama.com/docs"', None),
    ],
)
def test_a_key_that_could_be_any_word_is_hidden_where_keys_stand(text: str, left: str | None) -> None:
    assert without_key(text, "ollama") == (left or text)


_HARD = "sk-0123456789abcdefghij"


@pytest.mark.parametrize(
    "coded",
    [
        "".join(f"%{byte:02x}" for byte in _HARD.encode()),
        "".join(f"%25{byte:02X}" for byte in _HARD.encode()),
        "".join(f"\\u{byte:04x}" for byte in _HARD.encode()),
        "".join(f"\\\\u{byte:04X}" for byte in _HARD.encode()),
        "".join(f"&#{byte};" for byte in _HARD.encode()),
        "".join(f"&#x{byte:X};" for byte in _HARD.encode()),
        _HARD.encode().hex().upper(),
        base64.b64encode(_HARD.encode()).decode().rstrip("="),
        base64.urlsafe_b64encode(b"u:" + _HARD.encode()).decode(),
        base64.b32encode(_HARD.encode()).decode(),
        base64.b32encode(b"ab" + _HARD.encode()).decode().lower(),
        _HARD.replace("-", "%2D"),
    ],
)
def test_a_coded_key_is_a_key(coded: str) -> None:
    """In one coding or in one after another; what stands around it stays as it was said."""
    shown = without_key(f"100% of &lt;it: {coded}; a\\u0020b", _HARD)
    assert shown.startswith("100% of &lt;it: ") and shown.endswith("; a\\u0020b")
    assert "[key]" in shown and len(shown) < 70


def test_a_quote_is_of_the_words() -> None:
    assert quote(refusal(401, {"error": f"bad key {KEY}\n"}), KEY) == "bad key [key]"


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ('{"a": NaN}', None), ("[" * 100_000, None), ("{", None), ("1" + "0" * 400, float("inf"))],
)
def test_parsing_never_raises(text: str, value: object) -> None:
    found = parsed(text)
    assert found == value or "NaN" in text and str(found) == "{'a': nan}"


def test_an_error_event_at_the_end_of_a_long_stream_is_found() -> None:
    chunks = [{"choices": [{"delta": {"content": "a"}}]}] * 500
    words = refusal(200, streamed(*chunks, {"error": {"message": "late", "code": 502}}))
    assert (words.text, words.is_error) == ("late", True)
    assert refusal(200, streamed(*chunks)).is_error is False
    assert answered(200, streamed(*chunks)).events[-1][1] == "[DONE]"
