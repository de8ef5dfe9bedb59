"""The tables, and the questions that the program asks of them.

Every time is UTC with milliseconds. Every id is a UUIDv7, so that ordering by id is ordering by age.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any, Self

from flask_login import UserMixin
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Select,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    event,
    select,
    update,
)
from sqlalchemy.engine import Connection
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import DeclarativeBase, Mapped, Mapper, aliased, mapped_column
from uuid_utils import uuid7


class Base(DeclarativeBase):
    """Names every constraint, so that migrations can change them on either database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(metadata=Base.metadata)


class UTCDateTime(TypeDecorator[datetime]):
    """A time that is always aware and in UTC, also on SQLite, which stores none of that."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def new_id() -> str:
    """A UUIDv7 in lower case."""
    return str(uuid7())


def now() -> datetime:
    """This moment in UTC, to the millisecond, as the tables keep it."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def identity_of(model_id: str, base_url: str, model_type: str) -> str:
    """What makes a registered model the same as another, short enough for any index."""
    return hashlib.sha256("\0".join((model_id, base_url, model_type)).encode()).hexdigest()


SEARCHED = 400
"""Characters of the text that is searched: the whole of its index must fit into a page of PostgreSQL."""


def search_text(display_name: str, model_id: str, base_url: str) -> str:
    """What a search looks into, a line each: name, model id, base URL without scheme; letter case folded."""
    address = base_url.partition("://")[2]
    return "\n".join((display_name, model_id, "//" + address)).casefold()[:SEARCHED]


def seen_text(capabilities: dict[str, Any]) -> str:
    """The capabilities that were observed, in one text for the index: `,streaming,vision,`."""
    seen = [
        name for name, row in capabilities.items() if isinstance(row, dict) and row.get("observed") is True
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
    base_url: Mapped[str] = mapped_column(String(2048))
    region: Mapped[str] = mapped_column(String(64))
    description: Mapped[str | None] = mapped_column(String(2048))
    key_ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary)
    key_env: Mapped[str | None] = mapped_column(String(256))
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
        """Every model with this `model_id` (the last part of a refId), the oldest first."""
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
        wanted.append(table.seen.contains(f",{seen},", autoescape=True))
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


class Probe(Base):
    """One run against an endpoint, with its whole report."""

    __tablename__ = "probes"
    __table_args__ = (Index(None, "model_pk", "id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    model_pk: Mapped[str | None] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"))
    verdict: Mapped[str] = mapped_column(String(16))
    started: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    duration_ms: Mapped[int] = mapped_column(default=0)
    trigger: Mapped[str] = mapped_column(String(16))
    actor: Mapped[str] = mapped_column(String(400), default="")
    report: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    @classmethod
    def by_id(cls, id: str) -> Self | None:
        """The probe with this id, or None."""
        return db.session.get(cls, id)

    @classmethod
    def of_model(cls, model_pk: str, limit: int, cursor: str | None = None) -> list[Self]:
        """At most `limit` probes of a model, the newest first, those after the id `cursor`."""
        query = select(cls).where(cls.model_pk == model_pk)
        if cursor is not None:
            query = query.where(cls.id < cursor)
        return list(db.session.scalars(query.order_by(cls.id.desc()).limit(limit)))


class AuditEvent(Base):
    """Who did what. It outlives the model that it names, so `model_pk` refers to nothing."""

    __tablename__ = "audit_events"
    __table_args__ = (Index(None, "model_pk", "id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    actor: Mapped[str] = mapped_column(String(400))
    action: Mapped[str] = mapped_column(String(64), index=True)
    model_pk: Mapped[str | None] = mapped_column(String(36))
    subject: Mapped[str] = mapped_column(Text, default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class User(Base, UserMixin):  # type: ignore[misc]  # Flask-Login has no types
    """A person who signs in. `email` is kept in lower case."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    password_hash: Mapped[str] = mapped_column(String(256))
    role: Mapped[str] = mapped_column(String(16))
    active: Mapped[bool] = mapped_column(default=True)
    created: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    last_signin: Mapped[datetime | None] = mapped_column(UTCDateTime)

    @property
    def is_active(self) -> bool:
        """Whether this person may sign in (Flask-Login asks)."""
        return self.active

    def get_id(self) -> str:
        """What a session remembers: a new password makes every older session worthless."""
        return f"{self.id}.{hashlib.sha256(self.password_hash.encode()).hexdigest()[:16]}"

    @classmethod
    def by_session(cls, remembered: str) -> Self | None:
        """The active user whose `get_id` a session remembers, or None."""
        user = db.session.get(cls, remembered.partition(".")[0])
        return user if user is not None and user.active and user.get_id() == remembered else None

    @classmethod
    def exists(cls) -> bool:
        """Whether there is any user."""
        return db.session.scalars(select(cls.id).limit(1)).first() is not None

    @classmethod
    def by_email(cls, email: str) -> Self | None:
        """The user with this address in any letter case, or None."""
        return db.session.scalars(select(cls).where(cls.email == email.strip().lower())).first()


class Token(Base):
    """What a program signs in with. Only the hash is kept; `shown` is the part that people may see."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(128))
    shown: Mapped[str] = mapped_column(String(16))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]] = mapped_column(JSON, default=list)
    created: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    created_by: Mapped[str] = mapped_column(String(400), default="")
    last_used: Mapped[datetime | None] = mapped_column(UTCDateTime)
    revoked: Mapped[datetime | None] = mapped_column(UTCDateTime)

    @classmethod
    def by_digest(cls, digest: str) -> Self | None:
        """The token with this hash that is not revoked, or None."""
        return db.session.scalars(select(cls).where(cls.digest == digest, cls.revoked.is_(None))).first()

    @classmethod
    def newest(cls) -> list[Self]:
        """Every token, revoked ones too, the newest first."""
        return list(db.session.scalars(select(cls).order_by(cls.id.desc())))


class KeyControl(Base):
    """When the last call with a wrong key went to an origin: some servers lock out who does it often."""

    __tablename__ = "key_controls"

    origin: Mapped[str] = mapped_column(String(300), primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)


class HeldKey(Base):
    """A key typed into a form whose probe was rejected, sealed, so that a second try need not ask again."""

    __tablename__ = "held_keys"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    host: Mapped[str] = mapped_column(String(255))
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    expires: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


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


class IdempotentAnswer(Base):
    """What the first call with an Idempotency-Key was answered; without a status it is still at work."""

    __tablename__ = "idempotent_answers"
    __table_args__ = (UniqueConstraint("caller", "key"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    caller: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(255))
    request: Mapped[str] = mapped_column(String(64))
    """A keyed hash of method, path and body: the body may hold an API key."""
    created: Mapped[datetime] = mapped_column(UTCDateTime, default=now, index=True)
    leased: Mapped[datetime] = mapped_column(UTCDateTime)
    """Until then whoever claimed it is believed to be at work."""
    status: Mapped[int | None]
    headers: Mapped[dict[str, str] | None] = mapped_column(JSON)
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
