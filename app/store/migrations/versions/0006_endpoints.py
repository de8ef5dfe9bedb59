"""endpoints: a base URL and its key in a row that models share, each secret bound to the origin it is for"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op
from uuid_utils import uuid7

# The one thing of the program that this takes: only the ring opens what is sealed, and where the ring is
# kept is for the settings to say. What is sealed, for which place, and how digests are made, stands here as
# it was when this was written.
from app.store import vault

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

log = logging.getLogger("muster.migrations")

_SETTINGS: tuple[Any, ...] = ("Authorization", "Bearer", [], "", "", "")
"""Header and scheme of the key, further headers, CA, client certificate, proxy: as every call was made."""

_MODELS = sa.table(
    "models", *(sa.column(name) for name in ("id", "base_url", "key_env", "key_ciphertext", "endpoint_id"))
)
_ENDPOINTS = sa.table(
    "endpoints",
    *(sa.column(name) for name in ("id", "name", "base_url", "origin", "identity", "key_env", "key_digest")),
    sa.column("key_ciphertext"),
    sa.column("auth_header"),
    sa.column("auth_scheme"),
    *(sa.column(name, sa.DateTime(timezone=True)) for name in ("created", "updated")),
)
_SECRETS = sa.table("digest_secrets", sa.column("id"), sa.column("ciphertext"))


class _Row(NamedTuple):
    """A model as it was: `key` as it was typed, None where it can't be opened."""

    id: str
    base_url: str
    key_env: str | None
    sealed: bytes | None
    key: str | None


def upgrade() -> None:
    _make_tables()
    op.add_column("models", sa.Column("endpoint_id", sa.String(length=36), nullable=True))
    _gather(op.get_bind())
    with op.batch_alter_table("models", schema=None) as batch_op:
        batch_op.alter_column("endpoint_id", existing_type=sa.String(length=36), nullable=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_models_endpoint_id_endpoints"), "endpoints", ["endpoint_id"], ["id"]
        )
        batch_op.create_index(batch_op.f("ix_models_endpoint_id"), ["endpoint_id"], unique=False)
        batch_op.drop_column("key_env")
        batch_op.drop_column("key_ciphertext")
    op.execute("DELETE FROM held_keys")  # they live for minutes, and none is bound to an origin
    with op.batch_alter_table("held_keys", schema=None) as batch_op:
        batch_op.add_column(sa.Column("origin", sa.String(length=300), nullable=False))
        batch_op.drop_column("host")
    op.execute("DELETE FROM rendered_documents")


def downgrade() -> None:
    """Each model gets its own copy of URL and key again. Further headers and TLS settings are lost."""
    op.add_column("models", sa.Column("key_env", sa.String(length=256), nullable=True))
    op.add_column("models", sa.Column("key_ciphertext", sa.LargeBinary(), nullable=True))
    _scatter(op.get_bind())
    with op.batch_alter_table("models", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_models_endpoint_id"))
        batch_op.drop_constraint(batch_op.f("fk_models_endpoint_id_endpoints"), type_="foreignkey")
        batch_op.drop_column("endpoint_id")
    op.drop_table("endpoint_headers")
    op.drop_table("endpoints")
    op.drop_table("digest_secrets")
    op.execute("DELETE FROM held_keys")
    with op.batch_alter_table("held_keys", schema=None) as batch_op:
        batch_op.add_column(sa.Column("host", sa.String(length=255), nullable=False))
        batch_op.drop_column("origin")
    op.execute("DELETE FROM rendered_documents")


def _make_tables() -> None:
    op.create_table(
        "endpoints",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("base_url", sa.String(length=2048), nullable=False),
        sa.Column("origin", sa.String(length=300), nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("key_env", sa.String(length=256), nullable=True),
        sa.Column("key_ciphertext", sa.LargeBinary(), nullable=True),
        sa.Column("key_digest", sa.String(length=64), nullable=False),
        sa.Column("key_changed", sa.DateTime(timezone=True), nullable=True),
        sa.Column("auth_header", sa.String(length=128), nullable=False),
        sa.Column("auth_scheme", sa.String(length=32), nullable=False),
        sa.Column("ca_pem", sa.Text(), nullable=True),
        sa.Column("client_certificate", sa.LargeBinary(), nullable=True),
        sa.Column("client_certificate_shown", sa.JSON(), nullable=True),
        sa.Column("proxy", sa.String(length=2048), nullable=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endpoints")),
        sa.UniqueConstraint("identity", name=op.f("uq_endpoints_identity")),
    )
    with op.batch_alter_table("endpoints", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_endpoints_key_digest"), ["key_digest"], unique=False)
        batch_op.create_index(batch_op.f("ix_endpoints_origin"), ["origin"], unique=False)
    op.create_table(
        "endpoint_headers",
        sa.Column("endpoint_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["endpoints.id"],
            name=op.f("fk_endpoint_headers_endpoint_id_endpoints"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("endpoint_id", "name", name=op.f("pk_endpoint_headers")),
    )
    op.create_table(
        "digest_secrets",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest_secrets")),
    )


def _gather(connection: sa.Connection) -> None:
    """Make one endpoint of the models that share base URL and key."""
    rows = _models(connection)
    if not rows:
        return
    ring = vault.ring()
    secret = os.urandom(32)
    sealed = ring.seal(secret.hex(), _place("digest_secrets", "1", "secret", ""))
    connection.execute(_SECRETS.insert(), [{"id": 1, "ciphertext": sealed}])
    made: dict[tuple[str, str], dict[str, Any]] = {}
    names: dict[str, int] = {}
    homes: list[dict[str, Any]] = []
    for row in rows:
        key = (row.base_url, row.id if row.key is None else "\0" + row.key)
        if key not in made:
            made[key] = _endpoint(row, _name(row.base_url, names), secret, ring)
        homes.append({"model": row.id, "home": made[key]["id"]})
    connection.execute(_ENDPOINTS.insert(), list(made.values()))
    update = _MODELS.update().where(_MODELS.c.id == sa.bindparam("model"))
    connection.execute(update.values(endpoint_id=sa.bindparam("home")), homes)


def _models(connection: sa.Connection) -> list[_Row]:
    table = _MODELS.c
    query = sa.select(table.id, table.base_url, table.key_env, table.key_ciphertext).order_by(table.id)
    return [_row(*found) for found in connection.execute(query)]


def _row(id: str, base_url: str, key_env: str | None, sealed: bytes | None) -> _Row:
    if key_env or not sealed:
        return _Row(id, base_url, key_env, None, f"env://{key_env}" if key_env else "")
    ring = vault.ring()  # without it nothing is changed: the error says which file to bring back
    try:
        return _Row(id, base_url, None, bytes(sealed), ring.open(bytes(sealed), id))
    except vault.VaultError as error:
        # It was of no use before either. The model stays, and its page says that the key can't be used.
        log.warning("model %s: %s", id, error)
        return _Row(id, base_url, None, bytes(sealed), None)


def _endpoint(row: _Row, name: str, secret: bytes, ring: vault.Ring) -> dict[str, Any]:
    id, moment, origin = str(uuid7()), datetime.now(UTC), _origin(row.base_url)
    typed = f"unreadable {row.id}" if row.key is None else row.key
    sealed = row.sealed
    if row.key and row.key_env is None:
        sealed = ring.seal(row.key, _place("endpoints", id, "key", origin))
    return {
        "id": id,
        "name": name,
        "base_url": row.base_url,
        "origin": origin[:300],
        "identity": _digest(secret, json.dumps([row.base_url, typed, *_SETTINGS])),
        "key_env": row.key_env,
        "key_ciphertext": sealed,
        "key_digest": _digest(secret, typed),
        "auth_header": "Authorization",
        "auth_scheme": "Bearer",
        "created": moment,
        "updated": moment,
    }  # fmt: skip


def _scatter(connection: sa.Connection) -> None:
    table, endpoint = _MODELS.c, _ENDPOINTS.c
    query = sa.select(table.id, endpoint.id, endpoint.base_url, endpoint.key_env, endpoint.key_ciphertext)
    rows = connection.execute(query.join(_ENDPOINTS, endpoint.id == table.endpoint_id)).all()
    keys = list(_resealed(rows))
    if keys:
        update = _MODELS.update().where(table.id == sa.bindparam("model"))
        connection.execute(
            update.values(key_env=sa.bindparam("env"), key_ciphertext=sa.bindparam("sealed")), keys
        )


def _resealed(rows: Iterable[Any]) -> Iterable[dict[str, Any]]:
    for model, endpoint, base_url, key_env, sealed in rows:
        if sealed:
            ring = vault.ring()
            try:
                key = ring.open(bytes(sealed), _place("endpoints", endpoint, "key", _origin(base_url)))
                sealed = ring.seal(key, model)
            except vault.VaultError as error:
                log.warning("model %s: %s", model, error)
        yield {"model": model, "env": key_env, "sealed": sealed}


def _place(table: str, row: str, field: str, origin: str) -> str:
    return "\0".join((table, row, field, origin))


def _digest(secret: bytes, text: str) -> str:
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def _origin(base_url: str) -> str:
    parts = urlsplit(base_url.strip())
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = parts.port or {"http": 80, "https": 443}[parts.scheme.lower()]
    return f"{parts.scheme.lower()}://{host}:{port}"


def _name(base_url: str, names: dict[str, int]) -> str:
    """The host; a number behind it where several endpoints have the same."""
    host = (urlsplit(base_url.strip()).netloc.rpartition("@")[2] or "endpoint")[:240]
    names[host] = names.get(host, 0) + 1
    return host if names[host] == 1 else f"{host} {names[host]}"
