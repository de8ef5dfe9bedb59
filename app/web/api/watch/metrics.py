"""/metrics: what the database says at the moment of the scrape, so every web process tells the same."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from app.store.base import db, now
from app.store.models import RegisteredModel
from app.store.watch.channels import Delivery
from app.store.watch.health import Look, ModelHealth, WatchCost
from app.store.watch.incidents import Incident
from app.watch import summary
from app.watch.chores import DAY
from app.web.api.describe import describe
from app.web.api.watch.access import open_where

blueprint = Blueprint("api_metrics", __name__)


@blueprint.get("/metrics")
@open_where(lambda chosen: chosen.metrics_public)
@describe(tag="Service", texts=("text/plain",), gives="AnyText", any_query=True)
def metrics() -> Response:
    """Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(FromDatabase())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class FromDatabase(Collector):
    """The metrics of the registry and its watch."""

    def collect(self) -> Iterable[Metric]:
        """Every family, read now."""
        yield from _states()
        yield from _watch()
        yield from _spent()
        yield _looks()
        yield _deliveries()


def _states() -> Iterable[Metric]:
    states = GaugeMetricFamily("muster_models", "Enabled models by state.", labels=["state"])
    for state, count in summary.counts(now()).items():
        states.add_metric([state], count)
    yield states
    each = GaugeMetricFamily(
        "muster_model_state",
        "1 for the state that a model is in.",
        labels=["id", "model_id", "endpoint", "state"],
    )
    query = select(RegisteredModel.id, RegisteredModel.model_id, ModelHealth.endpoint_id, ModelHealth.state)
    joined = query.join(ModelHealth, ModelHealth.model_pk == RegisteredModel.id)
    for row in db.session.execute(joined.where(RegisteredModel.enabled.is_(True))):
        each.add_metric([str(part) for part in row], 1)
    yield each
    there = select(func.count()).select_from(Incident).where(Incident.resolved.is_(None))
    yield GaugeMetricFamily("muster_incidents_open", "Open incidents.", db.session.scalar(there) or 0)


def _watch() -> Iterable[Metric]:
    state = summary.watch_state(now())
    yield GaugeMetricFamily("muster_watch_late_seconds", "How long the oldest look is overdue.", state.late_s)
    yield GaugeMetricFamily("muster_watch_workers", "Workers that were heard of lately.", state.workers)
    yield GaugeMetricFamily("muster_watch_looks_running", "Looks under way.", state.running)


def _spent() -> Iterable[Metric]:
    tokens = CounterMetricFamily("muster_watch_tokens", "Tokens that looks used.", labels=["id"])
    money = CounterMetricFamily(
        "muster_watch_cost_usd", "Money that looks used, where a price is known.", labels=["id"]
    )
    query = select(WatchCost.model_pk, func.sum(WatchCost.tokens), func.sum(WatchCost.money))
    for id, used, spent in db.session.execute(query.group_by(WatchCost.model_pk)):
        tokens.add_metric([id], float(used))
        money.add_metric([id], float(spent))
    yield tokens
    yield money


def _looks() -> Metric:
    family = GaugeMetricFamily(
        "muster_looks_last_day", "Looks of the last 24 hours.", labels=["kind", "result"]
    )
    query = select(Look.kind, Look.result, func.count()).where(Look.at > now() - DAY)
    for kind, result, count in db.session.execute(query.group_by(Look.kind, Look.result)):
        family.add_metric([kind, result], count)
    return family


def _deliveries() -> Metric:
    family = GaugeMetricFamily("muster_deliveries", "Messages to channels by state.", labels=["state"])
    for state, count in db.session.execute(select(Delivery.state, func.count()).group_by(Delivery.state)):
        family.add_metric([state], count)
    return family
