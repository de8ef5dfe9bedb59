"""Realtime: a session over a WebSocket; where sockets are refused, a client secret for one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from app.probe.conversation.request import Request
from app.probe.conversation.talk import Conversation
from app.probe.proof import Doubtful, Outcome, Proof, Proven
from app.probe.reading.faults import is_error_event, is_error_value
from app.probe.reading.meaning import FINAL
from app.probe.shape import Shape
from app.probe.transport.answer import Answer
from app.probe.transport.websocket import SocketScript

ROUTE = "/realtime"
_REFUSED_SOCKETS = frozenset({200, 204, 400, 404, 405, 406, 410, 415, 426, 500, 501, 502})
"""Statuses of an endpoint, or a proxy before it, that takes no upgrade; 401, 403 and 429 speak of the key."""
_BEGUN = ("session.created", "session.updated")


def is_session(message: Any) -> bool:
    """Whether a message tells that a session began: `session.created`, `session.updated`; not that it failed
    or ended.
    """
    told = isinstance(message, Mapping) and str(message.get("type", "")).endswith(_BEGUN)
    return told and not is_error_event(message)


SCRIPT = SocketScript(is_session, is_error_event, {"type": "session.update", "session": {"type": "realtime"}})


def proof_request(talk: Conversation, model: str, shape: Shape) -> Request:
    """The socket, then the two routes by which OpenAI gives out client secrets, the newer first."""
    if shape.route == 1:
        body = {"session": {"type": "realtime", "model": model}}
        return Request("/realtime/client_secrets", shape.fit(body))
    if shape.route == 2:
        return Request("/realtime/sessions", shape.fit({"model": model}))
    return Request(f"{ROUTE}?model={quote(model, safe='')}", method="GET", script=SCRIPT)


def judge_proof(answer: Answer, talk: Conversation) -> Proven | Doubtful | None:
    """A session event, or a client secret.

    An upgrade alone proves nothing: wrong keys get one too (field report
    realtime-fake-key-connects-real-key-403).
    """
    body = answer.json
    if not isinstance(body, Mapping):
        return None
    if answer.status == 101:
        return (
            Proven(f"The session began ({body['type']}).", model=_model_of(body))
            if is_session(body)
            else None
        )
    secret = body.get("client_secret", body)
    if (
        not is_error_value(body.get("error"))
        and isinstance(secret, Mapping)
        and isinstance(secret.get("value"), str)
        and secret["value"]
    ):
        return Proven("A client secret for a session was issued.", model=_model_of(body))
    return None


def _model_of(body: Mapping[str, Any]) -> str | None:
    session = body.get("session", body)
    model = session.get("model") if isinstance(session, Mapping) else None
    return model if isinstance(model, str) and model else None


def learn_route(outcome: Outcome) -> Shape | None:
    """Ask for a client secret where sockets are refused, by the older route where there is no newer one."""
    shape, judgement = outcome.shape, outcome.judgement
    if judgement.meaning in FINAL and judgement.by_words:
        return None
    if shape.route == 0 and (outcome.answer.status in _REFUSED_SOCKETS or _is_bare_403(outcome)):
        return shape.because("asked for a client secret, since no WebSocket is served", route=1)
    if shape.route == 1 and judgement.meaning in ("no_route", "shape"):
        return shape.because("asked for a client secret at the older route", route=2)
    return None


def _is_bare_403(outcome: Outcome) -> bool:
    """ASGI servers refuse a socket that has no route so: 403 and no body, never a matter of permission."""
    return outcome.answer.status == 403 and not outcome.answer.text.strip()


PROOF = Proof(ROUTE, proof_request, judge_proof, learn=learn_route)
