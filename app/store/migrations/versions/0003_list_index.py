"""what a list of models is searched, filtered and sorted by, in one index"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_AT_ONCE = 1000
_OLD = ("model_type", "region", "health")


def upgrade() -> None:
    with op.batch_alter_table("models", schema=None) as batch_op:
        batch_op.add_column(sa.Column("search", sa.String(length=400), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("seen", sa.String(length=400), nullable=False, server_default=""))
        for name in _OLD:
            batch_op.drop_index(f"ix_models_{name}")
    _fill(op.get_bind())
    op.create_index(
        "ix_models_list",
        "models",
        [
            "id",
            "search",
            "seen",
            "model_type",
            "region",
            "health",
            "enabled",
            "input_cost",
            "last_probe_id",
        ],
    )


def downgrade() -> None:
    op.drop_index("ix_models_list", "models")
    with op.batch_alter_table("models", schema=None) as batch_op:
        batch_op.drop_column("seen")
        batch_op.drop_column("search")
        for name in _OLD:
            batch_op.create_index(f"ix_models_{name}", [name])


def _fill(connection: sa.Connection) -> None:
    """Work the two columns out for every row, a thousand at a time."""
    read = sa.text(
        "SELECT id, display_name, model_id, base_url, capabilities FROM models "
        "WHERE id > :after ORDER BY id LIMIT :count"
    )
    write = sa.text("UPDATE models SET search = :search, seen = :seen WHERE id = :id")
    after = ""
    while rows := connection.execute(read, {"after": after, "count": _AT_ONCE}).all():
        connection.execute(write, [_worked_out(*row) for row in rows])
        after = rows[-1][0]


def _worked_out(
    id: str, display_name: str, model_id: str, base_url: str, capabilities: object
) -> dict[str, str]:
    # As app.models did it when this migration was written; a migration does not change with the program.
    search = "\n".join((display_name, model_id, "//" + base_url.partition("://")[2])).casefold()[:400]
    rows = json.loads(capabilities) if isinstance(capabilities, str) else capabilities
    known = rows if isinstance(rows, dict) else {}
    names = sorted(name for name, row in known.items() if row and row.get("observed") is True)
    return {"id": id, "search": search, "seen": f",{','.join(names)},"[:400] if names else ""}
