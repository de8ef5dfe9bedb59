"""Whose a model is, and what it belongs to: kept beside the model, since its document does not tell it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base, db


class Labels(NamedTuple):
    """The labels of a model: `owner` a team or a person, `contact` a mail address or a URL."""

    owner: str | None = None
    contact: str | None = None
    tags: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The labels as the API has them."""
        return {"owner": self.owner, "contact": self.contact, "tags": list(self.tags)}

    def stated(self) -> dict[str, Any]:
        """The same without what is empty."""
        return {name: value for name, value in self.as_json().items() if value}


class ModelOwner(Base):
    """Whose a model is; no row where nobody said so."""

    __tablename__ = "model_owners"

    model_pk: Mapped[str] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"), primary_key=True)
    owner: Mapped[str | None] = mapped_column(String(128), index=True)
    contact: Mapped[str | None] = mapped_column(String(320))


class ModelTag(Base):
    """A tag of a model."""

    __tablename__ = "model_tags"
    __table_args__ = (Index("ix_model_tags_tag", "tag", "model_pk"),)

    model_pk: Mapped[str] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(String(64), primary_key=True)


def labels_from(owner: ModelOwner | None, tags: Iterable[str]) -> Labels:
    """The labels of a model from its rows; tags are sorted here, since databases have orders of their own."""
    in_order = tuple(sorted(tags))
    return Labels(owner.owner, owner.contact, in_order) if owner else Labels(tags=in_order)


def labels_of(id: str) -> Labels:
    """The labels of a model; empty ones where it has none, or where there is no such model."""
    return labels_of_many([id])[id]


def labels_of_many(ids: Sequence[str]) -> dict[str, Labels]:
    """The labels of these models by id."""
    owners = {
        row.model_pk: row
        for row in db.session.scalars(select(ModelOwner).where(ModelOwner.model_pk.in_(ids)))
    }
    tags: dict[str, list[str]] = {}
    named = select(ModelTag.model_pk, ModelTag.tag).where(ModelTag.model_pk.in_(ids))
    for id, tag in db.session.execute(named):
        tags.setdefault(id, []).append(tag)
    return {id: labels_from(owners.get(id), tags.get(id, ())) for id in ids}


def put_labels(id: str, labels: Labels) -> None:
    """Give a model just these labels, in the transaction at hand."""
    for table in (ModelTag, ModelOwner):
        for row in db.session.scalars(select(table).where(table.model_pk == id)):
            db.session.delete(row)
    db.session.flush()
    db.session.add_all(ModelTag(model_pk=id, tag=tag) for tag in labels.tags)
    if labels.owner or labels.contact:
        db.session.add(ModelOwner(model_pk=id, owner=labels.owner, contact=labels.contact))
    db.session.flush()
