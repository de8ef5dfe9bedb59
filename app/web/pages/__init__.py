"""The browser's side, one module an area; each has a `blueprint`."""

from __future__ import annotations

from flask import Blueprint

from app.web.pages import about, audit, frame, security_txt, signin, tokens, users
from app.web.pages.account import news as account_news
from app.web.pages.account import routes as account
from app.web.pages.account import second_factor
from app.web.pages.catalogue import routes as catalogue
from app.web.pages.endpoints import routes as endpoints
from app.web.pages.find import routes as find
from app.web.pages.help import error_reference
from app.web.pages.help import routes as help_pages
from app.web.pages.incidents import routes as incidents
from app.web.pages.models import routes as models
from app.web.pages.register import routes as register
from app.web.pages.single_sign_on import routes as single_sign_on
from app.web.pages.watch import channels, maintenance, now

_AREAS = (
    frame, find, signin, single_sign_on, second_factor, now, register, models, endpoints, incidents, channels,
    maintenance, catalogue, tokens, users, account, account_news, audit, about, error_reference, help_pages,
    security_txt,
)  # fmt: skip
blueprints: tuple[Blueprint, ...] = tuple(area.blueprint for area in _AREAS)
