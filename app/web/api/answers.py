"""What the routes of the JSON side share: reading a request, finding a model, making an answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Response, current_app, request
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import MapAdapter, RequestRedirect

from app.errors import ApiError
from app.registry import stored_documents
from app.registry.document import ref_prefix
from app.registry.form.json_body import parse, shortened
from app.registry.probing import Rejected
from app.registry.stored_documents import StoredDocument, encoded, render
from app.store.models import RegisteredModel
from app.web.errors import home_url

JSON = Any
T = TypeVar("T")

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def json_body() -> JSON:
    """The parsed body of the request; ApiError 413, 415 or 400."""
    coding = request.headers.get("Content-Encoding", "identity")
    if coding.strip().lower() not in ("", "identity"):
        message = f"The body is sent as `{shortened(coding)}`. Send it as plain JSON, not compressed."
        raise ApiError("unsupported_media_type", message, field="Content-Encoding")
    return parse(request.get_data(), request.headers.get("Content-Type", ""))


def require_no_body(instead: str) -> None:
    """ApiError 400 if a call that takes no body has one; `instead` says how to ask for what it holds."""
    if request.get_data().strip() not in (b"", b"{}"):
        raise ApiError("invalid_request", f"This call takes no body. {instead}")


def answer(value: JSON, status: int = 200) -> Response:
    """A JSON response."""
    return Response(encoded(value), status, mimetype="application/json")


def document_answer(ready: StoredDocument) -> Response:
    """A document with its ETag."""
    response = Response(ready.body, mimetype="application/json")
    response.headers["ETag"] = ready.etag
    return response


def is_known(etag: str) -> bool:
    """Whether the caller has the document with this ETag already (If-None-Match)."""
    return "If-None-Match" in request.headers and request.if_none_match.contains_weak(etag.strip('"'))


def conditional(response: Response) -> Response:
    """The response, or 304 without a body if the caller already has it."""
    response.headers["Cache-Control"] = "private, no-cache"
    if is_known(response.headers["ETag"]):
        short = Response(status=304, mimetype="application/json")
        for name in ("ETag", "Cache-Control", "Link"):
            if name in response.headers:
                short.headers[name] = response.headers[name]
        return short
    return response


def check_if_match(model: RegisteredModel) -> None:
    """ApiError 412 if If-Match names a document other than the current one."""
    if "If-Match" not in request.headers:
        return
    now = render(model).etag
    if not request.if_match.contains(now.strip('"')):
        raise ApiError(
            "precondition_failed",
            "The model was changed since you read it. Read it again, then send the change with its new ETag.",
            headers={"ETag": now},
        )


def find_model(ref: str, field: str = "id") -> RegisteredModel:
    """The model with this id or exact refId; ApiError 404, or 409 where several share the refId.

    `field` is where the request names it.
    """
    model = find_or_none(ref, field)
    if model is None:
        refuse_method()
        shown = shortened(ref, 320)
        raise ApiError("not_found", f"There is no model with the id or refId {shown}.", field=field)
    return model


def refuse_method() -> None:
    """405 if a route for any id has caught an address that another route serves with other methods.

    `GET /v2/models/openai-like` asks for no model of that name: that address takes POST.
    """
    allowed = allowed_methods()
    if request.method not in allowed:
        raise MethodNotAllowed(valid_methods=allowed)


def allowed_methods() -> list[str]:
    """What the address of this request takes, by the narrowest route that it fits."""
    rules = current_app.url_map.bind("")
    taken = {method: _width(rules, method) for method in ("GET", "POST", "PUT", "PATCH", "DELETE")}
    narrowest = min(taken.values())
    allowed = [method for method, width in taken.items() if width == narrowest < _NO_ROUTE]
    return ["GET", "HEAD", *allowed[1:]] if "GET" in allowed else allowed


# Routes that take any address below theirs, from narrow to wide.
_WIDTHS = {
    "api_models.update_openai_like": 1,
    "api_models.read_model": 2,
    "api_family.change": 2,
    "api_models.delete_model": 2,
}
_NO_ROUTE = 3


def _width(rules: MapAdapter, method: str) -> int:
    try:
        endpoint, _ = rules.match(request.path, method=method)
    except (MethodNotAllowed, NotFound, RequestRedirect):
        return _NO_ROUTE
    return _WIDTHS.get(endpoint, 0)


def find_document(ref: str) -> StoredDocument:
    """The document of the model with this id or exact refId; ApiErrors as `find_model`."""
    if ID.fullmatch(ref):
        ready = stored_documents.stored(ref)
        if ready:
            return ready
    model = find_model(ref)
    return stored_documents.stored(model.id) or stored_documents.render(model)


def whole_model(ref: str) -> Response:
    """The document of a model, or 304: also of one whose own id ends like a route below another model."""
    return conditional(document_answer(find_document(ref)))


def written_document(id: str) -> StoredDocument:
    """The document of a model as this request wrote it; where it changed nothing, as it is now."""
    return stored_documents.just_written(id) or find_document(id)


def find_or_none(ref: str, field: str = "id") -> RegisteredModel | None:
    """As `find_model`, but None where there is no such model."""
    if ID.fullmatch(ref):
        return RegisteredModel.by_id(ref)
    sharing = _by_ref(ref)
    if len(sharing) > 1:
        ids = [model.id for model in sharing]
        raise ApiError(
            "ambiguous_reference",
            f"{len(ids)} models share this refId. Use the id of the one you mean: {', '.join(ids)}.",
            field=field,
            suggestions={field: ids},
        )
    return sharing[0] if sharing else None


def _by_ref(ref: str) -> Sequence[RegisteredModel]:
    prefix = ref_prefix()
    model_id = ref.removeprefix(prefix)
    if not ref.startswith(prefix) or "\0" in model_id or len(model_id) > 256:
        return ()
    return RegisteredModel.by_ref(model_id)


def rejection(end: Rejected) -> ApiError:
    """The answer for a rejected probe: 400, the whole report beside the error."""
    diagnosis = end.diagnosis
    return ApiError(
        diagnosis["code"],
        diagnosis["message"],
        field=diagnosis["field"],
        suggestions=diagnosis["suggestions"],
        extra={"probe": end.report},
        status=400,
    )


def next_link(response: Response, cursor: str, path: str) -> None:
    """Say where the next page is: at `path`, the same query with another cursor."""
    query = request.args.to_dict(flat=False) | {"cursor": [cursor]}
    response.headers["Link"] = f'<{home_url()}{path}?{urlencode(query, doseq=True)}>; rel="next"'


def page_of(found: list[T], limit: int) -> tuple[list[T], bool]:
    """At most `limit` entries, and whether one more was found."""
    return found[:limit], len(found) > limit
