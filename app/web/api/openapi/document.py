"""/openapi.json, made from what the routes, the form and the document say; reference.py shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from flask import Blueprint, Flask, Response, current_app
from werkzeug.routing import Rule

from app.registry.stored_documents import StoredDocument, encoded, etag_of
from app.web.api.answers import conditional, document_answer
from app.web.api.describe import Operation, describe
from app.web.api.openapi import examples
from app.web.api.openapi.parameters import parameters
from app.web.api.schemas import components
from app.web.api.schemas.shapes import ref
from app.web.api.watch import examples as watch_examples
from app.web.errors import home_url

JSON = Any
blueprint = Blueprint("api_openapi", __name__)

TAGS: Mapping[str, str] = {
    "Models": "Register, read, change, delete.",
    "Endpoints": "One base URL with its key, many models.",
    "Probes": "What was seen of a model, and when.",
    "Workspace": "Which models are enabled, and the list that OpenAI clients read.",
    "Health": "How models are, were, and what changed.",
    "Channels": "Who is told, and when nobody is.",
    "Exchange": "Import from and export to other programs.",
    "Service": "About Muster itself.",
}

ERRORS: Mapping[int, str] = {
    400: "The body, a field or a parameter is wrong, or the probe did not see the model work.",
    401: "No token, or one that is unknown or revoked.",
    403: "The token lacks the scope.",
    404: "There is no such model, endpoint or probe.",
    409: "It is there already, several models share the refId, or the Idempotency-Key was used before.",
    412: "The model was changed since its ETag was read.",
    413: "The body is larger than 1 MiB.",
    415: "The body is not JSON.",
    429: "Too many requests: wait as long as Retry-After says.",
    503: "Muster can't work at the moment.",
}

_TOLD: Mapping[str, str] = {
    "ETag": "Names this version.",
    "Link": 'Where the next page is (`rel="next"`); absent on the last one.',
    "Idempotency-Replayed": "`true` where this is the answer to an earlier call with the same key.",
    "Retry-After": "After how many seconds to ask again.",
}
_PARAGRAPH = re.compile(r"\n\s*\n")


@blueprint.get("/openapi.json")
@describe(tag="Service", gives="AnyObject", headers=("If-None-Match",), any_query=True)
def openapi() -> Response:
    """This API as OpenAPI 3.1; needs no token."""
    body = encoded(document())
    return conditional(document_answer(StoredDocument(etag_of(body), body)))


def document() -> dict[str, JSON]:
    """The OpenAPI document, with this server's own URL."""
    made: dict[str, JSON] | None = current_app.extensions.get("muster_openapi")
    if made is None:
        made = current_app.extensions["muster_openapi"] = _document(current_app)
    return made | {"servers": [{"url": home_url()}]}


def _document(app: Flask) -> dict[str, JSON]:
    about = "A registry for LLM endpoints that lets in only what it has seen working."
    shown = (*examples.answers(), *watch_examples.ANSWERS.items(), *examples.ERRORS.items())
    return {
        "openapi": "3.1.0",
        "info": {"title": "Muster", "version": _version(), "description": about},
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": _paths(app),
        "components": {
            "schemas": components(),
            "examples": {_example_name(name): {"value": value} for name, value in shown},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": _SCOPES}},
        },
    }


def _paths(app: Flask) -> dict[str, JSON]:
    made: dict[str, JSON] = {}
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        view = app.view_functions[rule.endpoint]
        operation = view.__dict__.get("operation")
        if isinstance(operation, Operation):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                made_of = _operation(rule, view, operation) | {"operationId": _name_of(rule, method)}
                made.setdefault(_path_of(rule), {})[method.lower()] = made_of
    return made


_SCOPES = (
    "A token of this Muster. Scopes: `read`; `write`, which includes read; `admin`, which includes both and "
    "may send a stored key to another origin; `credentials`, which may read keys and nothing else."
)


def _path_of(rule: Rule) -> str:
    return re.sub(r"<[^>]*>", "{id}", rule.rule)


def _name_of(rule: Rule, method: str) -> str:
    """`post_v2_models_openai_like`: stable, and another for every route."""
    return re.sub(r"[^a-z0-9]+", "_", f"{method.lower()}{_path_of(rule).lower()}").strip("_")


def _operation(rule: Rule, view: Any, operation: Operation) -> dict[str, JSON]:
    summary, *rest = _PARAGRAPH.split((view.__doc__ or "").strip())
    scope = view.__dict__.get("scope")
    made: dict[str, JSON] = {
        "summary": summary.rstrip("."),
        "tags": [operation.tag],
        "security": [{"token": [scope]}] if scope else [],
        "parameters": list(parameters(rule, view, operation)),
        "responses": dict(_responses(rule, view, operation, scope)),
    }
    text = " ".join(" ".join(rest).split())
    made["description"] = f"{text} Needs the scope `{scope}`.".strip() if scope else text
    if operation.takes:
        made["requestBody"] = {"required": True, "content": {"application/json": _media(operation)}}
    return made


def _media(operation: Operation) -> dict[str, JSON]:
    made: dict[str, JSON] = {"schema": ref(operation.takes)}
    if operation.most is not None:
        made["schema"]["maxItems"] = operation.most
    if operation.examples:
        made["examples"] = {name: {"value": value} for name, value in operation.examples.items()}
    return made


def _responses(rule: Rule, view: Any, operation: Operation, scope: str | None) -> Iterator[tuple[str, JSON]]:
    yield str(operation.status), _success(view, operation)
    if "If-None-Match" in operation.headers:
        yield "304", {"description": "You have it already."}
    statuses = set(operation.errors)
    statuses |= {401, 403, 429} if scope else set()
    statuses |= {413, 415} if operation.takes else set()
    statuses |= set() if operation.any_query and not operation.query else {400}
    statuses |= {404} if rule.arguments else set()
    statuses |= {409} if view.__dict__.get("idempotent") else set()
    for status in sorted(statuses):
        shape = _REJECTIONS.get(operation.takes, "Error") if status == 400 else "Error"
        codes = _conflicts(view, operation) if status == 409 else examples.OF_STATUS[status]
        content = _json(shape, *codes, *(["wrong_path"] if shape == "Rejection" else []))
        made: JSON = {"description": ERRORS[status], "content": content}
        yield str(status), made | ({"headers": _headers("Retry-After")} if status == 429 else {})


def _conflicts(view: Any, operation: Operation) -> Iterator[str]:
    """The codes of 409 that this call may answer."""
    if operation.takes in _PROBED and operation.gives != "Report":
        yield "already_exists"
    if view.__dict__.get("idempotent"):
        yield "idempotency_key_reused"
    elif operation.tag == "Endpoints":
        yield "already_exists" if operation.takes else "endpoint_in_use"
    else:
        yield "ambiguous_reference"


_PROBED = {
    "ModelRequest",
    "ModelChange",
    "ModelCreation",
    "ModelPatch",
    "EndpointCheck",
    "LiteLLMDefinition[]",
}
_REJECTIONS = {name: "Rejection" for name in _PROBED} | {
    name: "EndpointRejection" for name in ("EndpointRequest", "EndpointModelsRequest", "EndpointChange")
}
"""The shape of 400 of what is probed, by what it takes."""


def _success(view: Any, operation: Operation) -> dict[str, JSON]:
    made: dict[str, JSON] = {"description": "Done." if not operation.gives else "What was asked for."}
    if operation.gives:
        otherwise = examples.OTHERWISE.get(operation.gives)
        shown = [operation.gives, *([otherwise] if otherwise else [])]
        as_json = {} if operation.gives == "AnyText" else _json(operation.gives, *shown)
        made["content"] = as_json | {
            name: {"schema": {} if "yaml" in name else ref("AnyText"), "examples": _shown(name)}
            for name in operation.texts
        }
    told = ["ETag"] if operation.gives == "Model" or "If-None-Match" in operation.headers else []
    told += ["Link"] if "cursor" in operation.query else []
    told += ["Idempotency-Replayed"] if view.__dict__.get("idempotent") else []
    return made | ({"headers": _headers(*told)} if told else {})


def _headers(*names: str) -> dict[str, JSON]:
    return {name: {"description": _TOLD[name], "schema": {"type": "string"}} for name in names}


def _json(name: str, *shown: str) -> dict[str, JSON]:
    return {"application/json": {"schema": ref(name), "examples": _shown(*shown)}}


def _shown(*names: str) -> dict[str, JSON]:
    """Examples of one media type, by what `examples` calls them."""
    kept = [_example_name(name) for name in names]
    return {name: {"$ref": f"#/components/examples/{name}"} for name in kept}


def _example_name(name: str) -> str:
    """A name that a component may have."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name.replace("[]", "List"))


def _version() -> str:
    try:
        return version("muster")
    except PackageNotFoundError:
        return "0"
