"""The one form: each test changes one thing of a good body."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from app.errors import ApiError
from app.factory import create_app
from app.probe.pasted_input import clean_key
from app.registry.form.openai_like import OpenAILikeForm, OpenAILikeUpdateForm

GOOD: dict[str, Any] = {
    "api_key": "sk-good",
    "base_url": "https://models.example.com/v1",
    "display_name": "A model",
    "model_id": "good-chat",
    "model_type": "chat",
    "region": "europe",
}
COSTS = ("input_cost", "output_cost", "cache_read_cost", "cache_write_cost", "cost_per_image")
FLAGS = (
    "has_reasoning", "supports_image_edit", "supports_strict_tool", "supports_tool_calling",
    "supports_vision",
)  # fmt: skip


@pytest.fixture(autouse=True)
def app(tmp_path: Path) -> Iterator[Flask]:
    """An application without a database: the form asks for none."""
    made = create_app({"instance": tmp_path, "TESTING": True, "WTF_CSRF_ENABLED": False})
    with made.test_request_context("/"):
        yield made


def problems(**changes: Any) -> list[tuple[str | None, str]]:
    body = {name: value for name, value in (GOOD | changes).items() if value is not ...}
    form = OpenAILikeForm.from_json(body)
    assert form.validate() is (form.problems() == [])
    return [(problem.field, problem.code) for problem in form.problems()]


def values(**changes: Any) -> dict[str, Any]:
    form = OpenAILikeForm.from_json(GOOD | changes)
    form.require_valid()
    return form.values()


def test_a_good_body_has_no_problems_and_the_rest_is_none() -> None:
    assert problems() == []
    assert {name: value for name, value in values().items() if value is not None} == GOOD


def test_every_field_arrives_typed() -> None:
    everything = {
        "description": " two\nlines ", "benchmark_model": "gpt-4o", "max_tokens": 4096, "temperature": 0.7,
        **{name: 0.25 for name in COSTS}, **{name: False for name in FLAGS},
    }  # fmt: skip
    made = values(**everything, configuration={"model_id": "real-id"})
    assert made == GOOD | everything | {"remote_model_id": "real-id"}


@pytest.mark.parametrize("name", sorted(GOOD))
def test_what_is_required_is_asked_for(name: str) -> None:
    assert problems(**{name: ...}) == [(name, "required")]
    assert problems(**{name: None}) == [(name, "required")]


@pytest.mark.parametrize(
    ("name", "longest"),
    [("display_name", 128), ("model_id", 256), ("region", 64), ("benchmark_model", 256),
     ("description", 2048), ("api_key", 8192)],
)  # fmt: skip
def test_lengths(name: str, longest: int) -> None:
    assert problems(**{name: "x" * longest}) == []
    assert problems(**{name: "x" * (longest + 1)}) == [(name, "too_long")]


def test_the_base_url_may_have_2048_characters() -> None:
    start = "https://models.example.com/"
    assert problems(base_url=start + "x" * (2048 - len(start))) == []
    assert problems(base_url=start + "x" * (2049 - len(start))) == [("base_url", "too_long")]


def test_the_remote_id_has_its_wire_name_in_problems() -> None:
    assert problems(configuration={"model_id": "x" * 257}) == [("configuration.model_id", "too_long")]
    assert problems(configuration={"model_id": ""}) == [("configuration.model_id", "too_short")]


@pytest.mark.parametrize("name", ["display_name", "model_id", "region"])
@pytest.mark.parametrize("empty", ["", "  ", "\u200b\u00a0\n"])
def test_a_name_of_nothing_but_space_is_none(name: str, empty: str) -> None:
    assert problems(**{name: empty}) == [(name, "too_short")]


@pytest.mark.parametrize("name", ["display_name", "model_id", "region", "benchmark_model"])
@pytest.mark.parametrize(
    "sign", ["\n", "\x07", "\x1b", "\x7f", "\x85x", "\u2028", "\u202e", "\u2066", "\u200b"]
)
def test_names_are_of_one_line_without_controls(name: str, sign: str) -> None:
    assert problems(**{name: f"a{sign}b"}) == [(name, "invalid_characters")]


def test_a_description_may_have_lines_but_no_other_controls() -> None:
    assert values(description="a\n\tb\r\n")["description"] == "a\n\tb\r\n"
    assert problems(description="a\x08b") == [("description", "invalid_characters")]


@pytest.mark.parametrize("name", ["display_name", "model_id", "region", "base_url"])
def test_names_and_url_are_trimmed(name: str) -> None:
    assert values(**{name: f"\ufeff \t{GOOD[name]}\u00a0\n"})[name] == GOOD[name]


@pytest.mark.parametrize("name", COSTS)
def test_costs_begin_at_nothing(name: str) -> None:
    assert problems(**{name: 0}) == [] and problems(**{name: 1e9}) == []
    assert problems(**{name: -0.0001}) == [(name, "out_of_range")]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [("max_tokens", (1, 2**63 - 1), (0, -1, 2**63)), ("temperature", (0, 2, 0.5), (-0.1, 2.01))],
)
def test_bounds(name: str, good: tuple[float, ...], bad: tuple[float, ...]) -> None:
    assert [problems(**{name: value}) for value in good] == [[]] * len(good)
    assert [problems(**{name: value}) for value in bad] == [[(name, "out_of_range")]] * len(bad)


def test_model_types_are_a_list() -> None:
    assert problems(model_type="embedding") == []
    for other in ("Chat", "chat ", "", "video"):
        assert problems(model_type=other) == [("model_type", "invalid_choice")]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/v1", "https://[::1]:8443/v1", "HTTPS://Models.Example.com", "http://gpu",
        "https://x.example.com/openai/v1?api-version=2024-10-21", "http://models.example.com/v1/",
        "http://m\u00fcnchen.example/v1",
    ],
)  # fmt: skip
def test_base_urls_that_will_do_are_kept_as_they_are(url: str) -> None:
    assert values(base_url=url)["base_url"] == url


@pytest.mark.parametrize(
    "url",
    [
        "", "models.example.com/v1", "ftp://x/v1", "http://", "http:///v1", "/v1", "http://user@host/v1",
        "http://user:secret@host/v1", "http://@host/v1", "http://host/v1#top", "http://host/v1#", "http://host:0/v1",
        "http://host:99999/v1", "http://host:port/v1", "http://[::1/v1", "http://a b/v1", "http://host/a b",
        "http://host\\v1", "http://ho\u200bst/v1", "http://host/\x07", "javascript:alert(1)", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_base_urls_that_will_not_do(url: str) -> None:
    ((field, code),) = problems(base_url=url)
    assert field == "base_url" and code in ("invalid_url", "too_short")


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("sk-1", "sk-1"), (" sk-1\r\n", "sk-1"), ("\u200b\ufeffsk-1\u00a0", "sk-1"), ('"sk-1"', "sk-1"),
        ("'sk-1'", "sk-1"), ("Bearer sk-1", "sk-1"), ("bearer\tsk-1", "sk-1"), ('"Bearer sk-1"', "sk-1"),
        ('Bearer "sk-1"', "sk-1"), ("''sk-1''", "'sk-1'"), ("Bearer", ""), ("Bearer ", ""), ("", ""),
        ("Bearersk-1", "Bearersk-1"), ('"sk-1', '"sk-1'), ('""', ""), ('"', '"'),
    ],
)  # fmt: skip
def test_a_key_loses_what_a_paste_brings_along(typed: str, key: str) -> None:
    assert clean_key(typed) == key
    if '"' not in key:
        assert values(api_key=typed)["api_key"] == key


@pytest.mark.parametrize("key", ["sk-\u043a\u043b\u044e\u0447", "a\nb", "a\x00b"])
def test_a_key_that_no_header_takes_is_refused_without_showing_it(key: str) -> None:
    form = OpenAILikeForm.from_json(GOOD | {"api_key": key})
    form.validate()
    (problem,) = form.problems()
    assert (problem.field, problem.code) == ("api_key", "invalid_characters")
    assert key not in problem.message


def test_a_reference_must_have_the_prefix_and_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert problems(api_key="env://PATH") == [("api_key", "invalid_reference")]
    assert problems(api_key="env://MUSTER_KEY_ABSENT") == [("api_key", "invalid_reference")]
    monkeypatch.setenv("MUSTER_KEY_THERE", "sk-env")
    assert values(api_key="env://MUSTER_KEY_THERE")["api_key"] == "env://MUSTER_KEY_THERE"


def test_the_answer_names_all_problems_and_the_first() -> None:
    form = OpenAILikeForm.from_json(GOOD | {"region": 3, "temperature": 9, "regoin": "x"})
    with pytest.raises(ApiError) as caught:
        form.require_valid()
    error = caught.value
    assert (error.status, error.code, error.field) == (400, "invalid_request", "region")
    assert [detail["field"] for detail in error.details] == ["region", "temperature", "regoin"]
    assert error.suggestions == {"regoin": ("region",)}


@pytest.mark.parametrize("body", [[], None, 3, "x"])
def test_a_body_that_is_no_object_is_one_problem(body: Any) -> None:
    with pytest.raises(ApiError, match="must be a JSON object") as caught:
        OpenAILikeForm.from_json(body)
    assert caught.value.details == () and caught.value.field is None


def test_a_change_needs_three_fields_and_gives_only_what_was_sent() -> None:
    form = OpenAILikeUpdateForm.from_json(
        {"display_name": "B", "region": "us", "model_type": "chat", "input_cost": 1}
    )
    form.require_valid()
    assert form.values(only_given=True) == {
        "display_name": "B", "region": "us", "model_type": "chat", "input_cost": 1.0,
    }  # fmt: skip
    empty = OpenAILikeUpdateForm.from_json({})
    assert not empty.validate()
    assert [problem.field for problem in empty.problems()] == ["model_type", "display_name", "region"]


def typed_in(**changes: str) -> OpenAILikeForm:
    return OpenAILikeForm(formdata=MultiDict(GOOD | changes))


def test_a_browser_sends_empty_fields_and_they_count_as_not_given() -> None:
    form = typed_in(
        description="",
        configuration_model_id="",
        input_cost="",
        max_tokens=" ",
        supports_vision="",
        benchmark_model="",
    )
    assert form.validate(), form.errors
    assert {name: value for name, value in form.values().items() if value is not None} == GOOD


def test_a_browser_says_yes_no_or_nothing() -> None:
    form = typed_in(supports_vision="true", has_reasoning="false")
    assert form.validate()
    made = form.values()
    assert [made[name] for name in ("supports_vision", "has_reasoning", "supports_tool_calling")] == [
        True,
        False,
        None,
    ]
    selected = {
        field.name: [v for v, _, on, _ in field.iter_choices() if on] for field in form if field.name in FLAGS
    }
    assert selected["supports_vision"] == ["true"] and selected["supports_tool_calling"] == [""]


@pytest.mark.parametrize(
    ("name", "text"),
    [("input_cost", "1,5"), ("input_cost", "much"), ("max_tokens", "4k"), ("max_tokens", "1.5"),
     ("supports_vision", "maybe"), ("input_cost", "nan"), ("input_cost", "1e999")],
)  # fmt: skip
def test_what_a_browser_typed_wrongly_is_said_in_words_and_kept(name: str, text: str) -> None:
    form = typed_in(**{name: text})
    assert not form.validate()
    assert form[name].label.text in form[name].errors[0]
    assert name in FLAGS or form[name]._value() == text


def test_a_form_without_a_forgery_token_is_refused_in_a_browser_only(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    form = typed_in()
    assert not form.validate() and "csrf_token" in form.errors
    assert OpenAILikeForm.from_json(GOOD).validate()


def test_every_field_has_words_for_people() -> None:
    form = OpenAILikeForm(formdata=None)
    assert len(form.inputs()) == 21
    for field in form.inputs():
        assert field.label.text and field.description and field.section
        if "cost" in field.name or field.name == "max_tokens":
            assert field.unit
