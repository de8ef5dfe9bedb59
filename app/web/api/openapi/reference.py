"""/docs: the API for people, made from the same as /openapi.json; a page for each area: none is long."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, current_app, render_template, url_for

from app.web.api.openapi.document import ERRORS, TAGS, document
from app.web.errors import home_url

JSON = Any
blueprint = Blueprint("api_reference", __name__, url_prefix="/docs")

SHARED: Mapping[str, str] = {str(status): ERRORS[status] for status in (401, 403, 413, 415, 429)}
"""What every call may answer, said once."""
_REFERENCE = re.compile(r'"#/components/schemas/(\w+)"')


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the API: how it is made, and its operation as OpenAPI has it."""

    method: str
    path: str
    operation: Mapping[str, JSON]

    @property
    def title(self) -> str:
        """As people write it: GET /v2/models."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Area:
    """A tag of OpenAPI: its calls, and the objects that they are the first to take or return."""

    tag: str
    description: str
    calls: Sequence[Call]
    schemas: Mapping[str, JSON]

    @property
    def name(self) -> str:
        """Its name in addresses."""
        return self.tag.lower()


@blueprint.get("")
def index() -> str:
    """How to begin, and what there is."""
    spec = document()
    return render_template(
        "docs/index.html", spec=spec, every_area=areas().values(), url=home_url(), shared=SHARED
    )


@blueprint.get("/<name>")
def calls(name: str) -> str:
    """The calls of an area; 404 where there is none of this name."""
    return render_template("docs/calls.html", area=_area(name), every_area=areas().values(), shared=SHARED)


@blueprint.get("/schemas")
def objects() -> str:
    """Every object by its name."""
    return render_template("docs/objects.html", every_area=areas().values())


@blueprint.get("/schemas/<name>")
def schemas(name: str) -> str:
    """What the calls of an area take and return."""
    return render_template("docs/schemas.html", area=_area(name))


def areas() -> Mapping[str, Area]:
    """The areas by their names in addresses; made once, since the program says the same until it ends."""
    known: Mapping[str, Area] | None = current_app.extensions.get("muster_reference")
    if known is None:
        known = current_app.extensions["muster_reference"] = {area.name: area for area in _areas(document())}
    return known


@blueprint.app_template_global()
def schema_url(name: str) -> str:
    """Where an object is described."""
    area = next(area for area in areas().values() if name in area.schemas)
    return url_for("api_reference.schemas", name=area.name, _anchor=f"schema-{name}")


def _area(name: str) -> Area:
    return areas().get(name) or abort(404)


def _areas(spec: Mapping[str, JSON]) -> Iterator[Area]:
    every: Mapping[str, JSON] = spec["components"]["schemas"]
    left = dict(every)
    for tag, description in TAGS.items():
        calls = [
            Call(method.upper(), path, operation)
            for path, methods in spec["paths"].items()
            for method, operation in methods.items()
            if tag in operation["tags"]
        ]
        used = _used([call.operation for call in calls], every)
        mine = {name: schema for name, schema in left.items() if name in used}
        left = {name: schema for name, schema in left.items() if name not in used}
        yield Area(tag, description, calls, mine)


def _used(given: JSON, every: Mapping[str, JSON]) -> set[str]:
    """The names of all objects that are meant in it, directly or by one another."""
    found: set[str] = set()
    wanted = set(_REFERENCE.findall(json.dumps(given)))
    while wanted:
        name = wanted.pop()
        found.add(name)
        wanted |= set(_REFERENCE.findall(json.dumps(every[name]))) - found
    return found
