"""Channels, for administrators: where people are told, what was sent there, and whether it arrives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from sqlalchemy import func, select
from werkzeug.wrappers import Response
from wtforms import PasswordField, SelectField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length

from app.errors import ApiError
from app.store.base import db, now
from app.store.endpoints import Endpoint
from app.store.labels import ModelOwner, ModelTag
from app.store.watch.channels import Channel, Delivery
from app.watch.notices import channels
from app.web.guards import current_actor, require_role
from app.web.pages import search, shown_once

blueprint = Blueprint("channels", __name__, url_prefix="/channels")

SHOWN = 50
KINDS: Mapping[str, tuple[str, str]] = {
    "apprise": (
        "A chat, mail or paging service",
        "Slack, Teams, mail, PagerDuty, Matrix and a hundred more, by an address as Apprise writes it: "
        "slack://…, mailto://…, pagerduty://…",
    ),
    "webhook": ("A signed webhook", "A program of yours at https://…, signed as Standard Webhooks says."),
}
NEWS: Mapping[str, str] = {
    "incident.opened": "An incident begins",
    "incident.resolved": "An incident ends",
    "incident.reminder": "Nobody has acknowledged an incident",
    "model.degraded": "A model is degraded",
    "model.recovered": "A model has recovered",
    "model.changed": "A model changed what it can do, or answers as another",
    "price.changed": "An endpoint states another price",
    "key.expiring": "A key is about to end",
    "certificate.expiring": "A certificate is about to end",
    "test": "A test",
}
"""Each kind of news, as a person calls it."""


class ChangeForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A change of a channel. Nothing ticked: all news, endpoints and models; no address: it stays."""

    name = StringField("Name", [Length(max=128)])
    url = PasswordField("Address", [Length(max=2048)])
    news = SelectMultipleField(
        "News", choices={name: label for name, label in NEWS.items() if name != "test"}
    )
    endpoints = SelectMultipleField("Endpoints")
    owners = SelectMultipleField("Owners")
    tags = SelectMultipleField("Tags")


class ChannelForm(ChangeForm):
    """A new channel."""

    kind = SelectField("Kind", choices={name: label for name, (label, _) in KINDS.items()}, default="apprise")
    url = PasswordField("Address", [InputRequired("Give the address."), Length(max=2048)])


@blueprint.get("")
@require_role("admin")
def index() -> str:
    """Every channel with its last message."""
    found = list(db.session.scalars(select(Channel).order_by(Channel.id)))
    last = {channel.id: Delivery.last_of(channel.id) for channel in found}
    return render_template("channels/index.html", channels=found, last=last, kinds=KINDS)


@blueprint.route("/new", methods=["GET", "POST"])
@require_role("admin")
def new() -> Response | str | tuple[str, int]:
    """The form, and the channel that it makes; only the next page shows what a webhook is signed with."""
    form = ChannelForm()
    _offer(form, {})
    if not form.is_submitted():
        return _form(form)
    if not form.validate():
        return _form(form), 400
    try:
        channel, secret = channels.add(
            form.kind.data,
            (form.url.data or "").strip(),
            form.name.data or "",
            _filter(form),
            current_actor(),
        )
    except ApiError as error:
        form.url.errors = [error.message]
        return _form(form), 400
    if secret:
        shown_once.keep(secret, channel.id)
    return redirect(url_for("channels.detail", id=channel.id), 303)


@blueprint.get("/<id>")
@require_role("admin")
def detail(id: str) -> str:
    """One channel: what it is told, and the log of its messages; a new webhook's secret once."""
    channel = _found(id)
    return render_template(
        "channels/detail.html",
        channel=channel,
        secret=shown_once.take(id),
        kinds=KINDS,
        news=NEWS,
        names=_endpoint_names(channel),
        deliveries=_deliveries(id),
    )


@blueprint.route("/<id>/edit", methods=["GET", "POST"])
@require_role("admin")
def edit(id: str) -> Response | str | tuple[str, int]:
    """Change what a channel is called and told, or its address."""
    channel = _found(id)
    chosen = channel.filter or {}
    named = {name: chosen.get(name, []) for name in ("endpoints", "owners", "tags")}
    form = ChangeForm(data={"name": channel.name, "news": chosen.get("kinds", [])} | named)
    _offer(form, chosen)
    if not form.is_submitted():
        return _form(form, channel)
    if not form.validate():
        return _form(form, channel), 400
    try:
        _change(channel, form)
    except ApiError as error:
        form.url.errors = [error.message]
        return _form(form, channel), 400
    return redirect(url_for("channels.detail", id=id), 303)


def _change(channel: Channel, form: ChangeForm) -> None:
    """Make the change; what is as it was is not written. ApiError 400."""
    asked = {"name": form.name.data or channel.host, "filter": _filter(form)}
    now = {"name": channel.name, "filter": channel.filter or {}}
    wanted = {name: value for name, value in asked.items() if value != now[name]}
    if address := (form.url.data or "").strip():
        wanted["url"] = address
    if not wanted:
        flash("Nothing was changed: the form says what the channel had already.", "ok")
        return
    channels.change(channel, wanted, current_actor())
    flash(f"“{channel.name}” is changed.", "ok")


@blueprint.post("/<id>/test")
@require_role("admin")
def test(id: str) -> Response:
    """Send a test message now."""
    ended = channels.try_out(_found(id), current_actor(), now())
    flash(
        f"{'It arrived.' if ended.ok else 'It did not arrive.'} {ended.message}", "ok" if ended.ok else "bad"
    )
    return redirect(url_for("channels.detail", id=id), 303)


@blueprint.post("/<id>/switch")
@require_role("admin")
def switch(id: str) -> Response:
    """Send messages there, or stop it."""
    enabled = request.form.get("enabled") == "yes"
    channels.change(_found(id), {"enabled": enabled}, current_actor())
    flash("People are told there again." if enabled else "Nobody is told there until you enable it.", "ok")
    return redirect(url_for("channels.detail", id=id), 303)


@blueprint.route("/<id>/delete", methods=["GET", "POST"])
@require_role("admin")
def delete(id: str) -> Response | str:
    """Ask, then delete a channel with the log of its messages."""
    channel = _found(id)
    if request.method == "GET":
        count = db.session.scalar(select(func.count()).where(Delivery.channel_id == id))
        return render_template("channels/delete.html", channel=channel, count=count)
    name = channel.name
    channels.remove(channel, current_actor())
    flash(f"The channel “{name}” is deleted.", "ok")
    return redirect(url_for("channels.index"), 303)


def _offer(form: ChangeForm, chosen: Mapping[str, Sequence[str]]) -> None:
    """What can be ticked, and what is ticked though it is gone: without it the channel hears of all."""
    named = select(Endpoint.id, Endpoint.name).order_by(Endpoint.name)
    there = {id: name for id, name in db.session.execute(named)}
    gone = {id: "An endpoint that is gone" for id in chosen.get("endpoints", []) if id not in there}
    form.endpoints.choices = list((there | gone).items())
    for name, column in (("owners", ModelOwner.owner), ("tags", ModelTag.tag)):
        values = dict.fromkeys([*search.distinct(column), *chosen.get(name, [])])
        form[name].choices = [(value, value) for value in values]


def _filter(form: ChangeForm) -> dict[str, Any]:
    fields = {"kinds": form.news, "endpoints": form.endpoints, "owners": form.owners, "tags": form.tags}
    return {name: field.data for name, field in fields.items() if field.data}


def _deliveries(id: str) -> Sequence[Delivery]:
    query = select(Delivery).where(Delivery.channel_id == id).order_by(Delivery.id.desc())
    return db.session.scalars(query.limit(SHOWN)).all()


def _endpoint_names(channel: Channel) -> Sequence[str]:
    """The endpoints that a channel is told of; none where it is told of all."""
    ids = (channel.filter or {}).get("endpoints", [])
    query = select(Endpoint.name).where(Endpoint.id.in_(ids)).order_by(Endpoint.name)
    return db.session.scalars(query).all() if ids else ()


def _found(id: str) -> Channel:
    channel = Channel.by_id(id)
    if channel is None:
        abort(404)
    return channel


def _form(form: ChangeForm, channel: Channel | None = None) -> str:
    return render_template("channels/new.html", form=form, kinds=KINDS, channel=channel)
