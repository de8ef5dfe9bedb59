"""What counts as a change between two whole probes."""

from __future__ import annotations

from typing import Any

import pytest

from app.watch.drift import Change, changes

Report = dict[str, Any]


def report(**changed: Any) -> Report:
    """A report that accepted."""
    good: Report = {
        "verdict": "accepted",
        "capabilities": {"vision": {"observed": True}, "streaming": {"observed": None}},
        "observed": {"context_window": 8192, "embedding_dimensions": 768},
        "answered_by": "m-2026-01",
        "catalog": {"listed": True, "metadata": {"prices": {"input_cost": 0.5, "output_cost": 1.5}}},
    }
    return good | changed


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (report(), []),
        (report(capabilities={"vision": {"observed": False}}), [Change("capability", "vision", True, False)]),
        (report(capabilities={"vision": {"observed": None}}), []),
        (report(capabilities={"streaming": {"observed": True}}), []),  # it could not be told before
        (
            report(observed={"context_window": 4096, "embedding_dimensions": 768}),
            [Change("context", "context_window", 8192, 4096)],
        ),
        (
            report(observed={"context_window": 8192, "embedding_dimensions": 1024}),
            [Change("dimensions", "embedding_dimensions", 768, 1024)],
        ),
        (report(answered_by="m-2026-02"), [Change("model", "answered_by", "m-2026-01", "m-2026-02")]),
        (report(answered_by=None), []),
        (
            report(catalog={"listed": False, "metadata": {"prices": {"input_cost": 0.6}}}),
            [Change("catalog", "listed", True, False), Change("price", "input_cost", 0.5, 0.6)],
        ),
        (report(verdict="rejected", answered_by="m-2026-02"), []),
    ],
)
def test_changes(after: Report, found: list[Change]) -> None:
    assert changes(report(), after) == found


def test_a_change_in_words() -> None:
    assert Change("capability", "vision", True, False).sentence == "vision: yes before, no now."
