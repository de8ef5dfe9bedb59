"""/openapi.json, made from what the routes, the form and the document say; reference.py shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from flask import Blueprint, Flask, Response, current_app, request
from werkzeug.routing import Rule

from app.config import settings
from app.probe.capabilities import CAPABILITIES
from app.probe.model_types import MODEL_TYPES
from app.probe.reliability import FEWEST, MOST
from app.probe.values import DEPTHS
from app.registry.clients import CLIENT_BY_NAME
from app.registry.declared.labels import LONGEST, LONGEST_TAG
from app.registry.exchange.artefacts import KINDS
from app.registry.exchange.exports import FORMATS
from app.registry.stored_documents import StoredDocument, encoded, etag_of
from app.web.api import examples, schemas
from app.web.api.answers import conditional, document_answer
from app.web.api.describe import Operation, describe
from app.web.api.query import LONGEST_PAGE, PAGE
from app.web.api.watch import examples as watch_examples
from app.web.api.watch.schemas import SCHEMAS as WATCH_SCHEMAS

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

_TEXT = {"type": "string", "pattern": schemas.NO_NUL}

_MOMENT = {"type": "string", "format": "date-time"}

# By name; where two routes mean different things by one name, by `route:name`.
_QUERY: Mapping[str, tuple[str, JSON]] = {
    "limit": (
        "How many entries a page may have.",
        {"type": "integer", "minimum": 1, "maximum": LONGEST_PAGE, "default": PAGE},
    ),
    "cursor": ("Where the page begins; take it from the Link header of the page before.", schemas.ID),
    "q": (
        "Words, each of them in model_id, display_name, base_url, description or a tag, in any letter case.",
        {**_TEXT, "maxLength": 256},
    ),
    "model_type": ("Only models of this type.", {"enum": list(MODEL_TYPES)}),
    "region": ("Only models of this region.", {**_TEXT, "maxLength": 64}),
    "status": ("Only models of this health.", {"enum": ["up", "degraded", "down", "unknown"]}),
    "enabled": ("Only enabled or only disabled models.", {"enum": ["true", "false"]}),
    "endpoint": ("Only models of the endpoint with this id.", {**_TEXT, "maxLength": 36}),
    "tag": ("Only models with this tag.", {**_TEXT, "maxLength": LONGEST_TAG}),
    "owner": ("Only models of this owner.", {**_TEXT, "maxLength": LONGEST["owner"]}),
    "capability": (
        "Only models that a probe has seen doing this.",
        {"enum": [row.name for row in CAPABILITIES]},
    ),
    "works_with": ("Only models that this client was seen to work with.", {"enum": list(CLIENT_BY_NAME)}),
    "strict": ("Reject where a declared capability is not observed.", {"enum": ["true", "false"]}),
    "partial": ("Store it although some models fail; those are down.", {"enum": ["true", "false"]}),
    "move_key": (
        "Let the stored key go to another origin; for the scope admin.",
        {"enum": ["true", "false"]},
    ),
    "depth": (
        "`proof` asks only what decides; `full` also what the model can do; `deep` also reads a text as long "
        "as the context window, which costs that many tokens.",
        {"enum": list(DEPTHS)},
    ),
    "repeat": (
        "Ask some checks this many times in place of all of them once, and tell how often they pass.",
        {"type": "integer", "minimum": FEWEST, "maximum": MOST},
    ),
    "checks": (
        "Which checks to repeat, with commas between them; by default tool_calling.",
        {**_TEXT, "maxLength": 1000},
    ),
    "import:region": (
        "The region for models whose definition names none.",
        {**_TEXT, "maxLength": 64},
    ),
    "disabled": ("`true` exports disabled models too.", {"enum": ["true", "false"]}),
    "export:format": ("The form of the list; by default a LiteLLM config.yaml.", {"enum": list(FORMATS)}),
    "export:healthy": ("`true` leaves out models that are down.", {"enum": ["true", "false"]}),
    "artefact:kind": ("Only this one, as text.", {"enum": list(KINDS)}),
    "from": ("Where the history begins; a day before `to` where it is absent.", _MOMENT),
    "to": ("Where it ends; now where it is absent.", _MOMENT),
    "step": ("By the hour or by the day; by itself as the range suggests.", {"enum": ["hour", "day"]}),
    "incidents:state": ("Only open or only resolved ones.", {"enum": ["open", "resolved"]}),
    "after": (
        "The cursor of the last event that was read; 0 or absent: from the beginning.",
        {"type": "integer", "minimum": 0, "maximum": 2**62},
    ),
    "wait": (
        "Seconds to wait for news where there is none.",
        {"type": "integer", "minimum": 0, "maximum": 60, "default": 0},
    ),
    "healthy": ("`true` leaves out what is down; anything else is passed over.", {"type": "string"}),
    "dry_run": ("Only report what would be done.", {"enum": ["true", "false"]}),
}
_HEADERS: Mapping[str, tuple[str, JSON]] = {
    "If-None-Match": (
        "An ETag: answers 304 where nothing changed.",
        {"type": "string"},
    ),
    "If-Match": ("The ETag that the change is based on.", {"type": "string"}),
    "Idempotency-Key": (
        "The same key with the same request within 24 hours returns the first answer again.",
        {"type": "string", "pattern": r"^[!-~]{1,255}$"},
    ),
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
    return made | {"servers": [{"url": root_url()}]}


def root_url() -> str:
    """Where this Muster is served, without a slash at the end."""
    return settings().public_url or request.url_root.rstrip("/")


def _document(app: Flask) -> dict[str, JSON]:
    about = "A registry for LLM endpoints that lets in only what it has seen working."
    shown = (*examples.answers(), *watch_examples.ANSWERS.items(), *examples.ERRORS.items())
    return {
        "openapi": "3.1.0",
        "info": {"title": "Muster", "version": _version(), "description": about},
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": _paths(app),
        "components": {
            "schemas": dict(schemas.components()) | dict(WATCH_SCHEMAS),
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
        "parameters": list(_parameters(rule, view, operation)),
        "responses": dict(_responses(rule, view, operation, scope)),
    }
    text = " ".join(" ".join(rest).split())
    made["description"] = f"{text} Needs the scope `{scope}`.".strip() if scope else text
    if operation.takes:
        made["requestBody"] = {"required": True, "content": {"application/json": _media(operation)}}
    return made


def _media(operation: Operation) -> dict[str, JSON]:
    made: dict[str, JSON] = {"schema": schemas.ref(operation.takes)}
    if operation.most is not None:
        made["schema"]["maxItems"] = operation.most
    if operation.examples:
        made["examples"] = {name: {"value": value} for name, value in operation.examples.items()}
    return made


def _parameters(rule: Rule, view: Any, operation: Operation) -> Iterator[dict[str, JSON]]:
    if rule.arguments:
        yield {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1},
               "description": "The id, or for a model its exact refId, percent-encoded."}  # fmt: skip
    for name in operation.query:
        text, schema = _QUERY[name]
        yield {"name": name.rpartition(":")[2], "in": "query", "description": text, "schema": schema}
    headers = [*operation.headers, *(["Idempotency-Key"] if view.__dict__.get("idempotent") else [])]
    for name in headers:
        text, schema = _HEADERS[name]
        yield {"name": name, "in": "header", "description": text, "schema": schema}


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
            name: {"schema": {} if "yaml" in name else schemas.ref("AnyText"), "examples": _shown(name)}
            for name in operation.texts
        }
    told = ["ETag"] if operation.gives == "Model" or "If-None-Match" in operation.headers else []
    told += ["Link"] if "cursor" in operation.query else []
    told += ["Idempotency-Replayed"] if view.__dict__.get("idempotent") else []
    return made | ({"headers": _headers(*told)} if told else {})


def _headers(*names: str) -> dict[str, JSON]:
    return {name: {"description": _TOLD[name], "schema": {"type": "string"}} for name in names}


def _json(name: str, *shown: str) -> dict[str, JSON]:
    return {"application/json": {"schema": schemas.ref(name), "examples": _shown(*shown)}}


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
