"""What one probe of a chat model learns as its checks go on, and every check reads."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from app.probe.conversation.talk import Conversation
from app.probe.model_types.chat.question import Question
from app.probe.proof import Proven
from app.probe.reading.completion.whole import Completion, reasoning_tokens, tokens
from app.probe.tasks import Result
from app.probe.transport.answer import Answer

THINKING_ROOM = 432
"""Tokens beside those of an answer that a model gets which was seen to think, and not yet for how long."""
_TIMED_MS = 50
"""Milliseconds after the first token that a stream must last to tell a speed."""


@dataclass(slots=True)
class ChatState:
    """Safe to use from any thread."""

    talk: Conversation
    thinks: bool = False
    thought: str = ""
    """How it was seen that the model thinks."""
    spends: bool = False
    """Answers use tokens before they say anything, seen or not."""
    dearest: int = 0
    """The most tokens that thinking took before an answer."""
    whole_answers: int = 0
    hollow: bool = False
    """An answer held a block of thinking in which nothing stood."""
    performance: dict[str, Any] = field(default_factory=dict)
    calls: list[Completion] = field(default_factory=list)
    """The answers that held tool calls."""
    witnesses: Counter[str] = field(default_factory=Counter)
    """How many calls under way are still to show a question's answer; see `last_witness`."""
    doubted: set[str] = field(default_factory=set)
    missed: Counter[str] = field(default_factory=Counter)
    """How often a call with other questions showed the contrary."""
    unlucky: list[tuple[Question, Result]] = field(default_factory=list)
    """Questions that met only failures which say nothing, to be asked again when the others are done."""
    beside: dict[str, Result] = field(default_factory=dict)
    """What calls of the first wave showed of questions whose turn is the second."""
    witnessed: dict[str, str] = field(default_factory=dict)
    """The fullest evidence of each question, whichever call brought it."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def after(cls, talk: Conversation, proven: Proven) -> ChatState:
        """The state as the proof leaves it."""
        state = cls(talk, proven.thinks, proven.evidence if proven.thinks else "")
        if proven.thinks or proven.silent:
            state.spend(0)
        return state

    def spend(self, thinking: int) -> None:
        """The model used so many tokens before it answered: its answers get room, and the probe its budget
        for that.
        """
        with self.lock:
            self.spends, self.dearest = True, max(self.dearest, thinking)
        self.talk.budget.grow(self.talk.limits.thinking_tokens)

    def limit_for(self, answer: int) -> int:
        """The token limit of a call whose answer may take `answer` tokens."""
        return answer + max(THINKING_ROOM, self.dearest * 3 // 2) if self.spends else answer

    def last_witness(self, name: str, evidence: str | None) -> bool:
        """Note what a call showed of this (None: nothing); True where no other call is still to show it."""
        with self.lock:
            if evidence is None:
                self.doubted.add(name)
            elif len(evidence) > len(self.witnessed.get(name, "")):
                self.witnessed[name] = evidence
            left = self.witnesses[name] = self.witnesses.get(name, 1) - 1
            return left == 0

    def note(self, completion: Completion | None, answer: Answer) -> None:
        """Every answer is evidence for or against reasoning, and every stream tells the model's speed."""
        if completion is None:
            return
        if completion.streamed and completion.deltas > 1 and "first_token_ms" not in self.performance:
            self.performance |= _speed(completion, answer)
        if completion.calls:
            self.calls.append(completion)
        if completion.thinks:
            spoken = completion.reasoning.strip()
            self.think(f"The model reasoned: {spoken[:60]}" if spoken else COUNTED)
        if completion.thinks or completion.cut and not (completion.content or completion.calls):
            self.spend(_thinking_of(completion))
        self.hollow = self.hollow or completion.is_hollow
        if completion.said_something and not completion.cut:
            self.whole_answers += 1

    @property
    def thought_before_a_call(self) -> bool:
        """An answer held thinking and a call that can be made."""
        return any(
            answer.thinks and call.arguments is not None for answer in self.calls for call in answer.calls
        )

    def think(self, evidence: str) -> None:
        """An answer showed that the model thinks."""
        if not self.thinks:
            self.thinks, self.thought = True, evidence


COUNTED = "The usage counts reasoning tokens."


def _thinking_of(completion: Completion) -> int:
    """About how many tokens went into thinking: as counted, else all of an answer that said nothing, else by
    the length of the thoughts.
    """
    used = tokens(completion.usage, "completion_tokens") or 0
    silent = used if not (completion.content or completion.calls) else 0
    return max(reasoning_tokens(completion.usage), silent, len(completion.reasoning) // 4)


def _speed(completion: Completion, answer: Answer) -> dict[str, Any]:
    """Milliseconds to the first token, and tokens a second after it where there was a stream to time."""
    if completion.first_token_ms is None:
        return {}
    used = tokens(completion.usage, "completion_tokens")
    span_ms = answer.duration_ms - completion.first_token_ms
    timed = used is not None and used > 4 and span_ms >= _TIMED_MS
    return {
        "first_token_ms": completion.first_token_ms,
        "output_tokens_per_s": round((used or 0) * 1000 / span_ms, 1) if timed else None,
    }
