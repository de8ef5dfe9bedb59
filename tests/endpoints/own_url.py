"""Own behaviours: base URLs that are nearly right, and addresses that are never contacted."""

from __future__ import annotations

from collections.abc import Callable

from app.practice.wire import as_json
from tests.endpoints.base import Simulator
from tests.endpoints.own import accepted, rejected
from tests.endpoints.replies import html, text

PREFIXES = ("/openai/v1", "/api/v1", "/api/paas/v4", "/compatible-mode/v1", "/v1beta/openai", "/inference/v1")
DOCS = "https://platform.openai.com/docs/api-reference"
METADATA = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html"
SPELLINGS = {
    "decimal": "http://2852039166/v1",
    "octal": "http://0251.0376.0251.0376/v1",
    "hexadecimal": "http://0xa9fea9fe/v1",
    "short": "http://169.16689662/v1",
    "mapped": "http://[::ffff:169.254.169.254]/v1",
    "nat64": "http://[64:ff9b::a9fe:a9fe]/v1",
    "plain": "http://169.254.169.254/latest/meta-data",
    "name": "http://metadata.google.internal/v1",
    "link-local-ipv6": "http://[fe80::1]/v1",
    "unspecified": "http://0.0.0.0:PORT/v1",
    "multicast": "http://224.0.0.1/v1",
    "broadcast": "http://255.255.255.255/v1",
    "alibaba": "http://100.100.100.200/v1",
    "aws-ipv6": "http://[fd00:ec2::254]/v1",
}


def served_at(prefix: str) -> Callable[[Simulator], None]:
    """The change that serves the API at another prefix than was typed."""

    def change(sim: Simulator) -> None:
        """The API is served at another prefix; all else is 404."""
        sim.prefix = prefix
        sim.lost_reply = text(404, "404 page not found")

    return change


def typed(url: str) -> Callable[[Simulator], None]:
    """The change that types another URL; nothing may arrive where it points."""

    def change(sim: Simulator) -> None:
        """Another address is typed, in whatever spelling."""
        sim.typed_url = url

    return change


for _prefix in PREFIXES:
    rejected(
        f"own-prefix-{_prefix.strip('/').replace('/', '-')}",
        DOCS,
        "wrong_path",
        "base_url",
        path="",
        suggests={"base_url": _prefix},
    )(served_at(_prefix))

for _name, _url in SPELLINGS.items():
    rejected(f"own-address-{_name}", METADATA, "egress_denied", "base_url")(typed(_url))

for _name, _path in {"doubled": "/v1/v1", "models": "/v1/models", "embeddings": "/v1/embeddings"}.items():
    rejected(f"own-path-{_name}", DOCS, "wrong_path", "base_url", path=_path, suggests={"base_url": "/v1"})(
        served_at("/v1")
    )


@rejected(
    "own-a-v1-too-many",
    "https://github.com/Taewan-P/gpt_mobile/issues/285",
    "wrong_path",
    "base_url",
    path="/api/coding/v1",
    suggests={"base_url": "/api/coding"},
)
def _(sim: Simulator) -> None:
    """The API is at the typed path without its /v1."""
    sim.prefix = "/api/coding"
    sim.lost_reply = as_json({"error": "not found"}, 404)


@rejected(
    "own-openrouter-without-api",
    "https://openrouter.ai/docs/quickstart",
    "wrong_path",
    "base_url",
    path="/v1",
    suggests={"base_url": "/api/v1"},
)
def _(sim: Simulator) -> None:
    """/v1 is a page of the site, with 404; the API is at /api/v1."""
    sim.prefix = "/api/v1"
    sim.lost_reply = html(404, "404: This page could not be found.")


@rejected(
    "own-200-not-found",
    "https://fastapi.tiangolo.com/tutorial/handling-errors/",
    "wrong_path",
    "base_url",
    path="",
    suggests={"base_url": "/v1"},
)
def _(sim: Simulator) -> None:
    """What is not there is 405 for POST and a page for GET; the API is at /v1."""
    sim.prefix = "/v1"
    sim.lost_reply = lambda request: (
        as_json({"detail": "Method Not Allowed"}, 405)
        if request.method == "POST"
        else html(200, "Open WebUI")
    )


@accepted("own-slash-at-the-end", DOCS, path="/v1/")
def _(sim: Simulator) -> None:
    """The typed base ends with a slash, and doubled slashes are not served."""


@accepted("own-two-slashes-at-the-end", DOCS, path="/v1//")
def _(sim: Simulator) -> None:
    """The typed base ends with two slashes, and doubled slashes are not served."""


@accepted(
    "own-query-with-every-call",
    "https://learn.microsoft.com/azure/ai-services/openai/reference",
    path="/v1?tenant=a&api-version=2024-10-21",
)
def _(sim: Simulator) -> None:
    """Nothing is served without the query string of the base."""
    lost = as_json({"error": {"code": "404", "message": "Resource not found"}}, 404)
    sim.every(lost, when=lambda request: "tenant=a&api-version=2024-10-21" not in request.query)


@accepted("own-decimal-loopback", METADATA)
def _(sim: Simulator) -> None:
    """Loopback in decimal: allowed, and read as the resolver reads it."""
    sim.typed_url = "http://2130706433:PORT/v1"


@accepted("own-localhost-by-name", DOCS)
def _(sim: Simulator) -> None:
    """localhost may be IPv6 first, where nothing listens."""
    sim.typed_url = "http://localhost:PORT/v1"


@rejected(
    "own-host-unknown",
    "https://www.rfc-editor.org/rfc/rfc6761#section-6.4",
    "endpoint_unreachable",
    "base_url",
)
def _(sim: Simulator) -> None:
    """A name that can't exist."""
    sim.typed_url = "http://llm.invalid:PORT/v1"


@rejected("own-egress-deny-list", METADATA, "egress_denied", "base_url")
def _(sim: Simulator) -> None:
    """The address is on the deny list of the settings."""
    sim.settings |= {"egress_deny": ("127.0.0.0/8",), "egress_allow": ("127.0.0.1",)}


@rejected("own-egress-private-closed", METADATA, "egress_denied", "base_url")
def _(sim: Simulator) -> None:
    """Private addresses are closed, and another one is opened again."""
    sim.settings |= {"egress_private": False, "egress_allow": ("10.1.2.3", "*.example.com")}


@accepted("own-egress-private-closed-but-allowed", METADATA)
def _(sim: Simulator) -> None:
    """Private addresses are closed, and this one is opened again."""
    sim.settings |= {"egress_private": False, "egress_allow": ("127.0.0.0/8",)}
