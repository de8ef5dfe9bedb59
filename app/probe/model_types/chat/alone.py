"""One ask of a chat model in calls of its own: put, mended by what came, and judged."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from app.probe.conversation import Conversation, Request, check_of
from app.probe.model_types.chat.question import ChatReply, Draft, Question, draft_of, estimated_tokens
from app.probe.reading.completion import Completion
from app.probe.reading.meaning import Judgement
from app.probe.reading.named_fields import complained
from app.probe.reading.refusal import Refusal, quote
from app.probe.reading.wordings import any_of
from app.probe.tasks import NO_BUDGET, Finding, Result, listened, note
from app.probe.transport.answer import Answer
from app.probe.values import Status


@dataclass(frozen=True, slots=True)
class _Put:
    """One ask as it was put alone, and what came; `spoken` only where the model said what can be judged."""

    draft: Draft
    answer: Answer
    refusal: Refusal
    judgement: Judgement
    completion: Completion | None
    named: tuple[str, ...]
    """The fields of the request that the endpoint complained of."""


@dataclass(slots=True)
class _Alone:
    """One ask on its own: how its next request differs from the first, and whether that is the same again."""

    talk: Conversation
    ask: Question
    until: float
    dropped: tuple[str, ...] = ()
    larger: int = 0
    repeated: bool = False
    alternative: bool = False
    right: int = 0

    def next(self) -> tuple[Draft, Request]:
        """What is to be sent."""
        draft = draft_of(self.talk, [self.ask])
        draft.limit = max(draft.limit, self.larger)
        if self.ask.alternative and self.alternative:
            self.ask.alternative.change(draft)
        request = draft.request(self.talk)
        if self.dropped and request.body:
            request = replace(request, body={n: v for n, v in request.body.items() if n not in self.dropped})
        return draft, request

    def put(self, draft: Draft, request: Request) -> _Put | None:
        """Send it; None where no tokens are left for that."""
        reserved = estimated_tokens(request, bool(draft.image)) + draft.limit
        if not self.talk.reserve(reserved):
            return None
        try:
            answer, refusal, judgement = self.talk.ask_patiently(self.ask.name, request, self.until)
        finally:
            self.talk.release(reserved)
        completion = listened(answer)
        return _Put(draft, answer, refusal, judgement, completion, complained(refusal, request.body or {}))

    def mend(self, put: _Put, observed: bool | None) -> bool:
        """Change the next request by what came of this one; False where there is nothing to change."""
        if put.completion is not None:
            short = observed is None and put.completion.cut and not self.talk.shape.fixed_limit
            if not short or self.larger:
                return False
            self.larger = put.draft.limit * 3
            return True
        if self._has_other_way(put):
            self.alternative = True
            return True
        others = tuple(name for name in put.named if name not in self.ask.fields)
        again = self.ask.role and put.answer.status == 500 and not self.repeated and not others
        self.dropped += others
        self.repeated = self.repeated or again
        return bool(others) or again

    def _has_other_way(self, put: _Put) -> bool:
        other = None if self.alternative else self.ask.alternative
        refused = put.answer.status in _OF_THE_REQUEST and not put.answer.failure
        return bool(other and refused and other.words.search(put.refusal.all))

    def may_be_chance(self) -> bool:
        """Count a right answer; whether, after a wrong one, it takes more of them."""
        self.right += 1
        return self.ask.name in self.talk.missed and self.right < self.ask.right_answers

    def result(
        self, status: Status, request: Request, answer: Answer | None, observed: bool | None, evidence: str
    ) -> Result:
        """What is told of the ask, with what was left out on the way."""
        changed = tuple(f"left out `{name}`" for name in self.dropped)
        if self.alternative and self.ask.alternative:
            changed += (self.ask.alternative.how,)
        check = check_of(self.ask.name, status, request, answer, evidence, self.talk, changed)
        return Result((Finding(self.ask.name, observed, check.evidence),), (check,))


def ask_alone(talk: Conversation, ask: Question) -> Result:
    """One ask in a call that changes one thing of the proof's own; up to three, each mended by the last."""
    return _settled(_Alone(talk, ask, time.monotonic() + talk.limits.check_s), 3)


def _settled(alone: _Alone, tries: int) -> Result:
    draft, request = alone.next()
    put = alone.put(draft, request)
    if put is None:
        return alone.result("skipped", request, None, None, NO_BUDGET)
    observed, evidence = _seen(alone, put)
    if observed and alone.may_be_chance():
        if tries > 1:
            return _settled(alone, tries - 1)
        observed, evidence = None, f"Right once, wrong once: that may be chance. {evidence}"
    if tries > 1 and alone.mend(put, observed):
        return _settled(alone, tries - 1)
    status: Status = "passed" if observed else "inconclusive" if observed is None else "failed"
    return alone.result(status, request, put.answer, observed, evidence)


def _seen(alone: _Alone, put: _Put) -> tuple[bool | None, str]:
    if put.completion is None:
        return _refusal(alone, put)
    note(alone.talk, put.completion, put.answer)
    observed, evidence = alone.ask.judge(ChatReply(put.answer, put.completion, put.draft))
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


def _refusal(alone: _Alone, put: _Put) -> tuple[bool | None, str]:
    """A refusal of what was asked is false; an error of another kind is null."""
    ask, status = alone.ask, put.answer.status or 0
    if put.answer.failure:
        return _broken_off(ask, put.answer)
    words = quote(put.refusal, alone.talk.endpoint.api_key) or "no words"
    if ask.name == "streaming" and 200 <= status < 300:
        return False, f"The stream brought an error or nothing: {words}"
    if put.judgement.meaning == "filtered":
        return None, f"Could not be told, since a content filter refused the prompt: {words}"
    about = not set(put.named).isdisjoint(ask.fields) or any(word in put.refusal.all for word in ask.words)
    if about and _THIS_PICTURE.search(put.refusal.all):
        return None, f"Could not be told, since it is about this picture: {words}"
    if about and status in _OF_THE_REQUEST:
        return False, f"Refused with {status}: {words}"
    if status in _OF_ITS_SHAPE and put.judgement.meaning in ("shape", "no_route"):
        observed = None if about_something_else(put.refusal) else False
        return observed, f"Refused with {status}, and the same call without it works: {words}"
    if status == 500 and alone.repeated and not put.judgement.by_words:
        return False, f"Answered 500 twice where the same call without the message works: {words}"
    return None, f"Could not be told; the endpoint answered {status}: {words}"


def _broken_off(ask: Question, answer: Answer) -> tuple[bool | None, str]:
    detail, kind = (answer.failure.detail, answer.failure.kind) if answer.failure else ("", "")
    if ask.name == "streaming" and answer.status is not None and kind in ("reset", "protocol"):
        return False, f"The stream broke off: {detail}."
    return None, f"No answer: {detail}."


def about_something_else(refusal: Refusal) -> bool:
    """The refusal speaks of a length or a context, not of what was asked."""
    return any(
        words in refusal.all
        for words in ("context length", "too long", "maximum context", "max_tokens", "token limit")
    )
