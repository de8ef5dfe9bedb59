"""Everything of the second round in one place: its field reports and its own behaviours."""

from __future__ import annotations

from tests.endpoints import (
    reports_second,
    second_content,
    second_edge,
    second_ends,
    second_faults,
    second_models,
    second_neighbours,
    second_otherwise,
    second_place,
    second_real,
    second_thought,
    second_types,
    second_waits,
)
from tests.endpoints.reports import Report, load
from tests.endpoints.second import SECOND

REGISTERS = (
    reports_second,
    second_content,
    second_edge,
    second_ends,
    second_faults,
    second_models,
    second_neighbours,
    second_otherwise,
    second_place,
    second_real,
    second_thought,
    second_types,
    second_waits,
)
SECOND_REPORTS = load("reports_second.json")

__all__ = ["REGISTERS", "SECOND", "SECOND_REPORTS", "Report"]
