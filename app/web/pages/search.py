"""A search as it stands in the URL of a list of models: the text, the filters, where the page begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app, url_for
from sqlalchemy import select

from app.probe.model_types import MODEL_TYPES
from app.registry import stored_documents
from app.store.base import db
from app.store.labels import ModelOwner, ModelTag
from app.store.models import RegisteredModel


@dataclass(frozen=True, slots=True)
class Choice:
    """One filter: its parameter, its label, the value chosen and what may be chosen."""

    name: str
    label: str
    value: str
    options: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Search:
    """What a list is asked for. `page` is the endpoint of the list, `cursor` the last id before this page."""

    page: str
    q: str
    cursor: str
    choices: tuple[Choice, ...]
    host: str = ""

    @property
    def active(self) -> bool:
        """Whether anything is searched for or filtered."""
        return bool(self.q or self.host or any(choice.value for choice in self.choices))

    def value(self, name: str) -> str | None:
        """The value of one filter, None where all are wanted."""
        return next((choice.value or None for choice in self.choices if choice.name == name), None)

    @property
    def query(self) -> str:
        """The query string of this very page of the list, for a form that comes back to it."""
        return self.url(self.cursor).partition("?")[2]

    def url(self, cursor: str = "", **more: str) -> str:
        """The list with the same search, from a cursor on."""
        given: dict[str, Any] = {choice.name: choice.value for choice in self.choices}
        given |= {"q": self.q, "host": self.host, "cursor": cursor} | more
        return url_for(self.page, **{name: value for name, value in given.items() if value})


def text_of(arguments: Mapping[str, str], name: str, longest: int) -> str:
    """A text of the query string, cut to what a search may hold; no database takes a NUL."""
    return arguments.get(name, "").strip().replace("\0", "")[:longest]


def choice_of(
    name: str, label: str, arguments: Mapping[str, str], options: Iterable[tuple[str, str]]
) -> Choice:
    """A filter; a value that is not on offer counts as not given."""
    offered = tuple(options)
    value = arguments.get(name, "")
    return Choice(name, label, value if value in dict(offered) else "", offered)


def type_choice(arguments: Mapping[str, str]) -> Choice:
    """The filter by model type."""
    return choice_of("type", "Type", arguments, ((name, kind.label) for name, kind in MODEL_TYPES.items()))


def region_choice(arguments: Mapping[str, str]) -> Choice:
    """The filter by region."""
    return choice_of("region", "Region", arguments, ((region, region) for region in regions()))


def label_choices(arguments: Mapping[str, str]) -> tuple[Choice, Choice]:
    """The filters by owner and by tag; without an option where nobody has given any."""
    owners, tags = distinct(ModelOwner.owner), distinct(ModelTag.tag)
    return (
        choice_of("owner", "Owner", arguments, ((owner, owner) for owner in owners)),
        choice_of("tag", "Tag", arguments, ((tag, tag) for tag in tags)),
    )


def regions() -> list[str]:
    """Every region that a model is in."""
    return distinct(RegisteredModel.region)


def distinct(column: Any) -> list[str]:
    """Every value of a column, at most 200; read again only when the registry has changed."""
    now = stored_documents.revision()
    kept: dict[str, tuple[int, list[str]]] = current_app.extensions.setdefault("muster_distinct", {})
    known = kept.get(str(column))
    if known is None or known[0] != now:
        query = select(column).where(column.is_not(None)).distinct().order_by(column).limit(200)
        known = kept[str(column)] = (now, list(db.session.scalars(query)))
    return known[1]
