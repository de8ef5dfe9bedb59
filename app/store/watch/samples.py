"""Samples of what models answer, and what is known of each model's identity from them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self

from sqlalchemy import JSON, ForeignKey, Index, String, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base, UTCDateTime, db, new_id
from app.store.watch.health import MODEL


class ModelSample(Base):
    """What one health check told of who answers, in a hundred bytes: `app.watch.identity.kept` writes and
    reads the payload.
    """

    __tablename__ = "model_samples"
    __table_args__ = (Index(None, "model_pk", "at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    model_pk: Mapped[str] = mapped_column(ForeignKey(MODEL, ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    payload: Mapped[Any] = mapped_column(JSON)
    is_baseline: Mapped[bool] = mapped_column(default=False)

    @classmethod
    def baseline_of(cls, model_pk: str) -> list[Any]:
        """The payloads of a model's baseline, the oldest first."""
        query = select(cls.payload).where(cls.model_pk == model_pk, cls.is_baseline.is_(True))
        return list(db.session.scalars(query.order_by(cls.at, cls.id)))

    @classmethod
    def newest_of(cls, model_pk: str, count: int) -> list[Any]:
        """The payloads of the last `count` samples after the baseline, the oldest first."""
        query = select(cls.payload).where(cls.model_pk == model_pk, cls.is_baseline.is_(False))
        return list(db.session.scalars(query.order_by(cls.at.desc(), cls.id.desc()).limit(count)))[::-1]

    @classmethod
    def make_baseline(cls, model_pk: str) -> None:
        """Every sample of a model is its baseline from now on. In the transaction at hand."""
        db.session.execute(update(cls).where(cls.model_pk == model_pk).values(is_baseline=True))

    @classmethod
    def forget(cls, model_pk: str) -> None:
        """Delete all samples of a model, its baseline too. In the transaction at hand."""
        db.session.execute(delete(cls).where(cls.model_pk == model_pk))

    @classmethod
    def keep_newest(cls, model_pk: str, count: int) -> None:
        """Delete the samples of a model but for its baseline and the last `count`."""
        query = select(cls.id).where(cls.model_pk == model_pk, cls.is_baseline.is_(False))
        old: Sequence[str] = db.session.scalars(
            query.order_by(cls.at.desc(), cls.id.desc()).offset(count)
        ).all()
        if old:
            db.session.execute(delete(cls).where(cls.id.in_(old)))


class ModelIdentity(Base):
    """What is known of whether a model is still the same: the state between two samples.

    `place` names where it is served and as what; where that changes, all begins anew. `suspicions` are the
    last windows that did not fit: pairs of distance and p. `forms` are what the endpoint called itself and
    how it had to be asked.
    """

    __tablename__ = "model_identities"

    model_pk: Mapped[str] = mapped_column(ForeignKey(MODEL, ondelete="CASCADE"), primary_key=True)
    place: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16), default="learning")
    baseline_since: Mapped[datetime | None] = mapped_column(UTCDateTime)
    samples: Mapped[int] = mapped_column(default=0)
    """Samples since the baseline began, or, once it stands, since it was made."""
    misses: Mapped[int] = mapped_column(default=0)
    """Checks in a row that brought no sample."""
    asked: Mapped[int] = mapped_column(default=0)
    """Counts the checks, for whose turn among the prompts it is."""
    noise: Mapped[float | None]
    distance: Mapped[float | None]
    p: Mapped[float | None]
    suspicions: Mapped[list[list[float]]] = mapped_column(JSON, default=list)
    tokens: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    """The tokens that its samples of log-probabilities name by their numbers."""
    anchor: Mapped[list[float] | None] = mapped_column(JSON)
    """An embedding model's vector of the fixed text, when it was learned."""
    learned: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What the baseline comes to: the columns that samples are compared by, and the two ends of its line; of
    vectors the digests that it holds, and since when there are others (`others_since`)."""
    sampled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    forms: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    differs_since: Mapped[datetime | None] = mapped_column(UTCDateTime)

    @classmethod
    def by_id(cls, model_pk: str) -> Self | None:
        """What is known of this model; None where it was never sampled."""
        return db.session.get(cls, model_pk, populate_existing=True)
