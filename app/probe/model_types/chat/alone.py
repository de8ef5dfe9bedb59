"""One question of a chat model in calls of its own: put, changed by what came, and judged."""

from __future__ import annotations

import time
from dataclasses import dataclass

from app.probe.conversation.record import check_of
from app.probe.conversation.request import Request
from app.probe.conversation.talk import Conversation
from app.probe.conversation.waiting import meant
from app.probe.model_types.chat.attempt import UNUSABLE, Attempt, Put
from app.probe.model_types.chat.question import ChatReply, Question
from app.probe.model_types.chat.state import ChatState
from app.probe.reading.refusal import Refusal, quote
from app.probe.reading.wordings import any_of
from app.probe.tasks import NO_BUDGET, Finding, Result
from app.probe.transport.answer import Answer
from app.probe.values import Status

_CALLS = 3
"""Calls that one question may take, beside those that chance or a guess makes necessary."""


@dataclass(slots=True)
class _Alone(Attempt):
    """One question on its own, and what was seen of it so far."""

    right: int = 0
    wrong: int = 0

    @property
    def question(self) -> Question:
        """The one question."""
        return self.questions[0]

    def change(self, put: Put, observed: bool | None) -> bool:
        """Change the next request by what came of this one; False where there is nothing to change."""
        if put.completion is not None:
            return observed is None and put.completion.cut and self._enlarge_once(put)
        if put.failed_generation or not self._has_other_way(put):
            return self.revise(put) or self._leave_out(put, observed)
        self.alternative = True
        return True

    def _enlarge_once(self, put: Put) -> bool:
        if self.larger or self.talk.shape.fixed_limit:
            return False
        self.larger = max(put.draft.limit * 3, self.chat.limit_for(put.draft.limit))
        return True

    def _leave_out(self, put: Put, observed: bool | None) -> bool:
        """Without the other fields that were complained of; a 500 that tells nothing is asked twice more."""
        others = tuple(name for name in put.named if name not in self.question.fields)
        untold = self.question.role or observed is None
        again = untold and put.answer.status == 500 and not others
        self.dropped += others
        return bool(others) or again and self.repeat()

    def _has_other_way(self, put: Put) -> bool:
        other = None if self.alternative else self.question.alternative
        refused = put.answer.status in _OF_THE_REQUEST and not put.answer.failure
        return bool(other and refused and other.words.search(put.refusal.all))

    def may_be_chance(self, observed: bool | None, put: Put) -> bool:
        """Count what was seen; whether it takes another look at the same."""
        missed, question = self.chat.missed[self.question.name], self.question
        if observed:
            self.right += 1
            return bool(missed or self.wrong) and self.right < question.right_answers
        if observed is False and put.completion is not None:
            self.wrong += 1
            return question.right_answers == 1 and missed + self.wrong < question.chances
        return False

    def told(self, observed: bool | None, evidence: str) -> tuple[bool | None, str]:
        """What all looks together tell, after the last of them."""
        looks = self.chat.missed[self.question.name] + self.wrong + self.right
        if observed is False and self.right:
            return False, f"Right once, wrong once: that may be chance. {evidence}"
        if self.question.chances == 1 or looks < 2:
            return observed, evidence
        if observed:
            return True, f"Seen in {self.right} of {looks}. {evidence}"
        if observed is False and self.wrong:
            return False, f"Not seen in any of {looks}. {evidence}"
        return observed, evidence

    def result(
        self, status: Status, request: Request, answer: Answer | None, observed: bool | None, evidence: str
    ) -> Result:
        """What is told of the question, with what was changed on the way."""
        name = self.question.name
        check = check_of(name, status, request, answer, evidence, self.talk, self.adaptations)
        return Result((Finding(name, observed, check.evidence),), (check,))


def ask_alone(talk: Conversation, question: Question, chat: ChatState) -> Result:
    """One question in a call that changes one thing of the proof's own; up to three, each changed by the
    last, and more where a look tells too little.

    Where only a 500 came each time, nothing is told yet, and the question joins `chat.unlucky`: calls come
    side by side, so one question may meet every failure of a server that fails now and then.
    """
    result, is_unlucky = _asked(talk, question, chat)
    if is_unlucky:
        chat.unlucky.append((question, result))
        return Result()
    return result


def ask_again(talk: Conversation, chat: ChatState) -> Result:
    """What the unlucky questions show when they are asked one after the other. The first that meets the same
    failure tells that it is no bad luck: the others stay as they are, so a broken server gets few calls more.
    """
    results, is_broken = [], False
    for question, result in chat.unlucky:
        if not is_broken:
            result, is_broken = _asked(talk, question, chat)
        results.append(result)
    chat.unlucky.clear()
    findings = tuple(finding for result in results for finding in result.findings)
    return Result(findings, tuple(check for result in results for check in result.checks))


def _asked(talk: Conversation, question: Question, chat: ChatState) -> tuple[Result, bool]:
    """What calls of its own tell of a question, and whether that is only that each was answered 500."""
    alone = _Alone(talk, chat, (question,), time.monotonic() + talk.limits.check_s)
    return _settled(alone, _CALLS)


def _settled(alone: _Alone, calls: int) -> tuple[Result, bool]:
    while True:
        put = alone.put()
        if put is None:
            request = alone.last[1] if alone.last else alone.next()[1]
            return alone.result("skipped", request, None, None, NO_BUDGET), False
        observed, evidence = _seen(alone, put)
        if alone.may_be_chance(observed, put) and time.monotonic() < alone.until:
            continue
        calls -= 1
        if calls <= 0 or not alone.change(put, observed):
            break
    observed, evidence = alone.told(observed, evidence)
    status: Status = "passed" if observed else "inconclusive" if observed is None else "failed"
    result = alone.result(status, put.request, put.answer, observed, evidence)
    return result, bool(alone.repeated) and put.answer.status == 500 and not put.failed_generation


def _seen(alone: _Alone, put: Put) -> tuple[bool | None, str]:
    if put.completion is None:
        return _refusal(alone, put)
    observed, evidence = alone.question.judge(ChatReply(put.answer, put.completion, put.draft))
    if observed is False and put.completion.held_back:
        return None, f"Could not be told, since the answer was filtered or refused. {evidence}"
    return observed, evidence


_OF_THE_REQUEST = frozenset(range(400, 500)) - {401, 402, 408, 413, 429} | {200, 500, 501}
"""Statuses that a refusal of a part of the request has come with."""
_THIS_PICTURE = any_of(
    r"(image|picture)\b.{0,40}\b(dimensions?|size|width|height|resolution)\b.{0,40}(at least|minimum|must)",
    r"(image|picture) (is )?too (small|large)",
    r"(failed|unable|could not|cannot) (to )?(download|fetch)\b.{0,40}(image|multi.?modal|media|url)",
)
"""Words of a server that takes pictures, and not this one."""
_OF_ITS_SHAPE = frozenset({400, 404, 405, 406, 415, 422, 424, 501})


def _refusal(alone: _Alone, put: Put) -> tuple[bool | None, str]:
    """A refusal of what was asked is false; an error of another kind is null."""
    question, status = alone.question, put.answer.status or 0
    if put.answer.failure:
        return _broken_off(question, put.answer)
    words = quote(put.refusal, alone.talk.endpoint.api_key) or "no words"
    judgement = meant(put.refusal, put.request)
    if put.failed_generation:
        return None, f"Could not be told, since {UNUSABLE}: {words}"
    if question.name == "streaming" and 200 <= status < 300:
        return False, f"The stream brought an error or nothing: {words}"
    if judgement.meaning == "filtered":
        return None, f"Could not be told, since a content filter refused the prompt: {words}"
    about = not set(put.named).isdisjoint(question.fields)
    about = about or any(word in put.refusal.all for word in question.words)
    if about and _THIS_PICTURE.search(put.refusal.all):
        return None, f"Could not be told, since it is about this picture: {words}"
    if about and status in _OF_THE_REQUEST:
        return False, f"Refused with {status}: {words}"
    if status in _OF_ITS_SHAPE and judgement.meaning in ("shape", "no_route"):
        observed = None if about_something_else(put.refusal) else False
        return observed, f"Refused with {status}, and the same call without it works: {words}"
    if status == 500 and question.role and alone.repeated and not judgement.by_words:
        return False, f"Answered 500 twice where the same call without the message works: {words}"
    return None, f"Could not be told; the endpoint answered {status}: {words}"


def _broken_off(question: Question, answer: Answer) -> tuple[bool | None, str]:
    detail, kind = (answer.failure.detail, answer.failure.kind) if answer.failure else ("", "")
    if question.name == "streaming" and answer.status is not None and kind in ("reset", "protocol"):
        return False, f"The stream broke off: {detail}."
    return None, f"No answer: {detail}."


def about_something_else(refusal: Refusal) -> bool:
    """The refusal speaks of a length or a context, not of what was asked."""
    return any(
        words in refusal.all
        for words in ("context length", "too long", "maximum context", "max_tokens", "token limit")
    )
