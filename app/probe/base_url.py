"""The base URL as typed, taken apart once; where another base may work."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit, urlunsplit

_VERSION = re.compile(r"/v\d+(alpha|beta)?\d*$")
OPERATIONS = (
    "/chat/completions",
    "/completions",
    "/embeddings",
    "/images/generations",
    "/images/edits",
    "/rerank",
    "/models",
    "/audio/transcriptions",
    "/audio/translations",
    "/audio/speech",
    "/moderations",
    "/realtime",
    "/responses",
    "/messages",
    "/chat",
)
PREFIXES = (
    "/v1",
    "/api/v1",
    "/openai/v1",
    "/v3",
    "/api",
    "/openai",
    "/inference/v1",
    "/v1beta/openai",
    "/api/openai/v1",
    "/compatible-mode/v1",
    "/engines/v1",
    "/api/v3",
    "/api/paas/v4",
    "/inference/openai/v1",
    "/llm/v1",
    "/api/v2",
)
"""Where servers and gateways put the API that may be at any host, the commonest first (docs/probe.md,
"Reading what was typed")."""
OF_A_WEB_APP = ("/api", "/api/v1")
"""Where the API is below a web app, which takes every other path for one of its pages."""
HOSTS: Mapping[str, tuple[str, ...]] = {
    "aliyuncs.com": ("/compatible-mode/v1",),
    "amazonaws.com": ("/openai/v1", "/v1"),
    "api.cohere.ai": ("/compatibility/v1",),
    "api.cohere.com": ("/compatibility/v1",),
    "api.deepinfra.com": ("/v1/openai",),
    "api.fireworks.ai": ("/inference/v1",),
    "api.friendli.ai": ("/serverless/v1",),
    "api.groq.com": ("/openai/v1",),
    "api.novita.ai": ("/openai/v1", "/v3/openai"),
    "api.perplexity.ai": ("", "/v1"),
    "api.z.ai": ("/api/paas/v4", "/api/coding/paas/v4"),
    "azuredatabricks.net": ("/serving-endpoints",),
    "bigmodel.cn": ("/api/paas/v4", "/api/coding/paas/v4"),
    "bytepluses.com": ("/api/v3",),
    "cloud.databricks.com": ("/serving-endpoints",),
    "generativelanguage.googleapis.com": ("/v1beta/openai",),
    "inference.ai.azure.com": ("",),
    "model-runner.docker.internal": ("/engines/v1", "/engines/llama.cpp/v1"),
    "models.github.ai": ("/inference",),
    "openai.azure.com": ("/openai/v1",),
    "openrouter.ai": ("/api/v1",),
    "qianfan.baidubce.com": ("/v2",),
    "router.huggingface.co": ("/v1",),
    "services.ai.azure.com": ("/openai/v1",),
    "snowflakecomputing.com": ("/api/v2/cortex/v1",),
    "volces.com": ("/api/v3",),
}
"""Where a vendor puts it at hosts of its own, by the end of the host's name: as each says in its
documentation of the API, seen in November 2026. Nothing else is tried there."""


@dataclass(frozen=True, slots=True)
class Base:
    """A base URL: scheme, host with port, path without a slash at its end, query."""

    scheme: str
    netloc: str
    path: str
    query: str

    @classmethod
    def of(cls, url: str) -> Base:
        """Take a typed base URL apart; the host must have been validated before."""
        parts = urlsplit(url.strip())
        return cls(parts.scheme.lower(), parts.netloc, parts.path.rstrip("/"), parts.query)

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.netloc.lower()}"

    def url(self, route: str) -> str:
        """The URL of a route under this base, its query kept. `route` may carry a query of its own."""
        path, _, more = route.partition("?")
        query = "&".join(filter(None, (self.query, more)))
        return urlunsplit((self.scheme, self.netloc, f"{self.path}/{path.lstrip('/')}", query, ""))

    @property
    def stem(self) -> Base:
        """This base without the version (`/v1`) that its path ends with."""
        return replace(self, path=_VERSION.sub("", self.path))

    def __str__(self) -> str:
        return urlunsplit((self.scheme, self.netloc, self.path, self.query, ""))


_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> str:
    """Scheme, host and port of a valid URL, in lower case, the port always said."""
    parts = urlsplit(url.strip())
    scheme, host = parts.scheme.lower(), parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}:{parts.port or _PORTS[scheme]}"


_VALUE = re.compile(r"=[^&]*")


def without_query_values(url: str) -> str:
    """A base URL for who may not see the values of its query, which may be keys: `?key=…`."""
    head, mark, query = url.partition("?")
    return f"{head}?{_VALUE.sub('=…', query)}" if mark else url


def candidates(base: Base, *, web_app: bool = False) -> Iterator[Base]:
    """Other bases that may be what was meant, the likeliest first, none twice.

    Those made of the typed path come first (see `kin`), then what the vendor of a known host has there, else
    the known prefixes; below a path of several steps, such as a gateway's, its own neighbours come before
    those. `web_app`: what was typed is answered by a web app, so that the API may be below that.
    """
    seen = {base.path}
    parents = tuple(_parents(base.path))
    is_deep = _VERSION.sub("", without_operation(base.path)).count("/") > 1
    known = _of_host(base) or (*(OF_A_WEB_APP if web_app else ()), *PREFIXES)
    further = (*parents, *known) if is_deep else (*known, *parents)
    for path in (*_kin(base.path), *_below_version(base.path), *further, ""):
        if path not in seen:
            seen.add(path)
            yield replace(base, path=path)


def _of_host(base: Base) -> tuple[str, ...]:
    host = (urlsplit(f"//{base.netloc}").hostname or "").lower()
    return next((paths for end, paths in HOSTS.items() if f".{host}".endswith(f".{end}")), ())


def kin(base: Base) -> tuple[Base, ...]:
    """The bases that the typed path itself suggests: without an operation that was pasted with it, with a
    version or without one, with a doubled version once, with another version.
    """
    paths = dict.fromkeys(_kin(base.path))
    paths.pop(base.path, None)
    return tuple(replace(base, path=path) for path in paths)


def _kin(typed: str) -> Iterator[str]:
    stem = without_operation(typed)
    if stem != typed:
        yield stem
        if not _VERSION.search(stem):
            yield stem + "/v1"
    if "/v1/v1" in stem:
        yield stem.replace("/v1/v1", "/v1")
    if stem.endswith("/api"):
        yield stem.removesuffix("/api") + "/v1"
    version = _VERSION.search(stem)
    if version is None:
        yield stem + "/v1"
        return
    yield stem.removesuffix(version.group())
    yield from (stem.removesuffix(version.group()) + other for other in ("/v1", "/v2") if other not in stem)


def _below_version(typed: str) -> Iterator[str]:
    """Some serve their own API at the version, and this one below it (`/v1/openai`)."""
    if _VERSION.search(typed):
        yield typed + "/openai"


def _parents(typed: str) -> Iterator[str]:
    stem = without_operation(typed)
    if stem:
        yield stem + "/openai/v1"
    while stem:
        parent = stem.rpartition("/")[0]
        if not _VERSION.search(parent):
            yield parent + "/v1"
        yield parent
        stem = parent


def without_operation(path: str) -> str:
    """`path` without an operation (`/chat/completions` …) pasted at its end."""
    for operation in OPERATIONS:
        if path.endswith(operation):
            return path[: -len(operation)].rstrip("/")
    return path
