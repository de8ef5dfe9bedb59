"""What a whole probe is about to cost is said before it is started."""

from __future__ import annotations

from typing import Any

import pytest

from app.web.pages.models.costly import price_of_last
from tests.rows import a_model

USED = {"prompt_tokens": 2_000_000, "completion_tokens": 500_000}
WHOLE = {"capabilities": {"streaming": {"observed": True}}, "usage": USED}


@pytest.mark.parametrize(
    ("prices", "changes", "words"),
    [
        ({}, {}, "about 2,500,000 tokens"),
        ({"input_cost": 1.5, "output_cost": 4.0}, {}, "about 2,500,000 tokens, $5.00"),
        ({"input_cost": 1.5}, {}, "about 2,500,000 tokens"),
        ({}, {"usage": {}}, ""),
        ({}, {"capabilities": {"streaming": {"observed": None}}}, ""),
        ({}, {"capabilities": {}}, ""),
    ],
)
def test_as_the_last_one_did(prices: dict[str, float], changes: dict[str, Any], words: str) -> None:
    assert price_of_last(a_model(**prices), WHOLE | changes) == words
