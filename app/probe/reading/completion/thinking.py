"""Thinking that stands in the content of an answer, between the marks of the model families in use."""

from __future__ import annotations

import re

FIELDS = ("reasoning_content", "reasoning", "reasoning_text", "thinking", "thought", "thoughts")
"""Fields of a message that hold thinking as text or as parts."""
PARTS = frozenset({"thinking", "reasoning", "thought", "redacted_thinking"})
"""Types of parts of a content that hold thinking."""
_TAGS = r"think|thinking|thought|thoughts|reasoning|seed:think|antml:thinking|mm:think"
_MARKS: tuple[tuple[str, str], ...] = (
    (rf"<({_TAGS})>", rf"</({_TAGS})>"),  # DeepSeek, Qwen, GLM, Granite, Seed and most others
    (r"\[THINK\]", r"\[/THINK\]"),  # Mistral
    (r"◁think▷", r"◁/think▷"),  # Kimi
    (
        r"(?:<\|start\|>assistant)?<\|channel\|>(?:analysis|commentary)[^<]{0,40}<\|message\|>",
        r"<\|channel\|>final[^<]{0,40}<\|message\|>",
    ),  # gpt-oss: Harmony
    (r"analysis(?=[A-Z])", r"assistantfinal"),  # the same, its marks eaten
    (r"<\|channel>thought\b", r"<channel\|>"),  # Gemma
    (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
    (r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),  # Command
    (r"<unused94>thought\b", r"<unused95>"),  # MedGemma
)
"""How thinking opens and closes, by family."""
_OPEN = re.compile(r"^\s*(?:" + "|".join(opening for opening, _ in _MARKS) + ")", re.I)
_ANY_OPEN = re.compile("|".join(opening for opening, _ in _MARKS if "(?=" not in opening), re.I)
_CLOSE = re.compile("|".join(closing for _, closing in _MARKS), re.I)
EMPTY_BLOCK = re.compile(
    r"^\s*(?:"
    + "|".join(rf"{opening}\s*{closing}" for opening, closing in _MARKS if "(?=" not in opening)
    + ")",
    re.I,
)
"""A block of thinking at the beginning of an answer, in which nothing stands."""
_ROUND = re.compile(
    r"<\|(?:begin_of_solution|end_of_solution|START_RESPONSE|END_RESPONSE|return|end)\|>", re.I
)
"""Marks around what is said."""
_UNSAID = "…"


def set_thinking_aside(text: str) -> tuple[str, str]:
    """(what is said, what was thought): a leading block, one never closed, or one whose opening mark the
    server ate. A block in which nothing stands is no thought: templates write one where thinking is off.
    """
    closing = next(reversed([*_CLOSE.finditer(text)]), None)
    opening = _OPEN.match(text)
    if closing and (opening or not _ANY_OPEN.search(text, 0, closing.start())):
        thought = text[opening.end() if opening else 0 : closing.start()].strip()
        return _said(text[closing.end() :]), thought or ("" if opening else _UNSAID)
    if opening:
        return "", text[opening.end() :].strip() or _UNSAID
    return _said(text), ""


def _said(text: str) -> str:
    return _ROUND.sub("", text).strip()
