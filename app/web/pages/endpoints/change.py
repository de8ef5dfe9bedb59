"""Changing an endpoint: its key, URL, headers and certificates, each proven before it is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.errors import ApiError
from app.probe.base_url import origin_of
from app.probe.values import EndpointSettings
from app.registry.credentials import require_may_name
from app.registry.endpoints import changes, rows
from app.registry.endpoints.changes import Change
from app.registry.endpoints.form import EndpointForm, read_headers
from app.registry.fields import FieldError
from app.registry.probing import ProbeOrder
from app.store.endpoints import Endpoint
from app.store.vault import is_reference
from app.web.guards import current_actor, require_role
from app.web.pages.endpoints.finding import found
from app.web.pages.register import held_keys
from app.web.pages.register.held_keys import Held

blueprint = Blueprint("change", __name__)


@dataclass(slots=True)
class Attempt:
    """A change that was sent: the form, the key that is kept for another try, and what went wrong."""

    endpoint: Endpoint
    form: EndpointForm
    held: Held | None = None
    error: ApiError | None = None
    headers_error: str = ""

    @property
    def results(self) -> Sequence[Mapping[str, Any]]:
        """What each model that was asked said to the change; none where nothing was asked."""
        return self.error.extra.get("results", ()) if self.error else ()

    @property
    def failed(self) -> int:
        """How many models did not work with it."""
        return sum(result["outcome"] == "rejected" for result in self.results)

    @property
    def base_url(self) -> str:
        """Where the endpoint would be."""
        return self.form.base_url.data or self.endpoint.base_url

    @property
    def may_move_key(self) -> bool:
        """Whether the stored key would go to another server, and this person may decide that."""
        leaves = held_keys.origin(self.base_url) not in ("", origin_of(self.endpoint.base_url))
        return leaves and self.endpoint.has_key and current_actor().may("admin")


@blueprint.get("/<id>/rotate")
@require_role("editor")
def rotate(id: str) -> str:
    """A field for the new key."""
    return _rotation(Attempt(found(id), EndpointForm(formdata=None)))


@blueprint.post("/<id>/rotate")
@require_role("editor")
def store_key(id: str) -> Response | tuple[str, int]:
    """Prove the new key with every model that is up, then store it for all of them."""
    tried = _sent(found(id))
    if not tried.form.api_key.data and not tried.form.api_key.errors:
        tried.form.api_key.errors = ["Type the new key."]
    if tried.form.api_key.errors or not _done(tried, Change(api_key=tried.form.api_key.data)):
        return _rotation(tried), 400
    count = rows.models_of(tried.endpoint)
    flash(f"The new key is stored, for {count} model{'' if count == 1 else 's'}.", "ok")
    return redirect(url_for("endpoints.detail", id=id), 303)


@blueprint.get("/<id>/edit")
@require_role("editor")
def edit(id: str) -> str:
    """The form as the endpoint is now; of secrets it shows nothing."""
    endpoint = found(id)
    shown = {name: getattr(endpoint, name) for name in ("name", "base_url", "auth_header", "auth_scheme")}
    return _edition(Attempt(endpoint, EndpointForm(formdata=None, data=shown)))


@blueprint.post("/<id>/edit")
@require_role("editor")
def save(id: str) -> Response | tuple[str, int]:
    """Prove the change with every model that is up, then store it. What stays empty stays as it is."""
    tried = _sent(found(id))
    good = tried.form.validate() and not tried.form.api_key.errors
    headers = _headers(tried)
    if not good or tried.headers_error or not _done(tried, _change(tried, headers)):
        return _edition(tried), 400
    flash(f"“{tried.endpoint.name}” is changed.", "ok")
    return redirect(url_for("endpoints.detail", id=id), 303)


def _sent(endpoint: Endpoint) -> Attempt:
    """What a browser sent, with the key that was kept from the last try where none was typed."""
    form = EndpointForm()
    form.api_key.validate(form)
    tried = Attempt(endpoint, form)
    held = held_keys.find(request.form.get("held_key", ""), current_actor().id)
    if held and not form.api_key.data and held.fits(tried.base_url):
        form.api_key.data, tried.held = held.key(tried.base_url), held
    try:
        require_may_name(current_actor(), form.api_key.data or "", tried.base_url)
    except ApiError as error:
        form.api_key.errors = [FieldError(error.message, error.code)]
    return tried


def _done(tried: Attempt, change: Change) -> bool:
    """Whether the change was proven and stored; the attempt says why not."""
    order = ProbeOrder(current_actor(), depth="proof")
    partial, move_key = (request.form.get(name) == "yes" for name in ("partial", "move_key"))
    id, key = tried.endpoint.id, tried.form.api_key.data
    try:
        tried.endpoint = changes.change(id, change, order, partial=partial, move_key=move_key)
    except ApiError as error:
        tried.error, tried.endpoint = error, changes.find(id)
        if key and not is_reference(key) and not tried.held:
            tried.held = held_keys.hold(key, tried.base_url, current_actor().id)
        return False
    if tried.held:
        held_keys.drop(tried.held.id)
    return True


def _change(tried: Attempt, headers: dict[str, str | None]) -> Change:
    """What the form has otherwise than the endpoint."""
    form, endpoint = tried.form, tried.endpoint
    name, base_url = form.name.data, form.base_url.data
    return Change(
        name=name if name and name != endpoint.name else None,
        base_url=base_url if base_url and base_url != endpoint.base_url else None,
        api_key="" if request.form.get("no_key") == "yes" else form.api_key.data or None,
        settings=_settings(tried) or None,
        headers=headers or None,
    )


def _settings(tried: Attempt) -> dict[str, str]:
    form, endpoint = tried.form, tried.endpoint
    header = form.auth_header.data or EndpointSettings().auth_header
    auth = {"auth_header": header, "auth_scheme": form.auth_scheme.data or ""}
    changed = {name: value for name, value in auth.items() if value != getattr(endpoint, name)}
    for field, setting in (("ca_pem", "ca_pem"), ("client_certificate_pem", "client_certificate")):
        if form[field].data:
            changed[setting] = form[field].data
        elif request.form.get(f"no_{field}") == "yes":
            changed[setting] = ""
    return changed


def _headers(tried: Attempt) -> dict[str, str | None]:
    """The headers to set, and those to remove. `headers_error` says what can't be read."""
    wanted: dict[str, str | None] = dict.fromkeys(request.form.getlist("drop"))
    lines = [line for line in request.form.get("headers", "").splitlines() if line.strip()]
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            tried.headers_error = "Write each header on a line of its own, as Name: value."
            return {}
        wanted[name.strip()] = value.strip()
    headers, problems = read_headers(wanted)
    if problems:
        tried.headers_error = problems[0].message.replace("headers.", "")
    return headers


def _rotation(tried: Attempt) -> str:
    return render_template("endpoints/rotate.html", tried=tried, count=rows.models_of(tried.endpoint))


def _edition(tried: Attempt) -> str:
    return render_template("endpoints/edit.html", tried=tried, count=rows.models_of(tried.endpoint))
