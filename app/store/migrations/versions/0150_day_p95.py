"""the watch keeps the p95 of the slowest of 24 hours, which lists sort by; the next look fills it in"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0150"
down_revision = "0131"
branch_labels = None
depends_on = None
older_programs_work = True


def upgrade() -> None:
    with op.batch_alter_table("model_health", schema=None) as batch_op:
        batch_op.add_column(sa.Column("day_p95_ms", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("model_health", schema=None) as batch_op:
        batch_op.drop_column("day_p95_ms")
