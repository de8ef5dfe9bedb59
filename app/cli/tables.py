"""Rows as commands show them: columns for people, one JSON list for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import click

from app.probe.printing import put

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def show(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, int], as_json: bool) -> None:
    """Rows as one JSON list, or as lines of columns with these widths."""
    if as_json:
        put(json_text(list(rows)))
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


def json_text(value: Any) -> str:
    """JSON with times as RFC 3339 has them."""
    return json.dumps(value, default=_rfc3339, ensure_ascii=False, indent=2)


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
