"""A chat or completion answer, whole or streamed, read in every form that working servers write."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.probe.reading.completion.thinking import set_thinking_aside
from app.probe.reading.completion.whole import (
    Completion,
    read_completion,
    reasoning_tokens,
    tokens,
)
from app.probe.transport.answer import Answer
from tests.probe.answers import Text, answered, streamed

JSON = Any


def heard(body: JSON) -> Completion:
    completion = read_completion(answered(200, body))
    assert completion is not None
    return completion


def message(**fields: JSON) -> dict[str, JSON]:
    return {"model": "m", "choices": [{"index": 0, "finish_reason": "stop", "message": fields}]}


def chunk(finish: str | None = None, **delta: JSON) -> dict[str, JSON]:
    return {"model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def call(name: str | None, arguments: JSON, **more: JSON) -> dict[str, JSON]:
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **more}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("OK", "OK"),
        ([{"type": "text", "text": "O"}, {"type": "text", "text": "K"}], "OK"),
        (["O", "K"], "OK"),
        ({"text": "OK"}, "OK"),
        (None, ""),
        (7, ""),
        ([{"type": "text", "text": None}], ""),
    ],
)
def test_content_in_every_form(content: JSON, text: str) -> None:
    completion = heard(message(content=content))
    assert (completion.content, completion.said_something) == (text, bool(text))


THOUGHTS: list[dict[str, JSON]] = [
    {"content": "OK", "reasoning_content": "hm"},
    {"content": "OK", "reasoning": "hm"},
    {"content": "OK", "thinking": "hm"},
    {"content": "OK", "reasoning_details": [{"text": "hm"}]},
    {"content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "OK"}]},
    {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, "OK"]},
    {"content": [{"type": "reasoning", "text": "x", "thinking": "hm"}, "OK"]},
    {"content": "<think>hm</think>OK"},
    {"content": " <thinking>hm</thinking>\n\nOK "},
    {"content": "<THINK>hm</THINK>OK"},
    {"content": "hm\n</think>\nOK"},
]


@pytest.mark.parametrize("fields", THOUGHTS, ids=range(len(THOUGHTS)))
def test_a_thought_is_set_aside(fields: dict[str, JSON]) -> None:
    completion = heard(message(**fields))
    assert (completion.content, completion.reasoning.strip(), completion.thinks) == ("OK", "hm", True)


def test_a_thought_without_words_counts() -> None:
    assert heard(message(content="", reasoning_details=[{"type": "encrypted"}])).thinks
    assert heard(message(content=[{"type": "thinking"}])).thinks
    usage = {"completion_tokens_details": {"reasoning_tokens": 5}}
    assert heard({**message(content="OK"), "usage": usage}).thinks
    assert not heard({**message(content="OK"), "usage": {"reasoning_tokens": 0}}).thinks
    assert not heard(message(content="OK", reasoning="")).thinks


@pytest.mark.parametrize(
    ("text", "content", "thought"),
    [
        ("OK", "OK", ""),
        ("<think>a</think>b", "b", "a"),
        ("<think>a</think>b</think>c", "c", "a</think>b"),
        ("a</think>b", "b", "a"),
        ("<think>never closed", "", "never closed"),
        ("<think>", "", "…"),
        ("</think>b", "b", "…"),
        ("I like the <think> tag, <think>x</think>", "I like the <think> tag, <think>x</think>", ""),
        ("<seed:think>a</seed:think>b", "b", "a"),
        ("not <b>thinking</b>", "not <b>thinking</b>", ""),
    ],
)
def test_thinking_tags(text: str, content: str, thought: str) -> None:
    assert set_thinking_aside(text) == (content, thought)


def test_a_stream_joins() -> None:
    completion = heard(
        streamed({"choices": []}, chunk(role="assistant"), chunk(content="O"), chunk("stop", content="K"))
    )
    assert (completion.content, completion.finish, completion.streamed, completion.deltas) == (
        "OK",
        "stop",
        True,
        3,
    )
    assert (completion.model, completion.has_error) == ("m", False)


STREAMS: dict[str, JSON] = {
    "no done": streamed(chunk(content="OK"), done=False),
    "no space": Text('data:{"choices":[{"delta":{"content":"OK"}}]}\n\n'),
    "CRLF and comments": Text(': hi\r\n\r\ndata: {"choices":[{"delta":{"content":"OK"}}]}\r\n\r\n'),
    "whole answer in an event": streamed(message(content="OK")),
    "choices without a delta": streamed({"choices": [{"index": 0}]}, chunk(content="OK")),
    "usage at the end": streamed(chunk(content="OK"), {"choices": [], "usage": {"completion_tokens": None}}),
    "nonsense between": Text('data: what\n\ndata: [1]\n\ndata: {"choices":[{"delta":{"content":"OK"}}]}\n\n'),
}


@pytest.mark.parametrize("name", STREAMS)
def test_working_streams_of_the_field(name: str) -> None:
    completion = heard(STREAMS[name])
    assert (completion.content, completion.streamed) == ("OK", True)


def test_the_usage_of_a_stream_is_kept_where_it_counts() -> None:
    completion = heard(
        streamed(
            {**chunk(content="x"), "usage": {"completion_tokens": 3}}, {"usage": {"completion_tokens": None}}
        )
    )
    assert completion.usage == {"completion_tokens": 3}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"choices": None},
        {"choices": []},
        {"choices": ["x"]},
        {"error": "x"},
        b"",
        b"<html>",
        streamed(),
        [1],
        "x",
    ],
)
def test_an_answer_without_a_choice_is_none(body: JSON) -> None:
    assert read_completion(answered(200, body)) is None


def test_an_error_beside_or_within_is_seen() -> None:
    assert heard({**message(content="x"), "error": {"message": "no"}}).has_error
    assert heard(streamed(chunk(content="x"), {"error": "no", "choices": []})).has_error


@pytest.mark.parametrize(
    ("arguments", "found", "as_object"),
    [
        ('{"city": "Oslo"}', {"city": "Oslo"}, False),
        ({"city": "Oslo"}, {"city": "Oslo"}, True),
        ('{"city": ', None, False),
        ('["Oslo"]', None, False),
        ("", None, False),
        (None, None, False),
        ("[" * 50_000, None, False),
    ],
)
def test_arguments_of_a_call(arguments: JSON, found: JSON, as_object: bool) -> None:
    (made,) = heard(message(tool_calls=[call("get_weather", arguments)])).calls
    assert (made.name, made.arguments, made.as_object) == ("get_weather", found, as_object)


def test_a_streamed_call_joins() -> None:
    completion = heard(
        streamed(
            chunk(tool_calls=[call("get_weather", "", index=0, id="a")]),
            chunk(tool_calls=[{"index": 0, "function": {"arguments": '{"city"'}}]),
            chunk("tool_calls", tool_calls=[{"index": 0, "function": {"arguments": ': "Oslo"}'}}]),
        )
    )
    assert [(c.name, c.arguments) for c in completion.calls] == [("get_weather", {"city": "Oslo"})]
    assert (completion.pieces, completion.said_something, completion.content) == (3, True, "")


@pytest.mark.parametrize("indices", [(0, 1), (0, 0), (None, None)])
def test_two_calls_stay_two(indices: tuple[int | None, int | None]) -> None:
    """Some servers number every streamed call 0: a new id with a name begins a new call."""
    first, second = (
        call("f", f'{{"n": {number}}}', id=f"id{number}", **({} if index is None else {"index": index}))
        for number, index in enumerate(indices)
    )
    together = indices[0] is None
    body = (
        streamed(chunk(tool_calls=[first, second]))
        if together
        else streamed(chunk(tool_calls=[first]), chunk(tool_calls=[second]))
    )
    assert [c.arguments for c in heard(body).calls] == [{"n": 0}, {"n": 1}]


def test_a_repeated_name_is_not_doubled() -> None:
    parts = [call("f", "", index=0, id="a"), call("f", '{"n": 1}', index=0, id="a")]
    completion = heard(streamed(*(chunk(tool_calls=[part]) for part in parts)))
    assert [(c.name, c.arguments) for c in completion.calls] == [("f", {"n": 1})]


def test_broken_calls_are_passed_over() -> None:
    assert heard(message(content="x", tool_calls=["no", {"function": None}, None])).calls == ()


@pytest.mark.parametrize(
    ("finish", "cut"),
    [
        ("length", True),
        ("max_tokens", True),
        ("MAX_TOKENS", True),
        ("stop", False),
        (None, False),
        ("", False),
    ],
)
def test_what_the_limit_ended(finish: str | None, cut: bool) -> None:
    completion = heard({"choices": [{"finish_reason": finish, "message": {"content": "x"}}]})
    assert completion.cut is cut
    assert completion.finish == (finish or None)


@pytest.mark.parametrize(
    ("finish", "end"),
    [("LENGTH", "length"), ("content_filter: PROHIBITED_CONTENT", "content_filter"), (None, "")],
)
def test_an_end_is_read_in_every_spelling(finish: str | None, end: str) -> None:
    assert heard({"choices": [{"finish_reason": finish, "message": {}}]}).end == end


@pytest.mark.parametrize(
    ("choice", "misplaced"),
    [
        ({"text": "OK"}, True),
        ({"message": "OK"}, True),
        ({"delta": {"content": "OK"}}, True),
        ({"text": "OK", "message": {"content": "OK"}}, False),
        ({"finish_reason": "length"}, False),
    ],
)
def test_words_where_no_chat_client_reads_them(choice: dict[str, JSON], misplaced: bool) -> None:
    assert heard({"choices": [choice]}).misplaced is misplaced


def test_text_and_message_are_kept_apart() -> None:
    completion = heard({"choices": [{"text": "four", "message": {"content": "OK"}}]})
    assert (completion.text, completion.content) == ("four", "OK")
    assert heard(message(content="OK")).text is None


@pytest.mark.parametrize(
    ("fields", "aside"),
    [
        ({"refusal": "I can't."}, "a refusal"),
        ({"images": [{"image_url": {"url": "data:"}}]}, "a picture"),
        ({"audio": {"id": "a"}, "content": ""}, "a sound"),
    ],
)
def test_what_stands_beside_the_content_is_output(fields: dict[str, JSON], aside: str) -> None:
    completion = heard(message(**fields))
    assert (completion.said_something, completion.aside) == (True, aside)
    assert not heard(message(refusal=None, images=[], audio=None)).said_something


def test_deltas_that_bring_something_are_counted() -> None:
    assert heard(streamed(chunk(role="assistant"), chunk("stop"))).fed == 0
    assert heard(streamed(chunk(role="assistant"), chunk(content="O"), chunk(reasoning="K"))).fed == 2


def test_a_choice_that_failed_is_an_error() -> None:
    assert heard({"choices": [{"finish_reason": "error", "message": {"content": "x"}}]}).has_error
    assert heard({"choices": [{"error": {"message": "no"}, "message": {"content": "x"}}]}).has_error
    assert not heard({**message(content="x"), "error": {"message": "", "code": None}}).has_error


@pytest.mark.parametrize(
    "frame",
    [
        "{}\n\ndata: [DONE]\n\n",
        "{}data:[DONE]",
        ": keep-alive\n\n: keep-alive\r\n\r\n{}",
        ":\n{}\ndata: [DONE]",
    ],
)
def test_a_whole_answer_in_the_frame_of_a_stream(frame: str) -> None:
    completion = heard(Text(frame.replace("{}", json.dumps(message(content="OK")))))
    assert (completion.content, completion.streamed) == ("OK", False)


def test_completions_have_text() -> None:
    assert heard({"choices": [{"text": " three", "finish_reason": "length"}]}).content == "three"


def test_the_time_to_the_first_token() -> None:
    body = streamed(chunk(role="assistant"), chunk(content="O"), chunk(content="K"))
    first = body.index(b"data:", 5)
    second = body.index(b"data:", first + 5)
    late = answered(200, body)
    arrivals = ((10, first), (70, second), (90, len(body)))
    late = Answer(late.call, 200, {}, body, 99, 10, arrivals, None)
    completion = read_completion(late)
    assert completion is not None
    assert completion.first_token_ms == 70


@pytest.mark.parametrize(
    ("value", "count"),
    [(3, 3), (3.9, 3), (0, 0), (None, None), ("3", None), (True, None), (-1, None)]
    + [(float("nan"), None), (float("inf"), None)],
)
def test_counts(value: JSON, count: int | None) -> None:
    assert tokens({"n": value}, "n") == count
    assert reasoning_tokens({"reasoning_tokens": value}) == (count or 0)
    assert reasoning_tokens({"output_tokens_details": {"reasoning_tokens": value}}) == (count or 0)
    assert tokens({}, "n") is None


def test_the_models_name_is_made_fit_to_show() -> None:
    assert heard({**message(content="x"), "model": "a\ud800\nb" + "c" * 900}).model == clean_name()


def clean_name() -> str:
    return "a b" + "c" * 296 + "…"
