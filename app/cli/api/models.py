"""`muster models`: list, show, enable, disable, delete."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import click

from app.cli.api.client import Api, pages, require, show_table, with_api
from app.cli.output import done, json_option, quiet_option, show_json, wants_json
from app.registry.form.json_body import shortened

JSON = Any
_COLUMNS = {"id": 36, "display_name": 28, "model_id": 28, "model_type": 10, "enabled": 8, "base_url": 0}


@click.group("models")
def models_group() -> None:
    """The registered models; WHICH is an id or a refId."""


@models_group.command("list")
@click.option("--q", help="Words that name, id, base URL or description hold.")
@click.option("--tag", help="Only those with this tag.")
@click.option("--owner", help="Only those of this owner.")
@click.option("--endpoint", help="Only those of the endpoint with this id.")
@click.option("--status", type=click.Choice(["up", "degraded", "down", "unknown"]), help="Only those so.")
@json_option
@with_api
def list_(api: Api, **filters: str | None) -> None:
    """List the models, the newest first."""
    rows = list(pages(api, "/v2/models", limit="500", **filters))
    shown = rows if wants_json() else [row | {"base_url": row["configuration"]["base_url"]} for row in rows]
    show_table(shown, _COLUMNS)


@models_group.command("show")
@click.argument("which")
@json_option
@with_api
def show_(which: str, api: Api) -> None:
    """Print one model's document, with its labels."""
    document = require(api.call("GET", _path(which)))
    labels = require(api.call("GET", f"/v2/models/{document['id']}/labels"))
    show_json(document if wants_json() else document | {"labels": labels})


@models_group.command("enable")
@click.argument("which")
@json_option
@quiet_option
@with_api
def enable(which: str, api: Api) -> None:
    """Let consumers see a model."""
    require(api.call("POST", "/v2/workspace-models", {"model_id": which}))
    _done(which, "enabled")


@models_group.command("disable")
@click.argument("which")
@json_option
@quiet_option
@with_api
def disable(which: str, api: Api) -> None:
    """Hide a model from consumers; nobody looks at it either."""
    require(api.call("DELETE", f"/v2/workspace-models/{quote(which, safe='')}"))
    _done(which, "disabled")


@models_group.command("delete")
@click.argument("which")
@json_option
@quiet_option
@with_api
def delete(which: str, api: Api) -> None:
    """Delete a model with its probes; its endpoint stays."""
    require(api.call("DELETE", _path(which)))
    _done(which, "deleted")


def _path(which: str) -> str:
    return f"/v2/models/{quote(which, safe='')}"


def _done(which: str, what: str) -> None:
    done(shortened(f"{which} is {what}.", 400), model=which, done=what)
