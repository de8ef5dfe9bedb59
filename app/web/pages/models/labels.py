"""The page that says whose a model is."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField

from app.registry.declared.labels import LONGEST, labels_of_text, set_labels
from app.store.labels import labels_of
from app.store.models import RegisteredModel
from app.web.guards import current_actor, require_role

blueprint = Blueprint("labels", __name__)


class LabelsForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Owner, contact and tags; what they may be is for the registry to say."""

    owner = StringField("Owner", render_kw={"maxlength": LONGEST["owner"]})
    contact = StringField("Contact", render_kw={"maxlength": LONGEST["contact"]})
    tags = StringField("Tags")


@blueprint.route("/<id>/labels", methods=["GET", "POST"])
@require_role("editor")
def edit(id: str) -> Response | str | tuple[str, int]:
    """Show the labels, and change them."""
    model = RegisteredModel.by_id(id)
    if model is None:
        abort(404)
    if request.method == "GET":
        owner, contact, tags = labels_of(id)
        form = LabelsForm(owner=owner, contact=contact, tags=" ".join(tags))
        return render_template("models/labels.html", model=model, form=form)
    form = LabelsForm()
    typed = (form.owner.data or "", form.contact.data or "", form.tags.data or "")
    labels, problems = labels_of_text(*typed)
    if problems:
        for problem in problems:
            field = form[problem.field or "owner"]
            field.errors = [problem.message.replace(f"`{field.name}`", field.label.text)]
        return render_template("models/labels.html", model=model, form=form), 400
    changed = set_labels(id, labels, current_actor())
    flash("The labels are saved." if changed else "Nothing was changed: the labels are these already.", "ok")
    return redirect(url_for("models.detail", id=id), 303)
