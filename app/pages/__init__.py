"""The browser's side, one module an area; each has a `blueprint`."""

from __future__ import annotations

from flask import Blueprint

from app.pages import frame, models, registering, signin

blueprints: tuple[Blueprint, ...] = tuple(area.blueprint for area in (frame, signin, registering, models))
