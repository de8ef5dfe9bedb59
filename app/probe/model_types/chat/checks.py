"""The second phase of a chat model: what is asked in which wave, and what is settled at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from app.probe.conversation.talk import Conversation
from app.probe.model_types.chat import responses
from app.probe.model_types.chat.alone import ask_again
from app.probe.model_types.chat.asking import riding_task, tasks_for
from app.probe.model_types.chat.context import context_task
from app.probe.model_types.chat.effort import effort_tasks, settle_effort
from app.probe.model_types.chat.proof import request_of
from app.probe.model_types.chat.question import Question
from app.probe.model_types.chat.questions import formats, messages, more_tools, tools
from app.probe.model_types.chat.questions.formats import JSON_MODE, JSON_SCHEMA, VISION
from app.probe.model_types.chat.questions.messages import (
    DEVELOPER,
    LOGPROBS,
    MAX_COMPLETION,
    SAMPLING,
    STREAM_USAGE,
    STREAMING,
    SYSTEM,
    SYSTEM_PARTS,
)
from app.probe.model_types.chat.questions.more_tools import (
    MANY_TOOLS,
    TOOL_CHOICE_NONE,
    TOOLS_WITH_REASONING,
    TOOLS_WITH_SCHEMA,
)
from app.probe.model_types.chat.questions.second_turn import NAME as RESULTS
from app.probe.model_types.chat.questions.second_turn import made_up, ordinary, tool_results
from app.probe.model_types.chat.questions.tools import (
    PARALLEL,
    STREAMED_PARALLEL,
    STREAMED_TOOLS,
    STRICT,
    TOOL_CHOICE,
    TOOLS,
)
from app.probe.model_types.chat.settling import settle_calls, settle_reasoning, settle_sampling
from app.probe.model_types.chat.state import ChatState
from app.probe.proof import Proven
from app.probe.reading.completion.whole import read_completion
from app.probe.reading.named_fields import REFUSAL_STATUSES, complained
from app.probe.reading.refusal import quote
from app.probe.tasks import NO_BUDGET, Checks, Finding, Result, Task

Bundle = tuple[Question, ...]
BUNDLES: tuple[Bundle, ...] = (
    (STREAMING, STREAM_USAGE, SYSTEM, MAX_COMPLETION),
    (TOOLS, PARALLEL, STREAMED_TOOLS, STREAMED_PARALLEL),
    (TOOLS, STRICT, TOOL_CHOICE),
    (JSON_MODE, DEVELOPER, SAMPLING),
    (VISION, JSON_SCHEMA),
)
"""What is asked together first. Together with the control of the key, the Responses API and the bounds of
sampling these make eight calls, which is one wave at the limit of eight calls at a time."""
_STREAM, _CALLS, _, _JSON, _ = BUNDLES
_RIDERS: Mapping[Bundle, tuple[Callable[[], Question], ...]] = {
    _STREAM: (lambda: TOOL_CHOICE_NONE, lambda: SYSTEM_PARTS),
    _CALLS: (lambda: MANY_TOOLS, lambda: TOOLS_WITH_SCHEMA),
    _JSON: (lambda: LOGPROBS, made_up),
}
"""What of the second wave is asked along with a bundle of the first: a good model needs no second wave."""
_RIDING_TOKENS = 2000
"""The least budget that has room for that in one wave."""
AFTER_TOOLS: tuple[Bundle, ...] = (
    (MANY_TOOLS, TOOLS_WITH_SCHEMA),
    (TOOL_CHOICE_NONE, SYSTEM_PARTS, LOGPROBS),
)
"""What is asked together in the second wave, where tools were seen to work."""
WITHOUT_TOOLS: tuple[Bundle, ...] = ((SYSTEM_PARTS, LOGPROBS),)
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "many_tools": ("tool_calling",),
    "tools_with_json_schema": ("tool_calling", "json_schema"),
    "tool_choice_none": ("tool_calling",),
    "tool_results": ("tool_calling",),
    "tools_with_reasoning": ("tool_calling", "reasoning"),
    "responses_streaming": ("responses_api",),
    "responses_tools": ("responses_api",),
}
"""What must have been seen for a question to make sense."""


def _all_questions() -> tuple[Question, ...]:
    modules = (messages, formats, tools, more_tools)
    found = (one for module in modules for one in vars(module).values() if isinstance(one, Question))
    return tuple(dict.fromkeys(found))


QUESTIONS: Mapping[str, Question] = {question.name: question for question in _all_questions()}
"""Every question that needs no other answer, by the name of its capability."""


def _questions_elsewhere() -> tuple[Bundle, ...]:
    """A question that stands in no bundle is asked in a call of its own."""
    named = {question for bundle in (*BUNDLES, *AFTER_TOOLS) for question in bundle} | {TOOLS_WITH_REASONING}
    return tuple((question,) for question in QUESTIONS.values() if question not in named)


class ChatChecks(Checks):
    """The second phase of one probe of a chat model."""

    @classmethod
    def after(cls, talk: Conversation, proven: Proven) -> ChatChecks:
        """The checks that follow this proof."""
        return cls(talk, ChatState.after(talk, proven))

    def __init__(self, talk: Conversation, chat: ChatState) -> None:
        super().__init__((), chat.performance)
        self.talk, self.chat = talk, chat
        self.takes_riders = False

    def waves(self, found: Mapping[str, Finding]) -> Iterator[tuple[Task, ...]]:
        """As below, and after each what met nothing but failures in it."""
        for wave in self._waves(found):
            yield wave
            if self.chat.unlucky:
                names = tuple(question.name for question, _ in self.chat.unlucky)
                yield (Task(names, partial(ask_again, chat=self.chat)),)

    def _waves(self, found: Mapping[str, Finding]) -> Iterator[tuple[Task, ...]]:
        """Bundles first; then what stands on what they showed; then what costs most and tells least."""
        bundles = (*BUNDLES, *_questions_elsewhere())
        self.chat.witnesses = Counter(question.name for bundle in bundles for question in bundle)
        yield (
            *self._first_bundles(bundles),
            responses.first_task(self.chat),
            Task(("sampling_params",), partial(sampling_bounds, chat=self.chat)),
        )
        yield (*self._second_wave(found),)
        if self._may_think():
            yield effort_tasks(self.talk, self.chat)
        if self.talk.depth == "deep":
            yield (context_task(self.chat),)

    def settle(self, found: dict[str, Finding]) -> None:
        """What only all answers together tell. Changes `found` in place."""
        settle_sampling(found)
        settle_effort(found)
        settle_reasoning(self.chat, found)
        settle_calls(self.chat, found)
        for name, needed in _NEEDS.items():
            lacking = [one for one in needed if one not in found or not found[one].observed]
            if name not in found and lacking:
                evidence = f"Not asked, since {lacking[0]} was not seen."
                found[name] = Finding(name, None, evidence)

    def _first_bundles(self, bundles: tuple[Bundle, ...]) -> Iterator[Task]:
        """A model that thinks gets its questions one wave after the other: its tokens are dear."""
        self.takes_riders = not self.chat.spends and self.talk.budget.limit >= _RIDING_TOKENS
        if not self.takes_riders:
            yield from tasks_for(bundles, self.chat)
            return
        self._make_room()
        for bundle in bundles:
            riders = [make() for make in _RIDERS.get(bundle, ())]
            yield from [riding_task(bundle, riders, self.chat)] if riders else tasks_for([bundle], self.chat)

    def _make_room(self) -> None:
        """Forty functions alone cost about half of what a whole probe does without them."""
        self.talk.budget.grow(self.talk.limits.tokens * 3 // 2)

    def _second_wave(self, found: Mapping[str, Finding]) -> Iterator[Task]:
        has_tools = _is_seen(found, "tool_calling") or _is_seen(found, "streamed_tool_calling")
        if has_tools:
            self._make_room()
        bundles = self._second_bundles(has_tools, _is_seen(found, "json_schema"))
        seen = self.chat.beside
        yield from (_told(seen[one.name]) for bundle in bundles for one in bundle if one.name in seen)
        left = [tuple(one for one in bundle if one.name not in seen) for bundle in bundles]
        self.chat.witnesses.update(question.name for bundle in left for question in bundle)
        yield from tasks_for([bundle for bundle in left if bundle], self.chat)
        if has_tools:
            yield from self._results()
        if has_tools and self._may_think() and not self.chat.thought_before_a_call:
            yield from tasks_for([[TOOLS_WITH_REASONING]], self.chat)
        if _is_seen(found, "responses_api"):
            early = responses.told_early(self.talk, self.chat)
            yield _told(early) if early else responses.streaming_task(self.chat)

    def _second_bundles(self, has_tools: bool, has_schema: bool) -> tuple[Bundle, ...]:
        if not has_tools:
            return WITHOUT_TOOLS
        many, *others = AFTER_TOOLS
        if not has_schema:
            return ((MANY_TOOLS,), *others)
        # Two that did not show together as riders would hardly do so now.
        return (*((one,) for one in many), *others) if self.takes_riders else AFTER_TOOLS

    def _results(self) -> Iterator[Task]:
        """The second turn, unless a made-up call showed it that is like those of this model."""
        if RESULTS in self.chat.beside and ordinary(self.chat.calls):
            yield _told(self.chat.beside[RESULTS])
        elif results := tool_results(self.chat.calls):
            yield from tasks_for([[results]], self.chat)

    def _may_think(self) -> bool:
        listed = str(self.talk.catalog_metadata.get("supported_parameters", "")).lower()
        return self.chat.thinks or bool(self.talk.declared.get("reasoning")) or "reasoning" in listed


def _told(result: Result) -> Task:
    """What was seen already, when its turn comes."""
    return Task(tuple(finding.name for finding in result.findings), lambda talk: result)


def _is_seen(found: Mapping[str, Finding], name: str) -> bool:
    return name in found and found[name].observed is True


def sampling_bounds(talk: Conversation, chat: ChatState) -> Result:
    """A temperature that means nothing: an endpoint that reads the field refuses it, one that ignores it
    answers.
    """
    messages = [{"role": "user", "content": "Say hello."}]
    request = request_of(talk.endpoint.model_id, talk.shape, messages, temperature=-1)
    until = time.monotonic() + talk.limits.check_s
    with talk.budget.room(talk.shape.limit + 12, until) as granted:
        if not granted:
            return Result((Finding("_temperature_read", None, NO_BUDGET),))
        answer, refusal = talk.ask_in_time("sampling_params", request, until)
    chat.note(read_completion(answer) if answer.ok else None, answer)
    refused = answer.status in REFUSAL_STATUSES and "temperature" in complained(refusal, request.body or {})
    observed = True if refused else False if answer.ok else None
    return Result(
        (Finding("_temperature_read", observed, quote(refusal, talk.endpoint.api_key) if refused else ""),)
    )
