"""What a refusal teaches: real wordings, what was sent, and what the next request looks like.

`refusals.json` holds a row for each: what was sent besides the least request of the route (null: without that
field), the shape so far where it is not the first, status and body of the refusal, and what is learned (null:
nothing). To add the next one from a bug, add a row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app.probe.negotiation import DEFAULTS, LIMIT_NAMES, learn
from app.probe.reading.named_fields import CONTENT, REFUSAL_STATUSES, complained
from app.probe.shape import FIRST_LIMIT, HIGHER_LIMIT, Shape
from tests.probe.answers import Text, refusal

JSON = Any
REFUSALS = json.loads(Path(__file__).with_name("refusals.json").read_text("utf-8"))
CHAT = {"messages": [{"role": "user", "content": "Hi"}], "stream": False, "max_tokens": 16}
each_refusal = pytest.mark.parametrize("row", REFUSALS, ids=[row["whose"] for row in REFUSALS])


def sent(row: Mapping[str, JSON]) -> dict[str, JSON]:
    """The body that was refused."""
    base = CHAT if row.get("route", "chat") == "chat" else {}
    body = {"model": "m", **base, **row.get("sent", {})}
    return {name: value for name, value in body.items() if value is not None}


def shape_of(row: Mapping[str, JSON], known: Mapping[str, JSON]) -> Shape:
    """The first shape with what is known."""
    told = {**row.get("shape", {}), **known}
    sets = {name: frozenset(told[name]) for name in ("dropped", "refused") if name in told}
    return Shape(**{**told, **sets})


@each_refusal
def test_a_refusal_teaches_the_next_request(row: dict[str, JSON]) -> None:
    body = Text(row["body"]) if isinstance(row["body"], str) else row["body"]
    before = shape_of(row, {})
    learned = learn(before, refusal(row["status"], body), sent(row))
    if row["learns"] is None:
        assert learned is None
        return
    assert learned is not None
    assert learned == shape_of(row, {**row["learns"], "adaptations": learned.adaptations})
    assert len(learned.adaptations) == 1, "one change a call, and it is said"


@each_refusal
def test_a_refusal_that_never_changes_runs_out(row: dict[str, JSON]) -> None:
    """The same words to every changed request end in one that was asked before, or in nothing to learn."""
    body = Text(row["body"]) if isinstance(row["body"], str) else row["body"]
    shape, asked = shape_of(row, {}), [sent(row)]
    for _ in range(12):
        learned = learn(shape, refusal(row["status"], body), asked[-1])
        following = again(row, learned) if learned is not None else asked[0]
        if following in asked:
            return
        asked.append(following)
        shape = learned or shape
    pytest.fail(f"twelve changes and no end: {shape.adaptations}")


def again(row: Mapping[str, JSON], shape: Shape) -> dict[str, JSON]:
    """The next request, as the model types build it."""
    first = sent(row)
    limited = any(name in first for name in LIMIT_NAMES)
    body = {name: value for name, value in first.items() if name not in LIMIT_NAMES}
    body |= {"stream": shape.stream, "content is a list": shape.content_list}
    return shape.fit(body | (shape.limits(shape.limit) if limited else {}))


def test_each_refusal_stands_once() -> None:
    assert len({row["whose"] for row in REFUSALS}) == len(REFUSALS) >= 90


@pytest.mark.parametrize("status", [400, 403, 404, 405, 406, 409, 411, 413, 415, 422, 424, 500, 501])
def test_statuses_that_refuse_a_shape(status: int) -> None:
    words = refusal(status, {"error": "Unknown parameter: 'seed'"})
    learned = learn(Shape(), words, {"model": "m", "seed": 1})
    assert learned is not None
    assert learned.dropped == {"seed"}
    assert status in REFUSAL_STATUSES


@pytest.mark.parametrize(
    "status", [None, 199, 204, 300, 307, 401, 402, 407, 408, 425, 426, 429, 502, 503, 504, 529]
)
def test_statuses_that_speak_of_something_else(status: int | None) -> None:
    words = refusal(status, {"message": "Unknown parameter: 'seed'"})
    assert learn(Shape(), words, {"model": "m", "seed": 1}) is None
    assert status not in REFUSAL_STATUSES


@pytest.mark.parametrize(("status", "learns"), [(199, False), (200, True), (299, True), (300, False)])
def test_an_error_inside_a_success_refuses_too(status: int, learns: bool) -> None:
    words = refusal(status, {"error": "Unknown parameter: 'seed'"})
    assert (learn(Shape(), words, {"model": "m", "seed": 1}) is not None) is learns


@pytest.mark.parametrize(
    ("status", "message", "body", "named"),
    [
        (400, "Unknown parameter: 'seed'", {"seed": 1}, ("seed",)),
        (400, "Unknown parameter: 'seeds'", {"seed": 1}, ("seed",)),
        (400, "seed is not supported", {"seed": 1}, ("seed",)),
        (400, "a seed was planted; invalid day", {"seed": 1}, ()),
        (
            400,
            "logit_bias and top_p are not supported",
            {"top_p": 1, "logit_bias": {}},
            ("top_p", "logit_bias"),
        ),
        (400, "my_top_p_value is not supported", {"top_p": 1}, ()),
        (400, "topP is not supported", {"top_p": 1}, ("top_p",)),
        (400, "top_p looks fine", {"top_p": 1}, ()),
        (
            400,
            "the model, messages, input, prompt are invalid",
            {"model": "m", "messages": [], "input": 1},
            (),
        ),
        (401, "Unknown parameter: 'seed'", {"seed": 1}, ("seed",)),
        (400, "", {"seed": 1}, ()),
    ],
)
def test_which_fields_a_refusal_names(
    status: int, message: str, body: dict[str, JSON], named: tuple[str, ...]
) -> None:
    assert complained(refusal(status, {"error": message}), body) == named


@pytest.mark.parametrize(
    "name",
    [
        "model",
        "messages",
        "input",
        "inputs",
        "prompt",
        "query",
        "documents",
        "texts",
        "file",
        "image",
        "session",
    ],
)
def test_the_content_is_never_left_out(name: str) -> None:
    words = refusal(400, {"error": {"message": f"Unknown parameter: '{name}'", "param": name}})
    assert complained(words, {name: "x", "seed": 1}) == ()
    assert name in CONTENT


def test_a_field_can_be_named_by_place_alone() -> None:
    pointed = refusal(422, {"detail": [{"loc": ["body", "tools", 0, "function", "strict"], "msg": "no"}]})
    assert complained(pointed, {"tools": [], "stream": False}) == ("tools",)
    param = refusal(400, {"error": {"message": "no", "param": "tools[0].function"}})
    assert complained(param, {"tools": [], "function": 1, "stream": False}) == ("tools", "function")
    assert complained(refusal(429, {"message": "no", "param": "tools"}), {"tools": []}) == ()


def test_a_shape_fits_a_body() -> None:
    shape = Shape(
        dropped=frozenset({"stream"}), added={"top_p": 1, "n": 2}, instead={"size": "512x512", "n": 9}
    )
    body = {"model": "m", "stream": False, "n": 1, "size": "256x256"}
    assert shape.fit(body) == {"model": "m", "n": 9, "size": "512x512", "top_p": 1}
    assert Shape().fit(body) == body


def test_a_shape_gives_the_limit_in_the_endpoints_name() -> None:
    assert Shape().limits(48) == {"max_tokens": 48}
    assert Shape(limit_name=None).limits(48) == {}
    assert Shape(limit_name=None).limits(48, "max_tokens") == {"max_tokens": 48}
    assert Shape(dropped=frozenset({"max_tokens"})).limits(48) == {}
    assert Shape(limit=8, fixed_limit=True).limits(48) == {"max_tokens": 8}
    assert Shape(limit=8, fixed_limit=True).limits(4) == {"max_tokens": 4}
    assert Shape(limit=8).limits(48) == {"max_tokens": 48}


def test_the_first_request_is_small_and_plain() -> None:
    shape = Shape()
    assert (shape.limit, FIRST_LIMIT, HIGHER_LIMIT) == (16, 16, 256)
    assert (shape.stream, shape.limit_name, shape.content_list, shape.plain) == (
        False,
        "max_tokens",
        False,
        False,
    )
    assert shape.stream_options
    assert LIMIT_NAMES == ("max_tokens", "max_completion_tokens", "max_output_tokens")


def test_an_adaptation_is_said_beside_the_earlier_ones() -> None:
    shape = Shape().because("one", stream=True).because("two", limit=9)
    assert (shape.adaptations, shape.stream, shape.limit) == (("one", "two"), True, 9)


def test_fields_that_endpoints_demand() -> None:
    assert DEFAULTS == {
        **{"max_tokens": 16, "max_completion_tokens": 16, "stream": False, "user": "muster"},
        **{"temperature": 1, "top_p": 1, "n": 1, "speed": 1.0, "top_n": 2, "top_k": 2},
        **{"input_type": "query", "task": "retrieval.query", "truncate": "END", "normalized": True},
        **{"encoding_format": "float", "embedding_types": ["float"], "return_documents": False},
        **{"response_format": "json", "voice": "alloy", "language": "en"},
        **{"size": "1024x1024", "quality": "standard", "chunking_strategy": "auto"},
    }


@pytest.mark.parametrize("name", DEFAULTS)
def test_every_field_that_may_be_missing_has_a_harmless_value(name: str) -> None:
    words = refusal(400, {"error": f"Missing required parameter: '{name}'"})
    learned = learn(Shape(), words, {"model": "m"})
    assert learned is not None
    assert learned.added == {name: DEFAULTS[name]}
    assert learned.adaptations == (f"added `{name}`: {json.dumps(DEFAULTS[name])}",)


def test_fields_already_sent_or_added_are_not_added() -> None:
    words = refusal(400, {"error": "Missing required parameter: 'user'"})
    assert learn(Shape(added={"user": "muster"}), words, {"model": "m"}) is None
    assert learn(Shape(), refusal(400, {"error": "'user' it is"}), {"model": "m"}) is None
