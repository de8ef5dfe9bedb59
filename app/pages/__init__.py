"""The browser's side, one module an area; each has a `blueprint`."""

from __future__ import annotations

from flask import Blueprint

from app.pages import (
    about,
    account,
    audit,
    catalogue,
    error_reference,
    frame,
    models,
    registering,
    signin,
    tokens,
    users,
)

_AREAS = (
    frame, signin, registering, models, catalogue, tokens, users, account, audit, about, error_reference,
)  # fmt: skip
blueprints: tuple[Blueprint, ...] = tuple(area.blueprint for area in _AREAS)
