"""The JSON side, one module an area; each has a `blueprint`."""

from __future__ import annotations

from flask import Blueprint

from app.api import catalog, credentials, exchange, health, models, openapi, probes

blueprints: tuple[Blueprint, ...] = (
    health.blueprint,
    models.blueprint,
    probes.blueprint,
    catalog.blueprint,
    credentials.blueprint,
    openapi.blueprint,
    exchange.blueprint,
)
