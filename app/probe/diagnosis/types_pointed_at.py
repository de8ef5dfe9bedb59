"""Which model types the words of a refusal, or the catalog's entry, point to. Each is then tried."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from app.probe.reading.catalog_facts import metadata_of
from app.probe.reading.refusal import Refusal
from app.probe.reading.wordings import any_of

_MARKS: Mapping[str, tuple[str, ...]] = {
    r"audio.?2.?text|speech.?(to|2).?text|transcri|\bstt\b|\basr\b|speech.?recognition": ("stt",),
    r"text.?2.?audio|text.?(to|2).?speech|\btts\b|synthesi|audio/speech": ("tts",),
    r"re-?rank|\bscore\b|cross.?encoder": ("rerank",),
    r"embed|feature.?extraction|sentence.?similarity": ("embedding",),
    r"\bpooling\b|\bclassif": ("embedding", "rerank"),
    r"\baudio\b": ("tts", "stt"),
    r"chat.?template|base model|pre-?trained model|(?<!chat.)\bcompletions?\b": ("completion",),
    r"\bchat\b|\bgenerate\b|text.?generation|\bllm\b": ("chat",),
}
"""What a word points to, in this order."""
_CUE = any_of(
    r"options? (are|is)|supported tasks?|only supports?|supports only|did you mean|\buse\b|\bis an? ",
    r"chat template",
)
"""After one of these a refusal says what the model is or does."""
_READ = 160
_STATING = frozenset(
    "type model_type task tasks mode ability abilities model_ability capabilities pipeline_tag category "
    "supported_tasks architecture runner pooling".split()
)


def stated_type(entry: Mapping[str, Any] | None, asked: str) -> str | None:
    """The type that the catalog's entry states, where it is another than the one asked for."""
    stated = metadata_of(entry).get("type")
    return stated if isinstance(stated, str) and stated != asked else None


def pointed_at(refusal: Refusal, entry: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The types that they point to, the plainest first; a hint and no more."""
    cues = (refusal.all[cue.start() : cue.end() + _READ] for cue in _CUE.finditer(refusal.all))
    places = [*islice(_stated(entry or {}), 20), *islice(cues, 5)]
    found = (types for place in places for marks, types in _MARKS.items() if re.search(marks, place))
    return tuple(dict.fromkeys(name for types in found for name in types))


def _stated(entry: Mapping[str, Any]) -> Iterator[str]:
    for name, value in entry.items():
        if name in _STATING:
            for word in value if isinstance(value, list) else [value]:
                yield str(word)[:_READ].lower()


_IN_IDS: Mapping[str, str] = {
    r"re-?rank": "rerank",
    r"embed": "embedding",
    r"whisper|transcri|(^|[-_/])(asr|stt)([-_.]|$)": "stt",
    r"(^|[-_/])tts([-_.\d]|$)|text-to-speech": "tts",
    r"moderation": "moderation",
}
"""Words in the ids of models that say what the model does."""


def named_types(model_id: str) -> tuple[str, ...]:
    """The types that an id names; a hint and no more."""
    return tuple(kind for marks, kind in _IN_IDS.items() if re.search(marks, model_id, re.I))
