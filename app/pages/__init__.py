"""The browser's side, one module an area; each has a `blueprint`."""

from __future__ import annotations

from flask import Blueprint

blueprints: tuple[Blueprint, ...] = ()
