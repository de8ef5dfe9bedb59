"""What changed of a model between two whole probes. Pure: two reports in their stored form, and a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["capability", "context", "dimensions", "model", "catalog", "price"]
Report = Mapping[str, Any]

_NUMBERS: tuple[tuple[Kind, str], ...] = (
    ("context", "context_window"),
    ("context", "max_output_tokens"),
    ("context", "max_input_tokens"),
    ("dimensions", "embedding_dimensions"),
)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is another now; `name` says which where there are several of its kind."""

    kind: Kind
    name: str
    before: Any
    after: Any

    @property
    def sentence(self) -> str:
        """The change in words."""
        return f"{self.name}: {shown(self.before)} before, {shown(self.after)} now."


def changes(before: Report, after: Report) -> list[Change]:
    """What differs between two reports that accepted. What one of them could not tell is no change."""
    if before.get("verdict") != "accepted" or after.get("verdict") != "accepted":
        return []
    return [*_capabilities(before, after), *_facts(before, after), *_catalog(before, after)]


def _capabilities(before: Report, after: Report) -> Iterator[Change]:
    known = before.get("capabilities") or {}
    for name, row in (after.get("capabilities") or {}).items():
        earlier, now = (known.get(name) or {}).get("observed"), row.get("observed")
        if None not in (earlier, now) and earlier != now:
            yield Change("capability", name, earlier, now)


def _facts(before: Report, after: Report) -> Iterator[Change]:
    for kind, name in _NUMBERS:
        yield from _other(kind, name, _observed(before).get(name), _observed(after).get(name))
    yield from _other("model", "answered_by", before.get("answered_by"), after.get("answered_by"))


def _catalog(before: Report, after: Report) -> Iterator[Change]:
    earlier, now = before.get("catalog") or {}, after.get("catalog") or {}
    yield from _other("catalog", "listed", earlier.get("listed"), now.get("listed"))
    kept, fresh = _prices(earlier), _prices(now)
    for name in sorted(kept.keys() & fresh.keys()):
        yield from _other("price", name, kept[name], fresh[name])


def _other(kind: Kind, name: str, before: Any, after: Any) -> Iterator[Change]:
    if before is not None and after is not None and before != after:
        yield Change(kind, name, before, after)


def _observed(report: Report) -> Mapping[str, Any]:
    observed: Mapping[str, Any] = report.get("observed") or {}
    return observed


def _prices(catalog: Mapping[str, Any]) -> Mapping[str, Any]:
    prices: Mapping[str, Any] = (catalog.get("metadata") or {}).get("prices") or {}
    return prices


def shown(value: Any) -> str:
    """A value of a report for people."""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
