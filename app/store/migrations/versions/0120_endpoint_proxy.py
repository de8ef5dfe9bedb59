"""an endpoint may have a proxy of its own"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0120"
down_revision = "0110"
branch_labels = None
depends_on = None
older_programs_work = True
"""They do not open the key of an endpoint with a proxy, and so send it nowhere."""


def upgrade() -> None:
    with op.batch_alter_table("endpoints", schema=None) as batch_op:
        batch_op.add_column(sa.Column("proxy", sa.String(length=300), nullable=True))
        batch_op.add_column(sa.Column("proxy_ciphertext", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("endpoints", schema=None) as batch_op:
        batch_op.drop_column("proxy_ciphertext")
        batch_op.drop_column("proxy")
