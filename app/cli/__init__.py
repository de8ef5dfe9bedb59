"""The `muster` command: a line in the table below for each group of commands, imported when it is asked for.

What a command needs takes most of its start (a web framework, a database), and `muster --help` needs none.
"""

from __future__ import annotations

import os
import sys
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NamedTuple

import click

from app.cli import examples
from app.operator_error import OperatorError
from app.probe.console.printing import machine_fault


class Entry(NamedTuple):
    """Where a command stands (`module:name` below app.cli), and its line in the help."""

    place: str
    summary: str


COMMANDS: dict[str, Entry] = {
    "serve": Entry("serving.serve:serve", "Serve Muster until Ctrl-C."),
    "worker": Entry("serving.worker:worker", "Look at models until Ctrl-C, beside other workers."),
    "probe": Entry("probe:probe", "Probe an endpoint; nothing is stored."),
    "apply": Entry("api.apply:apply", "Make the registry what a file says."),
    "models": Entry("api.models:models_group", "The registered models."),
    "endpoint": Entry("api.endpoints:endpoint_group", "Endpoints, their keys and the models they serve."),
    "reprobe": Entry("exchange:reprobe", "Probe registered models again."),
    "compare": Entry("compare:compare", "Say whether two registered models are the same one."),
    "import": Entry("exchange:import_", "Register the models of another program's file."),
    "export": Entry("exchange:export", "Write the registered models for another program."),
    "token": Entry("tokens:token_group", "Tokens of programs."),
    "user": Entry("people:user_group", "People who sign in."),
    "audit": Entry("audit:audit_group", "The audit log: whether it is whole, and its events."),
    "db": Entry("database:db_group", "The database."),
    "key": Entry("database:key_group", "The keys that stored API keys are encrypted with."),
    "backup": Entry("backup:backup", "Write the embedded database to a file."),
    "restore": Entry("backup:restore", "Put a backup in the database's place."),
    "check": Entry("check:check", "Say what is wrong with this installation."),
    "settings": Entry("database:settings_table", "The settings as a table."),
}


class Commands(click.Group):
    """The table as a group. What an operator can set right ends in one sentence and exit code 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command with this name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].place.split(":")
        found: click.Command = getattr(import_module(f"app.cli.{module}"), name)
        return examples.give(found, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it; a name that is nearly one of these is told."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            for near in get_close_matches(args[0], COMMANDS, n=1):
                ctx.fail(f"{error.message} Did you mean '{near}'?")
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help's list of commands, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program. What the machine refuses ends in one sentence too, also while help is printed."""
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            failed = machine_fault(error)
            failed.show()
            sys.exit(failed.exit_code)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. What it makes on disk is its user's alone."""
        os.umask(0o077)
        try:
            return super().invoke(ctx)
        except OperatorError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="muster", prog_name="muster")
def main() -> None:
    """A registry for LLM endpoints that lets in only what it has seen working."""
