"""Behaviours for the second round of rules: the register, with what a plain client is shown at each.

The form is that of the own behaviours (`own.py`). They are kept apart because the rules came after the
probe: `tests/test_second_round.py` runs them, and the ids begin with the rule (`r05-…`), so that
`pytest -k r05` shows how far one rule is kept. `cap-…` are the capabilities asked besides.

`shows` is for `test_second_simulators.py`: words that a plain request with the right key gets, where need
be with changes to that request. Without it, a plain request of the model type must be answered well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.endpoints.own import Kept
from tests.endpoints.reports import Change, Observed, Report

JSON = Any
Shown = str | tuple[Mapping[str, JSON], str]
SECOND: list[Report] = []
SHOWN: dict[str, Shown] = {}


def accepted(
    id: str,
    source: str,
    *,
    path: str = "/v1",
    model: str = "m1",
    kind: str = "chat",
    declared: str = "",
    capabilities: Mapping[str, Observed] | None = None,
    warnings: str = "",
    shows: Shown = "",
) -> Kept:
    """An endpoint that works; `declared` and `warnings` name what they name with spaces between."""
    said, found = dict.fromkeys(declared.split(), True), dict(capabilities or {})
    row = Report(id, "second", source, path, model, kind, "accepted", declared=said, capabilities=found)
    return _kept(row, shows, warnings=tuple(warnings.split()))


def rejected(
    id: str,
    source: str,
    code: str,
    field: str = "",
    *,
    path: str = "/v1",
    model: str = "m1",
    kind: str = "chat",
    suggests: Mapping[str, str] | None = None,
    words: tuple[str, ...] = (),
    unsaid: tuple[str, ...] = (),
    calls: int = 0,
    shows: Shown = "",
) -> Kept:
    """An endpoint that is not to be let in; `code` and `field` hold every right one, with spaces between."""
    row = Report(id, "second", source, path, model, kind, "rejected", tuple(code.split()))
    more = {"suggests": dict(suggests or {}), "words": words, "unsaid": unsaid, "calls": calls}
    return _kept(row, shows, field=tuple(field.split()), **more)


def _kept(report: Report, shows: Shown, **more: Any) -> Kept:
    def keep(change: Change) -> Change:
        assert change.__doc__, f"{report.id} says how its endpoint behaves"
        assert report.id not in {one.id for one in SECOND}, f"{report.id} is registered twice"
        for name, value in (more | {"change": change}).items():
            object.__setattr__(report, name, value)
        SECOND.append(report)
        if shows:
            SHOWN[report.id] = shows
        return change

    return keep
