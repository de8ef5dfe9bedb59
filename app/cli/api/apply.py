"""`muster apply`: make the registry what a file says."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import IO, Any

import click

from app.cli.api.client import Api, fail, with_api
from app.cli.config_files import parsed
from app.cli.output import json_option, quiet_option, say, show_json, wants_json
from app.probe.console.printing import put
from app.registry.exchange.litellm import config_file
from app.registry.form.json_body import shortened

JSON = Any
REJECTED, WRONG_FILE, DIFFERENT = 1, 2, 4
_DONE = {"create": "created", "change": "changed", "delete": "deleted"}


@click.command("apply")
@click.argument("file", type=click.File("rb"))
@click.option("--prune", is_flag=True, help="Delete models and endpoints that the file does not name.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done; contact no endpoint.")
@json_option
@quiet_option
@with_api
def apply(file: IO[bytes], prune: bool, dry_run: bool, api: Api) -> None:
    """Make the registry what FILE (YAML or JSON) says; `muster export --format muster` writes such a file.

    What is the same already is neither written nor probed. Exit code 0: done, or nothing to do; 1: something
    was rejected; 2: the file is wrong; 4: --dry-run found differences.
    """
    body = _read(file)
    body["prune"], body["dry_run"] = prune or body.get("prune", False), dry_run or body.get("dry_run", False)
    answer = api.call("POST", "/v2/apply", body)
    if not answer.good:
        fail(answer.problem, WRONG_FILE if answer.status in (400, 413) else REJECTED)
    result = answer.json
    if wants_json():
        show_json(result)
    else:
        _tell(result)
    sys.exit(_code(result))


def _read(file: IO[bytes]) -> dict[str, JSON]:
    body = parsed(file.read(), config_file.load)
    if not isinstance(body, dict):
        raise click.UsageError("The file must be a mapping with `endpoints`.")
    return body


def _tell(result: Mapping[str, JSON]) -> None:
    words = {name: name if result["dry_run"] else _DONE.get(name, name) for name in result["counts"]}
    for entry in result["entries"]:
        name = entry["name"] if entry["kind"] == "endpoint" else f"  {entry['name']}"
        rest = _why(entry)
        tell = put if entry["error"] else say
        tell(shortened(f"{words[entry['outcome']]:<9} {name:<34} {rest}".rstrip(), 4000))
    counts = ", ".join(f"{words[name]}: {count}" for name, count in result["counts"].items() if count)
    say(counts or "Nothing to do.")


def _why(entry: Mapping[str, JSON]) -> str:
    if entry["error"]:
        return f"{entry['error']['code']}: {entry['error']['message']}"
    return "; ".join(
        f"{name}: {_short(old)} -> {_short(new)}" for name, (old, new) in entry["changes"].items()
    )


def _short(value: JSON) -> str:
    return shortened("nothing" if value is None else str(value), 60)


def _code(result: Mapping[str, JSON]) -> int:
    counts = result["counts"]
    if counts["rejected"]:
        return REJECTED
    differs = result["dry_run"] and any(counts[name] for name in ("create", "change", "delete"))
    return DIFFERENT if differs else 0
