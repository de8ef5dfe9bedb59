"""The browser's side, one module an area; each has a `blueprint`."""

from __future__ import annotations

from flask import Blueprint

from app.pages import (
    about,
    auditlog,
    catalogue,
    frame,
    models,
    reference,
    registering,
    signin,
    tokens,
    users,
)

_AREAS = (frame, signin, registering, models, catalogue, tokens, users, auditlog, about, reference)
blueprints: tuple[Blueprint, ...] = tuple(area.blueprint for area in _AREAS)
