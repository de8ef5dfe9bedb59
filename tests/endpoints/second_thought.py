"""Second round: answers in any language (rule 19), and budgets of those that think long (rule 20)."""

from __future__ import annotations

from typing import Any

from app.practice.mind import tokens
from tests.endpoints.base import Simulator
from tests.endpoints.languages import answer_in
from tests.endpoints.replies import has_image
from tests.endpoints.reports_stream import limit_of, think_aloud
from tests.endpoints.second import accepted

JSON = Any
LONG = "Let me consider what is asked, and in which form it has to be answered, before I say anything. " * 12
"""About three hundred tokens."""
EVERY = dict.fromkeys(
    "streaming system_message tool_calling tool_choice parallel_tool_calls streamed_tool_calling json_mode "
    "json_schema vision reasoning".split(),
    True,
)


TALK: dict[str, tuple[str, str, str]] = {
    "japanese": ("赤 緑 青 黄色 黒 白", "左半分は{}で、右半分は{}です。", "https://huggingface.co/turing-motors/Heron-NVILA-Lite-15B"),
    "german": ("rot grün blau gelb schwarz weiß", "Die linke Hälfte ist {}, die rechte Hälfte ist {}.", "https://huggingface.co/Aleph-Alpha"),
    "russian": ("красная зелёная синяя жёлтая чёрная белая", "Левая половина {}, правая половина {}.", "https://huggingface.co/deepvk/llava-gemma-2b-lora"),
    "arabic": ("أحمر أخضر أزرق أصفر أسود أبيض", "النصف الأيسر {} والنصف الأيمن {}.", "https://huggingface.co/inceptionai"),
    "korean": ("빨간색 초록색 파란색 노란색 검은색 흰색", "왼쪽 절반은 {}이고 오른쪽 절반은 {}입니다.", "https://huggingface.co/naver-hyperclovax/HyperCLOVAX-SEED-Vision-Instruct-3B"),
}  # fmt: skip


def talking(language: str) -> Any:
    """An endpoint that sees well and answers in this language."""
    words, sentence, _ = TALK[language]

    def change(sim: Simulator) -> None:
        """English questions about pictures get right answers in another language, in JSON too."""
        answer_in(sim, words, sentence)

    return change


for _language, (_words, _frame, _source) in TALK.items():
    _seen = {"vision": True}
    accepted(f"r19-{_language}", _source, declared="vision", capabilities=_seen)(talking(_language))


@accepted(
    "r19-chinese-without-eyes",
    "https://huggingface.co/Qwen/Qwen3-8B",
    capabilities={"vision": False},
)
def _(sim: Simulator) -> None:
    """An answer in Chinese that names colours but says that no picture can be seen."""
    blind = "抱歉，我看不到图片，无法判断左半部分是红色还是蓝色，也无法判断右半部分。"
    sim.edit_text(lambda asked, said: blind if has_image(asked) else said)


def cut_to(room: int, choice: JSON, called: int) -> None:
    """End a choice where the room for it ends; a call of so many tokens is made whole or not at all."""
    message = choice["message"]
    words = tokens(message["content"] or "")
    if (called if message.get("tool_calls") else len(words)) > room:
        choice["finish_reason"] = "length"
        message.pop("tool_calls", None)
        message["content"] = "".join(words[: max(room, 0)])


def think_unseen(sim: Simulator, count: int) -> None:
    """Spend so many tokens before every answer and show none of them; the limit may end it before a word."""

    def spent(asked: JSON, answer: JSON) -> JSON:
        limit, usage = limit_of(asked), answer["usage"]
        for choice in answer["choices"]:
            cut_to(limit - count, choice, usage["completion_tokens"])
        used = min(usage["completion_tokens"] + count, limit)
        usage |= {"completion_tokens": used, "total_tokens": usage["prompt_tokens"] + used}
        usage["completion_tokens_details"] = {"reasoning_tokens": min(count, limit)}
        return answer

    def stream(asked: JSON, chunks: list[JSON]) -> list[JSON]:
        for chunk in chunks:
            if usage := chunk.get("usage"):
                usage["completion_tokens"] += count
                usage["completion_tokens_details"] = {"reasoning_tokens": count}
        if limit_of(asked) - count > 40:
            return chunks
        last = {"index": 0, "delta": {}, "finish_reason": "length"}
        return [chunks[0], chunks[0] | {"choices": [last]}, *[one for one in chunks if not one["choices"]]]

    sim.edit(spent)
    sim.edit_stream(stream)


@accepted(
    "r20-three-hundred-unseen",
    "https://platform.openai.com/docs/guides/reasoning",
    model="o4-mini",
    declared="tools vision reasoning",
    capabilities=EVERY,
    shows=({"max_tokens": 64}, '"finish_reason": "length"'),
)
def _(sim: Simulator) -> None:
    """300 tokens of thought before every answer, which only the usage tells: it can do everything."""
    think_unseen(sim, 300)


@accepted(
    "r20-three-hundred-in-the-content",
    "https://huggingface.co/Qwen/QwQ-32B",
    model="qwq-32b",
    declared="tools vision reasoning",
    capabilities=EVERY,
    shows=({"max_tokens": 64}, '"finish_reason": "length"'),
)
def _(sim: Simulator) -> None:
    """About 300 tokens between `<think>` marks before every answer: it can do everything."""
    think_aloud(sim, "<think>\n", LONG, "\n</think>\n\n")


@accepted(
    "r20-six-hundred-unseen",
    "https://ai.google.dev/gemini-api/docs/thinking",
    path="/v1beta/openai",
    model="gemini-2.5-pro",
    declared="tools",
    capabilities={"tool_calling": True, "streaming": True, "system_message": True, "json_mode": True},
)
def _(sim: Simulator) -> None:
    """600 tokens an answer: the budget grows with what they cost, and what matters most is told."""
    think_unseen(sim, 600)


@accepted(
    "r20-quick-as-ever",
    "https://platform.openai.com/docs/models/gpt-4o-mini",
    capabilities={name: value for name, value in EVERY.items() if name != "reasoning"} | {"reasoning": False},
)
def _(sim: Simulator) -> None:
    """A model that answers at once is told in full, as before."""
