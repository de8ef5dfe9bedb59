"""The same question many times: what a model does once, it need not do each time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from app.probe.base_url import Base
from app.probe.conversation.record import check_of
from app.probe.conversation.talk import Conversation
from app.probe.conversation.waiting import meant
from app.probe.model_types.chat.attempt import Attempt, Put
from app.probe.model_types.chat.checks import QUESTIONS
from app.probe.model_types.chat.question import ChatReply, Question, estimated_tokens
from app.probe.model_types.chat.state import ChatState
from app.probe.proof import Proven
from app.probe.reading.refusal import quote
from app.probe.reliability import ErrorKind, Repeat, Trial, reliability_of
from app.probe.tasks import Checks, Finding, Result, Task
from app.probe.transport.client import Client
from app.probe.transport.egress.rules import EgressRules
from app.probe.values import CheckWaiting, Limits, Status, Target

_NOWHERE = "http://127.0.0.1/v1"
"""Where a request would go that is only weighed."""
_LIMITED = ("rate_limited", "quota_exhausted", "bot_filter")


@dataclass(frozen=True, slots=True)
class Price:
    """What one run of a check costs at most, roughly, in tokens."""

    prompt: int
    answer: int

    @property
    def tokens(self) -> int:
        """Both together."""
        return self.prompt + self.answer


def price_of(name: str, *, thinks: bool) -> Price:
    """The price of one run of a check, before anything is asked; `thinks` leaves room for that too."""
    limits = Limits()
    with Client(EgressRules(), limits) as client:
        target = Target(_NOWHERE, "", "model")
        talk = Conversation(target, Base.of(_NOWHERE), client, limits, 0.0, lambda event: None, {})
        return _price_in(Attempt(talk, ChatState(talk, spends=thinks), (QUESTIONS[name],), 0.0))


def _price_in(attempt: Attempt) -> Price:
    draft, request = attempt.next()
    return Price(estimated_tokens(request, bool(draft.image)), draft.limit)


class ChatRepeats(Checks):
    """Each of the named questions, as often as asked."""

    def __init__(self, talk: Conversation, proven: Proven, repeat: Repeat) -> None:
        self.chat = ChatState.after(talk, proven)
        super().__init__((), self.chat.performance)
        self.talk, self.repeat = talk, repeat
        self.trials: list[Trial] = []
        self.lock = threading.Lock()

    def waves(self, found: Mapping[str, Finding]) -> Iterator[tuple[Task, ...]]:
        """Tell the price, then ask."""
        questions = [QUESTIONS[name] for name in self.repeat.checks]
        price = self.repeat.times * sum(map(self._price, questions))
        self.talk.budget.grow(self.talk.limits.tokens + price)
        reason = f"{self.repeat.times} times {', '.join(self.repeat.checks)}: at most about {price:,} tokens"
        self.talk.emit(CheckWaiting(self.repeat.checks[0], 0.0, reason))
        yield tuple(
            Task((), partial(self._try, question=question))
            for question in questions
            for _ in range(self.repeat.times)
        )

    def settle(self, found: dict[str, Finding]) -> None:
        """Count the runs."""
        self.reliability = tuple(reliability_of(name, self.trials) for name in self.repeat.checks)

    def _price(self, question: Question) -> int:
        return _price_in(Attempt(self.talk, self.chat, (question,), 0.0)).tokens

    def _try(self, talk: Conversation, question: Question) -> Result:
        attempt = Attempt(talk, self.chat, (question,), time.monotonic() + talk.limits.check_s)
        put = attempt.put()
        if put is not None and put.completion is None and not put.failed_generation and attempt.revise(put):
            put = attempt.put()
        trial = _trial(talk, question, put)
        with self.lock:
            self.trials.append(trial)
        if put is None:
            return Result()
        status: Status = "failed" if trial.error else "passed"
        check = check_of(
            question.name, status, put.request, put.answer, trial.evidence, talk, put.adaptations
        )
        return Result(checks=(check,))


def _trial(talk: Conversation, question: Question, put: Put | None) -> Trial:
    if put is None:
        return Trial(question.name, "refused_by_limits", "The probe's limit of tokens is reached.")
    if put.completion is None:
        words = quote(put.refusal, talk.endpoint.api_key) or "no answer"
        return Trial(question.name, _kind_of_failure(put), f"{put.answer.status}: {words}")
    reply = ChatReply(put.answer, put.completion, put.draft)
    observed, evidence = question.judge(reply)
    return Trial(question.name, None if observed else kind_of_error(reply), evidence)


def _kind_of_failure(put: Put) -> ErrorKind:
    if put.failed_generation:
        return "arguments_not_json" if "tools" in put.draft.more else "other"
    is_limited = not put.answer.failure and meant(put.refusal, put.request).meaning in _LIMITED
    return "refused_by_limits" if is_limited else "other"


def kind_of_error(reply: ChatReply) -> ErrorKind:
    """What is wrong with an answer that did not pass."""
    if reply.completion.cut:
        return "cut_off"
    tools = reply.draft.more.get("tools")
    if not tools:
        return "other"
    if not reply.completion.calls:
        return "no_call"
    names = {tool["function"]["name"] for tool in tools}
    if any(call.name not in names for call in reply.completion.calls):
        return "wrong_name"
    if any(call.arguments is None for call in reply.completion.calls):
        return "arguments_not_json"
    return "arguments_against_schema"
