"""The `muster` command. Each group of commands is a module `cli_*`, and a line in the table below."""

from __future__ import annotations

from typing import Any

import click

from app.access.actors import AccessError
from app.cli.database import db_group, key_group, settings_table
from app.cli.exchange import export, import_, reprobe
from app.cli.people import token_group, user_group
from app.cli.probe import probe
from app.cli.serve import serve
from app.cli.server import ServeError
from app.cli.worker import worker
from app.config import SettingError
from app.store.database import DatabaseError
from app.store.vault import VaultError

COMMANDS: tuple[click.Command, ...] = (
    serve,
    worker,
    probe,
    reprobe,
    import_,
    export,
    token_group,
    user_group,
    db_group,
    key_group,
    settings_table,
)

# What an operator can mend. Its text is one sentence; everything else is a defect and shows its traceback.
_FORESEEN = (SettingError, DatabaseError, VaultError, ServeError, AccessError)


class OneSentence(click.Group):
    """Ends with one sentence and exit code 1 where the operator has to mend something."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except _FORESEEN as error:
            raise click.ClickException(str(error)) from error


@click.group(
    cls=OneSentence, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(package_name="muster", prog_name="muster")
def main() -> None:
    """A registry for LLM endpoints that lets in only what it has seen working."""


for _command in COMMANDS:
    main.add_command(_command)
