"""what a model's baseline comes to

What was learned of words is measured in another unit now. So it is taken from the baseline anew; models that
differ say so again after their next windows.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("model_identities", schema=None) as batch_op:
        batch_op.add_column(sa.Column("learned", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("sampled_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE model_identities SET distance = NULL, p = NULL, suspicions = '[]' WHERE kind = 'words'"
    )


def downgrade() -> None:
    with op.batch_alter_table("model_identities", schema=None) as batch_op:
        batch_op.drop_column("sampled_at")
        batch_op.drop_column("learned")
