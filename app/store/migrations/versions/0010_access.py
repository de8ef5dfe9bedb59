"""sessions as rows, tokens that belong to their maker and expire, counts of sign-ins, a chained audit log

Browsers have to sign in once after this: what their cookies hold names no session. A token made by somebody
who has been deleted since is revoked, for a token ends with its maker.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0006"
branch_labels = None
depends_on = None

_AT_ONCE = 1000
_START = "0" * 64


def upgrade() -> None:
    _make_tables()
    _give_tokens_to_their_makers()
    _chain()


def _make_tables() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("browser", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sessions_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("digest", name=op.f("uq_sessions_digest")),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"])
    op.create_index(op.f("ix_sessions_created"), "sessions", ["created"])
    op.create_table(
        "shown_once",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_shown_once_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shown_once")),
    )
    op.create_index(op.f("ix_shown_once_user_id"), "shown_once", ["user_id"])
    op.create_index(op.f("ix_shown_once_expires"), "shown_once", ["expires"])
    op.create_table(
        "signin_counts",
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("who", name=op.f("pk_signin_counts")),
    )
    op.create_index(op.f("ix_signin_counts_since"), "signin_counts", ["since"])
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_recovery_codes_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
        sa.UniqueConstraint("digest", name=op.f("uq_recovery_codes_digest")),
    )
    op.create_index(op.f("ix_recovery_codes_user_id"), "recovery_codes", ["user_id"])
    op.add_column("users", sa.Column("totp_secret", sa.LargeBinary(), nullable=True))
    op.add_column("users", sa.Column("totp_step", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("tokens") as batch_op:
        batch_op.add_column(sa.Column("user_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("expires", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(op.f("ix_tokens_user_id"), ["user_id"])
        batch_op.create_foreign_key(
            op.f("fk_tokens_user_id_users"), "users", ["user_id"], ["id"], ondelete="CASCADE"
        )
    with op.batch_alter_table("audit_events") as batch_op:
        batch_op.add_column(sa.Column("place", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("previous", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("digest", sa.String(length=64), nullable=True))
        batch_op.create_unique_constraint(op.f("uq_audit_events_place"), ["place"])
        batch_op.create_unique_constraint(op.f("uq_audit_events_previous"), ["previous"])
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )


def _give_tokens_to_their_makers() -> None:
    maker = "SELECT users.id FROM users WHERE tokens.created_by = 'user:' || users.email"
    op.execute(f"UPDATE tokens SET user_id = ({maker})")
    tokens = sa.table(
        "tokens",
        sa.column("user_id", sa.String()),
        sa.column("created_by", sa.String()),
        sa.column("revoked", sa.DateTime(timezone=True)),
    )
    left = tokens.c.created_by.startswith("user:") & tokens.c.user_id.is_(None) & tokens.c.revoked.is_(None)
    op.get_bind().execute(sa.update(tokens).where(left).values(revoked=datetime.now(UTC)))


def _chain() -> None:
    """Chain what is there, in the order in which it came: ids are ordered by time."""
    events = sa.table(
        "audit_events",
        sa.column("id", sa.String()),
        sa.column("at", sa.DateTime(timezone=True)),
        sa.column("actor", sa.String()),
        sa.column("action", sa.String()),
        sa.column("model_pk", sa.String()),
        sa.column("subject", sa.Text()),
        sa.column("detail", sa.JSON()),
        sa.column("place", sa.BigInteger()),
        sa.column("previous", sa.String()),
        sa.column("digest", sa.String()),
    )
    connection = op.get_bind()
    place, digest, last = 0, _START, ""
    link = sa.update(events).where(events.c.id == sa.bindparam("of"))
    link = link.values({name: sa.bindparam(f"new_{name}") for name in ("place", "previous", "digest")})
    while True:
        query = sa.select(events).where(events.c.id > last).order_by(events.c.id).limit(_AT_ONCE)
        links = []
        for row in connection.execute(query).all():
            place, previous, last = place + 1, digest, row.id
            digest = _digest(row, place, previous)
            links.append({"of": row.id, "new_place": place, "new_previous": previous, "new_digest": digest})
        if not links:
            break
        connection.execute(link, links)
    head = sa.table("audit_head", sa.column("id"), sa.column("place"), sa.column("digest"))
    connection.execute(sa.insert(head).values(id=1, place=place, digest=digest))


def _digest(row: Any, place: int, previous: str) -> str:
    """As the program makes them at the time of this migration."""
    at = row.at.replace(tzinfo=UTC) if row.at.tzinfo is None else row.at.astimezone(UTC)
    facts = {
        "place": place,
        "previous": previous,
        "id": row.id,
        "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "actor": row.actor,
        "action": row.action,
        "model": row.model_pk,
        "subject": row.subject,
        "detail": row.detail,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def downgrade() -> None:
    op.drop_table("audit_head")
    with op.batch_alter_table("audit_events") as batch_op:
        batch_op.drop_constraint(op.f("uq_audit_events_previous"), type_="unique")
        batch_op.drop_constraint(op.f("uq_audit_events_place"), type_="unique")
        batch_op.drop_column("digest")
        batch_op.drop_column("previous")
        batch_op.drop_column("place")
    with op.batch_alter_table("tokens") as batch_op:
        batch_op.drop_constraint(op.f("fk_tokens_user_id_users"), type_="foreignkey")
        batch_op.drop_index(op.f("ix_tokens_user_id"))
        batch_op.drop_column("expires")
        batch_op.drop_column("user_id")
    op.drop_table("recovery_codes")
    op.drop_column("users", "totp_step")
    op.drop_column("users", "totp_secret")
    op.drop_table("signin_counts")
    op.drop_table("shown_once")
    op.drop_table("sessions")
