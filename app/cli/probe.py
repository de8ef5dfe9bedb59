"""`muster probe`: the probe alone, with the limits and address rules of the settings."""

from __future__ import annotations

import click

from app import config
from app.cli.serving.log_lines import prepare_log
from app.probe.console.command import command
from app.probe.transport.egress.rules import EgressRules
from app.probe.values import Limits


def _settings() -> tuple[Limits, EgressRules]:
    """The bounds and address rules of the environment; a setting that can't be used is wrong usage."""
    try:
        chosen = config.load_with({})
    except config.SettingError as error:
        raise click.UsageError(str(error)) from error
    prepare_log(chosen)
    return chosen.limits, chosen.egress


probe = command(_settings)
