"""Behaviours that nobody reported yet, from documentations and known errors: the register.

Each is a function whose docstring says how the endpoint behaves; what a correct probe concludes stands in
the decorator above it. They live in the `own_*.py` modules, by area.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.endpoints.base import Simulator
from tests.endpoints.reports import Change, Report

OWN: list[Report] = []
Kept = Callable[[Change], Change]


def accepted(
    id: str,
    source: str,
    *,
    path: str = "/v1",
    model: str = "m1",
    kind: str = "chat",
    capabilities: Mapping[str, bool | None] | None = None,
    warnings: tuple[str, ...] = (),
) -> Kept:
    """An endpoint that works; `warnings` are codes that its report must hold."""
    found = dict(capabilities or {})
    return _kept(
        Report(id, "own", source, path, model, kind, "accepted", capabilities=found, warnings=warnings)
    )


def rejected(
    id: str,
    source: str,
    code: str,
    field: str | None = None,
    *,
    path: str = "/v1",
    model: str = "m1",
    kind: str = "chat",
    suggests: Mapping[str, str] | None = None,
) -> Kept:
    """An endpoint that is not to be let in; `code` holds every right code, separated by spaces."""
    codes, fields, wanted = tuple(code.split()), tuple((field or "").split()), dict(suggests or {})
    return _kept(Report(id, "own", source, path, model, kind, "rejected", codes, fields, suggests=wanted))


def _kept(report: Report) -> Kept:
    def keep(change: Change) -> Change:
        assert change.__doc__, f"{report.id} says how its endpoint behaves"
        assert report.id not in {one.id for one in OWN}, f"{report.id} is registered twice"
        object.__setattr__(report, "change", change)
        OWN.append(report)
        return change

    return keep


def briefly(sim: Simulator) -> None:
    """Make Muster's patience short: what is waited for does not come."""
    sim.settings |= {"probe_seconds": 3.0, "probe_wait_seconds": 0.2}
