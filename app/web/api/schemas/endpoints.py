"""Schemas of endpoints and of the models that they list."""

from __future__ import annotations

from collections.abc import Mapping

from app.registry.endpoints.form import ChangedEndpointForm, EndpointForm, NewEndpointForm
from app.web.api.schemas.forms import endpoint_request_schema, models_schema, request_schema
from app.web.api.schemas.probes import DIAGNOSIS, ERROR
from app.web.api.schemas.shapes import (
    ID,
    TIME,
    Schema,
    closed,
    nullable,
    or_null,
    ref,
    text,
    texts,
    whole,
)

_CERTIFICATE = closed({"subject": text(), "sha256": text(), "not_after": TIME})
_ENDPOINT = closed(
    {
        "id": ID,
        "name": text(),
        "base_url": text("Values of its query are shown to who may write."),
        "api_key_env": nullable(text("The variable that holds the key, if one does.")),
        "has_key": {"type": "boolean"},
        "key_changed": nullable(TIME),
        "key_ends": nullable(TIME | {"description": "As somebody stated it; most keys do not tell."}),
        "auth": closed({"header": text(), "scheme": text()}),
        "headers": texts("Names; no value ever comes back."),
        "ca": or_null(_CERTIFICATE),
        "client_certificate": or_null(_CERTIFICATE),
        "proxy": nullable(text("A proxy of its own, as http://host:port.")),
        "proxy_has_password": {"type": "boolean"},
        "models": whole("How many models are served there."),
        "health": {"enum": ["up", "degraded", "down", "unknown"]},
        "created": TIME,
        "updated": TIME,
    }
)
_RESULT = closed(
    {
        "model_id": text(),
        "outcome": {"enum": ["registered", "rejected", "exists"]},
        "model": or_null(ref("Model")),
        "error": or_null(DIAGNOSIS),
        "probe": nullable(ID),
    }
)
_PROVEN = closed(
    {
        "model": ID,
        "model_id": text(),
        "outcome": {"enum": ["accepted", "rejected"]},
        "error": or_null(DIAGNOSIS),
    }
)
_OFFERED = closed(
    {
        "id": text(),
        "model_type": nullable(text()),
        "context_window": nullable(whole("In tokens.")),
        "values": {"type": "object", "additionalProperties": text(), "description": "Fields of a model."},
        "source": nullable(text("Where prices come from that the endpoint does not tell.")),
        "registered": nullable(text("The id of the model that is registered with it.")),
    }
)

_PLAIN: Mapping[str, Schema] = {
    "Endpoint": _ENDPOINT,
    "EndpointAnswer": closed(
        {"endpoint": or_null(ref("Endpoint")), "results": {"type": "array", "items": _RESULT}}
    ),
    "EndpointRejection": closed(
        {
            "error": ERROR,
            "endpoint": {"type": "null"},
            "results": {"type": "array", "items": {"anyOf": [_RESULT, _PROVEN]}},
        },
        required=["error"],
    ),
    "Catalog": closed(
        {
            "models": {"type": "array", "items": _OFFERED},
            "problem": nullable(text("Why there is no list, where there is none.")),
        }
    ),
}


def schemas() -> dict[str, Schema]:
    """Those of endpoints by name; needs a request, since forms do."""
    region = nullable(text("Of every model that names none."))
    return {
        "EndpointRequest": endpoint_request_schema(NewEndpointForm, ("base_url", "models")),
        "EndpointChange": endpoint_request_schema(ChangedEndpointForm, ()),
        "EndpointModelsRequest": closed({"models": models_schema(), "region": region}, required=["models"]),
        "CatalogRequest": request_schema(EndpointForm) | {"required": ["base_url"]},
        **_PLAIN,
    }
