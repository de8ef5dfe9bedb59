"""The list for a spreadsheet."""

from __future__ import annotations

import csv
import io

import pytest

from app.registry.exchange.csv import COLUMNS, table
from app.store.models import RegisteredModel
from tests.registry.exchange.rows import HOSTILE, row

pytestmark = pytest.mark.usefixtures("settings_only")


def read(*models: RegisteredModel) -> list[dict[str, str]]:
    """The table as a program reads it."""
    return list(csv.DictReader(io.StringIO(table(models), newline="")))


def test_a_line_per_model() -> None:
    first, second = read(row(input_cost=0.15, supports_vision=False, enabled=False), row(model_id="other"))
    assert list(first) == list(COLUMNS)
    assert (first["input_cost"], first["supports_vision"], first["enabled"]) == ("0.15", "false", "false")
    assert (first["output_cost"], first["supports_tool_calling"], second["model_id"]) == ("", "", "other")


def test_no_model() -> None:
    assert read() == []


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "\uff1d1", "  =1"])
def test_nothing_is_a_formula(start: str) -> None:
    (made,) = read(row(description=start))
    assert made["description"] == "'" + start


def test_text_is_what_it_was() -> None:
    texts = [text for text in (*HOSTILE, "a;b,c", 'two\n"lines"') if text[0] not in "@-"]
    assert [made["description"] for made in read(*(row(description=text) for text in texts))] == texts


def test_text_is_quoted_so_that_no_separator_ends_it() -> None:
    assert '"x;=1"' in table([row(description="x;=1")])
