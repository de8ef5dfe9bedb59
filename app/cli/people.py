"""`muster token` and `muster user`: who may do what."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterable, Mapping
from datetime import datetime
from getpass import GetPassWarning
from typing import Any

import click
from sqlalchemy import or_, select

from app.access import actors, audit, passwords, people, second_factor, tokens
from app.cli.application import opened_app
from app.probe.printing import put
from app.store.accounts import Token, User
from app.store.base import db, now

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


@click.group("token")
def token_group() -> None:
    """The tokens that programs sign in with."""


@token_group.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(list(actors.SCOPES)),
    multiple=True,
    default=("write",),
    show_default=True,
    help="What it may do; repeatable. write includes read, admin includes write.",
)
@click.option(
    "--expires", metavar="SPAN", help="End it after a span such as 12h, 90d or 4w; else it never ends."
)
def create(name: str, scopes: tuple[str, ...], expires: str | None) -> None:
    """Create a token and print it; it is shown only once. It belongs to no person and ends with none."""
    with opened_app():
        ends = tokens.expiry_of(expires) if expires else None
        token, text = tokens.create_token(name, scopes, actors.COMMAND_LINE.label, expires=ends)
        detail = tokens.told_of(token)
        audit.record(actors.COMMAND_LINE, "token.created", subject=token.name, detail=detail)
        db.session.commit()
        until = f" until {_moment(token.expires)} UTC" if token.expires else ""
        may = ", ".join(token.scopes)
        put(f"The token {name!r} may{until}: {may}. It is shown only once.", file=sys.stderr)
        put(text)


@token_group.command("list")
@as_json
def list_(as_json: bool) -> None:
    """List the tokens, without their text."""
    with opened_app():
        let_in = {id: active for id, active in db.session.execute(select(User.id, User.active))}
        rows = [_token_row(token, let_in.get(token.user_id or "", True)) for token in Token.newest()]
        columns = {
            "id": 36,
            "name": 24,
            "begins": 10,
            "scopes": 18,
            "last_used": 16,
            "expires": 16,
            "state": 0,
        }
        _show(rows, columns, as_json)


def _token_row(token: Token, maker_let_in: bool) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "begins": token.shown,
        "scopes": token.scopes,
        "created": token.created,
        "created_by": token.created_by,
        "last_used": token.last_used,
        "expires": token.expires,
        "state": tokens.state_of(token, maker_let_in),
    }


@token_group.command("revoke")
@click.argument("which")
def revoke(which: str) -> None:
    """Revoke a token at once; WHICH is its id or its name."""
    with opened_app():
        query = select(Token).where(or_(Token.id == which, Token.name == which), Token.revoked.is_(None))
        found = list(db.session.scalars(query))
        if len(found) != 1:
            wrong = (
                f"{len(found)} tokens are named {which!r}; give the id."
                if found
                else f"No valid token {which!r}."
            )
            raise actors.AccessError(wrong)
        found[0].revoked = now()
        audit.record(actors.COMMAND_LINE, "token.revoked", subject=found[0].name)
        db.session.commit()
        put(f"The token {found[0].name!r} is revoked.")


@click.group("user")
def user_group() -> None:
    """The people who sign in."""


ROLE = click.Choice(list(actors.ROLES))
password_stdin = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


@user_group.command("create")
@click.argument("email")
@click.option("--role", type=ROLE, default="viewer", show_default=True)
@password_stdin
def create_user(email: str, role: str, password_stdin: bool) -> None:
    """Make a user who can sign in with EMAIL; the password is asked for unless it is piped in."""
    if password_stdin:
        password = _first_line()
    else:
        password = _asked_password()
    with opened_app():
        user = people.create_user(email, role, password)
        audit.record(actors.COMMAND_LINE, "user.created", subject=user.email, detail={"role": role})
        db.session.commit()
        put(f"{user.email} can sign in now, as {role}.")


@user_group.command("list")
@as_json
def list_users(as_json: bool) -> None:
    """Show everybody who has an account."""
    with opened_app():
        rows = [_user_row(user) for user in people.everybody()]
        _show(rows, {"email": 40, "role": 8, "state": 8, "last_signin": 16}, as_json)


@user_group.command("reset-password")
@click.argument("email")
@password_stdin
@as_json
def reset_password(email: str, password_stdin: bool, as_json: bool) -> None:
    """Give EMAIL a new password and print it, this once only; each of their sessions ends."""
    typed = _first_line() if password_stdin else ""
    with opened_app():
        user = _user(email)
        password = typed or passwords.made()
        people.set_password(user, password, actors.COMMAND_LINE)
        shown = {"email": user.email} | ({} if typed else {"password": password})
        if as_json:
            put(json.dumps(shown))
            return
        put(f"sign in as           {user.email}")
        if not typed:
            put(f"with the password    {password}")
            put("                     (shown only this once: keep it)")


@user_group.command("reset-second-factor")
@click.argument("email")
@as_json
def reset_second_factor(email: str, as_json: bool) -> None:
    """Take the second factor from EMAIL, who has lost it."""
    with opened_app():
        user = _user(email)
        second_factor.remove(user, actors.COMMAND_LINE)
        _told(user, f"{user.email} signs in without a second factor now.", as_json)


@user_group.command("to-provider")
@click.argument("email")
@as_json
def to_provider(email: str, as_json: bool) -> None:
    """Let EMAIL sign in through the provider alone: password and second factor are gone, sessions end."""
    with opened_app():
        user = _user(email)
        people.leave_to_provider(user, actors.COMMAND_LINE)
        _told(user, f"{user.email} signs in through the provider now.", as_json)


@user_group.command("disable")
@click.argument("email")
@as_json
def disable(email: str, as_json: bool) -> None:
    """Keep EMAIL out from now on: sessions end, and their tokens do not hold until `enable`."""
    _set_active(email, False, as_json)


@user_group.command("enable")
@click.argument("email")
@as_json
def enable(email: str, as_json: bool) -> None:
    """Let EMAIL in again."""
    _set_active(email, True, as_json)


def _set_active(email: str, active: bool, as_json: bool) -> None:
    with opened_app():
        user = people.set_active(_user(email).id, actors.COMMAND_LINE, active=active)
        _told(user, f"{user.email} {'can sign in again' if active else 'is shut out'}.", as_json)


@user_group.command("role")
@click.argument("email")
@click.argument("role", type=ROLE)
@as_json
def set_role(email: str, role: str, as_json: bool) -> None:
    """Let EMAIL do what ROLE may, from their next request on."""
    with opened_app():
        user = people.set_role(_user(email).id, role, actors.COMMAND_LINE)
        _told(user, f"{user.email} is {role} now.", as_json)


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


def _told(user: User, sentence: str, as_json: bool) -> None:
    put(_json(_user_row(user)) if as_json else sentence)


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


def _show(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, int], as_json: bool) -> None:
    """Rows as one JSON list, or as lines of columns with these widths."""
    if as_json:
        put(_json(list(rows)))
        return
    put("  ".join(f"{name.replace('_', ' ').upper():<{width}}" for name, width in columns.items()).rstrip())
    for row in rows:
        put("  ".join(f"{_cell(row[name]):<{width}}" for name, width in columns.items()).rstrip())


def _cell(value: Any) -> str:
    if value is None or isinstance(value, datetime):
        return _moment(value)
    return ",".join(value) if isinstance(value, list) else str(value)


def _moment(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M") if moment else "never"


def _json(value: Any) -> str:
    return json.dumps(value, default=_rfc3339, ensure_ascii=False, indent=2)


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
