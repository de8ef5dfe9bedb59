"""`muster user`: who may do what."""

from __future__ import annotations

import sys
import warnings
from getpass import GetPassWarning
from typing import Any

import click

from app.access import actors, audit, passwords, people, second_factor
from app.cli.application import opened_app
from app.cli.output import done, json_option, quiet_option, show_json, wants_json
from app.cli.serving.server import url_of
from app.cli.tables import show
from app.config import settings
from app.probe.console.printing import put
from app.store.accounts import User
from app.store.base import db


@click.group("user")
def user_group() -> None:
    """The people who sign in."""


ROLE = click.Choice(list(actors.ROLES))
password_stdin = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


@user_group.command("create")
@click.argument("email")
@click.option("--role", type=ROLE, default="viewer", show_default=True, help="What they may do.")
@password_stdin
@json_option
@quiet_option
def create_user(email: str, role: str, password_stdin: bool) -> None:
    """Make a user who can sign in with EMAIL. The password is asked for unless it is piped in."""
    if password_stdin:
        password = _first_line()
    else:
        password = _asked_password()
    with opened_app():
        user = people.create_user(email, role, password)
        audit.record(actors.COMMAND_LINE, "user.created", subject=user.email, detail={"role": role})
        db.session.commit()
        done(f"{user.email} can sign in now, as {role}.", **_user_row(user))


@user_group.command("list")
@json_option
def list_users() -> None:
    """Show everybody who has an account."""
    with opened_app():
        rows = [_user_row(user) for user in people.everybody()]
        show(rows, {"email": 40, "role": 8, "state": 8, "last_signin": 16})


@user_group.command("reset-password")
@click.argument("email")
@password_stdin
@json_option
def reset_password(email: str, password_stdin: bool) -> None:
    """Give EMAIL a new password and print it once. Each of their sessions ends."""
    typed = _first_line() if password_stdin else ""
    with opened_app():
        user = _user(email)
        password = typed or passwords.made()
        people.set_password(user, password, actors.COMMAND_LINE)
        shown = {"email": user.email} | ({} if typed else {"password": password})
        if wants_json():
            show_json(shown)
            return
        chosen = settings()
        put(f"Muster is at           {chosen.public_url or url_of(chosen.host, chosen.port)}")
        put(f"  sign in as           {user.email}")
        if not typed:
            put(f"  with the password    {password}")
            put("                       (shown only this once: keep it)")


@user_group.command("reset-second-factor")
@click.argument("email")
@json_option
@quiet_option
def reset_second_factor(email: str) -> None:
    """Take the second factor from EMAIL, who has lost it."""
    with opened_app():
        user = _user(email)
        second_factor.remove(user, actors.COMMAND_LINE)
        done(f"{user.email} signs in without a second factor now.", **_user_row(user))


@user_group.command("to-provider")
@click.argument("email")
@json_option
@quiet_option
def to_provider(email: str) -> None:
    """Let EMAIL sign in through the provider alone. Password and second factor are gone, sessions end."""
    with opened_app():
        user = _user(email)
        people.leave_to_provider(user, actors.COMMAND_LINE)
        done(f"{user.email} signs in through the provider now.", **_user_row(user))


@user_group.command("disable")
@click.argument("email")
@json_option
@quiet_option
def disable(email: str) -> None:
    """Keep EMAIL out from now on. Sessions end, and their tokens do not hold until `enable`."""
    _set_active(email, False)


@user_group.command("enable")
@click.argument("email")
@json_option
@quiet_option
def enable(email: str) -> None:
    """Let EMAIL in again."""
    _set_active(email, True)


def _set_active(email: str, active: bool) -> None:
    with opened_app():
        user = people.set_active(_user(email).id, actors.COMMAND_LINE, active=active)
        done(f"{user.email} {'can sign in again' if active else 'is shut out'}.", **_user_row(user))


@user_group.command("role")
@click.argument("email")
@click.argument("role", type=ROLE)
@json_option
@quiet_option
def set_role(email: str, role: str) -> None:
    """Let EMAIL do what ROLE may, from their next request on."""
    with opened_app():
        user = people.set_role(_user(email).id, role, actors.COMMAND_LINE)
        done(f"{user.email} is {role} now.", **_user_row(user))


def _user(email: str) -> User:
    user = User.by_email(email)
    if user is None:
        raise actors.AccessError(f"There is no user {email!r}; muster user list shows all.")
    return user


def _user_row(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "role": user.role,
        "state": "active" if user.active else "disabled",
        "second_factor": user.totp_secret is not None,
        "created": user.created,
        "last_signin": user.last_signin,
    }


def _asked_password() -> str:
    """A password that is typed twice; wrong usage where there is no terminal that can hide it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", GetPassWarning)
        try:
            return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
        except GetPassWarning:
            message = "There is no terminal to ask for the password. Pipe it in with --password-stdin."
            raise click.UsageError(message) from None


def _first_line() -> str:
    """The first line of standard input; wrong usage where it is no text."""
    try:
        return sys.stdin.buffer.readline().decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise click.UsageError("The password is not UTF-8 text.") from None  # the cause would show it
