"""samples of who answers"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "model_identities",
        sa.Column("model_pk", sa.String(length=36), nullable=False),
        sa.Column("place", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("baseline_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("misses", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("noise", sa.Double(), nullable=True),
        sa.Column("distance", sa.Double(), nullable=True),
        sa.Column("p", sa.Double(), nullable=True),
        sa.Column("suspicions", sa.JSON(), nullable=False),
        sa.Column("anchor", sa.JSON(), nullable=True),
        sa.Column("forms", sa.JSON(), nullable=False),
        sa.Column("differs_since", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["model_pk"], ["models.id"], name=op.f("fk_model_identities_model_pk_models"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("model_pk", name=op.f("pk_model_identities")),
    )
    op.create_table(
        "model_samples",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("model_pk", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("is_baseline", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_pk"], ["models.id"], name=op.f("fk_model_samples_model_pk_models"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_samples")),
    )
    with op.batch_alter_table("model_samples", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_model_samples_at"), ["at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_model_samples_model_pk_model_samples_at"), ["model_pk", "at"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("model_samples", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_model_samples_model_pk_model_samples_at"))
        batch_op.drop_index(batch_op.f("ix_model_samples_at"))

    op.drop_table("model_samples")
    op.drop_table("model_identities")
