"""`muster audit`: whether the audit log is whole, and its events for other programs."""

from __future__ import annotations

import click

from app.access import audit_chain
from app.access.audit_sending import line_of
from app.cli.application import opened_app
from app.cli.output import json_option, quiet_option, say, show_json, wants_json
from app.operator_error import OperatorError
from app.probe.console.printing import put
from app.store.audit_events import facts_of


class AuditBroken(OperatorError):
    """The audit log is not as it was written; the text is one sentence about the first place."""


@click.group("audit")
def audit_group() -> None:
    """The audit log."""


@audit_group.command("verify")
@click.option(
    "--knows", metavar="DIGEST", default="", help="A digest noted earlier, which must still be in it."
)
@json_option
@quiet_option
def verify(knows: str) -> None:
    """Check that no event was changed, taken out or put in. Exit code 1 where one was.

    Note the digest that it prints somewhere else: with --knows it shows later that nothing was written anew.
    """
    with opened_app():
        verdict = audit_chain.verify(knows.strip().lower())
        found = {"whole": not verdict.wrong, "events": verdict.events, "digest": verdict.digest}
        if wants_json():
            show_json(found | {"wrong": verdict.wrong or None})
        if verdict.wrong:
            raise AuditBroken(verdict.wrong)
        if not wants_json():
            say(f"The audit log is whole: {verdict.events:,} events, the last digest is {verdict.digest}.")


@audit_group.command("export")
@click.option("--after", type=click.IntRange(0), default=0, help="Leave out the events up to this place.")
def export(after: int) -> None:
    """Print the events, the oldest first. Lines of JSON, as MUSTER_AUDIT_FILE gets them."""
    with opened_app():
        for row in audit_chain.rows(after):
            put(line_of(facts_of(row) | {"digest": row.digest}))
