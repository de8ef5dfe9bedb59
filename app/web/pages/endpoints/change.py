"""Changing an endpoint: its key, URL, headers and certificates, each proven before it is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Literal

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app import config
from app.errors import ApiError
from app.probe.base_url import origin_of
from app.probe.values import EndpointSettings
from app.registry.credentials import require_may_name
from app.registry.document import rfc3339
from app.registry.endpoints import changes, rows
from app.registry.endpoints.changes import Asked, Change
from app.registry.endpoints.form import ChangedEndpointForm, read_headers
from app.registry.endpoints.key_life import stated_end
from app.registry.endpoints.proxies import address_shown
from app.registry.form.fields import FieldError
from app.registry.probing import ProbeOrder
from app.store.base import db
from app.store.endpoints import Endpoint
from app.web.guards import current_actor, require_role
from app.web.pages import live
from app.web.pages.endpoints.finding import found
from app.web.pages.register import held_keys
from app.web.pages.register.held_keys import Held

blueprint = Blueprint("change", __name__)


Purpose = Literal["rotate", "edit"]


@dataclass(slots=True)
class Attempt:
    """A change that was sent: the form, the key that is kept for another try, and what went wrong."""

    endpoint: Endpoint
    form: ChangedEndpointForm
    purpose: Purpose
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
    def shown_proxy(self) -> str:
        """The proxy as the page shows it: what was typed, or what is stored, without a password."""
        return address_shown(request.form.get("proxy", self.endpoint.proxy or ""))

    @property
    def may_move_key(self) -> bool:
        """Whether the stored key would go to another server, and this person may decide that."""
        leaves = held_keys.origin(self.base_url) not in ("", origin_of(self.endpoint.base_url))
        return leaves and self.endpoint.has_key and current_actor().may("admin")


@blueprint.get("/<id>/rotate")
@require_role("editor")
def rotate(id: str) -> str:
    """A field for the new key."""
    return _page(Attempt(found(id), ChangedEndpointForm(formdata=None), "rotate"))


@blueprint.post("/<id>/rotate")
@require_role("editor")
def store_key(id: str) -> Response | tuple[str, int]:
    """Prove the new key with every model that is up, then store it for all of them."""
    tried = _sent(found(id), "rotate")
    if not tried.form.api_key.data and not tried.form.api_key.errors:
        tried.form.api_key.errors = ["Type the new key."]
    good = tried.form.key_ends.validate(tried.form) and not tried.form.api_key.errors
    wanted = Change(api_key=tried.form.api_key.data, key_ends=_key_ends(tried) or None)
    return _answer(tried, wanted if good else None)


@blueprint.get("/<id>/edit")
@require_role("editor")
def edit(id: str) -> str:
    """The form as the endpoint is now; of secrets it shows nothing."""
    endpoint = found(id)
    shown = {name: getattr(endpoint, name) for name in ("name", "base_url", "auth_header", "auth_scheme")}
    shown["key_ends"] = _as_typed(endpoint.key_ends)
    return _page(Attempt(endpoint, ChangedEndpointForm(formdata=None, data=shown), "edit"))


@blueprint.post("/<id>/edit")
@require_role("editor")
def save(id: str) -> Response | tuple[str, int]:
    """Prove the change with every model that is up, then store it. What stays empty stays as it is."""
    tried = _sent(found(id), "edit")
    good = tried.form.validate() and not tried.form.api_key.errors
    headers = _headers(tried)
    return _answer(tried, _change(tried, headers) if good and not tried.headers_error else None)


def _answer(tried: Attempt, wanted: Change | None) -> Response | tuple[str, int]:
    """Make the change, None for one that can't be tried: 303 to the endpoint, or the form with what failed.

    A browser with scripts gets a line as each model is asked and answers.
    """
    lines = _lines(tried, wanted)
    if live.wants_stream():
        return live.stream(lines)
    last = live.last_of(lines)
    return redirect(last["location"], 303) if "location" in last else (_page(tried), 400)


def _lines(tried: Attempt, wanted: Change | None) -> Iterator[live.Line]:
    # A stream begins when its request's session is gone.
    tried.endpoint = db.session.merge(tried.endpoint, load=False)
    if wanted is not None:
        yield from _proving(tried, wanted)
    if wanted is not None and tried.error is None:
        same = not wanted.is_of_a_call and wanted.name is None and wanted.key_ends is None
        done = "same" if same else {"rotate": "rotated", "edit": "changed"}[tried.purpose]
        yield {"event": "end", "location": url_for("endpoints.detail", id=tried.endpoint.id, done=done)}
    else:
        html = render_template(f"endpoints/_{tried.purpose}.html", streamed=True, **_context(tried))
        yield {"event": "end", "html": html}


def _sent(endpoint: Endpoint, purpose: Purpose) -> Attempt:
    """What a browser sent, with the key that was kept from the last try where none was typed."""
    form = ChangedEndpointForm()
    form.api_key.validate(form)
    if _proxy_stays(endpoint):  # also where the settings allow it no longer
        form.proxy.data = None
    tried = Attempt(endpoint, form, purpose)
    held = held_keys.find(request.form.get("held_key", ""), current_actor().id)
    if held and not form.api_key.data and held.fits(tried.base_url):
        form.api_key.data, tried.held = held.key(tried.base_url), held
    try:
        require_may_name(current_actor(), form.api_key.data or "", tried.base_url)
    except ApiError as error:
        form.api_key.errors = [FieldError(error.message, error.code)]
    return tried


def _proving(tried: Attempt, wanted: Change) -> Iterator[live.Line]:
    """A line for each model that is asked, and one for its answer; the attempt says then what went wrong."""
    partial, move_key = (request.form.get(name) == "yes" for name in ("partial", "move_key"))
    id = tried.endpoint.id
    try:
        with live.watching() as left:
            order = ProbeOrder(current_actor(), depth="proof", cancelled=left)
            for asked in changes.changing(id, wanted, order, partial=partial, move_key=move_key):
                yield _line(asked)
    except ApiError as error:
        tried.error, tried.endpoint = error, changes.find(id)
        tried.held = held_keys.keep(tried.form.api_key, tried.base_url, current_actor().id, tried.held)
        return
    if tried.held:
        held_keys.drop(tried.held.id)


def _line(asked: Asked) -> live.Line:
    if asked.report is None:
        return live.row(asked.id, asked.model_id, "running")
    if asked.report.diagnosis is not None and asked.report.verdict == "rejected":
        return live.row(asked.id, asked.model_id, "failed", None, asked.report.diagnosis.message)
    return live.row(asked.id, asked.model_id, "passed", asked.report.duration_ms, "It works.")


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
        key_ends=_key_ends(tried) if _states_end(tried) else None,
    )


def _states_end(tried: Attempt) -> bool:
    """Whether the end is another than the stored one, or stands beside a new key, whose end it is then."""
    form = tried.form
    return bool(form.api_key.data) or form.key_ends.data != _as_typed(tried.endpoint.key_ends)


def _key_ends(tried: Attempt) -> datetime | Literal[""]:
    """The end that was typed, "" for none."""
    return stated_end(tried.form.key_ends.data or "") or ""


def _as_typed(end: datetime | None) -> str | None:
    """An end as the field of a day shows it, or as a time where it is not the beginning of a day."""
    if end is None:
        return None
    return f"{end:%Y-%m-%d}" if end.time() == time() else rfc3339(end)


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
    return changed | ({} if _proxy_stays(endpoint) else {"proxy": form.proxy.data or ""})


def _proxy_stays(endpoint: Endpoint) -> bool:
    """Whether the form holds the proxy that it was shown with: without the password, which stays too."""
    return request.form.get("proxy", endpoint.proxy or "").strip() == (endpoint.proxy or "")


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


def _page(tried: Attempt) -> str:
    return render_template(f"endpoints/{tried.purpose}.html", **_context(tried))


def _context(tried: Attempt) -> dict[str, Any]:
    allowed = config.settings().endpoint_proxies
    return {"tried": tried, "count": rows.count_models(tried.endpoint), "allowed_proxies": allowed}
