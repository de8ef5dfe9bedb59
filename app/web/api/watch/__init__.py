"""The JSON side of the watch, one module an area; each has a `blueprint`."""

from __future__ import annotations

from flask import Blueprint

from app.web.api.watch import badge, channels, events, health, identity, incidents, maintenance, metrics

blueprints: tuple[Blueprint, ...] = (
    health.blueprint,
    identity.blueprint,
    incidents.blueprint,
    events.blueprint,
    channels.blueprint,
    maintenance.blueprint,
    metrics.blueprint,
    badge.blueprint,
)
