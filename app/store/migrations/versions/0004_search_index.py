"""the text that a list of models is searched by in an index of its own, a tenth of the one for filters"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_models_search", "models", ["id", "search"])


def downgrade() -> None:
    op.drop_index("ix_models_search", "models")
