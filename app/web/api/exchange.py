"""Import, export, and what one model is used with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response

from app.access import audit
from app.errors import ApiError
from app.registry import many
from app.registry.credentials import require_may_name
from app.registry.exchange import artefacts, exports
from app.registry.exchange.litellm import imported as litellm_import
from app.registry.exchange.plan import Step, plan
from app.registry.form.json_body import Problem, kind_of
from app.registry.form.json_form import invalid
from app.registry.probing import Registered, Rejected
from app.registry.visible import as_seen
from app.web.api.answers import answer, find_or_none, json_body, rejection, whole_model, written_document
from app.web.api.describe import describe
from app.web.api.idempotency import idempotent
from app.web.api.openapi.examples import DEFINITIONS
from app.web.api.query import choice_argument, depth_argument, flag_argument, text_argument
from app.web.guards import current_actor, require_scope

blueprint = Blueprint("api_exchange", __name__)

MOST = 200
"""How many definitions one call may bring: each is probed before the answer."""


@blueprint.post("/v2/models/litellm/import")
@require_scope("write")
@idempotent
@describe(
    tag="Exchange",
    takes="LiteLLMDefinition[]",
    gives="ImportAnswer",
    most=MOST,
    examples=DEFINITIONS,
    query=("dry_run", "import:region", "strict", "depth"),
)
def import_litellm() -> Response:
    """Register all LiteLLM definitions of a list, or none; `?dry_run=true` only says what it would do."""
    only_plan, strict, depth = flag_argument("dry_run"), bool(flag_argument("strict")), depth_argument()
    steps = plan(_definitions(json_body()), text_argument("region", 64) or litellm_import.REGION)
    for step in steps:
        body = step.entry.body if step.entry else {}
        require_may_name(current_actor(), str(body.get("api_key") or ""), str(body.get("base_url") or ""))
    if only_plan:
        return answer([step.outline() for step in steps])
    _require_all(steps)
    values = [step.values for step in steps]
    ends = many.register_all(values, current_actor(), strict=strict, depth=depth)
    if any(isinstance(end, Rejected) for end in ends):
        raise _rejected(steps, ends)
    made = (written_document(end.model_id) for end in ends if isinstance(end, Registered))
    return Response(b"[" + b",".join(each.body for each in made) + b"]", mimetype="application/json")


@blueprint.get("/v2/models/export")
@require_scope("read")
@describe(
    tag="Exchange",
    gives="AnyJson",
    texts=("application/yaml", "text/csv", "text/plain"),
    query=("export:format", "disabled", "export:healthy"),
)
def export_models() -> Response:
    """Every enabled model in another program's form; no key is in any of them.

    `format=muster` is the form that POST /v2/apply takes; it has those that are disabled or down too.
    """
    chosen = exports.FORMATS[choice_argument("format", exports.FORMATS) or "litellm"]
    disabled, healthy = bool(flag_argument("disabled")), bool(flag_argument("healthy"))
    # A file with all that is wanted would delete, or enable, what it leaves out.
    whole = chosen.file == "registry.yaml"
    rows = exports.exported(disabled=whole or disabled, healthy=healthy and not whole)
    text = chosen.make(as_seen(rows, whole_url=current_actor().may("write")))
    audit.record_now(current_actor(), "model.exported", detail={"format": chosen.file})
    response = Response(text, content_type=chosen.content_type)
    response.headers["Content-Disposition"] = f"attachment; filename={chosen.file}"
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@blueprint.get("/v2/models/<path:ref>/artefacts")
@require_scope("read")
@describe(tag="Exchange", gives="Artefacts", texts=("text/plain",), query=("artefact:kind",), errors=(409,))
def show_artefacts(ref: str) -> Response:
    """What a model is used with, ready to copy: all of it as JSON, or the text of one `kind`."""
    model = find_or_none(ref)
    if model is None:
        return whole_model(f"{ref}/artefacts")
    kind = choice_argument("kind", artefacts.KINDS)
    (model,) = as_seen([model], whole_url=current_actor().may("write"))
    if kind is None:
        return answer(artefacts.all_of(model))
    return Response(artefacts.KINDS[kind].make(model), content_type="text/plain; charset=utf-8")


def _definitions(body: Any) -> list[Any]:
    if not isinstance(body, list):
        message = f"The body must be an array of LiteLLM model definitions, not {kind_of(body)}."
        raise invalid([Problem(None, "wrong_type", message)])
    if len(body) > MOST:
        raise invalid([Problem(None, "too_long", f"At most {MOST} definitions fit into one call.")])
    return body


def _require_all(steps: Sequence[Step]) -> None:
    """ApiError 400 with everything that is wrong, 409 where nothing is but that models are there already."""
    problems = [_numbered(problem, step) for step in steps for problem in step.problems]
    if problems:
        all_there = all(problem.code == "already_exists" for problem in problems)
        error = invalid(problems, "already_exists" if all_there else "invalid_request")
        error.message += " Nothing was imported."
        raise error


def _numbered(problem: Problem, step: Step) -> Problem:
    field = f"[{step.index}].{problem.field}" if problem.field else f"[{step.index}]"
    return Problem(field, problem.code, f"Entry {step.index + 1} ({step.name}): {problem.message}")


def _rejected(steps: Sequence[Step], ends: Sequence[Registered | Rejected]) -> ApiError:
    """400 with the first rejection in front, its report beside it; the details name every rejected entry."""
    problems = [_problem_of(step, end) for step, end in zip(steps, ends, strict=True)]
    first = next(end for end in ends if isinstance(end, Rejected))
    error = rejection(first)
    told = [problem for problem in problems if problem is not None]
    error.field, error.message = told[0].field, told[0].message + " Nothing was imported."
    error.details = tuple(problem.as_detail() for problem in told)
    error.suggestions = None
    return error


def _problem_of(step: Step, end: Registered | Rejected) -> Problem | None:
    if isinstance(end, Registered):
        return None
    named = end.diagnosis["field"]
    place = step.entry.places.get(named, named) if named and step.entry else named
    return _numbered(Problem(place, end.diagnosis["code"], end.diagnosis["message"]), step)
