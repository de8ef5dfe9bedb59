"""Traces for OpenTelemetry: by its own usual variables, where its packages are installed, else nothing.

`pip install "muster[otel]"` brings them. A trace that a caller began goes on here; it is not handed on to the
endpoints, which are other people's, and a probe sends only what the contract says.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from flask import Flask

log = logging.getLogger("muster.tracing")
_WANTED_BY = (
    "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER",
)  # fmt: skip
_URLS = ("http.url", "url.full", "http.target", "url.query")


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Whether these variables ask for traces (OpenTelemetry, "Environment Variable Specification")."""
    off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    none = environ.get("OTEL_TRACES_EXPORTER") == "none"
    return not off and not none and any(environ.get(name) for name in _WANTED_BY)


def start(app: Flask) -> None:
    """Trace requests, calls to endpoints and queries, if the environment asks for it."""
    if not is_wanted(os.environ):
        return
    try:
        exporter = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter").OTLPSpanExporter()
        _instrument(app, Discreet(exporter))
    except ImportError as error:
        log.warning("OTEL_ variables are set, but %s is not installed: pip install muster[otel]", error.name)


def _instrument(app: Flask, exporter: Discreet) -> None:
    api, sdk = import_module("opentelemetry.trace"), import_module("opentelemetry.sdk.trace")
    batches = import_module("opentelemetry.sdk.trace.export").BatchSpanProcessor(exporter)
    within = "opentelemetry.instrumentation"
    flask = import_module(f"{within}.flask").FlaskInstrumentor()
    # Below requests: a probe calls its adapter itself, and has no session.
    calls = import_module(f"{within}.urllib3").URLLib3Instrumentor()
    queries = import_module(f"{within}.sqlalchemy").SQLAlchemyInstrumentor()
    os.environ.setdefault("OTEL_SERVICE_NAME", "muster")
    provider = sdk.TracerProvider()
    provider.add_span_processor(batches)
    api.set_tracer_provider(provider)
    import_module("opentelemetry.propagate").set_global_textmap(_incoming_only())
    flask.instrument_app(app)
    calls.instrument()
    with app.app_context():
        # It works with SQLAlchemy 2.1 too (a test has it), and does not know so yet.
        queries.instrument(engine=app.extensions["sqlalchemy"].engine, skip_dep_check=True)


def _incoming_only() -> Any:
    """A propagator that reads a caller's trace and writes none into what is sent."""
    usual = import_module("opentelemetry.trace.propagation.tracecontext").TraceContextTextMapPropagator
    return type("IncomingOnly", (usual,), {"inject": lambda *_args, **_named: None})()


class Discreet:
    """Hands spans on to an exporter without what may hold a secret: query strings and messages of errors."""

    def __init__(self, exporter: Any) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[Any]) -> Any:
        """Export them."""
        return self._exporter.export([_cleaned(span) for span in spans])

    def shutdown(self) -> None:
        """End."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what is waiting."""
        return bool(self._exporter.force_flush(timeout_millis))


def _cleaned(span: Any) -> Any:
    """The span with URLs up to their query, without events (exceptions, with the URLs in their messages)."""
    kept = {name: value for name, value in span.attributes.items() if name != "url.query"}
    kept |= {name: kept[name].partition("?")[0] for name in _URLS if isinstance(kept.get(name), str)}
    status = type(span.status)(span.status.status_code)
    return import_module("opentelemetry.sdk.trace").ReadableSpan(
        name=span.name, context=span.context, parent=span.parent, resource=span.resource, attributes=kept,
        links=span.links, kind=span.kind, status=status, start_time=span.start_time, end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )  # fmt: skip
