"""Samples of log-probabilities in a hundred bytes, which come back as they were."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.watch.identity.packing import packed, unpacked

TOPS = st.dictionaries(
    st.text(max_size=24), st.integers(0, 1_048_575).map(lambda steps: -steps / 10_000), max_size=20
)


@given(st.lists(TOPS, max_size=4))
def test_each_comes_back_as_it_was_with_a_table_that_grew_since(tops: list[dict[str, float]]) -> None:
    table: list[str] = []
    texts = []
    for top in tops:
        text, table = packed(top, table)
        texts.append(text)
        assert len(json.dumps(text)) == 2 + 5 * len(top)
    assert [unpacked(text, table) for text in texts] == tops


@pytest.mark.parametrize(("value", "kept"), [(-9999.0, -104.8575), (0.0001, 0.0), (-0.00006, -0.0001)])
def test_a_value_that_does_not_fit_is_kept_as_the_nearest_that_does(value: float, kept: float) -> None:
    text, table = packed({"a": value}, [])
    assert unpacked(text, table) == {"a": kept}


def test_a_full_table_takes_no_further_token() -> None:
    table = [f"t{number}" for number in range(4096)]
    text, after = packed({"t4095": -1.0, "made up": -2.0}, table)
    assert (unpacked(text, after), after) == ({"t4095": -1.0}, table)
