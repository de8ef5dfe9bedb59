"""What the parameters of calls mean: those of queries and the headers, for /openapi.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from werkzeug.routing import Rule

from app.probe.capabilities import CAPABILITIES
from app.probe.model_types import MODEL_TYPES
from app.probe.reliability import FEWEST, MOST
from app.probe.values import DEPTHS
from app.registry.clients import CLIENT_BY_NAME
from app.registry.declared.labels import LONGEST, LONGEST_TAG
from app.registry.exchange.artefacts import KINDS
from app.registry.exchange.exports import FORMATS
from app.web.api.describe import Operation
from app.web.api.query import LONGEST_PAGE, PAGE
from app.web.api.schemas.shapes import ID, NO_NUL

JSON = Any

_TEXT = {"type": "string", "pattern": NO_NUL}

_MOMENT = {"type": "string", "format": "date-time"}

# By name; where two routes mean different things by one name, by `route:name`.
_QUERY: Mapping[str, tuple[str, JSON]] = {
    "limit": (
        "How many entries a page may have.",
        {"type": "integer", "minimum": 1, "maximum": LONGEST_PAGE, "default": PAGE},
    ),
    "cursor": ("Where the page begins; take it from the Link header of the page before.", ID),
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


def parameters(rule: Rule, view: Any, operation: Operation) -> Iterator[dict[str, JSON]]:
    """What a route takes beside its body, as OpenAPI has it: the id of its path, its query, its headers."""
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
