"""samples name their tokens by number; incidents that end in maintenance are told of afterwards

A sample of log-probabilities is text of a hundred bytes, which programs of before can't read; those of before
are read as they are.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0170"
down_revision = "0160"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("model_identities", schema=None) as batch_op:
        batch_op.add_column(sa.Column("tokens", sa.JSON(), nullable=True))
    # Those that were over before maintenance was: of them nobody is told.
    op.execute("UPDATE incidents SET hushed = false WHERE resolved IS NOT NULL")


def downgrade() -> None:
    # What was packed can't be read any more: those models are learned anew.
    op.execute("DELETE FROM model_samples WHERE kind IN ('logprobs', 'vectors')")
    op.execute("DELETE FROM model_identities WHERE kind IN ('logprobs', 'vectors')")
    with op.batch_alter_table("model_identities", schema=None) as batch_op:
        batch_op.drop_column("tokens")
