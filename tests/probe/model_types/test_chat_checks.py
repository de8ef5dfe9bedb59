"""The capabilities of a chat model, each at an endpoint that lacks it; and what is settled at the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from app.practice.wire import Reply, error
from app.probe.model_types.chat.effort import settle_effort
from app.probe.model_types.chat.settling import settle_reasoning, settle_sampling
from app.probe.model_types.chat.state import ChatState
from app.probe.tasks import Finding
from app.probe.values import Report
from tests.endpoints.base import Simulator
from tests.endpoints.replies import has_image, roles, schema_of, sse, text
from tests.probe.asked import asked, check, probed
from tests.probe.test_any_answer import run as talk

JSON = Any
Change = Callable[[Simulator], object]
OTHERS = ("streaming", "system_message", "tool_calling", "json_mode", "json_schema", "vision")


def observed(report: Report) -> dict[str, bool | None]:
    assert report.verdict == "accepted", report.diagnosis
    return {name: capability.observed for name, capability in report.capabilities.items()}


def refusing(message: str, when: Callable[[JSON], Any], status: int = 400) -> Change:
    return lambda endpoint: endpoint.refuse(error(status, message), when=when)


def text_of(change: Callable[[JSON, str], str]) -> Change:
    return lambda endpoint: endpoint.edit_text(change)


def prose(asked: JSON, text: str) -> str:
    return "As you wish." if asked.get("response_format") else text


def fenced(asked: JSON, text: str) -> str:
    return f"```json\n{text}\n```" if asked.get("response_format") else text


def call_as_text(endpoint: Simulator) -> None:
    """The model writes its call as text: that is none."""

    def written(asked: JSON, message: JSON) -> None:
        for call in message.pop("tool_calls", None) or []:
            message["content"] = f"<tool_call>{json.dumps(call['function'])}</tool_call>"

    endpoint.edit_message(written)
    endpoint.reads(lambda body: body | {"stream": False} if body.get("tools") else body)


def arguments(change: Callable[[str], JSON]) -> Change:
    def edited(asked: JSON, message: JSON) -> None:
        for call in message.get("tool_calls") or []:
            call["function"]["arguments"] = change(call["function"]["arguments"])

    return lambda endpoint: endpoint.edit_message(edited)


def swapped(asked: JSON, text: str) -> str:
    if not has_image(asked):
        return text
    return " ".join(reversed(text.replace(",", "").split())) if not text.startswith("{") else "{}"


DIED = b'event: error\ndata: {"message": "worker died"}\n\n'


def brings(chunk: JSON) -> bool:
    """Whether a chunk holds more than a role, an end or the usage."""
    return any(choice["delta"].keys() - {"role"} for choice in chunk["choices"])


FALSE: dict[str, tuple[Change, tuple[str, ...]]] = {
    "tools refused": (refusing("tools are not supported", lambda b: "tools" in b), ("tool_calling",)),
    "tools ignored": (lambda e: e.ignore("tools", "tool_choice"), ("tool_calling", "tool_choice")),
    "a call as text": (call_as_text, ("tool_calling",)),
    "arguments that are no JSON": (arguments(lambda text: text[:-1]), ("tool_calling",)),
    "forced call refused": (
        refusing("Thinking mode does not support this tool_choice", lambda b: b.get("tool_choice")),
        ("tool_choice",),
    ),
    "strict refused": (
        refusing(
            "Extra inputs are not permitted: strict", lambda b: "strict" in json.dumps(b.get("tools", ""))
        ),
        ("strict_tool",),
    ),
    "strict not kept": (
        arguments(lambda text: json.dumps({"label": "other", "city": "Oslo"})),
        ("strict_tool",),
    ),
    "json mode refused": (
        refusing(
            "'response_format.type' must be 'json_schema' or 'text'", lambda b: schema_of(b) == "json_object"
        ),
        ("json_mode",),
    ),
    "json schema refused": (
        refusing("This response_format type is unavailable now", lambda b: schema_of(b) == "json_schema"),
        ("json_schema",),
    ),
    "formats ignored": (text_of(prose), ("json_mode", "json_schema")),
    "a fence around it": (text_of(fenced), ("json_mode", "json_schema")),
    "schema ignored": (
        text_of(lambda asked, text: '{"city": "Oslo"}' if schema_of(asked) == "json_schema" else text),
        ("json_schema",),
    ),
    "image refused": (refusing("image input is not supported", has_image), ("vision",)),
    "image refused with 500": (
        refusing("image input is not supported - no mmproj", has_image, 500),
        ("vision",),
    ),
    "image not seen": (
        text_of(lambda asked, text: "I see no picture." if has_image(asked) else text),
        ("vision",),
    ),
    "colours exchanged": (text_of(swapped), ("vision",)),
    "system refused": (
        refusing("messages[0].role does not support 'system'", lambda b: "system" in roles(b)),
        ("system_message",),
    ),
    "system crashes the template": (
        lambda e: e.refuse(text(500, "Internal Server Error"), when=lambda b: "system" in roles(b)),
        ("system_message",),
    ),
    "system ignored": (
        lambda e: e.reads(lambda b: b | {"messages": [m for m in b["messages"] if m["role"] != "system"]}),
        ("system_message",),
    ),
    "developer refused": (
        refusing("unknown variant `developer`", lambda b: "developer" in roles(b), 422),
        ("developer_message",),
    ),
    "newer limit refused": (
        refusing("Unknown parameter: 'max_completion_tokens'", lambda b: "max_completion_tokens" in b),
        ("max_completion_tokens",),
    ),
    "newer limit ignored": (lambda e: e.ignore("max_completion_tokens"), ("max_completion_tokens",)),
    "stream refused": (refusing("stream is not supported", lambda b: b.get("stream")), ("streaming",)),
    "stream ignored": (lambda e: e.ignore("stream"), ("streaming",)),
    "stream of errors": (
        lambda e: e.edit_stream(lambda asked, chunks: sse({"error": {"message": "no"}})),
        ("streaming",),
    ),
    "a stream of a role and an end": (
        lambda e: e.edit_stream(lambda asked, chunks: [c for c in chunks if not brings(c)]),
        ("streaming", "streamed_tool_calling"),
    ),
    "a stream that ends in an error by name": (
        lambda e: e.edit_stream(lambda asked, chunks: sse(*chunks[:2], DIED, done=False)),
        ("streaming",),
    ),
    "sampling refused": (
        refusing("temperature is not supported", lambda b: "temperature" in b or "top_p" in b),
        ("sampling_params",),
    ),
    "no responses": (lambda e: e.on("/responses", text(404, "404 page not found")), ("responses_api",)),
}


@pytest.mark.parametrize("kind", FALSE)
def test_what_is_lacking_is_false_and_nothing_else(kind: str) -> None:
    change, lacking = FALSE[kind]
    endpoint = Simulator()
    change(endpoint)
    seen = observed(probed(endpoint))
    assert {name: seen[name] for name in lacking} == dict.fromkeys(lacking, False)
    touched = {name.split("_")[0] for name in lacking}
    others = [name for name in OTHERS if name.split("_")[0] not in touched]
    assert {name: seen[name] for name in others} == dict.fromkeys(others, True)


def test_a_refused_forced_call_leaves_tool_calling_alone() -> None:
    endpoint = Simulator()
    FALSE["forced call refused"][0](endpoint)
    seen = observed(probed(endpoint))
    assert (seen["tool_calling"], seen["tool_choice"]) == (True, False)


@pytest.mark.parametrize(
    "reply",
    [
        error(429, "Rate limit exceeded, try again in 600s"),
        error(500, "oops"),
        error(503, "down"),
        error(402, ""),
    ],
)
def test_an_error_of_another_kind_tells_nothing(reply: Reply) -> None:
    endpoint = Simulator()
    endpoint.refuse(reply, when=has_image)
    report = probed(endpoint)
    assert observed(report)["vision"] is None
    assert check(report, "vision").status == "inconclusive"
    assert report.warnings == ()


@pytest.mark.parametrize(
    "words", ["image dimensions must be at least 512x512", "Failed to download multimodal content"]
)
def test_a_complaint_about_this_picture_tells_nothing_of_vision(words: str) -> None:
    endpoint = Simulator()
    endpoint.refuse(error(400, words), when=has_image)
    report = probed(endpoint)
    assert observed(report)["vision"] is None
    assert report.warnings == ()


def test_an_answer_that_the_limit_cut_off_tells_nothing() -> None:
    endpoint = Simulator()

    def cut(asked: JSON, answer: JSON) -> JSON:
        if has_image(asked):
            choice = answer["choices"][0]
            choice["finish_reason"], choice["message"]["content"] = "length", "The left"
        return answer

    endpoint.edit(cut)
    assert observed(probed(endpoint))["vision"] is None


def test_arguments_as_an_object_count_with_a_note() -> None:
    endpoint = Simulator()
    arguments(json.loads)(endpoint)
    report = probed(endpoint)
    assert observed(report)["tool_calling"] is True
    assert "object" in report.capabilities["tool_calling"].evidence


def test_a_thought_before_an_answer_is_set_aside() -> None:
    endpoint = Simulator()
    endpoint.edit_text(lambda asked, text: f"<think>Red, blue? {{}}</think>{text}")
    seen = observed(probed(endpoint))
    assert {name: seen[name] for name in (*OTHERS, "reasoning")} == dict.fromkeys(
        (*OTHERS, "reasoning"), True
    )


def test_one_call_at_a_time_is_no_parallel_calling() -> None:
    endpoint = Simulator()
    endpoint.traits(parallel_tools=False)
    seen = observed(probed(endpoint))
    assert (seen["tool_calling"], seen["parallel_tool_calls"]) == (True, False)


@pytest.mark.parametrize("efforts", [("low", "medium", "high"), ("none", "low")])
def test_levels_of_effort(efforts: tuple[str, ...]) -> None:
    endpoint = Simulator()
    endpoint.traits(efforts=efforts)
    seen = observed(probed(endpoint))
    assert seen["reasoning"] is True
    for level in ("minimal", "xhigh"):
        assert seen.get(f"reasoning_effort_{level}") is False
    assert seen["reasoning_effort_low"] is True
    assert seen["reasoning_effort"] is True


def found(**findings: tuple[bool | None, str]) -> dict[str, Finding]:
    return {name: Finding(name, seen, evidence) for name, (seen, evidence) in findings.items()}


YES, NO = "reasoned", "did not reason"


@pytest.mark.parametrize(
    ("findings", "levels", "overall"),
    [
        ({"low": (True, YES), "nonsense": (False, "no")}, {"low": True}, True),
        ({"low": (True, YES), "nonsense": (True, YES)}, {"low": None}, None),
        ({"low": (True, YES)}, {"low": None}, None),
        ({"low": (False, "no"), "nonsense": (False, "no")}, {"low": False}, False),
        ({"low": (None, "busy"), "nonsense": (False, "no")}, {"low": None}, None),
        ({"low": (False, "no"), "high": (None, "busy")}, {"low": False, "high": None}, None),
        ({"none": (True, NO), "low": (True, YES)}, {"none": True, "low": True}, True),
        (
            {"none": (True, YES), "low": (True, YES), "nonsense": (False, "")},
            {"none": False, "low": True},
            True,
        ),
        ({"low": (True, NO), "nonsense": (False, "no")}, {"low": None}, None),
        ({"nonsense": (False, "no")}, {}, None),
    ],
)
def test_levels_count_where_a_level_that_does_not_exist_is_refused(
    findings: dict[str, tuple[bool | None, str]], levels: dict[str, bool | None], overall: bool | None
) -> None:
    named = {
        "_effort_nonsense" if level == "nonsense" else f"reasoning_effort_{level}": finding
        for level, finding in findings.items()
    }
    seen = found(**named)
    settle_effort(seen)
    assert {name: f.observed for name, f in seen.items() if name.startswith("reasoning_effort_")} == {
        f"reasoning_effort_{level}": value for level, value in levels.items()
    }
    assert (seen["reasoning_effort"].observed if levels else None) is overall
    assert "_effort_nonsense" not in seen


@pytest.mark.parametrize(
    ("nonsense_refused", "taken", "settled"),
    [(True, True, True), (False, True, None), (None, True, None), (True, False, False), (True, None, None)],
)
def test_sampling_counts_where_nonsense_is_refused(
    nonsense_refused: bool | None, taken: bool | None, settled: bool | None
) -> None:
    seen = found(sampling_params=(taken, "taken."), _temperature_read=(nonsense_refused, "no"))
    settle_sampling(seen)
    assert seen["sampling_params"].observed is settled
    assert "_temperature_read" not in seen


def test_reasoning_is_settled_by_all_answers_together() -> None:
    silent, spoke, thought = ChatState(talk()), ChatState(talk()), ChatState(talk())
    spoke.whole_answers = 3
    thought.think("It thought.")
    for state, value in ((silent, None), (spoke, False), (thought, True)):
        seen: dict[str, Finding] = {}
        settle_reasoning(state, seen)
        assert seen["reasoning"].observed is value


def test_an_endpoint_that_ignores_sampling_is_not_said_to_heed_it() -> None:
    endpoint = Simulator()
    endpoint.ignore("temperature", "top_p")
    assert observed(probed(endpoint))["sampling_params"] is None


@pytest.mark.parametrize(("end", "settled"), [("length", None), ("stop", False)])
def test_a_stream_that_brought_nothing_is_none_unless_the_limit_cut_it(
    end: str, settled: bool | None
) -> None:
    endpoint = Simulator()

    def emptied(asked: JSON, chunks: list[JSON]) -> list[JSON]:
        kept = [chunk for chunk in chunks if not brings(chunk)]
        for choice in kept[-1]["choices"] or kept[-2]["choices"]:
            choice["finish_reason"] = end
        return kept

    endpoint.edit_stream(emptied)
    assert observed(probed(endpoint))["streaming"] is settled


def test_sampling_parameters_that_exclude_each_other_are_asked_one_at_a_time() -> None:
    endpoint = Simulator()
    refusal = "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
    endpoint.refuse(error(400, refusal), when=lambda body: "temperature" in body and "top_p" in body)
    report = probed(endpoint)
    assert observed(report)["sampling_params"] is True
    asked_alone = check(report, "sampling_params")
    assert asked_alone.adaptations == ("sent `temperature` without `top_p`",)
    assert "top_p" not in asked_alone.request


def test_sampling_that_is_refused_for_one_of_them_is_not_asked_otherwise() -> None:
    endpoint = Simulator()
    endpoint.refuse(error(400, "top_p is not supported"), when=lambda body: "top_p" in body)
    assert observed(probed(endpoint))["sampling_params"] is False


def names_a_function(body: JSON) -> bool:
    return isinstance(body.get("tool_choice"), dict)


def test_a_call_is_forced_by_a_word_where_a_named_function_is_refused() -> None:
    endpoint = Simulator()
    words = "Invalid tool_choice type: 'object'. Supported string values: none, auto, required"
    endpoint.refuse(error(400, words), when=names_a_function)
    report = probed(endpoint)
    assert observed(report)["tool_choice"] is True
    assert check(report, "tool_choice").request["tool_choice"] == "required"
    assert len(check(report, "tool_choice").adaptations) == 1


def test_a_word_that_forces_nothing_is_no_forced_call() -> None:
    endpoint = Simulator()
    words = "Invalid tool_choice type: 'object'. Supported string values: none, auto, required"
    endpoint.refuse(error(400, words), when=names_a_function)
    endpoint.ignore("tools", when=lambda body: body.get("tool_choice") == "required")
    assert observed(probed(endpoint))["tool_choice"] is False


def sees(*right: bool) -> Simulator:
    """One that names the colours rightly at these looks, in their order, and then always."""
    looks = list(right)

    def named(asked: JSON, text: str) -> str:
        if not has_image(asked) or not looks or looks.pop(0):
            return text
        return "red, red"

    endpoint = Simulator()
    endpoint.edit_text(named)
    return endpoint


@pytest.mark.parametrize(
    ("right", "looks", "settled"),
    [
        ((True,), 1, True),
        ((False, True, True), 3, True),
        ((False, True, False), 3, False),
        ((False, False), 2, False),
    ],
)
def test_after_a_wrong_look_one_right_look_is_not_enough(
    right: tuple[bool, ...], looks: int, settled: bool
) -> None:
    """A blind model that always names the same two colours is right once in thirty looks."""
    endpoint = sees(*right)
    assert observed(probed(endpoint))["vision"] is settled
    asked_bodies = [request.json for request in asked(endpoint, "/chat/completions")]
    assert sum(map(has_image, asked_bodies)) == looks
