"""Values that a refusal offers."""

from __future__ import annotations

import pytest

from app.probe.reading.allowed_values import offered, offers_for
from tests.probe.answers import refusal


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Invalid value: 'alloy'. Supported values are: 'ash', 'nova', and 'sage'.", ["ash", "nova", "sage"]),
        ("Input should be 'af_heart', 'af_bella' or 'zf_001'", ["af_heart", "af_bella", "zf_001"]),
        ("Voice alloy not found. Available voices: af_heart, af_bella.", ["af_heart", "af_bella"]),
        ("voice must be one of [Fritz-PlayAI, Celeste-PlayAI]", ["Fritz-PlayAI", "Celeste-PlayAI"]),
        ('Unknown voice "alloy", did you mean "Alloy-HD"?', ["Alloy-HD"]),
        ("`voice` must be one of FunAudioLLM/CosyVoice2-0.5B:alex | FunAudioLLM/CosyVoice2-0.5B:anna",
         ["FunAudioLLM/CosyVoice2-0.5B:alex", "FunAudioLLM/CosyVoice2-0.5B:anna"]),
        ("Choose from tara, leah; see the docs.", ["tara", "leah"]),
        ("Supported voices: ['alloy', 'tara']", ["tara"]),
        ("The voice 'alloy' is not supported.", []),
        ("voice must be a non-empty string", []),
        ("Voice 'alloy' does not exist. Voices: ava, ben", ["ava", "ben"]),
        ("Missing required parameter: 'user'", []),
        ("input_type must be set", []),
        ("", []),
    ],
)  # fmt: skip
def test_what_is_offered(text: str, values: list[str]) -> None:
    assert list(offered(text, "alloy")) == values


@pytest.mark.parametrize(
    ("body", "values"),
    [
        ({"error": {"message": "voice not found", "available_voices": ["ava", "alloy"]}}, ["ava"]),
        ({"detail": {"msg": "no", "voices": [{"id": "ava"}, {"name": "ben"}, 5]}}, ["ava", "ben"]),
        ({"message": "no", "allowed_values": ["ava"]}, ["ava"]),
        ({"message": "no. Voices: ava", "supported_formats": ["wav"]}, ["ava"]),
        ({"message": "no", "data": ["ava"]}, []),
    ],
)
def test_what_is_offered_as_data(body: object, values: list[str]) -> None:
    assert list(offers_for(refusal(400, body), "voice", "alloy")) == values
