"""/metrics: what the database says at the moment of the scrape, and what all web processes counted."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from app.store.base import db, now
from app.store.models import RegisteredModel
from app.store.watch.channels import Delivery
from app.store.watch.counts import BUCKETS_MS, SUM, WatchCount
from app.store.watch.health import ModelHealth, WatchCost
from app.store.watch.incidents import Incident
from app.watch import summary
from app.web.api.describe import describe
from app.web.api.watch.access import open_where
from app.web.metrics import collectors

blueprint = Blueprint("api_metrics", __name__)


@blueprint.get("/metrics")
@open_where(lambda chosen: chosen.metrics_public)
@describe(tag="Service", texts=("text/plain",), gives="AnyText", any_query=True)
def metrics() -> Response:
    """Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(FromDatabase())
    for collector in collectors():
        registry.register(collector)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class FromDatabase(Collector):
    """The metrics of the registry and its watch."""

    def collect(self) -> Iterable[Metric]:
        """Every family, read now."""
        yield from _states()
        yield from _watch()
        yield from _spent()
        yield from _counted()
        yield _waiting()


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
    for name, help, value in (
        ("watch_late_seconds", "How long the oldest look is overdue.", state.late_s),
        ("watch_workers", "Workers that were heard of lately.", state.workers),
        ("watch_looks_running", "Looks under way.", state.running),
        ("watch_looks_queued", "Looks that are due or claimed, and wait for their turn.", state.queued),
        ("watch_month_tokens", "Tokens that the watch used in this month (UTC).", state.tokens_month),
        ("watch_month_cost_usd", "What they cost, where a price is known.", state.money_month),
    ):
        yield GaugeMetricFamily(f"muster_{name}", help, value)


def _spent() -> Iterable[Metric]:
    """Counters that begin anew with each month: Prometheus takes that as the restart that it is."""
    month = now().replace(day=1).date()
    tokens = CounterMetricFamily("muster_watch_tokens", "Tokens that looks used.", labels=["id"])
    money = CounterMetricFamily(
        "muster_watch_cost_usd", "Money that looks used, where a price is known.", labels=["id"]
    )
    query = select(WatchCost.model_pk, func.sum(WatchCost.tokens), func.sum(WatchCost.money))
    for id, used, spent in db.session.execute(
        query.where(WatchCost.day >= month).group_by(WatchCost.model_pk)
    ):
        tokens.add_metric([id], float(used))
        money.add_metric([id], float(spent))
    yield tokens
    yield money


def _counted() -> Iterable[Metric]:
    """What workers count: looks, their times, deliveries."""
    looks = CounterMetricFamily(
        "muster_looks",
        "Looks by how they were made and what they saw.",
        labels=["endpoint", "kind", "result"],
    )
    sent = CounterMetricFamily(
        "muster_deliveries", "Messages to channels that were tried.", labels=["outcome"]
    )
    times: dict[str, dict[str, dict[str, float]]] = {"latency": {}, "first_token": {}}
    for row in db.session.scalars(select(WatchCount).order_by(WatchCount.endpoint_id, WatchCount.label)):
        if row.name == "looks":
            looks.add_metric([row.endpoint_id, *row.label.split(":")], row.value)
        elif row.name == "deliveries":
            sent.add_metric([row.label], row.value)
        elif row.name in times:
            times[row.name].setdefault(row.endpoint_id, {})[row.label] = row.value
    yield looks
    yield sent
    yield _histogram("muster_look_seconds", "Seconds that a good look took.", times["latency"])
    yield _histogram("muster_first_token_seconds", "Seconds to the first token.", times["first_token"])


def _histogram(name: str, help: str, found: dict[str, dict[str, float]]) -> Metric:
    family = HistogramMetricFamily(name, help, labels=["endpoint"])
    for endpoint, counted in found.items():
        bounds = [(str(bound / 1000), counted.get(str(bound), 0.0)) for bound in BUCKETS_MS]
        values = accumulate(value for _, value in (*bounds, ("+Inf", counted.get("+Inf", 0.0))))
        names = (*(bound for bound, _ in bounds), "+Inf")
        family.add_metric([endpoint], list(zip(names, values, strict=True)), counted.get(SUM, 0.0) / 1000)
    return family


def _waiting() -> Metric:
    waiting = select(func.count()).select_from(Delivery).where(Delivery.state == "pending")
    return GaugeMetricFamily(
        "muster_deliveries_pending", "Messages that are to be sent yet.", db.session.scalar(waiting) or 0
    )
