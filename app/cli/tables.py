"""Rows as commands show them: columns for people, one JSON list for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from app.cli.output import show_json, wants_json
from app.probe.console.printing import put


def show(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, int]) -> None:
    """Rows as one JSON list, or as lines of columns with these widths."""
    if wants_json():
        show_json(list(rows))
        return
    put("  ".join(f"{name.replace('_', ' ').upper():<{width}}" for name, width in columns.items()).rstrip())
    for row in rows:
        put("  ".join(f"{_cell(row[name]):<{width}}" for name, width in columns.items()).rstrip())


def _cell(value: Any) -> str:
    if value is None or isinstance(value, datetime):
        return moment_text(value)
    return ",".join(value) if isinstance(value, list) else str(value)


def moment_text(moment: datetime | None) -> str:
    """A time to the minute; "never" for none."""
    return moment.strftime("%Y-%m-%d %H:%M") if moment else "never"
