"""The typed base URL: taken apart, joined with one slash, and what else may have been meant."""

from __future__ import annotations

import pytest

from app.probe.base_url import HOSTS, OPERATIONS, PREFIXES, Base, candidates, without_operation


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("http://h/v1", "http://h/v1/models"),
        ("http://h/v1/", "http://h/v1/models"),
        ("http://h/v1///", "http://h/v1/models"),
        (" http://h/v1\n", "http://h/v1/models"),
        ("http://h", "http://h/models"),
        ("http://h/", "http://h/models"),
        ("HTTP://Host:8000/V1", "http://Host:8000/V1/models"),
        ("http://h/v1?api-version=2", "http://h/v1/models?api-version=2"),
        ("http://h/v1/?a=1&b=%2F", "http://h/v1/models?a=1&b=%2F"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1/models"),
        ("http://h/v1#part", "http://h/v1/models"),
        ("http://h/a%20b", "http://h/a%20b/models"),
    ],
)
def test_a_route_joins_with_one_slash_and_the_query_stays(typed: str, url: str) -> None:
    assert Base.of(typed).url("/models") == url
    assert Base.of(typed).url("models") == url


def test_a_route_may_bring_a_query_of_its_own() -> None:
    assert Base.of("http://h/v1?a=1").url("/realtime?model=m") == "http://h/v1/realtime?a=1&model=m"
    assert Base.of("http://h/v1").url("/realtime?model=m") == "http://h/v1/realtime?model=m"


def test_a_base_as_text_and_its_origin() -> None:
    base = Base.of("https://Host:8443/v1/?a=1")
    assert (str(base), base.origin) == ("https://Host:8443/v1?a=1", "https://host:8443")


def paths(typed: str) -> list[str]:
    return [base.path for base in candidates(Base.of(f"http://h{typed}"))]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", "/v1"),
        ("/v1/v1", "/v1"),
        ("/v1/chat/completions", "/v1"),
        ("/v1/chat/completions/", "/v1"),
        ("/v1/embeddings", "/v1"),
        ("/openai/v1/chat/completions", "/openai/v1"),
        ("/api/paas/v4/chat/completions", "/api/paas/v4"),
        ("/chat/completions", ""),
        ("/proxy", "/proxy/v1"),
        ("/api/coding/v1", "/api/coding"),
        ("/v1/models", "/v1"),
    ],
)
def test_the_likeliest_base_comes_first(typed: str, meant: str) -> None:
    assert paths(typed)[0] == meant


@pytest.mark.parametrize("typed", ["", "/v1", "/api", "/v1/chat/completions", "/a/b/c"])
def test_the_prefixes_of_vendors_follow(typed: str) -> None:
    found = paths(typed)
    assert {prefix for prefix in PREFIXES if prefix != typed} <= set(found)
    assert len(found) == len(set(found)), "none twice"
    assert typed not in found, "not what was typed"


def test_parents_of_the_typed_path_are_tried() -> None:
    assert {"/a/b/v1", "/a/v1", "/a", "/v1", ""} <= set(paths("/a/b"))
    assert paths("/x/api").index("/x/v1") < paths("/x/api").index("/x")


@pytest.mark.parametrize(
    ("host", "prefix"),
    [
        ("api.groq.com", "/openai/v1"),
        ("ark.cn-beijing.volces.com", "/api/v3"),
        ("dashscope-intl.aliyuncs.com:443", "/compatible-mode/v1"),
        ("adb-123.azuredatabricks.net", "/serving-endpoints"),
        ("API.DeepInfra.com", "/v1/openai"),
    ],
)
def test_at_a_vendors_host_only_its_own_prefix_is_tried(host: str, prefix: str) -> None:
    found = [base.path for base in candidates(Base.of(f"https://{host}"))]
    assert prefix in found and not (set(PREFIXES) - {"/v1"}) & (set(found) - {prefix})


@pytest.mark.parametrize("host", ["notgroq.com", "api.groq.com.example.org", "[::1]:8080"])
def test_another_host_gets_the_known_prefixes(host: str) -> None:
    assert set(PREFIXES) <= {base.path for base in candidates(Base.of(f"https://{host}"))}
    assert all(not end.startswith(".") and end == end.lower() for end in HOSTS)


def test_below_a_web_app_its_api_comes_first() -> None:
    found = [base.path for base in candidates(Base.of("http://h:3000"), web_app=True)]
    assert found[:3] == ["/v1", "/api", "/api/v1"]


def test_candidates_keep_host_and_query() -> None:
    for base in candidates(Base.of("https://h:1/x?a=1")):
        assert (base.scheme, base.netloc, base.query) == ("https", "h:1", "a=1")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_pasted_operation_is_taken_off(operation: str) -> None:
    assert without_operation(f"/v1{operation}") == "/v1"
    assert without_operation("/v1") == "/v1"
