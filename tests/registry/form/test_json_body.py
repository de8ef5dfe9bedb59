"""JSON as form input: what is refused, and in which words."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import pytest

from app.errors import ApiError
from app.registry.form import json_body

KINDS: json_body.Kinds = {
    "name": "string",
    "flag": "boolean",
    "price": "number",
    "count": "integer",
    "configuration": {"model_id": "string"},
}
JSON_TYPE = "application/json"


def read(text: str) -> tuple[dict[str, str], list[tuple[str | None, str]]]:
    given, problems = json_body.read(json_body.parse(text.encode(), JSON_TYPE), KINDS)
    return given.to_dict(), [(problem.field, problem.code) for problem in problems]


def test_every_type_arrives_as_text() -> None:
    text = '{"name": "a", "flag": false, "price": 0.15, "count": 3, "configuration": {"model_id": "m"}}'
    given, problems = read(text)
    assert problems == []
    assert given == {
        "name": "a",
        "flag": "false",
        "price": "0.15",
        "count": "3",
        "configuration_model_id": "m",
    }


def test_a_number_survives_the_way_through_text() -> None:
    for price in (0.1 + 0.2, 1e-300, 1.7976931348623157e308, 12345678901234567):
        given, problems = read(json.dumps({"price": price}))
        assert problems == [] and float(given["price"]) == float(price)


def test_null_is_not_given() -> None:
    assert read('{"name": null, "flag": null, "configuration": null}') == ({}, [])


WRONG = [
    ("name", "1"), ("name", "true"), ("name", "[]"), ("name", "{}"), ("name", "1.5"),
    ("flag", '"true"'), ("flag", "1"), ("flag", "0"), ("flag", '""'), ("flag", "[true]"),
    ("price", '"1"'), ("price", "true"), ("price", "[1]"), ("price", "NaN"), ("price", "Infinity"),
    ("price", "-Infinity"), ("count", "1.5"), ("count", '"1"'), ("count", "false"), ("count", "{}"),
    ("count", "NaN"), ("configuration", '"m"'), ("configuration", "[]"), ("configuration", "true"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_another_type_is_refused_by_name(name: str, value: str) -> None:
    given, problems = read(f'{{"{name}": {value}}}')
    assert given == {} and problems == [(name, "wrong_type")]


@pytest.mark.parametrize("value", ["1" * 300, "1e999", "-1e999", "1" * 6000])
@pytest.mark.parametrize("name", ["price", "count"])
def test_a_number_too_large_to_hold_is_refused(name: str, value: str) -> None:
    given, problems = read(f'{{"{name}": {value}}}')
    if problems:
        assert problems == [(name, "out_of_range")]
    else:
        assert value == "1" * 300 and not math.isinf(float(given[name]))


def test_a_whole_number_may_be_written_with_a_point() -> None:
    assert read('{"count": 4096.0}') == ({"count": "4096"}, [])


@pytest.mark.parametrize(
    ("sent", "field", "meant"),
    [("nmae", "nmae", "name"), ("Flag", "Flag", "flag"), ("zebra", "zebra", None)],
)
def test_an_unknown_field_is_named(sent: str, field: str, meant: str | None) -> None:
    _, problems = json_body.read({sent: 1}, KINDS)
    (problem,) = problems
    assert (problem.field, problem.code) == (field, "unknown_field")
    assert problem.suggestions == ((meant,) if meant else ())
    assert (f"Did you mean `{meant}`?" in problem.message) is (meant is not None)


def test_an_unknown_member_of_an_object_is_named_with_its_path() -> None:
    _, problems = json_body.read({"configuration": {"modelid": "m"}}, KINDS)
    assert problems[0].field == "configuration.modelid"
    assert problems[0].suggestions == ("configuration.model_id",)


def test_a_hostile_name_is_shortened_and_made_printable() -> None:
    _, problems = json_body.read({"\n\x1b[31m" + "x" * 10_000: 1}, KINDS)
    assert len(problems[0].message) < 200 and problems[0].message.isprintable()


def test_a_name_twice_is_refused() -> None:
    assert ("name", "duplicate_field") in read('{"name": "a", "name": "b"}')[1]
    inner = '{"configuration": {"model_id": "a", "model_id": "b"}}'
    assert read(inner)[1] == [("configuration.model_id", "duplicate_field")]


@pytest.mark.parametrize("text", ["\\u0000", "a\\u0000b", "\\ud800", "x\\udfff"])
def test_what_no_database_takes_is_refused(text: str) -> None:
    assert read(f'{{"name": "{text}"}}')[1] == [("name", "invalid_characters")]


def test_every_problem_is_found_in_one_go() -> None:
    _, problems = read('{"name": 1, "flag": "x", "price": "y", "other": 1}')
    assert [field for field, _ in problems] == ["name", "flag", "price", "other"]


@pytest.mark.parametrize("body", ["[]", "null", "3", '"x"', "true"])
def test_only_an_object_will_do(body: str) -> None:
    assert read(body) == ({}, [(None, "wrong_type")])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"), (b"  \n", "empty"), (b"{", "line 1, column 2"), (b"\xff\xfe{}", "UTF-8"),
        (b'{"a": 1}}', "not JSON"), (b"a=1&b=2", "not JSON"), (b"[" * 100_000, "deeply"),
        (b"{'a': 1}", "not JSON"), (b'{"name": "a\nb"}', "not JSON"),
    ],
)  # fmt: skip
def test_what_is_no_json_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(ApiError, match=words) as caught:
        json_body.parse(body, JSON_TYPE)
    assert (caught.value.status, caught.value.code) == (400, "invalid_json")


def test_a_byte_order_mark_does_no_harm() -> None:
    assert json_body.parse(b'\xef\xbb\xbf{"a": 1}', JSON_TYPE) == {"a": 1}


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "text/json",
        "application/json; charset=latin-1",
        "*/*",
    ],
)
def test_another_content_type_is_415(content_type: str) -> None:
    with pytest.raises(ApiError) as caught:
        json_body.parse(b"{}", content_type)
    assert (caught.value.status, caught.value.code) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type",
    [JSON_TYPE, "Application/JSON", "application/json; charset=UTF-8", "application/merge-patch+json"],
)
def test_json_is_taken_under_its_names(content_type: str) -> None:
    assert json_body.parse(b"{}", content_type) == {}


def test_a_parsed_value_fits_one_type_only() -> None:
    values: list[Any] = ["a", True, 1.5, []]
    fitting = [[kind for kind in ("string", "boolean", "number", "integer") if json_body.fits(kind, value)]
               for value in values]  # fmt: skip
    assert fitting == [["string"], ["boolean"], ["number"], []]
    assert json_body.fits("number", 1) and json_body.fits("integer", 1)


@pytest.mark.parametrize(
    "text",
    [
        "{" + ",".join(f'"na_me{number:x}":1' for number in range(70_000)) + "}",
        '{"configuration": {' + ",".join(f'"model_t{number:x}":1' for number in range(60_000)) + "}}",
        "{" + ",".join(f'"a{number % 40_000:x}":1' for number in range(80_000)) + "}",
        '{"' + "name" * 250_000 + '": 1}',
    ],
    ids=["unknown", "nested", "twice", "long"],
)
def test_a_body_full_of_unknown_fields_is_read_soon(text: str) -> None:
    """Comparing each with every known name took four seconds; now the first fifty are told of."""
    began = time.thread_time()
    given, problems = read(text)
    assert time.thread_time() - began < 1
    assert given == {} and 1 <= len(problems) <= 2 * 50 + 1
