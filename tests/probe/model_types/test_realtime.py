"""Realtime models: what a WebSocket must say, and every way in which it may not."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.sync.server import ServerConnection, serve

from app.practice.wire import Reply, Request, as_json, error
from app.probe.model_types import MODEL_TYPES
from app.probe.run import run
from app.probe.transport.call import user_agent
from app.probe.transport.deadline import Cancellation
from app.probe.transport.egress.rules import EgressRules
from app.probe.values import Finished, Limits, Report, Target
from tests.endpoints.base import Simulator
from tests.endpoints.certificates import bundle, served, stranger
from tests.endpoints.changes import KEY
from tests.endpoints.replies import html, raw, text
from tests.probe.asked import QUICK, asked, check, probed, rejected_as
from tests.probe.wire import reset

JSON = Any
SESSION = {"type": "session.created", "session": {"model": "voice-1"}}


def endpoint() -> Simulator:
    """A good endpoint of a realtime model."""
    return Simulator(model_id="voice-1", model_type="realtime")


def says(*messages: JSON, wait_s: float = 0.0) -> Simulator:
    """One whose sessions say just this, then close."""
    sim = endpoint()

    def session(request: Request, arriving: Iterator[JSON]) -> Iterator[JSON]:
        for message in messages:
            sim.pause(wait_s)
            yield message

    sim.session = session  # type: ignore[method-assign]
    return sim


@contextmanager
def handled(handler: Callable[[ServerConnection], None]) -> Iterator[str]:
    """A WebSocket server with this handler; gives its base URL."""
    with serve(handler, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}/v1"
        server.shutdown()


def probed_at(base_url: str, limits: Limits = QUICK, **how: Any) -> Report:
    """Probe a realtime model at a base URL."""
    events = list(run(Target(base_url, KEY, "voice-1"), MODEL_TYPES["realtime"], {}, limits=limits, **how))
    (ended,) = (event for event in events if isinstance(event, Finished))
    return ended.report


def test_a_session_event_proves_and_nothing_is_said_for_it() -> None:
    sim, heard = endpoint(), list[JSON]()
    opened = sim.session

    def session(request: Request, arriving: Iterator[JSON]) -> Iterator[JSON]:
        yield next(opened(request, arriving))
        heard.extend(arriving)

    sim.session = session  # type: ignore[method-assign]
    report = probed(sim)
    assert report.verdict == "accepted"
    proof = check(report, "proof")
    assert (proof.method, proof.http_status, proof.path) == ("GET", 101, "/v1/realtime?model=voice-1")
    assert check(report, "wrong_key").status == "passed"
    assert heard == []


def test_the_upgrade_carries_key_name_and_the_query_of_the_base() -> None:
    sim = Simulator("/v1?api-version=2", model_id="org/voice 1", model_type="realtime")
    seen: list[Request] = []
    upgrade = sim.upgrade

    def watched(request: Request) -> Reply | None:
        seen.append(request)
        return upgrade(request)

    sim.upgrade = watched  # type: ignore[method-assign]
    assert probed(sim, key_control=False).verdict == "accepted"
    assert seen[0].key == KEY and seen[0].headers["user-agent"] == user_agent()
    assert seen[0].query == "api-version=2&model=org%2Fvoice%201"


def test_over_tls_the_certificate_is_verified() -> None:
    sim = endpoint()
    sim.scheme, sim.tls = "https", served()
    assert probed(sim, rules=EgressRules(ca_bundle=bundle())).verdict == "accepted"
    sim = endpoint()
    sim.scheme, sim.tls = "https", served(ca=stranger())
    assert rejected_as(probed(sim, rules=EgressRules(ca_bundle=bundle()))) == "tls_error"


def test_a_forbidden_address_is_not_contacted() -> None:
    assert rejected_as(probed(endpoint(), rules=EgressRules(private=False))) == "egress_denied"


def test_an_error_event_after_the_session_is_no_failure() -> None:
    failure = {"type": "error", "error": {"code": "unknown_parameter", "message": "Unknown parameter."}}
    assert probed(says(SESSION, failure)).verdict == "accepted"


def test_a_session_after_an_error_event_counts() -> None:
    failure = {"type": "error", "error": {"code": "unknown_parameter", "message": "Unknown parameter."}}
    assert probed(says(failure, SESSION)).verdict == "accepted"


def test_a_server_that_waits_to_be_spoken_to_is_spoken_to() -> None:
    def listens(connection: ServerConnection) -> None:
        if "session.update" in str(connection.recv()):
            connection.send('{"type":"session.updated","session":{}}')

    with handled(listens) as base_url:
        assert probed_at(base_url, key_control=False).verdict == "accepted"


def test_another_event_first_is_followed_by_an_update_at_once() -> None:
    def converses(connection: ServerConnection) -> None:
        connection.send('{"type":"conversation.created"}')
        connection.recv()
        connection.send('{"type":"session.updated","session":{}}')

    began = time.monotonic()
    with handled(converses) as base_url:
        assert probed_at(base_url, key_control=False).verdict == "accepted"
    assert time.monotonic() - began < 1.8


def test_a_message_in_fragments_and_pings_is_understood() -> None:
    def fragments(connection: ServerConnection) -> None:
        connection.ping()
        connection.send(['{"type":"session', '.created","ses', 'sion":{}}'])

    with handled(fragments) as base_url:
        assert probed_at(base_url).verdict == "accepted"


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        ("Incorrect API key provided: sk-xx.", "invalid_api_key", "invalid_credentials"),
        ("The model `voice-1` does not exist.", "model_not_found", "model_not_found"),
        ("You exceeded your current quota.", "insufficient_quota", "quota_exhausted"),
        ("The server had an error.", "server_error", "endpoint_error"),
    ],
)
def test_an_error_event_means_what_it_says(words: str, code: str, expected: str) -> None:
    report = probed(says({"type": "error", "error": {"code": code, "message": words}}))
    assert rejected_as(report) == expected
    assert report.diagnosis and words.rstrip(".") in report.diagnosis.message


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            {"type": "session.error", "error": {"code": "invalid_api_key", "message": "Invalid API key"}},
            "invalid_credentials",
        ),
        ({"type": "session.closed", "reason": "model not found: voice-1"}, "model_not_found"),
        ({"type": "session.created", "error": {"message": "Quota exceeded."}}, "quota_exhausted"),
        ({"type": "session.expired"}, "endpoint_error"),
    ],
)
def test_an_event_of_a_session_that_failed_is_an_error(event: JSON, expected: str) -> None:
    assert rejected_as(probed(says(event))) == expected


def test_a_session_of_another_kind_is_one_too() -> None:
    assert probed(says({"type": "transcription_session.created", "session": {}})).verdict == "accepted"


def test_the_reason_of_a_close_is_read() -> None:
    def closes(connection: ServerConnection) -> None:
        connection.close(3000, "invalid_request_error.invalid_api_key")

    with handled(closes) as base_url:
        assert rejected_as(probed_at(base_url)) == "invalid_credentials"


def test_a_close_without_a_word_is_an_error_of_the_endpoint() -> None:
    report = probed(says())
    assert rejected_as(report) == "endpoint_error"
    assert report.diagnosis and "closed" in report.diagnosis.message


@pytest.mark.parametrize("message", ["session", 5, [], {"type": "response.created"}, {"session": {}}, None])
def test_other_messages_prove_nothing(message: JSON) -> None:
    assert probed(says(message)).verdict == "rejected"


@pytest.mark.parametrize(
    ("reply", "code", "field"),
    [
        (error(401, "Incorrect API key provided."), "invalid_credentials", "api_key"),
        (Reply(401), "invalid_credentials", "api_key"),
        (Reply(403), "permission_denied", "api_key"),
        (error(403, "Project `p` does not have access to model `voice-1`"), "permission_denied", "model_id"),
        (
            error(404, "The model `voice-1` does not exist", code="model_not_found"),
            "model_not_found",
            "model_id",
        ),
        (Reply(308, headers={"Location": "https://elsewhere.example/v1/realtime"}), "redirected", "base_url"),
        (html(403, "Just a moment"), "not_openai_compatible", "base_url"),
    ],
)
def test_a_refused_upgrade_is_read_like_any_answer(reply: Reply, code: str, field: str) -> None:
    sim = endpoint()
    sim.upgrade = lambda request: reply  # type: ignore[method-assign]
    report = probed(sim, limits=Limits(probe_s=3.0))
    assert rejected_as(report) == code
    assert report.diagnosis and report.diagnosis.field == field


def test_an_upgrade_refused_in_http_1_0_is_read_too() -> None:
    sim = endpoint()
    body = b'{"error":{"message":"Incorrect API key provided."}}'
    reply = raw(b"HTTP/1.0 401 Unauthorized\r\nContent-Type: application/json\r\n\r\n" + body)
    sim.upgrade = lambda request: reply  # type: ignore[method-assign]
    sim.on("/realtime", error(401, "Incorrect API key provided."), method="GET")
    assert rejected_as(probed(sim)) == "invalid_credentials"


def test_an_upgrade_that_is_reset_is_tried_once_more() -> None:
    sim = endpoint()
    upgrade, times = sim.upgrade, list[int]()

    def first_reset(request: Request) -> Reply | None:
        times.append(1)
        return raw(reset=True) if len(times) == 1 else upgrade(request)

    sim.upgrade = first_reset  # type: ignore[method-assign]
    assert probed(sim, key_control=False).verdict == "accepted"
    assert len(times) == 2


def test_a_limit_is_waited_for() -> None:
    sim = endpoint()
    upgrade, times = sim.upgrade, list[int]()

    def first_limited(request: Request) -> Reply | None:
        times.append(1)
        limited = error(429, "Rate limit reached.")
        return Reply(429, limited.body, headers={"Retry-After": "0"}) if len(times) == 1 else upgrade(request)

    sim.upgrade = first_limited  # type: ignore[method-assign]
    assert probed(sim, key_control=False).verdict == "accepted"


SECRETS = {
    "/realtime/client_secrets": {"value": "ek_very_secret_value", "session": {"model": "voice-1"}},
    "/realtime/sessions": {"model": "voice-1", "client_secret": {"value": "ek_very_secret_value"}},
}


@pytest.mark.parametrize("route", SECRETS)
@pytest.mark.parametrize("status", [400, 404, 405, 426, 501])
def test_where_sockets_are_refused_a_client_secret_proves(route: str, status: int) -> None:
    sim = endpoint()
    sim.upgrade = lambda request: text(status, "")  # type: ignore[method-assign]
    sim.on(route, as_json(SECRETS[route]))
    report = probed(sim)
    assert report.verdict == "accepted"
    assert check(report, "proof").path == f"/v1{route}"
    assert check(report, "wrong_key").status == "passed"
    assert "ek_very_secret_value" not in str(report.as_dict())


@pytest.mark.parametrize(
    "answer", [{}, {"value": ""}, {"value": 5}, {"client_secret": None}, {"value": "x", "error": "no"}]
)
def test_an_answer_without_a_secret_does_not(answer: JSON) -> None:
    sim = endpoint()
    sim.upgrade = lambda request: text(404, "")  # type: ignore[method-assign]
    sim.on("/realtime/client_secrets", as_json(answer))
    assert probed(sim).verdict == "rejected"


@pytest.mark.parametrize(
    "refusal",
    [
        Reply(401),
        error(403, "This project may not use realtime."),
        error(404, "The model `voice-1` does not exist"),
        error(400, "Incorrect API key"),
    ],
)
def test_a_refused_key_or_model_at_the_socket_is_no_reason_to_ask_for_a_secret(refusal: Reply) -> None:
    sim = endpoint()
    sim.upgrade = lambda request: refusal  # type: ignore[method-assign]
    sim.on("/realtime/client_secrets", as_json(SECRETS["/realtime/client_secrets"]))
    assert probed(sim).verdict == "rejected"
    assert asked(sim, "/realtime/client_secrets") == []


@pytest.mark.parametrize("status", [403, 404])
def test_a_socket_refused_without_a_word_is_a_server_without_sockets(status: int) -> None:
    sim = Simulator(model_id="talk-1", model_type="chat")
    sim.model_type = "realtime"
    sim.upgrade = lambda request: Reply(status)  # type: ignore[method-assign]
    assert rejected_as(probed(sim)) == "wrong_model_type"


def test_a_listed_id_that_is_nothing_else_may_not_open_a_socket() -> None:
    sim = endpoint()
    sim.upgrade = lambda request: Reply(403)  # type: ignore[method-assign]
    report = probed(sim)
    assert rejected_as(report) == "permission_denied"
    assert report.diagnosis and "GET /v1/realtime" in report.diagnosis.message


def test_a_chat_endpoint_without_realtime_is_told_apart() -> None:
    sim = Simulator(model_id="talk-1", model_type="chat")
    sim.model_type = "realtime"
    sim.upgrade = lambda request: error(404, "Not Found")  # type: ignore[method-assign]
    assert rejected_as(probed(sim)) == "wrong_model_type"


def test_a_wrong_key_that_gets_a_session_is_told() -> None:
    sim = endpoint()
    sim.admit = lambda request: None  # type: ignore[method-assign]
    report = probed(sim)
    assert report.verdict == "accepted" and [w.code for w in report.warnings] == ["key_not_enforced"]


def test_silence_ends_at_the_limit_of_the_first_byte() -> None:
    def silent(connection: ServerConnection) -> None:
        for _ in connection:
            pass

    began = time.monotonic()
    with handled(silent) as base_url:
        report = probed_at(base_url, Limits(first_byte_s=0.5, probe_s=5.0))
    assert rejected_as(report) == "timeout" and time.monotonic() - began < 4


def test_endless_messages_end_at_the_limit_of_a_body() -> None:
    def floods(connection: ServerConnection) -> None:
        while True:
            connection.send('{"type":"noise","filling":"' + "x" * 5000 + '"}')

    with handled(floods) as base_url:
        limits = Limits(body_bytes=200_000, header_bytes=20_000, probe_s=10.0)
        assert rejected_as(probed_at(base_url, limits)) == "endpoint_error"


def test_one_message_beyond_the_limit_ends_too() -> None:
    def bombs(connection: ServerConnection) -> None:
        connection.send('{"type":"session.created","filling":"' + "x" * 300_000 + '"}')

    with handled(bombs) as base_url:
        assert rejected_as(probed_at(base_url, Limits(body_bytes=200_000, probe_s=10.0))) == "endpoint_error"


def test_a_trickle_ends_at_the_deadline() -> None:
    def trickles(connection: ServerConnection) -> None:
        while True:
            connection.send('{"type":"noise"}')
            time.sleep(0.05)

    began = time.monotonic()
    with handled(trickles) as base_url:
        assert rejected_as(probed_at(base_url, Limits(probe_s=1.5))) == "timeout"
    assert time.monotonic() - began < 4


def test_cancelling_ends_a_silent_session_at_once() -> None:
    def silent(connection: ServerConnection) -> None:
        for _ in connection:
            pass

    stop = Cancellation()
    with handled(silent) as base_url:
        threading.Timer(0.5, stop.set).start()
        began = time.monotonic()
        probed_at(base_url, Limits(probe_s=30.0), cancelled=stop)
        assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: wrong\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: gzip\r\n\r\n",
    ],
)
def test_what_is_no_websocket_is_no_session(answer: bytes) -> None:
    sim = endpoint()
    sim.upgrade = lambda request: raw(answer)  # type: ignore[method-assign]
    assert probed(sim, limits=Limits(probe_s=5.0)).verdict == "rejected"


def test_a_port_that_hangs_up_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                reset(connection)

        threading.Thread(target=hang_up, daemon=True).start()
        report = probed_at(f"http://127.0.0.1:{listener.getsockname()[1]}/v1")
        assert rejected_as(report) == "endpoint_unreachable"
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    "words",
    [
        "You must provide the 'OpenAI-Beta: realtime=v1' header to use the Realtime API.",
        "Missing required query parameter: deployment",
    ],
)
def test_what_the_socket_was_refused_with_outlasts_a_missing_fallback(words: str) -> None:
    """That no client secrets are given out either says nothing of the path."""
    sim = endpoint()
    sim.on("/realtime", error(400, words), method="GET")
    for route in ("/realtime/client_secrets", "/realtime/sessions"):
        sim.on(route, text(404, "404 page not found"))
    report = probed(sim)
    assert rejected_as(report) != "wrong_path"
    assert report.diagnosis is not None and words[:40] in report.diagnosis.message
