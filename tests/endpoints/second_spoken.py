"""Second round: answers of servers that no list named, and in languages that none held."""

from __future__ import annotations

import itertools
import re
from typing import Any

from app.practice.wire import error
from tests.endpoints.base import Simulator
from tests.endpoints.replies import has_image, roles
from tests.endpoints.second import accepted

JSON = Any
HEARING, SPEECH = "/audio/transcriptions", "/audio/speech"


@accepted(
    "r18-block-with-nothing-in-it",
    "https://huggingface.co/Qwen/Qwen3-8B",
    model="Qwen/Qwen3-8B",
    capabilities={"reasoning": None, "streaming": True},
    shows="<think>\\n\\n</think>",
)
def _(sim: Simulator) -> None:
    """Qwen3 with its thinking off: the template writes an empty block before each answer."""
    sim.edit_text(
        lambda asked, said: said if asked.get("response_format") else f"<think>\n\n</think>\n\n{said}"
    )


@accepted(
    "cap-thoughts-of-a-stream-go-back",
    "https://api-docs.deepseek.com/guides/thinking_mode",
    model="deepseek-v4",
    capabilities={"tool_results": True, "tool_calling": True, "reasoning": True},
)
def _(sim: Simulator) -> None:
    """A call goes back with what was thought before it, though both came in pieces; else it is refused."""
    message = "The `reasoning_content` in the thinking mode must be passed back to the API."

    def lacks_thoughts(body: JSON) -> bool:
        said = [one for one in body["messages"] if one["role"] == "assistant"]
        return any(not one.get("reasoning_content") for one in said)

    sim.traits(efforts=("low", "medium", "high"))
    sim.refuse(error(400, message), lambda body: "tool" in roles(body) and lacks_thoughts(body))


@accepted(
    "cap-pieces-apart-from-their-name",
    "https://github.com/danny-avila/LibreChat/pull/14416",
    capabilities={"streamed_tool_calling": False, "tool_calling": True},
)
def _(sim: Simulator) -> None:
    """A call's name comes under one number of the stream, its arguments under another."""

    def shifted(asked: JSON, chunks: list[JSON]) -> list[JSON]:
        deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
        for call in [one for delta in deltas for one in delta.get("tool_calls") or []]:
            call["index"] += bool(call["function"].get("name"))
        return chunks

    sim.edit_stream(shifted)


@accepted(
    "r15-longer-sound-is-wanted",
    "https://platform.openai.com/docs/guides/speech-to-text",
    kind="stt",
    model="gpt-4o-transcribe",
    shows="too short",
)
def _(sim: Simulator) -> None:
    """Two seconds are the least that is heard."""
    message = "Audio file is too short. Minimum audio length is 2.0 seconds."
    refusal = error(400, message, param="file", code="audio_too_short")
    sim.refuse(refusal, lambda form: len(form.get("file", b"")) < 64_000, HEARING)


@accepted(
    "r15-only-one-format",
    "https://console.groq.com/docs/text-to-speech",
    kind="tts",
    model="orpheus-english",
    shows="Only 'wav'",
)
def _(sim: Simulator) -> None:
    """The format that is made unless another is asked for is not supported, as the refusal says."""
    message = "response_format 'mp3' is not supported. Only 'wav' is supported"
    sim.refuse(error(400, message), lambda body: body.get("response_format") != "wav", SPEECH)


@accepted(
    "r04-500-now-and-then",
    "https://docs.vllm.ai/en/latest/usage/troubleshooting.html",
    capabilities={"streaming": True, "tool_calling": True},
)
def _(sim: Simulator) -> None:
    """Every third call fails, and says no more than that."""
    calls = itertools.count()
    failed = error(500, "Internal server error")
    sim.refuse(lambda request: failed if next(calls) % 3 == 1 else None)


COLOURS = ("red", "green", "blue", "yellow", "black", "white")
SPOKEN = {
    "italian": "Rosso Verde Blu Giallo Nero Bianco",
    "dutch": "Rood Groen Blauw Geel Zwart Wit",
    "polish": "Czerwony Zielony Niebieski Żółty Czarny Biały",
    "turkish": "Kırmızı Yeşil Mavi Sarı Siyah Beyaz",
    "vietnamese": "đỏ xanh_lá xanh_dương vàng đen trắng",
    "indonesian": "Merah Hijau Biru Kuning Hitam Putih",
    "ukrainian": "Червоний Зелений Синій Жовтий Чорний Білий",
    "hindi": "लाल हरा नीला पीला काला सफेद",
    "thai": "สีแดง สีเขียว สีน้ำเงิน สีเหลือง สีดำ สีขาว",
}


def seen_in(words: str) -> Any:
    """An endpoint that names colours in these words."""
    spoken = dict(zip(COLOURS, (word.replace("_", " ") for word in words.split()), strict=True))

    def change(sim: Simulator) -> None:
        """What the model sees it says in its own language."""
        sim.edit_text(lambda asked, said: said if not has_image(asked) else _translated(said, spoken))

    return change


def _translated(said: str, spoken: dict[str, str]) -> str:
    return re.sub("|".join(COLOURS), lambda found: spoken[found[0].lower()], said, flags=re.IGNORECASE)


for _language, _words in SPOKEN.items():
    _seen = {"vision": True}
    accepted(f"r19-{_language}", "https://github.com/ggml-org/llama.cpp/pull/9165", capabilities=_seen)(
        seen_in(_words)
    )
