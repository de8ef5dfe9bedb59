"""Everything of the second round in one place: its field reports and its own behaviours."""

from __future__ import annotations

from tests.endpoints.reports import Report, load
from tests.endpoints.second import SECOND

from . import (
    reports_second,
    second_calls,
    second_choice,
    second_content,
    second_edge,
    second_ends,
    second_faults,
    second_models,
    second_neighbours,
    second_otherwise,
    second_place,
    second_real,
    second_responses,
    second_secrets,
    second_spoken,
    second_thought,
    second_turns,
    second_types,
    second_waits,
    second_world,
)

REGISTERS = (
    reports_second,
    second_calls,
    second_choice,
    second_content,
    second_edge,
    second_ends,
    second_faults,
    second_models,
    second_neighbours,
    second_otherwise,
    second_place,
    second_real,
    second_responses,
    second_secrets,
    second_spoken,
    second_thought,
    second_turns,
    second_types,
    second_waits,
    second_world,
)
SECOND_REPORTS = load("reports_second.json")

__all__ = ["REGISTERS", "SECOND", "SECOND_REPORTS", "Report"]
