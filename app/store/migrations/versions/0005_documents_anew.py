"""documents that are made when they are next asked for: enabling a model while another change went on could
leave an old one in place

"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM rendered_documents")


def downgrade() -> None:
    """Nothing to do: what is missing is made when it is asked for."""
