"""The same model elsewhere? Two models sampled side by side, with the price told before anything is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, abort, render_template, request
from sqlalchemy import select

from app.errors import ApiError
from app.registry.visible import as_seen
from app.store.base import db
from app.store.models import RegisteredModel
from app.watch.identity import side_by_side
from app.watch.sampling import UNLIKENESS
from app.web.guards import current_actor, require_role
from app.web.pages import live
from app.web.pages.search import text_of

blueprint = Blueprint("comparing", __name__)
Answer = Response | tuple[str, int]

_LONGEST_NAME = 600
"""Characters of a refId, and some more."""
_OFFERED = 200
"""Models that are offered by name; any other is found by its id or refId."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model of the two, or one that is offered: its name, and where it is served."""

    id: str
    name: str
    where: str


@dataclass(slots=True)
class Page:
    """What the page shows: the two models, the price, and what was found or why it was not."""

    model: Candidate
    offers: Sequence[Candidate]
    wanted: str
    second: Candidate | None = None
    price: side_by_side.Price | None = None
    found: side_by_side.Compared | None = None
    error: ApiError | None = None

    @property
    def offers_all(self) -> bool:
        """Whether what can be chosen is in a list that names it."""
        known = not self.wanted or any(one.id == self.wanted for one in self.offers)
        return known and len(self.offers) < _OFFERED


@blueprint.get("/<id>/compare")
@require_role("editor")
def choose(id: str) -> Answer:
    """Choose the other model; with `with` in the address, see what it costs."""
    return _answer(_page_of(_comparable(id), text_of(request.args, "with", _LONGEST_NAME)))


@blueprint.post("/<id>/compare")
@require_role("editor")
def compare(id: str) -> Answer:
    """Ask both, and show what came of it; nothing is kept.

    A browser with scripts sees how far each model is, another waits for all answers.
    """
    page = _page_of(_comparable(id), request.form.get("with", "").strip(), chosen=True)
    if page.error:
        return _answer(page)
    lines = _lines(page)
    if live.wants_stream():
        return live.stream(lines)
    live.last_of(lines)
    return _answer(page)


def _page_of(model: RegisteredModel, wanted: str, *, chosen: bool = False) -> Page:
    page = Page(_shown([model])[0], _shown(_others(model)), wanted)
    try:
        if wanted or chosen:
            second = side_by_side.model_named(_id_of(wanted, model), "with")
            page.second, page.price = _shown([second])[0], side_by_side.price_of(model, second)
    except ApiError as error:
        page.error = _in_words(error, wanted)
    return page


def _id_of(wanted: str, model: RegisteredModel) -> str:
    """The id of the one model of this type that has this name; what is no such name stays as it is."""
    named = (RegisteredModel.display_name == wanted) & (RegisteredModel.model_type == model.model_type)
    ids = db.session.scalars(select(RegisteredModel.id).where(named).limit(2)).all()
    return ids[0] if len(ids) == 1 else wanted


def _in_words(error: ApiError, wanted: str) -> ApiError:
    """The same in words of the page."""
    if error.code != "not_found":
        return error
    return ApiError("not_found", f"No model has the name, reference or id “{wanted}”.", field="with")


def _answer(page: Page) -> Answer:
    status = page.error.status if page.error else 200
    return render_template("models/compare.html", page=page, units=UNLIKENESS), status


def _lines(page: Page) -> Iterator[live.Line]:
    """A line after each call, for the model that was asked; the last has the page with what was found."""
    assert page.second is not None, "its price was told"
    two = (page.model, page.second)
    try:
        with live.watching() as left:
            models = [side_by_side.model_named(one.id, "with") for one in two]
            for event in side_by_side.comparing(models[0], models[1], current_actor(), left):
                if isinstance(event, side_by_side.Compared):
                    page.found = event
                else:
                    yield _line(two[event.place], event)
    except ApiError as error:
        page.error = error
    yield {"event": "end", "html": render_template("models/_compare.html", page=page, units=UNLIKENESS)}


def _line(model: Candidate, asked: side_by_side.Asked) -> live.Line:
    note = f"{asked.calls} of {asked.most} calls"
    return live.row(model.id, model.name, "passed" if asked.calls == asked.most else "running", None, note)


def _shown(models: Sequence[RegisteredModel]) -> Sequence[Candidate]:
    seen = as_seen(models, whole_url=current_actor().may("write"))
    return [Candidate(one.id, one.display_name, one.base_url) for one in seen]


def _others(model: RegisteredModel) -> Sequence[RegisteredModel]:
    """Models of the same type, by name."""
    query = (
        select(RegisteredModel)
        .where(RegisteredModel.model_type == model.model_type, RegisteredModel.id != model.id)
        .order_by(RegisteredModel.display_name, RegisteredModel.id)
        .limit(_OFFERED)
    )
    return db.session.scalars(query).all()


def _comparable(id: str) -> RegisteredModel:
    """The model with this id, of a type that can be compared; 404."""
    model = RegisteredModel.by_id(id)
    if model is None or model.model_type not in side_by_side.COMPARABLE:
        abort(404)
    return model
