"""Questions of a chat model as a request that is put, changed by what came of it, and put again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from app.probe.conversation.request import Request
from app.probe.conversation.talk import Conversation
from app.probe.model_types.chat.instructions import NESTED, instruction, obey
from app.probe.model_types.chat.question import Draft, Question, draft_of, estimated_tokens
from app.probe.model_types.chat.state import ChatState
from app.probe.reading.completion.whole import Completion, read_completion
from app.probe.reading.meaning import meaning_of
from app.probe.reading.named_fields import complained
from app.probe.reading.refusal import Refusal
from app.probe.transport.answer import Answer

UNUSABLE = "the server could not use what the model wrote"
"""What evidence says of such a failure."""
_SAME_AGAIN = 2


@dataclass(frozen=True, slots=True)
class Put:
    """Questions as they were put, and what came; no `completion` where nothing can be judged."""

    draft: Draft
    request: Request
    answer: Answer
    refusal: Refusal
    completion: Completion | None
    named: tuple[str, ...]
    """The fields of the request that the endpoint complained of."""
    adaptations: tuple[str, ...] = ()

    @property
    def failed_generation(self) -> bool:
        """The model wrote what its server could not use: chance, and no refusal of what was asked."""
        return self.completion is None and meaning_of(self.refusal).advice == "generation"


@dataclass(slots=True)
class Attempt:
    """How the next request differs from the first, and whether that is the same again."""

    talk: Conversation
    chat: ChatState
    questions: tuple[Question, ...]
    until: float
    orders: dict[str, Any] = field(default_factory=dict)
    """Fields and values that a refusal said to set."""
    dropped: tuple[str, ...] = ()
    larger: int = 0
    repeated: int = 0
    alternative: bool = False
    last: tuple[Draft, Request] | None = None
    same: bool = False

    def put(self) -> Put | None:
        """Send the next request; None where no tokens are left for that."""
        draft, request = self.last if self.same and self.last else self.next()
        self.last, self.same = (draft, request), False
        reserved = estimated_tokens(request, bool(draft.image)) + draft.limit
        with self.talk.budget.room(reserved, self.until) as granted:
            if not granted:
                return None
            answer, refusal = self.talk.ask_in_time(self.questions[0].name, request, self.until)
        completion = judged_completion(answer)
        self.chat.note(completion, answer)
        named = complained(refusal, request.body or {}) if completion is None else ()
        return Put(draft, request, answer, refusal, completion, named, self.adaptations)

    def next(self) -> tuple[Draft, Request]:
        """What is to be sent."""
        draft = draft_of(self.talk, self.questions)
        if not draft.is_tight:
            draft.limit = self.chat.limit_for(draft.limit)
        draft.limit = max(draft.limit, self.larger)
        for question in self.questions:
            if self.alternative and question.alternative:
                question.alternative.change(draft)
        draft.more |= {name: value for name, value in self.orders.items() if name != NESTED}
        request = draft.request(self.talk)
        body = {name: value for name, value in (request.body or {}).items() if name not in self.dropped}
        return draft, replace(request, body=obey(body, self.orders))

    @property
    def adaptations(self) -> tuple[str, ...]:
        """What was changed on the way, as the report tells it."""
        changed = tuple(f"left out `{name}`" for name in self.dropped)
        changed += tuple(f"sent `{name}`: {json.dumps(value)}" for name, value in self.orders.items())
        ways = (one.alternative.how for one in self.questions if one.alternative)
        return (*changed, *ways) if self.alternative else changed

    @property
    def about(self) -> tuple[str, ...]:
        """The fields of the request that the questions are about."""
        return tuple(name for question in self.questions for name in question.fields)

    def revise(self, put: Put) -> bool:
        """Change the next request by what came of this one; False where there is nothing to change."""
        if put.completion is not None:
            return self._enlarge(put)
        if put.failed_generation:
            return self.repeat()
        order = instruction(put.refusal, put.request.body or {}, self.about)
        if order is not None:
            self.orders[order[0]] = order[1]
        return order is not None

    def repeat(self) -> bool:
        """Ask the very same again, where that was not done too often."""
        self.same = self.repeated < _SAME_AGAIN
        self.repeated += 1
        return self.same

    def _enlarge(self, put: Put) -> bool:
        """Give more room to an answer that the limit ended before it said anything."""
        completion = put.completion
        silent = completion and completion.cut and not (completion.content or completion.calls)
        if not silent or put.draft.is_tight or self.larger or self.talk.shape.fixed_limit:
            return False
        self.larger = max(put.draft.limit * 3, self.chat.limit_for(put.draft.limit))
        return True


def judged_completion(answer: Answer) -> Completion | None:
    """What the model said, where that can be judged: not of an answer that an error ended or stands for."""
    completion = read_completion(answer) if answer.status is not None and 200 <= answer.status < 300 else None
    if completion is None or not completion.has_error:
        return completion
    said = completion.said_something or completion.end
    return None if completion.end == "error" or not said else completion
