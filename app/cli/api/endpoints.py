"""`muster endpoint`: list, show, add, rotate, key-ends, delete."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import click

from app.cli.api.client import Answer, Api, fail, pages, require, show_table, with_api
from app.cli.output import done, json_option, quiet_option, say, show_json, wants_json
from app.probe.console.printing import put
from app.registry.form.json_body import shortened

JSON = Any
_COLUMNS = {"id": 36, "name": 28, "models": 6, "health": 9, "base_url": 0}
_key_env = click.option("--key-env", metavar="NAME", help="The variable of this shell that holds the key.")
_key_reference = click.option(
    "--key-reference", metavar="NAME", help="A variable of Muster's own environment instead: env://NAME."
)


@click.group("endpoint")
def endpoint_group() -> None:
    """Where models are served; WHICH is the id of an endpoint or its name."""


@endpoint_group.command("list")
@json_option
@with_api
def list_(api: Api) -> None:
    """List the endpoints, the newest first."""
    show_table(list(pages(api, "/v2/endpoints", limit="500")), _COLUMNS)


@endpoint_group.command("show")
@click.argument("which")
@click.option("--catalog", is_flag=True, help="Ask it now which models it lists.")
@json_option
@with_api
def show_(which: str, catalog: bool, api: Api) -> None:
    """Print one endpoint."""
    id = _found(api, which)["id"]
    show_json(require(api.call("GET", f"/v2/endpoints/{id}{'/catalog' if catalog else ''}")))


@endpoint_group.command("add")
@click.argument("url_of_endpoint", metavar="URL")
@_key_env
@_key_reference
@click.option("--models", "wanted", required=True, help="all, or ids with commas between them.")
@click.option(
    "--type", "model_type", default="chat", show_default=True, help="Model type where the list tells none."
)
@click.option("--region", default="unspecified", show_default=True, help="Where it is served.")
@click.option("--name", help="Name of the endpoint; by default its host.")
@click.option("--proxy", metavar="URL", help="HTTP proxy of its own, one of MUSTER_ENDPOINT_PROXIES.")
@click.option(
    "--proxy-env", metavar="NAME", help="The variable of this shell with that URL and its password."
)
@json_option
@quiet_option
@with_api
def add(
    url_of_endpoint: str, key_env: str | None, key_reference: str | None, wanted: str, model_type: str,
    region: str, name: str | None, proxy: str | None, proxy_env: str | None, api: Api,
) -> None:  # fmt: skip
    """Register models of an endpoint, each after a probe.

    Exit code 0: each is in; 1: some are not.
    """
    body = {"base_url": url_of_endpoint, "api_key": _key(key_env, key_reference), "region": region}
    if proxy and proxy_env:
        raise click.UsageError("Say --proxy or --proxy-env.")
    through = _of_shell(proxy_env) if proxy_env else proxy
    body |= {member: value for member, value in (("name", name), ("proxy", through)) if value}
    models = _wanted(api, body, wanted, model_type)
    answer = api.call("POST", "/v2/endpoints", body | {"models": models})
    _tell(answer)


@endpoint_group.command("rotate")
@click.argument("which")
@_key_env
@_key_reference
@click.option("--key-ends", metavar="WHEN", help="When the new key ends: a day, or a time (RFC 3339).")
@json_option
@quiet_option
@with_api
def rotate(
    which: str, key_env: str | None, key_reference: str | None, key_ends: str | None, api: Api
) -> None:
    """Give an endpoint a new key. Nothing changes unless it works for every model that is up."""
    id = _found(api, which)["id"]
    wanted = {"api_key": _key(key_env, key_reference)} | ({"key_ends": key_ends} if key_ends else {})
    answer = api.call("PATCH", f"/v2/endpoints/{id}", wanted)
    if not answer.good:
        if wants_json():
            show_json(answer.json)
            sys.exit(1)
        for detail in (answer.json or {}).get("error", {}).get("details", ()):
            put(shortened(f"rejected    {detail['field']:<32}  {detail['message']}", 4000), file=sys.stderr)
        fail(answer.problem)
    done(shortened(f"{answer.json['name']} has its new key.", 400), **answer.json)


@endpoint_group.command("key-ends")
@click.argument("which")
@click.argument("when")
@json_option
@quiet_option
@with_api
def key_ends(which: str, when: str, api: Api) -> None:
    """State when the key of an endpoint ends. WHEN is a day, a time (RFC 3339), or `unknown`."""
    id = _found(api, which)["id"]
    wanted = {"key_ends": None if when == "unknown" else when}
    facts = require(api.call("PATCH", f"/v2/endpoints/{id}", wanted))
    told = f"ends at {facts['key_ends']}" if facts["key_ends"] else "has no known end"
    done(shortened(f"The key of {facts['name']} {told}.", 400), **facts)


@endpoint_group.command("delete")
@click.argument("which")
@json_option
@quiet_option
@with_api
def delete(which: str, api: Api) -> None:
    """Delete an endpoint that no model is served at."""
    found = _found(api, which)
    facts = require(api.call("DELETE", f"/v2/endpoints/{found['id']}"))
    done(shortened(f"{found['name']} is deleted.", 400), **facts)


def _key(key_env: str | None, key_reference: str | None) -> str:
    """The key of a variable, a reference, or "" for none."""
    if key_env and key_reference:
        raise click.UsageError("Say --key-env or --key-reference.")
    if key_reference:
        return f"env://{key_reference.removeprefix('env://')}"
    if key_env is None:
        return ""
    return _of_shell(key_env)


def _of_shell(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise click.UsageError(f"The variable {name} is not set.")
    return value


def _found(api: Api, which: str) -> Mapping[str, JSON]:
    """The endpoint with this id, or else with this name."""
    answer = api.call("GET", f"/v2/endpoints/{quote(which, safe='')}")
    if answer.good:
        return dict(answer.json)
    named = [row for row in pages(api, "/v2/endpoints", limit="500") if row["name"] == which]
    if len(named) != 1:
        fail(f"{len(named)} endpoints are named {which}; give the id." if named else answer.problem)
    return dict(named[0])


def _wanted(api: Api, body: Mapping[str, JSON], wanted: str, model_type: str) -> list[dict[str, str]]:
    """The models to register: those that are named, or all that the endpoint lists."""
    if wanted != "all":
        ids = [id.strip() for id in wanted.split(",") if id.strip()]
        return [{"model_id": id, "model_type": model_type} for id in ids]
    asked = {name: body[name] for name in ("base_url", "api_key", "proxy") if name in body}
    listed = require(api.call("POST", "/v2/endpoints/catalog", asked))
    if not listed["models"]:
        fail(listed["problem"] or "It lists no models.")
    return [
        {"model_id": one["id"], "model_type": one["model_type"] or model_type} for one in listed["models"]
    ]


def _tell(answer: Answer) -> None:
    """Every result in a line; exits with 1 where one is not in."""
    results: Iterable[Mapping[str, JSON]] = (answer.json or {}).get("results", ())
    if not results:
        require(answer)
    if wants_json():
        show_json(answer.json)
    else:
        for one in results:
            why = f"{one['error']['code']}: {one['error']['message']}" if one["error"] else one["model"]["id"]
            tell = put if one["error"] else say
            tell(shortened(f"{one['outcome']:<11}  {one['model_id']:<32}  {why}", 4000))
    if any(one["outcome"] == "rejected" for one in results):
        sys.exit(1)
