"""Field reports about the base URL: what is there, and what lies next to it."""

from __future__ import annotations

from app.practice.wire import Reply, Request, as_json
from tests.endpoints.base import Simulator
from tests.endpoints.certificates import bundle, served
from tests.endpoints.replies import html, text
from tests.endpoints.reports import report


@report("full-path-pasted-doubled")
def _(sim: Simulator) -> None:
    sim.prefix = "/v1"
    sim.lost_reply = html(404, "404 Not Found")


@report("provider-without-v1-must-not-append")
def _(sim: Simulator) -> None:
    sim.lost_reply = text(404, "404 page not found")


@report("private-ip-ollama-blocked-false-negative")
def _(sim: Simulator) -> None:
    """Loopback stands for the private network here; both are allowed by default."""
    sim.key = sim.api_key = ""
    sim.lost_reply = text(404, "404 page not found")


@report("lmstudio-200-unexpected-endpoint")
def _(sim: Simulator) -> None:
    sim.prefix, sim.key = "/v1", ""
    sim.lost_reply = unexpected_endpoint


def unexpected_endpoint(request: Request) -> Reply:
    """What LM Studio says about any path that it does not serve."""
    message = f"Unexpected endpoint or method. ({request.method} {request.path})"
    return as_json({"error": message}, X_Powered_By="Express")


@report("spa-html-200-on-missing-v1")
def _(sim: Simulator) -> None:
    page = '<!doctype html><html lang="zh"><head><meta charset="utf-8"/><title>New API</title></head><body>'
    sim.prefix = "/v1"
    sim.lost_reply = text(200, page + '<div id="root"></div></body></html>', "text/html; charset=utf-8")


@report("egress-guard-silent")
def _(sim: Simulator) -> None:
    sim.settings["egress_private"] = False


@report("dify-localhost-docker-refused", "completions-url-doubled-localhost")
def _(sim: Simulator) -> None:
    sim.refuses_connections = True


@report("http-to-https-redirect-strips-auth")
def _(sim: Simulator) -> None:
    """One port speaks both, as a host does on 80 and 443: plain HTTP is told to come back by https."""
    sim.tls, sim.settings["ca_bundle"] = served(), bundle()
    sim.plain_reply = lambda request: Reply(
        301, b"", "text/html", {"location": f"{sim.origin.replace('http', 'https')}{request.path}"}
    )


@report("base-without-v1-append")
def _(sim: Simulator) -> None:
    sim.prefix = "/v1"
    sim.lost_reply = text(404, "404 page not found", "text/plain")
