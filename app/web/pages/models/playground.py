"""The playground: a prompt box on a model's page that calls the model with its stored key."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.errors import ApiError
from app.probe.reading.completion.live import Piece
from app.registry import playground
from app.registry.playground import PlaygroundAnswer
from app.store.models import RegisteredModel
from app.web.guards import current_actor, require_role
from app.web.pages import live

blueprint = Blueprint("playground", __name__)

LONGEST = 20_000
"""Characters of a prompt."""
MOST_TOKENS = 4096


@blueprint.get("/<id>/try")
@require_role("editor")
def nothing_sent(id: str) -> Response:
    """A browser that comes here after signing in, or opens the address, is led to the box."""
    return redirect(url_for("models.use", id=id), 303)


@blueprint.post("/<id>/try")
@require_role("editor")
def send(id: str) -> Response | str | tuple[str, int]:
    """Send the prompt; the answer streams to a browser with scripts, others get a page with it."""
    model = RegisteredModel.by_id(id)
    if model is None or model.model_type not in playground.ROUTES:
        abort(404)
    texts = [request.form.get(name, "").strip()[:LONGEST] for name in ("prompt", "other")]
    if not texts[0]:
        return _page(id, texts, PlaygroundAnswer(problem="Type something first.")), 400
    lines = _lines(id, texts, _limit())
    if live.wants_stream():
        return live.stream(lines)
    return _page(id, texts, live.last_of(lines)["tried"])


def _lines(id: str, texts: list[str], limit: int) -> Iterator[live.Line]:
    """A line for each piece of the answer; the last has the whole, and its place on the page as `html`."""
    try:
        with live.watching() as left:
            for event in playground.answer(id, current_actor(), texts, limit, left):
                if isinstance(event, Piece):
                    yield {"event": "piece", "text": event.text, "thinking": event.thinking}
                else:
                    yield _end(event)
    except ApiError as error:
        yield _end(PlaygroundAnswer(problem=error.message))


def _end(tried: PlaygroundAnswer) -> live.Line:
    wanted = live.wants_stream()
    html = render_template("models/_playground_answer.html", tried=tried) if wanted else ""
    return {"event": "end", "html": html} if wanted else {"event": "end", "tried": tried}


def _page(id: str, texts: list[str], tried: PlaygroundAnswer) -> str:
    model = RegisteredModel.by_id(id)
    return render_template("models/playground.html", model=model, texts=texts, tried=tried, limit=_limit())


def _limit() -> int:
    text = request.form.get("limit", "")
    return min(max(int(text), 1), MOST_TOKENS) if text.isdecimal() and len(text) < 9 else 512
