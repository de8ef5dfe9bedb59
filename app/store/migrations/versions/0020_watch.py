"""health, incidents and channels"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "channels",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("host", sa.String(length=300), nullable=False),
        sa.Column("url_ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("secret_ciphertext", sa.LargeBinary(), nullable=True),
        sa.Column("filter", sa.JSON(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channels")),
    )
    op.create_table(
        "endpoint_watch",
        sa.Column("endpoint_id", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=300), nullable=False),
        sa.Column("fault", sa.JSON(), nullable=True),
        sa.Column("witness", sa.String(length=36), nullable=True),
        sa.Column("reached", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unreached", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("endpoint_id", name=op.f("pk_endpoint_watch")),
    )
    op.create_table(
        "event_counts",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_counts")),
    )
    op.create_table(
        "events",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("model_pk", sa.String(length=36), nullable=True),
        sa.Column("endpoint_id", sa.String(length=64), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_events")),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_events_at"), ["at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_events_model_pk_events_number"), ["model_pk", "number"], unique=False
        )

    op.create_table(
        "incidents",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("open_key", sa.String(length=160), nullable=True),
        sa.Column("endpoint_id", sa.String(length=64), nullable=True),
        sa.Column("endpoint_name", sa.String(length=300), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("opened", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=400), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("reminded", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
        sa.UniqueConstraint("open_key", name=op.f("uq_incidents_open_key")),
    )
    with op.batch_alter_table("incidents", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_incidents_endpoint_id"), ["endpoint_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_incidents_resolved"), ["resolved"], unique=False)

    op.create_table(
        "maintenance",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("scope", sa.String(length=8), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=True),
        sa.Column("begins", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("created_by", sa.String(length=400), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_maintenance")),
    )
    with op.batch_alter_table("maintenance", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_maintenance_ends"), ["ends"], unique=False)

    op.create_table(
        "watch_workers",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("threads", sa.Integer(), nullable=False),
        sa.Column("started", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looks", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch_workers")),
    )
    with op.batch_alter_table("watch_workers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_watch_workers_heard"), ["heard"], unique=False)

    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("channel_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("topic", sa.String(length=200), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"],
            ["channels.id"],
            name=op.f("fk_deliveries_channel_id_channels"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_deliveries_channel_id_deliveries_id"), ["channel_id", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_deliveries_state_deliveries_due"), ["state", "due"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_deliveries_topic"), ["topic"], unique=False)

    op.create_table(
        "incident_events",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("incident_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incidents.id"],
            name=op.f("fk_incident_events_incident_id_incidents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_events")),
    )
    with op.batch_alter_table("incident_events", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_incident_events_incident_id_incident_events_id"),
            ["incident_id", "id"],
            unique=False,
        )

    op.create_table(
        "incident_models",
        sa.Column("incident_id", sa.String(length=36), nullable=False),
        sa.Column("model_pk", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("joined", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incidents.id"],
            name=op.f("fk_incident_models_incident_id_incidents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("incident_id", "model_pk", name=op.f("pk_incident_models")),
    )
    with op.batch_alter_table("incident_models", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_incident_models_model_pk"), ["model_pk"], unique=False)

    op.create_table(
        "health_rollups",
        sa.Column("model_pk", sa.String(length=36), nullable=False),
        sa.Column("step", sa.String(length=4), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checks", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("down_s", sa.Double(), nullable=False),
        sa.Column("known_s", sa.Double(), nullable=False),
        sa.Column("p50_ms", sa.Integer(), nullable=True),
        sa.Column("p95_ms", sa.Integer(), nullable=True),
        sa.Column("p99_ms", sa.Integer(), nullable=True),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_pk"], ["models.id"], name=op.f("fk_health_rollups_model_pk_models"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("model_pk", "step", "at", name=op.f("pk_health_rollups")),
    )
    with op.batch_alter_table("health_rollups", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_health_rollups_at"), ["at"], unique=False)

    op.create_table(
        "health_spans",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("model_pk", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("begin", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_pk"], ["models.id"], name=op.f("fk_health_spans_model_pk_models"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_health_spans")),
    )
    with op.batch_alter_table("health_spans", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_health_spans_model_pk_health_spans_end"), ["model_pk", "end"], unique=False
        )

    op.create_table(
        "looks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("model_pk", sa.String(length=36), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("result", sa.String(length=8), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("latency_ms", sa.Integer(), nullable=True),
        sa.Column("first_token_ms", sa.Integer(), nullable=True),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_pk"], ["models.id"], name=op.f("fk_looks_model_pk_models"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_looks")),
    )
    with op.batch_alter_table("looks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_looks_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_looks_model_pk_looks_at"), ["model_pk", "at"], unique=False)

    op.create_table(
        "model_health",
        sa.Column("model_pk", sa.String(length=36), nullable=False),
        sa.Column("endpoint_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason_code", sa.String(length=64), nullable=True),
        sa.Column("reason_message", sa.Text(), nullable=True),
        sa.Column("state_before", sa.String(length=16), nullable=True),
        sa.Column("alone", sa.Boolean(), nullable=False),
        sa.Column("memory", sa.JSON(), nullable=False),
        sa.Column("week_p95_ms", sa.Integer(), nullable=True),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("running_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_by", sa.String(length=36), nullable=True),
        sa.Column("last_check", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_proof", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_full", sa.DateTime(timezone=True), nullable=True),
        sa.Column("evidence", sa.String(length=16), nullable=False),
        sa.Column("watched", sa.Boolean(), nullable=False),
        sa.Column("every_seconds", sa.Integer(), nullable=True),
        sa.Column("full_every_hours", sa.Integer(), nullable=True),
        sa.Column("tokens_per_day", sa.BigInteger(), nullable=True),
        sa.Column("span_begin", sa.DateTime(timezone=True), nullable=True),
        sa.Column("covered", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["model_pk"], ["models.id"], name=op.f("fk_model_health_model_pk_models"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("model_pk", name=op.f("pk_model_health")),
    )
    with op.batch_alter_table("model_health", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_model_health_due"), ["due"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_model_health_endpoint_id_model_health_running_until"),
            ["endpoint_id", "running_until"],
            unique=False,
        )

    op.create_table(
        "watch_costs",
        sa.Column("model_pk", sa.String(length=36), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("money", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_pk"], ["models.id"], name=op.f("fk_watch_costs_model_pk_models"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("model_pk", "day", name=op.f("pk_watch_costs")),
    )
    with op.batch_alter_table("watch_costs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_watch_costs_day"), ["day"], unique=False)

    with op.batch_alter_table("probes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("changed", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute("INSERT INTO event_counts (id, value) VALUES (1, 0)")


def downgrade() -> None:
    with op.batch_alter_table("probes", schema=None) as batch_op:
        batch_op.drop_column("changed")

    with op.batch_alter_table("watch_costs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_watch_costs_day"))

    op.drop_table("watch_costs")
    with op.batch_alter_table("model_health", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_model_health_endpoint_id_model_health_running_until"))
        batch_op.drop_index(batch_op.f("ix_model_health_due"))

    op.drop_table("model_health")
    with op.batch_alter_table("looks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_looks_model_pk_looks_at"))
        batch_op.drop_index(batch_op.f("ix_looks_at"))

    op.drop_table("looks")
    with op.batch_alter_table("health_spans", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_health_spans_model_pk_health_spans_end"))

    op.drop_table("health_spans")
    with op.batch_alter_table("health_rollups", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_health_rollups_at"))

    op.drop_table("health_rollups")
    with op.batch_alter_table("incident_models", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_incident_models_model_pk"))

    op.drop_table("incident_models")
    with op.batch_alter_table("incident_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_incident_events_incident_id_incident_events_id"))

    op.drop_table("incident_events")
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_deliveries_topic"))
        batch_op.drop_index(batch_op.f("ix_deliveries_state_deliveries_due"))
        batch_op.drop_index(batch_op.f("ix_deliveries_channel_id_deliveries_id"))

    op.drop_table("deliveries")
    with op.batch_alter_table("watch_workers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_watch_workers_heard"))

    op.drop_table("watch_workers")
    with op.batch_alter_table("maintenance", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_maintenance_ends"))

    op.drop_table("maintenance")
    with op.batch_alter_table("incidents", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_incidents_resolved"))
        batch_op.drop_index(batch_op.f("ix_incidents_endpoint_id"))

    op.drop_table("incidents")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_events_model_pk_events_number"))
        batch_op.drop_index(batch_op.f("ix_events_at"))

    op.drop_table("events")
    op.drop_table("event_counts")
    op.drop_table("endpoint_watch")
    op.drop_table("channels")
