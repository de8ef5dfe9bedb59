"""`muster models`: list, show, enable, disable, delete."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import click

from app.cli.api.client import Api, as_json, pages, require, show, show_table, with_api
from app.cli.output import quiet_option, say
from app.registry.json_body import shortened

JSON = Any
_COLUMNS = {"id": 36, "display_name": 28, "model_id": 28, "model_type": 10, "enabled": 8, "base_url": 0}


@click.group("models")
def models_group() -> None:
    """The registered models; WHICH is an id or a refId."""


@models_group.command("list")
@click.option("--q", help="Words that name, id, base URL or description hold.")
@click.option("--tag")
@click.option("--owner")
@click.option("--endpoint", help="The id of an endpoint.")
@click.option("--status", type=click.Choice(["up", "degraded", "down", "unknown"]))
@as_json
@with_api
def list_(as_json: bool, api: Api, **filters: str | None) -> None:
    """List the models, the newest first."""
    rows = list(pages(api, "/v2/models", limit="500", **filters))
    shown = rows if as_json else [row | {"base_url": row["configuration"]["base_url"]} for row in rows]
    show_table(shown, _COLUMNS, as_json)


@models_group.command("show")
@click.argument("which")
@as_json
@with_api
def show_(which: str, as_json: bool, api: Api) -> None:
    """Print one model's document, with its labels."""
    document = require(api.call("GET", _path(which)))
    labels = require(api.call("GET", f"/v2/models/{document['id']}/labels"))
    show(document if as_json else document | {"labels": labels})


@models_group.command("enable")
@click.argument("which")
@as_json
@quiet_option
@with_api
def enable(which: str, as_json: bool, api: Api) -> None:
    """Let consumers see a model."""
    require(api.call("POST", "/v2/workspace-models", {"model_id": which}))
    _done(which, "enabled", as_json)


@models_group.command("disable")
@click.argument("which")
@as_json
@quiet_option
@with_api
def disable(which: str, as_json: bool, api: Api) -> None:
    """Hide a model from consumers."""
    require(api.call("DELETE", f"/v2/workspace-models/{quote(which, safe='')}"))
    _done(which, "disabled", as_json)


@models_group.command("delete")
@click.argument("which")
@as_json
@quiet_option
@with_api
def delete(which: str, as_json: bool, api: Api) -> None:
    """Delete a model with its probes; its endpoint stays."""
    require(api.call("DELETE", _path(which)))
    _done(which, "deleted", as_json)


def _path(which: str) -> str:
    return f"/v2/models/{quote(which, safe='')}"


def _done(which: str, what: str, as_json: bool) -> None:
    if as_json:
        show({"model": which, "done": what})
    else:
        say(shortened(f"{which} is {what}.", 400))
