"""A whole run against a real endpoint: its events, its end, its limits, and what it costs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from dataclasses import replace
from typing import Any

import pytest

from app.practice.wire import Reply, Request, as_json, error
from app.probe.conversation.talk import Conversation
from app.probe.model_types import MODEL_TYPES
from app.probe.model_types.chat.checks import ChatChecks
from app.probe.run import run
from app.probe.tasks import Finding, Result, Task
from app.probe.transport.deadline import Cancellation
from app.probe.values import (
    CheckEnded,
    CheckStarted,
    CheckWaiting,
    Event,
    Finished,
    Limits,
    Report,
    Sampling,
    Target,
)
from tests.endpoints.base import Simulator
from tests.endpoints.replies import sse, text
from tests.probe.asked import asked, check, probed, rejected_as

JSON = Any
CHAT = MODEL_TYPES["chat"]


def events_of(endpoint: Simulator, **how: Any) -> list[Event]:
    with endpoint:
        typed = Target(endpoint.base_url, endpoint.api_key, endpoint.model_id)
        return list(run(typed, CHAT, {}, **how))


def test_events_begin_end_and_finish_once() -> None:
    events = events_of(Simulator())
    assert [type(event) for event in events].count(Finished) == 1
    assert isinstance(events[-1], Finished)
    started = [event.name for event in events if isinstance(event, CheckStarted)]
    ended = [event.check.name for event in events if isinstance(event, CheckEnded)]
    assert len(started) == len(set(started)), "each check begins once"
    assert set(started[:2]) == {"proof", "catalog"}
    for name in ended:
        begins = next(i for i, e in enumerate(events) if isinstance(e, CheckStarted) and e.name == name)
        ends = next(i for i, e in enumerate(events) if isinstance(e, CheckEnded) and e.check.name == name)
        assert begins < ends, name
    assert sorted(ended) == sorted(one.name for one in events[-1].report.checks)
    assert all(event.may_take_s > 0 for event in events if isinstance(event, CheckStarted))


def test_a_good_endpoint_has_every_capability() -> None:
    report = probed(Simulator())
    assert report.verdict == "accepted"
    seen = {name: capability.observed for name, capability in report.capabilities.items()}
    absent = {name: value for name, value in seen.items() if value is not True}
    assert absent == {"reasoning": False, "reasoning_effort": None, "tools_with_reasoning": None}
    assert report.warnings == ()
    assert report.diagnosis is None
    assert [one.name for one in report.checks][:3] == ["proof", "catalog", "wrong_key"]
    assert report.catalog["listed"] is True
    assert report.catalog["size"] == 1
    assert report.observed["supports_streaming"] is True
    assert report.observed["context_window"] == 32_768


@pytest.mark.parametrize(("efforts", "most"), [((), 2000), (("low", "medium", "high"), 3000)])
def test_a_probe_stays_within_its_budget(efforts: tuple[str, ...], most: int) -> None:
    """Its whole use of a chat model is counted, and stays under 2,000 tokens where it answers at once."""
    endpoint = Simulator()
    endpoint.traits(efforts=efforts)
    report = probed(endpoint)
    usage = report.usage
    assert 0 < usage["prompt_tokens"] + usage["completion_tokens"] < most
    assert usage["calls"] == len(endpoint.seen)


def test_a_small_budget_skips_checks_and_says_so() -> None:
    report = probed(Simulator(), limits=Limits(probe_s=20, tokens=150))
    assert report.verdict == "accepted"
    assert report.usage["prompt_tokens"] + report.usage["completion_tokens"] <= 150
    skipped = [one for one in report.checks if one.status == "skipped"]
    assert skipped
    assert all("limit of tokens" in one.evidence for one in skipped)


def test_the_usage_is_the_endpoints_own_count() -> None:
    endpoint = Simulator()
    endpoint.edit(lambda asked, answer: {**answer, "usage": {"prompt_tokens": 7, "completion_tokens": 2}})
    report = probed(endpoint, depth="proof", key_control=False)
    assert (report.usage["prompt_tokens"], report.usage["completion_tokens"]) == (7, 2)
    assert report.usage["calls"] == 2


def test_depth_proof_leaves_the_capabilities_out() -> None:
    endpoint = Simulator()
    report = probed(endpoint, depth="proof")
    assert [one.name for one in report.checks] == ["proof", "catalog", "wrong_key"]
    assert len(asked(endpoint, "/chat/completions")) == 2
    assert {capability.observed for capability in report.capabilities.values()} == {None}
    assert {capability.evidence for capability in report.capabilities.values()} == {"Not asked."}


def test_depth_proof_still_notices_a_thought() -> None:
    endpoint = Simulator()
    endpoint.edit_message(lambda asked, message: message.update(reasoning_content="Let me think."))
    report = probed(endpoint, depth="proof")
    assert report.capabilities["reasoning"].observed is True


@pytest.mark.parametrize(
    ("strict", "declared", "verdict"),
    [
        (False, True, "accepted"),
        (True, True, "rejected"),
        (True, False, "accepted"),
        (True, None, "accepted"),
    ],
)
def test_a_contradicted_declaration(strict: bool, declared: bool | None, verdict: str) -> None:
    endpoint = Simulator()
    endpoint.traits(vision=False)
    report = probed(endpoint, declared={"vision": declared, "tool_calling": True}, strict=strict)
    assert report.verdict == verdict
    assert report.capabilities["vision"].declared is declared
    assert report.capabilities["vision"].observed is False
    warned = [warning.message for warning in report.warnings if warning.code == "capability_contradicted"]
    assert len(warned) == (1 if declared else 0)
    if verdict == "rejected":
        assert report.diagnosis is not None
        assert (report.diagnosis.code, report.diagnosis.field) == ("capability_contradicted", "vision")


@pytest.mark.parametrize("status", [429, 503, 529])
def test_a_busy_endpoint_is_waited_for_as_long_as_it_says(status: int) -> None:
    endpoint, calls = Simulator(), iter(range(99))
    busy = replace(error(status, "overloaded"), headers={"Retry-After": "1"})
    endpoint.on("/chat/completions", lambda request: busy if next(calls) < 2 else None)
    began = time.monotonic()
    events = events_of(endpoint, depth="proof", key_control=False)
    took = time.monotonic() - began
    waits = [event for event in events if isinstance(event, CheckWaiting)]
    assert [(event.name, event.seconds) for event in waits] == [("proof", 1.0)] * 2
    assert all("overloaded" in event.reason for event in waits)
    assert 2.0 <= took < 4.0
    assert report_of(events).verdict == "accepted"


def report_of(events: list[Event]) -> Report:
    last = events[-1]
    assert isinstance(last, Finished)
    return last.report


def test_without_a_word_it_backs_off_more_and_more() -> None:
    endpoint, calls = Simulator(), iter(range(99))
    endpoint.on("/chat/completions", lambda request: error(503, "loading") if next(calls) < 3 else None)
    events = events_of(endpoint, depth="proof", key_control=False)
    assert [event.seconds for event in events if isinstance(event, CheckWaiting)] == [0.5, 1.0, 2.0]
    assert report_of(events).verdict == "accepted"


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (error(429, "Rate limit exceeded"), "rate_limited"),
        (error(503, "Model m is loading"), "model_unavailable"),
    ],
)
def test_a_wait_beyond_the_deadline_is_not_begun(reply: Reply, code: str) -> None:
    endpoint = Simulator()
    endpoint.on("/chat/completions", replace(reply, headers={"Retry-After": "600"}))
    began = time.monotonic()
    report = probed(endpoint, limits=Limits(probe_s=8))
    assert time.monotonic() - began < 6
    assert rejected_as(report) == code


def test_a_day_without_quota_is_not_waited_for() -> None:
    endpoint = Simulator()
    endpoint.on("/chat/completions", error(429, "You exceeded your current quota", code="insufficient_quota"))
    events = events_of(endpoint)
    assert not [event for event in events if isinstance(event, CheckWaiting)]
    assert rejected_as(report_of(events)) == "quota_exhausted"
    assert len(asked(endpoint, "/chat/completions")) == 1


FILTERED = error(400, "The prompt triggered our content management policy", code="content_filter")


def test_a_prompt_refused_twice_by_a_filter_is_let_in_with_a_warning() -> None:
    """The filter was reached with a good key and a known model."""
    endpoint = Simulator()
    endpoint.refuse(FILTERED)
    report = probed(endpoint, depth="proof")
    assert report.verdict == "accepted"
    assert [warning.code for warning in report.warnings] == ["prompt_filtered"]
    prompts = {request.json["messages"][0]["content"] for request in asked(endpoint, "/chat/completions")}
    assert len(prompts) == 2, "a plainer prompt was tried"


def test_a_plainer_prompt_that_passes_leaves_no_warning() -> None:
    endpoint = Simulator()
    endpoint.refuse(FILTERED, when=lambda body: "single word" in body["messages"][0]["content"])
    report = probed(endpoint, depth="proof")
    assert (report.verdict, report.warnings) == ("accepted", ())


def test_an_endpoint_that_only_streams() -> None:
    endpoint = Simulator()
    endpoint.refuse(
        error(400, "This model only supports streaming"), when=lambda body: not body.get("stream")
    )
    report = probed(endpoint)
    assert report.verdict == "accepted"
    assert check(report, "proof").adaptations == ("asked for a stream, since only streams are served",)
    assert report.capabilities["streaming"].observed is True
    assert report.capabilities["tool_calling"].observed is True


def test_what_the_proof_learned_holds_for_the_checks() -> None:
    endpoint = Simulator()
    refusal = error(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
    endpoint.refuse(refusal, when=lambda body: "max_tokens" in body)
    report = probed(endpoint)
    assert report.verdict == "accepted"
    assert check(report, "proof").adaptations == ("named the token limit `max_completion_tokens`",)
    with_old_name = [r for r in asked(endpoint, "/chat/completions") if "max_tokens" in r.json]
    assert len(with_old_name) == 1, "asked wrongly once, never again"
    assert report.capabilities["max_completion_tokens"].observed is True


def wrapped(field: str, status: int = 400) -> Reply:
    """A provider's refusal as a router passes it on."""
    inner = {"error": {"message": f"Unsupported parameter: '{field}' is not supported with this model."}}
    metadata = {"raw": json.dumps(inner), "provider_name": "OpenAI"}
    return as_json({"error": {"message": "Provider returned error", "metadata": metadata}}, status)


def test_a_refusal_in_the_words_of_an_outage_is_learned_from_at_once() -> None:
    endpoint = Simulator()
    endpoint.refuse(wrapped("max_tokens"), when=lambda body: "max_tokens" in body)
    report = probed(endpoint, depth="proof")
    assert check(report, "proof").adaptations == ("named the token limit `max_completion_tokens`",)
    assert report.duration_ms < 3000


def test_an_outage_that_names_no_field_is_waited_for() -> None:
    endpoint = Simulator()
    replies = [as_json({"error": {"message": "Provider returned error"}}, 400), wrapped("max_tokens", 429)]
    endpoint.refuse(lambda request: replies.pop() if replies else None)
    report = probed(endpoint, depth="proof")
    assert (report.verdict, check(report, "proof").adaptations, replies) == ("accepted", (), [])


@pytest.mark.parametrize("reply", [error(500, "Internal Server Error"), text(202, ""), error(400, "Oops")])
def test_what_passed_by_itself_was_not_forced(reply: Reply) -> None:
    """Where one vague failure is all there was, the first shape works as well."""
    endpoint = Simulator()
    replies = [reply]
    endpoint.refuse(lambda request: replies.pop() if replies else None)
    report = probed(endpoint, depth="proof")
    assert (report.verdict, check(report, "proof").adaptations) == ("accepted", ())


def test_to_see_that_it_passed_nothing_is_waited_for() -> None:
    endpoint = Simulator()
    busy = replace(error(429, "Rate limit exceeded"), headers={"Retry-After": "5"})
    replies = [busy, None, error(500, "Oops")]
    endpoint.refuse(lambda request: replies.pop() if replies else None)
    report = probed(endpoint, depth="proof", key_control=False)
    assert (report.verdict, replies) == ("accepted", [])
    assert check(report, "proof").adaptations == ("set no token limit",)
    assert report.duration_ms < 3000


def test_what_a_vague_refusal_forces_stays() -> None:
    endpoint = Simulator()
    endpoint.refuse(error(400, "Oops"), when=lambda body: "max_tokens" in body)
    report = probed(endpoint, depth="proof")
    assert check(report, "proof").adaptations == ("set no token limit",)


@pytest.mark.parametrize(
    "reply", [error(451, "Unavailable for legal reasons"), error(429, "当前订阅套餐暂未开放GLM-5权限")]
)
def test_a_right_that_is_missing_ends_the_ladder_at_once(reply: Reply) -> None:
    endpoint = Simulator()
    endpoint.refuse(reply)
    report = probed(endpoint, depth="proof")
    assert rejected_as(report) == "permission_denied"
    assert len(asked(endpoint, "/chat/completions")) == 1


def test_the_ladder_is_bounded() -> None:
    endpoint, names = Simulator(), iter(range(999))
    endpoint.on("/chat/completions", lambda request: error(400, f"Something is wrong: {next(names)}"))
    endpoint.catalog(None)
    report = probed(endpoint, limits=Limits(probe_s=10, proof_calls=8))
    assert rejected_as(report) == "endpoint_error"
    under_base = [r for r in asked(endpoint, "/chat/completions") if r.json["model"] == endpoint.model_id]
    assert len(under_base) <= 8


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (error(401, "Incorrect API key provided"), "invalid_credentials"),
        (error(402, "Insufficient Balance"), "quota_exhausted"),
        (error(403, "You do not have access to this model"), "permission_denied"),
        (error(400, "The model x does not exist"), "model_not_found"),
    ],
)
def test_what_is_about_key_or_model_ends_the_ladder(reply: Reply, code: str) -> None:
    endpoint = Simulator()
    endpoint.on("/chat/completions", reply)
    assert rejected_as(probed(endpoint)) == code
    assert len(asked(endpoint, "/chat/completions")) == 1


def test_a_broken_stream_in_place_of_every_answer() -> None:
    endpoint = Simulator()
    endpoint.on("/chat/completions", sse({"error": {"message": "boom", "code": 500}}))
    report = probed(endpoint, limits=Limits(probe_s=10))
    assert rejected_as(report) == "endpoint_error"
    assert report.capabilities["streaming"].observed is False
    assert "boom" in (report.diagnosis.message if report.diagnosis else "")


def stalled(endpoint: Simulator, seconds: float = 30) -> None:
    def wait(request: Request) -> Reply:
        endpoint.pause(seconds)
        return text(200, "late")

    endpoint.on("/chat/completions", wait)


def cancelled_by_closing(events: Iterator[Event], cancelled: Cancellation) -> None:
    events.close()  # type: ignore[attr-defined]


def cancelled_by_event(events: Iterator[Event], cancelled: Cancellation) -> None:
    cancelled.set()
    rest = list(events)
    assert isinstance(rest[-1], Finished)
    assert rest[-1].report.verdict == "rejected"


@pytest.mark.parametrize("end", [cancelled_by_closing, cancelled_by_event])
def test_a_cancelled_probe_ends_at_once(end: Callable[[Iterator[Event], Cancellation], None]) -> None:
    """Calls under way end with it, and no thread stays."""
    endpoint, cancelled = Simulator(), Cancellation()
    stalled(endpoint)
    with endpoint:
        typed = Target(endpoint.base_url, endpoint.api_key, endpoint.model_id)
        events = run(typed, CHAT, {}, cancelled=cancelled)
        next(events)
        while not asked(endpoint, "/chat/completions"):
            time.sleep(0.01)
        began = time.monotonic()
        end(events, cancelled)
        assert time.monotonic() - began < 1.0
        while [thread for thread in threading.enumerate() if thread.name.startswith("probe")]:
            assert time.monotonic() - began < 2.0
            time.sleep(0.01)


def test_a_probe_that_is_left_lying_about_is_closed_on_any_thread() -> None:
    """The garbage collector may do it where a lock of the thread module or of all pools is held."""
    with Simulator() as endpoint:
        typed = Target(endpoint.base_url, endpoint.api_key, endpoint.model_id)
        events = run(typed, CHAT, {})
        assert any(isinstance(event, Finished) for event in events)
        left = run(typed, CHAT, {})
        while not isinstance(next(left), Finished):
            pass

        def collect() -> None:
            with futures.thread._global_shutdown_lock, threading._shutdown_locks_lock:  # type: ignore[attr-defined]
                left.close()

        thread = threading.Thread(target=collect, daemon=True)
        thread.start()
        thread.join(10)
        assert not thread.is_alive()


def test_a_cancelled_wait_ends_at_once() -> None:
    endpoint, cancelled = Simulator(), Cancellation()
    endpoint.on("/chat/completions", replace(error(503, "loading"), headers={"Retry-After": "15"}))
    with endpoint:
        typed = Target(endpoint.base_url, endpoint.api_key, endpoint.model_id)
        events = run(typed, CHAT, {}, cancelled=cancelled)
        while not isinstance(next(events), CheckWaiting):
            pass
        began = time.monotonic()
        cancelled_by_closing(events, cancelled)
        assert time.monotonic() - began < 1.0


def test_the_whole_probe_ends_in_time() -> None:
    endpoint = Simulator()
    stalled(endpoint)
    began = time.monotonic()
    report = probed(endpoint, limits=Limits(probe_s=1.5))
    assert time.monotonic() - began < 3.5
    assert rejected_as(report) == "timeout"


def test_a_check_that_stalls_is_told_nothing_of_and_the_others_end() -> None:
    endpoint = Simulator()

    def stall(request: Request) -> Reply:
        endpoint.pause(20)
        return text(200, "late")

    endpoint.on("/responses", stall)
    report = probed(endpoint, limits=Limits(probe_s=20, check_s=1.0))
    assert report.verdict == "accepted"
    assert report.capabilities["responses_api"].observed is None
    assert report.capabilities["tool_calling"].observed is True


def defect(run: Conversation) -> Result:
    raise ZeroDivisionError


def test_a_defect_in_a_check_does_not_end_the_others() -> None:
    class Defective(ChatChecks):
        def waves(self, found: Mapping[str, Finding]) -> Iterator[tuple[Task, ...]]:
            waves = super().waves(found)
            yield (Task(("vision",), defect), *next(waves))
            yield from waves

    broken = replace(CHAT, checks=Defective.after)
    endpoint = Simulator()
    with endpoint:
        typed = Target(endpoint.base_url, endpoint.api_key, endpoint.model_id)
        report = report_of(list(run(typed, broken, {})))
    assert report.verdict == "accepted"
    failed = [one for one in report.checks if "Muster itself" in one.evidence]
    assert [(one.name, one.status) for one in failed] == [("vision", "inconclusive")]
    assert "ZeroDivisionError" in failed[0].evidence
    assert report.capabilities["tool_calling"].observed is True


def test_a_defect_in_the_proof_rejects_and_says_whose_fault_it_is() -> None:
    def judge(answer: object, run: Conversation) -> None:
        raise KeyError("x")

    broken = replace(CHAT, proof=replace(CHAT.proof, judge=judge))
    endpoint = Simulator()
    with endpoint:
        typed = Target(endpoint.base_url, endpoint.api_key, endpoint.model_id)
        report = report_of(list(run(typed, broken, {})))
    assert rejected_as(report) == "endpoint_error"
    assert report.diagnosis is not None and "Muster itself" in report.diagnosis.message


def test_a_defect_elsewhere_does_not_hang_the_caller() -> None:
    """Whatever fails in the probe's own thread, the caller learns of it."""

    class Defective(ChatChecks):
        def settle(self, found: object) -> None:
            raise KeyError("x")

    broken = replace(CHAT, checks=Defective.after)
    endpoint = Simulator()
    with endpoint:
        typed = Target(endpoint.base_url, endpoint.api_key, endpoint.model_id)
        with pytest.raises(KeyError):
            list(run(typed, broken, {}))


def test_the_key_is_nowhere_in_what_is_told() -> None:
    endpoint = Simulator()
    endpoint.edit_message(lambda asked, message: message.update(content=f"Your key is {endpoint.api_key}!"))
    events = events_of(endpoint)
    assert endpoint.api_key not in repr(events)
    assert endpoint.api_key[:12] not in repr(report_of(events).as_dict())


def test_at_most_eight_calls_at_a_time() -> None:
    endpoint, lock, now, most = Simulator(), threading.Lock(), [0], [0]

    def counted(request: Request) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        endpoint.pause(0.05)
        with lock:
            now[0] -= 1

    endpoint.every(counted)
    assert probed(endpoint).verdict == "accepted"
    assert 3 <= most[0] <= 8


THOUGHT = {"completion_tokens": 8, "reasoning_tokens": 7}


def empty_under(limit: int, **usage: int) -> Simulator:
    """One that says nothing, and ends with `stop`, where fewer tokens than this are allowed."""
    endpoint = Simulator()

    def emptied(asked: JSON, answer: JSON) -> JSON:
        if asked.get("max_tokens", 0) < limit:
            answer["choices"][0] |= {"message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
            answer["usage"] = usage
        return answer

    endpoint.edit(emptied)
    endpoint.ignore("stream")
    return endpoint


def test_an_empty_answer_is_asked_for_once_more_before_it_counts() -> None:
    endpoint = empty_under(100, completion_tokens=8)
    proof = check(probed(endpoint, depth="proof"), "proof")
    assert proof.evidence.startswith("The model answered: Hello")
    assert [body["max_tokens"] for body in asked_bodies(endpoint)[:2]] == [16, 256]


@pytest.mark.parametrize(
    ("usage", "verdict"),
    [(THOUGHT, "accepted"), ({"completion_tokens": 8}, "rejected"), ({}, "rejected")],
)
def test_an_answer_that_stays_empty_counts_where_the_model_thought(
    usage: dict[str, int], verdict: str
) -> None:
    report = probed(empty_under(9999, **usage), depth="proof")
    assert report.verdict == verdict
    assert len(check(report, "proof").adaptations) == 1


def test_log_probabilities_that_nobody_asked_for_are_no_answer() -> None:
    """They speak for a model only where one token with them was all that was asked for."""
    endpoint = empty_under(9999, completion_tokens=8)
    tops = [{"token": "", "logprob": -0.1, "top_logprobs": [{"token": "", "logprob": -0.1}]}]

    def with_tops(asked: JSON, answer: JSON) -> JSON:
        answer["choices"][0]["logprobs"] = {"content": tops}
        return answer

    endpoint.edit(with_tops)
    assert probed(endpoint, depth="proof").verdict == "rejected"
    sampled = probed(endpoint, depth="proof", sampling=Sampling("Hello", 5))
    assert sampled.verdict == "accepted"


def test_a_refusal_of_the_larger_prompt_takes_nothing_back() -> None:
    endpoint = empty_under(9999, **THOUGHT)
    endpoint.refuse(error(500, "boom"), when=lambda body: body.get("max_tokens", 0) > 100)
    assert probed(endpoint, depth="proof").verdict == "accepted"


def asked_bodies(endpoint: Simulator) -> list[JSON]:
    """What the route of chat was asked, in order."""
    return [request.json for request in asked(endpoint, "/chat/completions")]
