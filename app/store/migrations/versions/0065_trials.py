"""accepted trials, and probes of many that are not wanted any more"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trials",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_trials_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trials")),
    )
    with op.batch_alter_table("trials", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_trials_expires"), ["expires"], unique=False)
        batch_op.create_index(batch_op.f("ix_trials_user_id"), ["user_id"], unique=False)

    op.create_table(
        "stop_marks",
        sa.Column("batch", sa.String(length=36), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_stop_marks_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("batch", "place", "user_id", name=op.f("pk_stop_marks")),
    )
    with op.batch_alter_table("stop_marks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stop_marks_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_stop_marks_user_id"), ["user_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("stop_marks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stop_marks_user_id"))
        batch_op.drop_index(batch_op.f("ix_stop_marks_at"))

    op.drop_table("stop_marks")
    with op.batch_alter_table("trials", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_trials_user_id"))
        batch_op.drop_index(batch_op.f("ix_trials_expires"))

    op.drop_table("trials")
