"""up to which event people have read what happened to their account"""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0160"
down_revision = "0150"
branch_labels = None
depends_on = None
older_programs_work = True


def upgrade() -> None:
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.add_column(sa.Column("news_read", sa.String(length=36), nullable=True))
    # What happened before the upgrade is no news: the smallest UUIDv7 of this moment.
    stamp = f"{int(time.time() * 1000):012x}"
    users = sa.table("users", sa.column("news_read", sa.String))
    op.execute(users.update().values(news_read=f"{stamp[:8]}-{stamp[8:]}-7000-8000-000000000000"))


def downgrade() -> None:
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_column("news_read")
