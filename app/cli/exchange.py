"""`muster import`, `muster export` and `muster reprobe`: many models at once."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import IO, Any

import click
from sqlalchemy import select

from app.access.actors import COMMAND_LINE
from app.cli.api import exchange as elsewhere_exchange
from app.cli.api.client import Api, fail, with_api, with_elsewhere
from app.cli.api.exchange import PLANNED, Told
from app.cli.application import made_app, opened_app
from app.cli.config_files import mapped, read
from app.cli.output import is_quiet, json_option, quiet_option, wants_json
from app.probe.console.printing import Unwritable, put
from app.registry.declared.list_prices import with_list_prices
from app.registry.declared.price_catalogue import source
from app.registry.document import ref_prefix
from app.registry.exchange.exports import FORMATS
from app.registry.exchange.litellm import config_file
from app.registry.exchange.litellm import imported as litellm_import
from app.registry.exchange.plan import Step, plan, register_each
from app.registry.form.json_body import shortened
from app.registry.many import MOST_WORKERS, WORKERS, Ended, reprobe_each
from app.store import vault
from app.store.base import db
from app.store.models import RegisteredModel

_workers = click.option(
    "--workers",
    type=click.IntRange(1, MOST_WORKERS),
    default=WORKERS,
    show_default=True,
    help="How many to probe at a time.",
)


@click.command("export")
@click.option(
    "--format",
    "form",
    type=click.Choice([*FORMATS]),
    default="litellm",
    show_default=True,
    help="What is written.",
)
@click.option("--disabled", is_flag=True, help="Export disabled models too; `muster` always has them.")
@click.option("--healthy", is_flag=True, help="Leave out models that are down; `muster` always has them.")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), default="-")
@with_api
def export(form: str, disabled: bool, healthy: bool, file: str, api: Api) -> None:
    """Write the enabled models to FILE (or standard output), without any key.

    LiteLLM's entries name the environment variables that their keys have to be in.
    """
    flags = {"disabled": disabled, "healthy": healthy}
    chosen = {name: "true" for name, is_set in flags.items() if is_set}
    answer = api.call("GET", "/v2/models/export", format=form, **chosen)
    if not answer.good:
        fail(answer.problem)
    text = answer.text
    if file == "-":
        put(text.encode(), nl=False)
        return
    try:
        Path(file).write_bytes(text.encode())
    except OSError as error:
        raise click.ClickException(f"{file} can't be written ({error.strerror}).") from error


@click.command("import")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--format",
    "form",
    type=click.Choice(["litellm"]),
    default="litellm",
    show_default=True,
    help="What FILE is.",
)
@click.option("--dry-run", is_flag=True, help="Only report what would be done; contact nothing.")
@click.option(
    "--region", default=litellm_import.REGION, show_default=True, help="Region for entries that name none."
)
@click.option(
    "--env",
    metavar="NAME=VALUE",
    multiple=True,
    help="What os.environ/NAME of the file means here: env://VARIABLE for a key, a URL for an api_base.",
)
@click.option("--keys-from-env", is_flag=True, help="Read such variables once, from this shell.")
@click.option(
    "--list-prices", is_flag=True, help="Take the prices of genai-prices for entries that name none."
)
@_workers
@json_option
@quiet_option
@with_elsewhere
def import_(
    file: IO[bytes], form: str, dry_run: bool, region: str, env: tuple[str, ...], keys_from_env: bool,
    list_prices: bool, workers: int, elsewhere: Api | None,
) -> None:  # fmt: skip
    """Register the models of a LiteLLM config.yaml, each after a probe with its key.

    Prints a line per entry, with --json an object a line. Exit code 0: each is in now, or was before; 1: some
    are not; 2: wrong usage; 130: interrupted. Where the lines can't be printed any more, the work goes on.
    """
    config, unread = read(file)
    variables = mapped(env)
    lookup = (lambda name: variables.get(name) or os.environ.get(name)) if keys_from_env else variables.get
    definitions: Sequence[Any] = config_file.resolved(config, lookup)
    if elsewhere is not None:
        with made_app().app_context():
            definitions = _priced(definitions, list_prices)
        told = elsewhere_exchange.import_each(elsewhere, definitions, region, dry_run, workers)
        with _interruptible():
            well = _say_all(chain(told, _left_out(unread)))
        sys.exit(0 if well else 1)
    with _interruptible(), opened_app() as app:
        vault.ensure_ring(app.config["MUSTER"])
        steps = plan(_priced(definitions, list_prices), region)
        for step in steps:
            _say_planned(step, dry_run)
        complete = _say_all(_left_out(unread)) and all(step.action in ("create", "exists") for step in steps)
        if not dry_run:
            outcomes = register_each(app, steps, COMMAND_LINE, workers)
            complete = _say_all(_told(outcomes, "registered")) and complete
    sys.exit(0 if complete else 1)


@click.command("reprobe")
@click.argument("which", required=False)
@click.option("--all", "every", is_flag=True, help="Every model.")
@_workers
@json_option
@quiet_option
@with_elsewhere
def reprobe(which: str | None, every: bool, workers: int, elsewhere: Api | None) -> None:
    """Probe models again with their stored keys; WHICH is an id, a refId or a model id.

    Prints a line per model, with --json an object a line. Exit code 0: each works; 1: some do not; 2: wrong
    usage; 130: interrupted.
    """
    if (which is None) != every:
        raise click.UsageError("Say which model, or --all.")
    if elsewhere is not None:
        with _interruptible():
            well = _say_all(elsewhere_exchange.reprobe_each(elsewhere, which, workers))
        sys.exit(0 if well else 1)
    with _interruptible(), opened_app() as app:
        works = _say_all(_told(reprobe_each(app, _ids(which), COMMAND_LINE, workers), "accepted"))
    sys.exit(0 if works else 1)


def _priced(definitions: Sequence[Any], wanted: bool) -> Sequence[Any]:
    """With list prices where they are wanted; else a line says that there are some."""
    priced, count = with_list_prices(definitions)
    entries = "1 entry" if count == 1 else f"{count} entries"
    if count and wanted:
        _say("", "", f"Prices of {entries} are those of {source()}.")
    elif count:
        _say("", "", f"{source()} has prices that {entries} of this file do not name: see --list-prices.")
    return priced if wanted else definitions


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C ends it in a word; what is registered by then stays, and no probe goes on."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        sys.exit(130)


def _ids(which: str | None) -> list[str]:
    if which is None:
        return list(db.session.scalars(select(RegisteredModel.id).order_by(RegisteredModel.id)))
    one = RegisteredModel.by_id(which)
    found = [one] if one else RegisteredModel.by_ref(which.removeprefix(ref_prefix()))
    if not found:
        raise click.UsageError(f"There is no model with the id or refId {shortened(which)}.")
    if len(found) > 1:
        ids = ", ".join(model.id for model in found)
        raise click.UsageError(f"{len(found)} models share this refId. Give the id: {ids}.")
    return [found[0].id]


def _say_planned(step: Step, dry_run: bool) -> None:
    """A line for what is decided already; what is to be probed gets its line when it was."""
    if dry_run or step.action != "create":
        _say("same" if step.is_same else PLANNED[step.action], step.name, "" if step.is_same else step.why)
    if step.entry and step.entry.ignored:
        _say("", "", f"{step.name}: Muster does not use {', '.join(step.entry.ignored)}.")


def _told(outcomes: Iterable[Ended], done: str) -> Iterator[Told]:
    """What became of each, as it ends."""
    for outcome in outcomes:
        if outcome.state == "done":
            yield Told(done, outcome.name, outcome.id, True)
        else:
            yield Told("rejected", outcome.name, f"{outcome.code}: {outcome.message}", False)


def _left_out(unread: Iterable[str]) -> Iterator[Told]:
    """Files that the one that is imported includes, and that can't be read."""
    for name in unread:
        yield Told("skipped", name, "This file includes it, but it can't be read. Import it too.", False)


def _say_all(lines: Iterable[Told]) -> bool:
    """A line as each comes; whether all went well."""
    well = True
    for line in lines:
        _say(line.state, line.name, line.rest)
        well = well and line.well
    return well


def _say(state: str, name: str, rest: str) -> None:
    if is_quiet() and state not in ("rejected", "refused", "skipped"):
        return
    # Names and messages come from others: nothing in them may steer the terminal.
    line = shortened(f"{state:<11}  {name:<32}  {rest}".rstrip(), 4000)
    try:
        put(json.dumps({"state": state, "name": name, "detail": rest}) if wants_json() else line)
    except Unwritable as error:
        # Said once: what is printed from here on goes nowhere. The models matter more than their lines.
        with suppress(Unwritable):
            put(f"{error.message} The work goes on without it.", file=sys.stderr)
