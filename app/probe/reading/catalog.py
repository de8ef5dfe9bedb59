"""The endpoint's own list of models: suggestions and metadata, never a verdict.

Shapes met in the field: `{"data": […]}`, a bare array, `{"models": […]}`, a map by id, names with a `models/`
prefix, `name` in place of `id`. Many endpoints have none, list no aliases, or show it without a key.
"""

from __future__ import annotations

import difflib
import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.probe.reading.faults import is_error_value
from app.probe.transport.answer import Answer

_PLACES = ("data", "models", "result", "results", "items", "object_list", "model_list")
_LONGEST_NAME = 300
_COMPARED = 3000
"""Of how many ids the likeness is measured; of more, only those whose last part begins alike."""
_MEASURED = 40
_IDS = ("id", "model", "name", "model_id", "model_name", "key")


@dataclass(frozen=True, slots=True)
class Catalog:
    """What `GET {base}/models` listed. `there` is False where it was no list at all."""

    there: bool = False
    entries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def ids(self) -> tuple[str, ...]:
        """The listed ids, in the endpoint's order."""
        return tuple(self.entries)

    def listed(self, model_id: str) -> bool | None:
        """Whether the id is listed, as it is or as a known variant; None where there is no catalog."""
        return None if not self.there else self.find(model_id) is not None

    def find(self, model_id: str) -> Mapping[str, Any] | None:
        """The entry of an id: itself, with `:latest`, with `models/`, or in another letter case."""
        wanted = _variants(model_id)
        return next((entry for name, entry in self.entries.items() if wanted & _variants(name)), None)

    def closest(self, model_id: str, count: int = 5) -> tuple[str, ...]:
        """Listed ids that may be meant: the same last part of the name first, then by likeness.

        Never the id itself, which was typed.
        """
        tail = _tail(model_id)
        same = [name for name in self.ids if _tail(name) == tail and name != model_id]
        within = [
            name for name in self.ids if tail and (tail in name.lower() or name.lower() in model_id.lower())
        ]
        ids = self.ids if len(self.ids) <= _COMPARED else [n for n in self.ids if _tail(n)[:4] == tail[:4]]
        alike = _nearest(model_id[:_LONGEST_NAME].lower(), ids[:_COMPARED])
        tail = tail[:_LONGEST_NAME]
        like = difflib.get_close_matches(model_id[:_LONGEST_NAME], alike, count + 1, 0.5)
        tails = {_tail(name): name for name in alike}
        like += [tails[t] for t in difflib.get_close_matches(tail, tails, count + 1, 0.6)]
        few = self.ids if len(self.ids) <= count else ()
        found = dict.fromkeys([*same, *like, *within, *few])
        found.pop(model_id, None)
        return tuple(found)[:count]


def _nearest(name: str, ids: Iterable[str]) -> list[str]:
    """The ids that share most pairs of letters with a name: the few of which the likeness is measured, since
    that takes the square of their length.
    """
    pairs = _pairs(name)
    shared = {one: 2 * len(pairs & _pairs(one.lower())) / (len(pairs) + len(one)) for one in ids}
    return heapq.nlargest(_MEASURED, shared, key=lambda one: shared[one])


def _pairs(name: str) -> set[str]:
    return {name[at : at + 2] for at in range(len(name) - 1)} or {name}


def read_catalog(answer: Answer) -> Catalog:
    """The catalog in any of its shapes; an empty `Catalog` where the answer is none."""
    body = answer.json
    if not answer.ok or (isinstance(body, Mapping) and is_error_value(body.get("error"))):
        return Catalog()
    rows = _rows(body)
    if rows is None:
        return Catalog()
    entries: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        name = row if isinstance(row, str) else _id_of(row)
        if name is not None and is_name(name):
            entries.setdefault(name, row if isinstance(row, Mapping) else {})
    return Catalog(bool(entries), entries)


def _rows(body: Any) -> Iterable[Any] | None:
    if isinstance(body, list):
        return body
    if not isinstance(body, Mapping):
        return None
    for place in _PLACES:
        rows = body.get(place)
        if isinstance(rows, list):
            return rows
        if isinstance(rows, Mapping):
            nested = _rows(rows)
            return (
                nested
                if nested is not None
                else [{"id": name, **(v if isinstance(v, Mapping) else {})} for name, v in rows.items()]
            )
    return None


def _id_of(row: Any) -> str | None:
    if not isinstance(row, Mapping):
        return None
    return next((str(row[name]) for name in _IDS if isinstance(row.get(name), str) and row[name]), None)


def is_name(value: Any) -> bool:
    """Whether it can be an id at all: a text that can be shown, stored and sent."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME and value.isprintable()


def _variants(name: str) -> set[str]:
    plain = name.strip().lower().removeprefix("models/")
    return {plain, plain.removesuffix(":latest")}


def _tail(name: str) -> str:
    return name.lower().rstrip("/").rpartition("/")[2].removesuffix(":latest")
