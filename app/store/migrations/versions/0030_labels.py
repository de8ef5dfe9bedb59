"""labels of models, and descriptions that can be searched"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0020"
branch_labels = None
depends_on = None

_MODELS = sa.table("models", *(sa.column(name) for name in ("id", "description", "description_folded")))
_DESCRIBED = sa.text("description_folded IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "model_owners",
        sa.Column("model_pk", sa.String(length=36), nullable=False),
        sa.Column("owner", sa.String(length=128), nullable=True),
        sa.Column("contact", sa.String(length=320), nullable=True),
        sa.ForeignKeyConstraint(
            ["model_pk"], ["models.id"], name=op.f("fk_model_owners_model_pk_models"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("model_pk", name=op.f("pk_model_owners")),
    )
    op.create_index(op.f("ix_model_owners_owner"), "model_owners", ["owner"], unique=False)
    op.create_table(
        "model_tags",
        sa.Column("model_pk", sa.String(length=36), nullable=False),
        sa.Column("tag", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_pk"], ["models.id"], name=op.f("fk_model_tags_model_pk_models"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("model_pk", "tag", name=op.f("pk_model_tags")),
    )
    op.create_index("ix_model_tags_tag", "model_tags", ["tag", "model_pk"], unique=False)
    op.add_column("models", sa.Column("description_folded", sa.Text(), nullable=True))
    _fold(op.get_bind())
    op.create_index(
        "ix_models_described", "models", ["id"], sqlite_where=_DESCRIBED, postgresql_where=_DESCRIBED
    )


def downgrade() -> None:
    op.drop_index("ix_models_described", "models")
    with op.batch_alter_table("models", schema=None) as batch_op:
        batch_op.drop_column("description_folded")
    op.drop_table("model_tags")
    op.drop_table("model_owners")


def _fold(connection: sa.Connection) -> None:
    """Letter case folded as Python does it: databases know the letters of one language only."""
    described = sa.select(_MODELS.c.id, _MODELS.c.description).where(_MODELS.c.description.is_not(None))
    for id, description in connection.execute(described).all():
        folded = {"description_folded": description.casefold()}
        connection.execute(sa.update(_MODELS).where(_MODELS.c.id == id).values(folded))
