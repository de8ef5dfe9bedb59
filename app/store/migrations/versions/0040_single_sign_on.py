"""who a person is at the provider that they sign in through"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("users") as batch_op:
        batch_op.add_column(sa.Column("issuer", sa.String(length=512), nullable=True))
        batch_op.add_column(sa.Column("subject", sa.String(length=255), nullable=True))
        batch_op.create_unique_constraint(op.f("uq_users_issuer_subject"), ["issuer", "subject"])
    op.add_column("sessions", sa.Column("provider_session", sa.String(length=255), nullable=True))
    op.create_index(op.f("ix_sessions_provider_session"), "sessions", ["provider_session"])


def downgrade() -> None:
    op.drop_index(op.f("ix_sessions_provider_session"), "sessions")
    op.drop_column("sessions", "provider_session")
    with op.batch_alter_table("users") as batch_op:
        batch_op.drop_constraint(op.f("uq_users_issuer_subject"), type_="unique")
        batch_op.drop_column("subject")
        batch_op.drop_column("issuer")
