"""What a refusal says to set, and the colours that an answer names."""

from __future__ import annotations

from typing import Any

import pytest

from app.probe.model_types.chat.instructions import instruction, obey
from app.probe.model_types.chat.questions.colours import colours_named
from tests.probe.answers import refusal as refused

TOOL = {"function": {"parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}}
BODY = {"model": "m", "tools": [TOOL], "temperature": 0.7, "reasoning_effort": "minimal", "max_tokens": 16}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("Use /v1/responses or set reasoning_effort to 'none'.", ("reasoning_effort", "none")),
        ("Not supported when enable_thinking is true, please set enable_thinking to false.",
         ("enable_thinking", False)),
        ("'temperature' is only supported when reasoning_effort is set to 'none'.",
         ("reasoning_effort", "none")),
        ("parameter.enable_thinking must be set to false for this call", ("enable_thinking", False)),
        ("'additionalProperties' is required to be supplied and to be false.",
         ("additionalProperties", False)),
        ("set reasoning_effort to 'minimal'", None),  # it is
        ("set max_tokens to 99", None),  # the shape of all requests is about it
        ("set tool_choice to 'auto'", None),  # the question is about it
        ("The value of top_k must be greater than 0", None),
        ("tools are not supported", None),
    ],
)  # fmt: skip
def test_what_a_refusal_says_to_set(words: str, told: tuple[str, Any] | None) -> None:
    refusal = refused(400, {"error": {"message": words}})
    assert instruction(refusal, BODY, ("tools", "tool_choice")) == told


def test_a_value_on_offer_is_taken_for_the_field_that_is_named() -> None:
    words = "Unsupported value. Supported values are: 'low', 'medium'."
    refusal = refused(400, {"error": {"message": words, "param": "reasoning_effort"}})
    assert instruction(refusal, BODY, ("tools",)) == ("reasoning_effort", "low")


def test_orders_are_obeyed_at_the_top_and_inside_of_schemas() -> None:
    body = obey(BODY, {"reasoning_effort": "none", "additionalProperties": False})
    assert body["reasoning_effort"] == "none"
    assert body["tools"][0]["function"]["parameters"]["additionalProperties"] is False
    assert "additionalProperties" not in body and BODY["reasoning_effort"] == "minimal"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Left: red. Right: blue.", ["red", "blue"]),
        ("The right half is blue, the left half is red.", ["red", "blue"]),
        ("Blue is on the right and red on the left.", ["red", "blue"]),
        ("图片的左半部分是红色，右半部分是蓝色。", ["red", "blue"]),
        ("左半分は黒で、右半分は白です。", ["black", "white"]),
        ("왼쪽 절반은 초록색이고 오른쪽 절반은 노란색입니다.", ["green", "yellow"]),
        ("Die rechte Hälfte ist weiß, die linke schwarz.", ["black", "white"]),
        ("À gauche, vert ; à droite, jaune.", ["green", "yellow"]),
        ("La mitad izquierda es roja y la derecha azul.", ["red", "blue"]),
        ("A metade esquerda é vermelha e a direita é preta.", ["red", "black"]),
        ("Левая половина красная, правая чёрная.", ["red", "black"]),
        ("النصف الأيسر أحمر والنصف الأيمن أزرق", ["red", "blue"]),
        ("I can't see whether the left is red or the right is blue.", []),
        ("抱歉，我看不到图片，无法判断是红色还是蓝色。", []),
        ("A predator rooted in the blues.", []),
    ],
)
def test_colours_are_read_in_any_language(text: str, named: list[str]) -> None:
    assert colours_named(text) == named
