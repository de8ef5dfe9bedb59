"""The tables, and the queries on them.

Every time is UTC with milliseconds. Every id is a UUIDv7, so that ordering by id is ordering by age.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Self, Unpack

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    Select,
    String,
    Text,
    event,
    select,
    text,
    update,
)
from sqlalchemy.engine import Connection
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, Mapper, aliased, mapped_column, relationship, selectinload, validates

from app.probe.capabilities import CAPABILITIES
from app.store.base import Base, UTCDateTime, db, new_id, now
from app.store.endpoints import Endpoint
from app.store.labels import Labels, ModelOwner, ModelTag, labels_from
from app.store.model_filters import Filters, conditions


def identity_of(model_id: str, base_url: str, model_type: str) -> str:
    """What makes a registered model the same as another, short enough for any index."""
    return hashlib.sha256("\0".join((model_id, base_url, model_type)).encode()).hexdigest()


HEALTHS = ("up", "degraded", "down", "unknown")
"""What the column `health` holds, the best first."""

SEARCHED = 400
"""Characters of the text that is searched: the whole of its index must fit into a page of PostgreSQL."""

_FILTERS = frozenset(row.name for row in CAPABILITIES if row.is_filter)


def search_text(display_name: str, model_id: str, base_url: str) -> str:
    """What a search looks into, a line each: name, model id, base URL without scheme; letter case folded.

    Nothing of the URL's query: it may be a key, and who may not see it must not find it letter by letter.
    """
    address = base_url.partition("://")[2].partition("?")[0]
    return "\n".join((display_name, model_id, "//" + address)).casefold()[:SEARCHED]


def seen_text(capabilities: dict[str, Any]) -> str:
    """The capabilities that were observed and that lists filter by, in one text: `,streaming,vision,`.

    All of them together fit into SEARCHED; a test keeps it so.
    """
    seen = [
        name
        for name, row in capabilities.items()
        if name in _FILTERS and isinstance(row, dict) and row.get("observed") is True
    ]
    return f",{','.join(sorted(seen))},"[:SEARCHED] if seen else ""


def _identity_of_insert(context: DefaultExecutionContext) -> str:
    row: dict[str, Any] = context.get_current_parameters()  # type: ignore[no-untyped-call]
    return identity_of(row["model_id"], row["base_url"], row["model_type"])


DESCRIBED = "description_folded IS NOT NULL"


class RegisteredModel(Base):
    """A model that a probe has seen working. A flag that is None was not declared."""

    __tablename__ = "models"
    # Lists are filtered and sorted in this index alone; rows, which are long, are read for one page only.
    __table_args__ = (
        Index(
            "ix_models_list", "id", "search", "seen", "model_type", "region", "health", "enabled",
            "input_cost", "output_cost", "last_probe_id",
        ),
        # A search without filters reads all of an index where it finds little: this one is small.
        Index("ix_models_search", "id", "search"),
        # Few models are described, and descriptions are too long for an index: this one leads to them.
        Index("ix_models_described", "id", sqlite_where=text(DESCRIBED), postgresql_where=text(DESCRIBED)),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    identity: Mapped[str] = mapped_column(String(64), unique=True, default=_identity_of_insert)
    model_id: Mapped[str] = mapped_column(String(256), index=True)
    remote_model_id: Mapped[str | None] = mapped_column(String(256))
    display_name: Mapped[str] = mapped_column(String(128))
    model_type: Mapped[str] = mapped_column(String(32))
    region: Mapped[str] = mapped_column(String(64))
    base_url: Mapped[str] = mapped_column(String(2048))
    """Its endpoint's, kept here too for lists and searches; `endpoint` brings it along."""
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("endpoints.id"), index=True)
    endpoint: Mapped[Endpoint] = relationship(lazy="joined", innerjoin=True)
    description: Mapped[str | None] = mapped_column(String(2048))
    description_folded: Mapped[str | None] = mapped_column(Text)
    """The same with letter case folded, to be searched: too long for an index."""
    input_cost: Mapped[float | None]
    output_cost: Mapped[float | None]
    cache_read_cost: Mapped[float | None]
    cache_write_cost: Mapped[float | None]
    cost_per_image: Mapped[float | None]
    max_tokens: Mapped[int | None] = mapped_column(BigInteger)
    temperature: Mapped[float | None]
    has_reasoning: Mapped[bool | None]
    supports_image_edit: Mapped[bool | None]
    supports_strict_tool: Mapped[bool | None]
    supports_tool_calling: Mapped[bool | None]
    supports_vision: Mapped[bool | None]
    benchmark_model: Mapped[str | None] = mapped_column(String(256))
    observed: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    capabilities: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    health: Mapped[str] = mapped_column(String(16), default="unknown")
    enabled: Mapped[bool] = mapped_column(default=True)
    created: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    updated: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    last_probe_id: Mapped[str | None] = mapped_column(String(36))
    created_by: Mapped[str] = mapped_column(String(400), default="")
    search: Mapped[str] = mapped_column(String(SEARCHED), default="")
    seen: Mapped[str] = mapped_column(String(SEARCHED), default="")

    @validates("endpoint")
    def _take_base_url(self, _name: str, endpoint: Endpoint) -> Endpoint:
        self.base_url = endpoint.base_url
        return endpoint

    owned: Mapped[ModelOwner | None] = relationship(viewonly=True)
    tagged: Mapped[list[ModelTag]] = relationship(viewonly=True)

    @property
    def labels(self) -> Labels:
        """Owner, contact and tags, for who reads many models: such a query loads them with `WITH_LABELS`."""
        return labels_from(self.owned, (row.tag for row in self.tagged))

    @property
    def wire_model_id(self) -> str:
        """The id that is sent to the endpoint."""
        return self.remote_model_id or self.model_id

    @classmethod
    def by_id(cls, id: str) -> Self | None:
        """The model with this id, or None."""
        return db.session.get(cls, id)

    @classmethod
    def at_endpoint(cls, endpoint_id: str) -> dict[str, Self]:
        """The models of an endpoint by their ids."""
        found = db.session.scalars(select(cls).where(cls.endpoint_id == endpoint_id))
        return {model.id: model for model in found}

    @classmethod
    def locked(cls, id: str) -> Self | None:
        """The model as it is now, which nobody else can write until this transaction ends; or None.

        A write that changes nothing takes the lock: SQLite has no SELECT FOR UPDATE.
        """
        db.session.execute(update(cls).where(cls.id == id).values(id=cls.id))
        return db.session.get(cls, id, populate_existing=True)

    @classmethod
    def by_ref(cls, model_id: str) -> list[Self]:
        """Every model with this `model_id` (the last part of a refId), oldest first."""
        return list(db.session.scalars(select(cls).where(cls.model_id == model_id).order_by(cls.id)))

    @classmethod
    def same_as(cls, model_id: str, base_url: str, model_type: str) -> Self | None:
        """The model that a registration with these three would repeat, or None."""
        wanted = identity_of(model_id, base_url, model_type)
        return db.session.scalars(select(cls).where(cls.identity == wanted)).first()

    @classmethod
    def matching(cls, **given: Unpack[Filters]) -> Select[Self]:
        """A query for the models that match every filter given, in no order yet.

        The filters are answered from the index `ix_models_list` as far as it goes; the rows are found by the
        ids that are left.
        """
        slim = aliased(cls)
        wanted = conditions(slim, given)
        return select(cls).where(cls.id.in_(select(slim.id).where(*wanted))) if wanted else select(cls)

    @classmethod
    def matching_in_index(cls, *columns: Any, **given: Unpack[Filters]) -> Select[Any]:
        """The same, for columns that the index `ix_models_list` holds: hardly a row is read."""
        return select(*columns).where(*conditions(cls, given))


WITH_LABELS = (selectinload(RegisteredModel.owned), selectinload(RegisteredModel.tagged))
"""Options of a query that reads the labels of its models too, in two more statements for all of them."""


@event.listens_for(RegisteredModel, "before_insert")
@event.listens_for(RegisteredModel, "before_update")
def _keep_index(_mapper: Mapper[Any], _connection: Connection, row: RegisteredModel) -> None:
    row.search = search_text(row.display_name, row.model_id, row.base_url)
    row.seen = seen_text(row.capabilities or {})
    row.description_folded = row.description.casefold() if row.description else None


@event.listens_for(RegisteredModel, "before_update")
def _keep_identity(_mapper: Mapper[Any], _connection: Connection, row: RegisteredModel) -> None:
    row.identity = identity_of(row.model_id, row.base_url, row.model_type)


class RenderedDocument(Base):
    """The document of a model as it is sent, so that reading needs no more than to find it."""

    __tablename__ = "rendered_documents"

    model_pk: Mapped[str] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"), primary_key=True)
    stamp: Mapped[str] = mapped_column(String(16))
    """What made it: another workspace or another version of the program makes another document."""
    etag: Mapped[str] = mapped_column(String(40))
    body: Mapped[bytes] = mapped_column(LargeBinary)


class Revision(Base):
    """One row that counts the changes of the registry: the list's ETag."""

    __tablename__ = "revisions"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[int] = mapped_column(BigInteger)
