"""All registers in one place: importing this knows every simulated endpoint."""

from __future__ import annotations

from tests.endpoints import (
    reports_auth,
    reports_base_url,
    reports_capability,
    reports_chat,
    reports_models,
    reports_other,
    reports_second,
    reports_stream,
    reports_transport,
)
from tests.endpoints.reports import CHANGES, Report, load

REGISTERS = (
    reports_auth,
    reports_base_url,
    reports_capability,
    reports_chat,
    reports_models,
    reports_other,
    reports_second,
    reports_stream,
    reports_transport,
)
REPORTS = [*load(), *load("reports_second.json")]

__all__ = ["CHANGES", "REGISTERS", "REPORTS", "Report"]
