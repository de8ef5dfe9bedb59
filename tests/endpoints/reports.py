"""The register of field reports: what each expects, and how its endpoint differs from a good one.

`reports.json` holds what was typed and what a correct probe concludes; a function registered under the
same id makes the endpoint, a few lines each.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.endpoints.base import Simulator

JSON = Any
Change = Callable[[Simulator], Any]
Observed = bool | None | tuple[bool | None, ...]
CHANGES: dict[str, Change] = {}


@dataclasses.dataclass(frozen=True)
class Report:
    """One field report. `code`, `field`: every one that is right, none: any; `suggests`: as reported.

    A capability is what a correct probe observes; where more than one state is right, all of them.
    """

    id: str
    seen_at: str
    source: str
    path: str
    model_id: str
    model_type: str
    verdict: str
    code: tuple[str, ...] = ()
    field: tuple[str, ...] = ()
    declared: Mapping[str, bool] = dataclasses.field(default_factory=dict)
    suggests: Mapping[str, str] = dataclasses.field(default_factory=dict)
    capabilities: Mapping[str, Observed] = dataclasses.field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    """What the message of a rejection must say, letter by letter."""
    unsaid: tuple[str, ...] = ()
    """What may stand nowhere in what is told, beside the key in whatever form."""
    calls: int = 0
    """How many requests may be sent to find that out; 0: as many as the limits allow."""
    change: Change | None = None
    """What is different at the endpoint; None: the function registered under the id."""

    def endpoint(self) -> Simulator:
        """The endpoint of this report, not yet started."""
        simulator = Simulator(self.path, self.model_id, self.model_type)
        (self.change or CHANGES[self.id])(simulator)
        return simulator


def report(*ids: str) -> Callable[[Change], Change]:
    """Register what is different at the endpoint of these reports."""

    def registered(change: Change) -> Change:
        for one in ids:
            assert one not in CHANGES, f"{one} is registered twice"
            CHANGES[one] = change
        return change

    return registered


def load(file: str = "reports.json") -> list[Report]:
    """The reports of a file beside this one, in its order."""
    rows: list[dict[str, JSON]] = json.loads(Path(__file__).with_name(file).read_text(encoding="utf-8"))
    return [
        Report(**(row | {"code": tuple(row["code"]), "field": _several(row.get("field"))})) for row in rows
    ]


def _several(field: JSON) -> tuple[str, ...]:
    """Every right field: a report names one, a list of them, or none where any is right."""
    return (field,) if isinstance(field, str) else tuple(field or ())
