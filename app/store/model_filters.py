"""What a list of models may be narrowed to, as conditions of a query."""

from __future__ import annotations

from typing import Any, TypedDict

from sqlalchemy import ColumnElement, inspect, or_, select
from sqlalchemy.orm import aliased

from app.store.labels import ModelOwner, ModelTag


class Filters(TypedDict, total=False):
    """Each one that is given, and not None, must fit.

    `q`: words, each found in name, id, base URL, description or a tag. `seen`: a capability that the probe
    observed. `host`: a host, with its port if it has one. `endpoint`: the id of an endpoint.
    """

    q: str | None
    model_type: str | None
    region: str | None
    status: str | None
    enabled: bool | None
    host: str | None
    seen: str | None
    endpoint: str | None
    tag: str | None
    owner: str | None


def conditions(table: Any, given: Filters) -> list[ColumnElement[bool]]:
    """The conditions on `table`, which is the table of models or an alias of it."""
    wanted = [_holds(table, sought(word)) for word in (given.get("q") or "").split()]
    if host := given.get("host"):
        wanted.append(table.search.contains("//" + host.casefold(), autoescape=True))
    if seen := given.get("seen"):
        wanted.append(was_seen(seen, table))
    columns = {
        "model_type": table.model_type, "region": table.region, "status": table.health,
        "enabled": table.enabled, "endpoint": table.endpoint_id,
    }  # fmt: skip
    wanted += [column == given[name] for name, column in columns.items() if given.get(name) is not None]  # type: ignore[literal-required]
    if (tag := given.get("tag")) is not None:
        wanted.append(table.id.in_(select(ModelTag.model_pk).where(ModelTag.tag == tag)))
    if (owner := given.get("owner")) is not None:
        wanted.append(table.id.in_(select(ModelOwner.model_pk).where(ModelOwner.owner == owner)))
    return wanted


def sought(word: str) -> str:
    """What is looked for: of a URL what follows its scheme, letter case folded."""
    scheme, there, address = word.casefold().partition("://")
    return f"//{address}" if there and scheme in ("http", "https") else f"{scheme}{there}{address}"


def _holds(table: Any, word: str) -> ColumnElement[bool]:
    """Whether a word is in what the index holds, in the description, or in a tag."""
    described = aliased(inspect(table).mapper.class_)
    folded = described.description_folded
    found = select(described.id).where(folded.is_not(None), folded.contains(word, autoescape=True))
    tagged = select(ModelTag.model_pk).where(ModelTag.tag.icontains(word, autoescape=True))
    return or_(table.search.contains(word, autoescape=True), table.id.in_(found), table.id.in_(tagged))


def was_seen(name: str, table: Any) -> ColumnElement[bool]:
    """Whether the probe observed a capability, as a condition that the index `ix_models_list` answers."""
    condition: ColumnElement[bool] = table.seen.contains(f",{name},", autoescape=True)
    return condition
