"""The JSON side, one module an area; each has a `blueprint`."""

from __future__ import annotations

from flask import Blueprint

from app.web.api import apply, credentials, endpoints, exchange, health, labels, models, probes
from app.web.api.clients import family, openai_models
from app.web.api.openapi import document, reference
from app.web.api.watch import blueprints as watch_blueprints

blueprints: tuple[Blueprint, ...] = (
    health.blueprint,
    models.blueprint,
    family.blueprint,
    probes.blueprint,
    labels.blueprint,
    endpoints.blueprint,
    openai_models.blueprint,
    credentials.blueprint,
    document.blueprint,
    reference.blueprint,
    exchange.blueprint,
    apply.blueprint,
    *watch_blueprints,
)
