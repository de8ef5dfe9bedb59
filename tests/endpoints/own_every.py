"""All own behaviours in one place: importing this knows every one."""

from __future__ import annotations

from tests.endpoints import (
    own_chat,
    own_http,
    own_keys,
    own_later,
    own_models,
    own_other,
    own_url,
    own_world,
)
from tests.endpoints.own import OWN
from tests.endpoints.reports import Report

REGISTERS = (own_chat, own_http, own_keys, own_later, own_models, own_other, own_url, own_world)

__all__ = ["OWN", "REGISTERS", "Report"]
