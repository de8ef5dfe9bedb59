"""The tables, and the queries on them.

Every time is UTC with milliseconds. Every id is a UUIDv7, so that ordering by id is ordering by age.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Self

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    Select,
    String,
    event,
    select,
    update,
)
from sqlalchemy.engine import Connection
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, Mapper, aliased, mapped_column, relationship, validates

from app.probe.capabilities import CAPABILITIES
from app.store.base import Base, UTCDateTime, db, new_id, now
from app.store.endpoints import Endpoint


def identity_of(model_id: str, base_url: str, model_type: str) -> str:
    """What makes a registered model the same as another, short enough for any index."""
    return hashlib.sha256("\0".join((model_id, base_url, model_type)).encode()).hexdigest()


HEALTHS = ("up", "degraded", "down", "unknown")
"""What the column `health` holds, the best first."""

SEARCHED = 400
"""Characters of the text that is searched: the whole of its index must fit into a page of PostgreSQL."""

_FILTERS = frozenset(row.name for row in CAPABILITIES if row.is_filter)


def search_text(display_name: str, model_id: str, base_url: str) -> str:
    """What a search looks into, a line each: name, model id, base URL without scheme; letter case folded."""
    address = base_url.partition("://")[2]
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


class RegisteredModel(Base):
    """A model that a probe has seen working. A flag that is None was not declared."""

    __tablename__ = "models"
    # Lists are filtered and sorted in this index alone; rows, which are long, are read for one page only.
    __table_args__ = (
        Index(
            "ix_models_list", "id", "search", "seen", "model_type", "region", "health", "enabled",
            "input_cost", "last_probe_id",
        ),
        # A search without filters reads all of an index where it finds little: this one is small.
        Index("ix_models_search", "id", "search"),
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

    @property
    def wire_model_id(self) -> str:
        """The id that is sent to the endpoint."""
        return self.remote_model_id or self.model_id

    @classmethod
    def by_id(cls, id: str) -> Self | None:
        """The model with this id, or None."""
        return db.session.get(cls, id)

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
    def matching(
        cls,
        *,
        q: str | None = None,
        model_type: str | None = None,
        region: str | None = None,
        status: str | None = None,
        enabled: bool | None = None,
        host: str | None = None,
        seen: str | None = None,
    ) -> Select[Self]:
        """A query for the models that match every filter given, in no order yet.

        `seen` names a capability that the probe observed, `host` a host (with its port, if it has one). The
        filters are answered from the index `ix_models_list`; the rows are found by the ids that are left.
        """
        slim = aliased(cls)
        given = _filters(slim, q, model_type, region, status, enabled, host, seen)
        return select(cls).where(cls.id.in_(select(slim.id).where(*given))) if given else select(cls)

    @classmethod
    def matching_in_index(
        cls,
        *columns: Any,
        q: str | None = None,
        model_type: str | None = None,
        region: str | None = None,
        status: str | None = None,
        enabled: bool | None = None,
        host: str | None = None,
        seen: str | None = None,
    ) -> Select[Any]:
        """The same, for columns that the index `ix_models_list` holds: no row is read."""
        return select(*columns).where(*_filters(cls, q, model_type, region, status, enabled, host, seen))


def _sought(q: str) -> str:
    """What is looked for in `search_text`: one line of it, and of a URL what follows the scheme."""
    scheme, there, address = " ".join(q.splitlines()).strip().casefold().partition("://")
    return f"//{address}" if there and scheme in ("http", "https") else f"{scheme}{there}{address}"


def _filters(
    table: Any,
    q: str | None,
    model_type: str | None,
    region: str | None,
    status: str | None,
    enabled: bool | None,
    host: str | None,
    seen: str | None,
) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    sought = _sought(q or "")
    if sought:
        wanted.append(table.search.contains(sought, autoescape=True))
    if host:
        wanted.append(table.search.contains("//" + host.casefold(), autoescape=True))
    if seen:
        wanted.append(was_seen(seen, table))
    given = ((table.model_type, model_type), (table.region, region), (table.health, status))
    wanted += [column == value for column, value in given if value is not None]
    return wanted if enabled is None else [*wanted, table.enabled.is_(enabled)]


@event.listens_for(RegisteredModel, "before_insert")
@event.listens_for(RegisteredModel, "before_update")
def _keep_index(_mapper: Mapper[Any], _connection: Connection, row: RegisteredModel) -> None:
    row.search = search_text(row.display_name, row.model_id, row.base_url)
    row.seen = seen_text(row.capabilities or {})


@event.listens_for(RegisteredModel, "before_update")
def _keep_identity(_mapper: Mapper[Any], _connection: Connection, row: RegisteredModel) -> None:
    row.identity = identity_of(row.model_id, row.base_url, row.model_type)


def was_seen(name: str, table: Any = RegisteredModel) -> ColumnElement[bool]:
    """Whether the probe observed a capability, as a condition that the index `ix_models_list` answers."""
    condition: ColumnElement[bool] = table.seen.contains(f",{name},", autoescape=True)
    return condition


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
