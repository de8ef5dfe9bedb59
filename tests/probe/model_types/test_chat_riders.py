"""Questions of the second wave that ride along with the first: they save calls, and change no finding."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from app.practice.wire import error
from app.probe.values import Limits, Report
from tests.endpoints.base import Simulator
from tests.probe.asked import asked, probed

JSON = Any


def observed(report: Report) -> dict[str, bool | None]:
    return {name: capability.observed for name, capability in report.capabilities.items()}


def slow_proof(endpoint: Simulator) -> None:
    """Have the first chat call take its time."""
    first = iter((0.4,))
    endpoint.refuse(lambda request: time.sleep(next(first, 0.0)))


def test_a_good_endpoint_is_asked_in_one_wave_after_the_proof() -> None:
    """The proof, the list and a stream of the Responses API, then eight side by side."""
    endpoint = Simulator()
    slow_proof(endpoint)
    report = probed(endpoint)
    assert report.usage["calls"] == len(endpoint.seen) == 11
    posts = [request.path for request in endpoint.seen if request.method == "POST"]
    assert posts[:2] == ["/v1/chat/completions", "/v1/responses"] and posts[2:].count("/v1/responses") == 1


def test_where_the_proof_is_refused_at_once_nothing_is_asked_beside_it() -> None:
    """Of few calls a minute none is taken from the proof, and none is spent where that is refused."""
    endpoint = Simulator()
    endpoint.refuse(error(400, "The model is not for you."))
    report = probed(endpoint, limits=Limits(ahead_s=20))  # a busy machine answers in that time too
    assert report.verdict == "rejected" and asked(endpoint, "/responses") == []


@pytest.mark.parametrize(
    ("field", "lost"),
    [("logprobs", {"logprobs"}), ("tool_choice", {"tool_choice", "tool_choice_none"})],
)
def test_a_refused_rider_costs_its_bundle_nothing(field: str, lost: set[str]) -> None:
    endpoint = Simulator()
    endpoint.refuse(
        error(400, f"Unknown parameter: '{field}'.", param=field), when=lambda body: field in body
    )
    seen, good = observed(probed(endpoint)), observed(probed(Simulator()))
    assert {name for name in seen if seen[name] is not good[name]} == lost


def test_a_schema_that_silences_the_tools_silences_no_other_finding() -> None:
    """With a schema for the answer no call is made: that is told of both together, and of nothing else."""
    endpoint = Simulator()
    endpoint.ignore("tools", when=lambda body: "response_format" in body)
    seen, good = observed(probed(endpoint)), observed(probed(Simulator()))
    assert {name: seen[name] for name in seen if seen[name] is not good[name]} == {
        "tools_with_json_schema": False
    }


def calls_of(endpoint: Simulator, change: Callable[[JSON], None]) -> None:
    """Have each call changed, whole or the first of its pieces."""

    def changed(message: JSON) -> None:
        for call in message.get("tool_calls") or ():
            if call.get("id"):
                change(call)

    def streamed(body: JSON, chunks: list[JSON]) -> list[JSON]:
        for choice in (choice for chunk in chunks for choice in chunk["choices"]):
            changed(choice["delta"])
        return chunks

    endpoint.edit_message(lambda body, message: changed(message))
    endpoint.edit_stream(streamed)


def test_a_server_that_refuses_its_own_ids_takes_no_results() -> None:
    """vLLM made ids that Mistral's tokenizer refused (vllm-project/vllm#9019): a made-up id says nothing."""
    endpoint = Simulator()
    calls_of(endpoint, lambda call: call.update(id="chatcmpl-tool-" + call["id"].removeprefix("call_")))
    words = "Tool call id was chatcmpl-tool-1f but must be a-z, A-Z, 0-9, with a length of 9."
    endpoint.refuse(error(400, words), when=lambda body: "chatcmpl-tool-" in str(body["messages"]))
    seen = observed(probed(endpoint))
    assert (seen["tool_calling"], seen["tool_results"]) == (True, False)


def test_a_made_up_call_that_is_refused_is_asked_with_a_real_one() -> None:
    """Gemini wants back the signature that it put on its own call."""
    endpoint = Simulator()
    google = {"google": {"thought_signature": "c2lnbmVk"}}
    calls_of(endpoint, lambda call: call.update(extra_content=google))
    endpoint.refuse(
        error(400, "Function call is missing a thought_signature in functionCall parts."),
        when=lambda body: "tool_call_id" in str(body["messages"]) and "c2lnbmVk" not in str(body["messages"]),
    )
    assert observed(probed(endpoint))["tool_results"] is True


def test_the_second_turn_is_made_up_where_ids_are_ordinary() -> None:
    endpoint = Simulator()
    report = probed(endpoint)
    turns = [one.json for one in asked(endpoint, "/chat/completions") if "tool_call_id" in str(one.json)]
    assert len(turns) == 1 and observed(report)["tool_results"] is True


def test_a_call_under_none_is_seen_under_a_tight_limit_too() -> None:
    endpoint = Simulator()
    endpoint.ignore("tool_choice", when=lambda body: body.get("tool_choice") == "none")
    assert observed(probed(endpoint))["tool_choice_none"] is False


def test_a_thinker_is_asked_one_wave_after_the_other() -> None:
    """Its tokens are dear: forty functions ride along with nothing before tools were seen to work."""
    endpoint = Simulator()
    endpoint.traits(efforts=("low", "high"), tools=False)
    probed(endpoint)
    bodies = [request.json for request in asked(endpoint, "/chat/completions")]
    assert max(len(body.get("tools") or ()) for body in bodies if body) == 1
