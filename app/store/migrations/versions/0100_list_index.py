"""the list of models is sorted by the price of what is answered, too, in its index; no query is searched"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0100"
down_revision = "0090"
branch_labels = None
depends_on = None

_BEFORE = ("id", "search", "seen", "model_type", "region", "health", "enabled", "input_cost")
_LAST = ("last_probe_id",)


def upgrade() -> None:
    _replace([*_BEFORE, "output_cost", *_LAST])
    _leave_queries_out(op.get_bind())


def downgrade() -> None:
    _replace([*_BEFORE, *_LAST])


def _replace(columns: Sequence[str]) -> None:
    op.drop_index("ix_models_list", "models")
    op.create_index("ix_models_list", "models", list(columns))


def _leave_queries_out(connection: sa.Connection) -> None:
    """What is searched is name, id and address, a line each; the query of an address may be a key."""
    write = sa.text("UPDATE models SET search = :search WHERE id = :id")
    for id, search in connection.execute(
        sa.text("SELECT id, search FROM models WHERE search LIKE '%?%'")
    ).all():
        *lines, address = search.split("\n")
        connection.execute(write, {"id": id, "search": "\n".join((*lines, address.partition("?")[0]))})
