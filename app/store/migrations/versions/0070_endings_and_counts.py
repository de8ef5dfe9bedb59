"""how long certificates and keys hold, who was told of what; what workers count"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0070"
down_revision = "0065"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "endings_told",
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("ends", sa.DateTime(timezone=True), nullable=False),
        sa.Column("days", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("subject", "ends", "days", name=op.f("pk_endings_told")),
    )
    with op.batch_alter_table("endings_told", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_endings_told_ends"), ["ends"], unique=False)
    with op.batch_alter_table("endpoint_watch", schema=None) as batch_op:
        batch_op.add_column(sa.Column("endings", sa.JSON(), nullable=True))
    with op.batch_alter_table("incidents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("hushed", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "watch_counts",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("endpoint_id", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=32), nullable=False),
        sa.Column("value", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("name", "endpoint_id", "label", name=op.f("pk_watch_counts")),
    )


def downgrade() -> None:
    op.drop_table("watch_counts")
    with op.batch_alter_table("incidents", schema=None) as batch_op:
        batch_op.drop_column("hushed")
    with op.batch_alter_table("endpoint_watch", schema=None) as batch_op:
        batch_op.drop_column("endings")
    with op.batch_alter_table("endings_told", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_endings_told_ends"))

    op.drop_table("endings_told")
