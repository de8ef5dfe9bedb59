"""Second round: pages of bot filters (rule 12), known prefixes and plain web servers (13)."""

from __future__ import annotations

from app.practice.wire import Reply, as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.now_and_then import at_first
from tests.endpoints.own import briefly
from tests.endpoints.replies import html, text
from tests.endpoints.second import accepted, rejected

HTML = "text/html; charset=UTF-8"
NGINX_405 = (
    "<html>\r\n<head><title>405 Not Allowed</title></head>\r\n<body>\r\n<center><h1>405 Not "
    "Allowed</h1></center>\r\n"
    "<hr><center>nginx/1.27.3</center>\r\n</body>\r\n</html>\r\n"
)


def page(status: int, title: str, body: str, **headers: str) -> Reply:
    """A page as a filter in front of an API makes it."""
    return text(
        status,
        f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{body}</body></html>",
        HTML,
        **headers,
    )


@accepted(
    "r12-challenge-at-first",
    "https://github.com/anthropics/claude-code/issues/30437",
    shows="Just a moment...",
)
def _(sim: Simulator) -> None:
    """Cloudflare challenges the first two calls with a page, and lets the later ones through."""
    body = '<div id="challenge-error-text">Enable JavaScript and cookies to continue</div>'
    challenge = page(
        403, "Just a moment...", body, server="cloudflare", cf_ray="8d49989a-LHR", cf_mitigated="challenge"
    )
    sim.refuse(at_first(2, challenge))


@rejected(
    "r12-blocked-for-good",
    "https://github.com/mckaywrigley/chatbot-ui/issues/1684",
    "not_openai_compatible permission_denied",
    "base_url",
    path="/openai/v1",
    shows="Sorry, you have been blocked",
)
def _(sim: Simulator) -> None:
    """Cloudflare's block of an address: a page on every route, and no word of any key."""
    body = (
        '<div id="cookie-alert">Please enable cookies.</div><div id="cf-error-details"><h1>Sorry, you '
        "have been "
        "blocked</h1><h2>You are unable to access api.example</h2></div>"
    )
    sim.every(page(403, "Attention Required! | Cloudflare", body, server="cloudflare", cf_ray="88a1b2c3-FRA"))
    briefly(sim)


@rejected(
    "r12-reference-page",
    "https://techdocs.akamai.com/property-mgr/docs/err-codes",
    "not_openai_compatible permission_denied",
    "base_url",
    shows="AkamaiGHost",
)
def _(sim: Simulator) -> None:
    """Akamai: "you don't have permission" is said to a program, not to a key."""
    body = (
        "<H1>Access Denied</H1>You don't have permission to access "
        '"http&#58;&#47;&#47;llm&#46;example&#47;v1&#47;chat&#47;completions" on this server.<P>'
        "Reference&#32;&#35;18&#46;6f5d0217&#46;1767000000&#46;1a2b3c4</P>"
    )
    sim.every(page(403, "Access Denied", body, server="AkamaiGHost"))
    briefly(sim)


@rejected(
    "r12-incident-id",
    "https://docs.imperva.com/bundle/cloud-application-security/page/more/error-codes.htm",
    "not_openai_compatible",
    "base_url",
    shows="Incapsula incident",
)
def _(sim: Simulator) -> None:
    """Imperva: a page with an incident number, called 200."""
    body = "Request unsuccessful. Incapsula incident ID: 1234000560123456789-98765432"
    sim.every(page(200, "", body, x_iinfo="5-12345678-0 0NNN RT(1767000000000)", x_cdn="Imperva"))
    briefly(sim)


@rejected(
    "r12-json-behind-cloudflare",
    "https://console.groq.com/docs/errors",
    "permission_denied",
    "api_key base_url",
    path="/openai/v1",
    shows="check your network settings",
)
def _(sim: Simulator) -> None:
    """The API's own JSON, with the headers of the filter in front of it: its words count, it is no page."""
    refusal = as_json(
        {"error": {"message": "Access denied. Please check your network settings.", "type": "access_denied"}},
        403,
        server="cloudflare",
        cf_ray="9bcf137b-AMS",
    )
    sim.every(refusal)


@rejected(
    "r13-ovms-from-the-root",
    "https://docs.openvino.ai/2026/model-server/ovms_docs_rest_api_embeddings.html",
    "wrong_path",
    "base_url",
    path="",
    kind="embedding",
    model="BAAI/bge-large-en-v1.5",
    suggests={"base_url": "/v3"},
    shows="Invalid request URL",
)
def _(sim: Simulator) -> None:
    """OpenVINO Model Server: typed without any path, the API is at /v3."""
    sim.prefix = "/v3"
    sim.lost_reply = as_json({"error": "Invalid request URL"}, 404)


@rejected(
    "r13-behind-inference-openai",
    "https://docs.cloudera.com/machine-learning/cloud/ai-inference/topics/ml-caii-openai-inference-protocol.html",
    "wrong_path",
    "base_url",
    path="",
    suggests={"base_url": "/inference/openai/v1"},
    shows="Not Found",
)
def _(sim: Simulator) -> None:
    """An inference service that keeps OpenAI's protocol at a path of its own."""
    sim.prefix = "/inference/openai/v1"
    sim.lost_reply = as_json({"detail": "Not Found"}, 404)


@rejected(
    "r13-behind-api-openai",
    "https://dreamgen.com/docs/api",
    "wrong_path",
    "base_url",
    path="/v1",
    suggests={"base_url": "/api/openai/v1"},
    shows="Method Not Allowed",
)
def _(sim: Simulator) -> None:
    """A page for people at the root, the API below /api/openai/v1."""
    sim.prefix = "/api/openai/v1"
    sim.every(html(200, "Chat"), lambda request: request.method == "GET" and "/api/" not in request.path)
    sim.lost_reply = as_json({"detail": "Method Not Allowed"}, 405)


@rejected(
    "r13-nginx-that-serves-files",
    "https://nginx.org/en/docs/http/ngx_http_core_module.html",
    "not_openai_compatible",
    "base_url",
    shows="405 Not Allowed",
)
def _(sim: Simulator) -> None:
    """A web server of files: a page to GET, 405 to POST. It failed at nothing."""
    sim.every(html(200, "Welcome to nginx!", server="nginx/1.27.3"), lambda request: request.method == "GET")
    sim.every(text(405, NGINX_405, "text/html", server="nginx/1.27.3"))


@rejected(
    "r13-python-that-serves-files",
    "https://docs.python.org/3/library/http.server.html",
    "not_openai_compatible",
    "base_url",
    shows="Unsupported method",
)
def _(sim: Simulator) -> None:
    """Python's own web server: a listing to GET, 501 to POST."""
    refusal = (
        '<!DOCTYPE HTML>\n<html lang="en"><head><title>Error response</title></head><body><h1>Error '
        "response</h1>"
        "<p>Error code: 501</p><p>Message: Unsupported method ('POST').</p></body></html>"
    )
    found = html(200, "Directory listing for /", server="SimpleHTTP/0.6 Python/3.12.3")
    missing = html(404, "Error response", server="SimpleHTTP/0.6 Python/3.12.3")
    sim.every(found, lambda request: request.method == "GET" and request.path == "/")
    sim.every(missing, lambda request: request.method == "GET")
    sim.every(text(501, refusal, "text/html;charset=utf-8", server="SimpleHTTP/0.6 Python/3.12.3"))


@rejected(
    "r13-501-of-an-engine",
    "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
    "wrong_model_type",
    "model_type",
    kind="rerank",
    model="qwen3-8b",
    shows="does not support reranking",
)
def _(sim: Simulator) -> None:
    """A 501 again, but of llama.cpp's own in JSON: the API is there, the model does not rerank."""
    message = "This server does not support reranking. Start it with `--reranking`"
    sim.traits(kind="chat")
    sim.mismatch_reply = error(501, message, kind="not_supported_error", code=501)
