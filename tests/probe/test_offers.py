"""Values that a refusal offers."""

from __future__ import annotations

import pytest

from app.probe.offers import offered


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
        ("", []),
    ],
)  # fmt: skip
def test_what_is_offered(text: str, values: list[str]) -> None:
    assert list(offered(text, "alloy")) == values
