"""The sentences of a diagnosis: what was asked of whom, what came back; and the evidence that advice goes by.

Nothing in here judges. The endpoint's words are quoted shortened and without the key; see `refusal.quote`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from app.probe.base_url import Base, without_operation
from app.probe.conversation.talk import Conversation
from app.probe.proof import Outcome
from app.probe.reading.refusal import printable, quote
from app.probe.transport.failure import Failure

_FIELDS_SHOWN = 5
_CAME: Mapping[str, str] = {
    "egress_denied": "was not sent, because",
    "bad_header": "was not sent, because",
    "no_host": "could not be sent:",
    "refused": "could not be sent:",
    "unreachable": "could not be sent:",
    "tls": "could not be sent:",
    "timeout": "failed:",
    "reset": "failed:",
    "protocol": "got no HTTP answer:",
    "cancelled": "was given up:",
}
"""How a call ended that got no status."""
_NO_REASON = re.compile(r"(?:403|forbidden|access|denied|error|[\s.:_-]){1,40}")
"""A refusal that only says that it is one."""
_IPV4 = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")


def asked(talk: Conversation, outcome: Outcome, base: Base | None = None) -> str:
    """What was asked of whom: method, path and host, never a key."""
    place = base or talk.base
    return f"{outcome.request.method} {place.path}{outcome.request.route} at {place.netloc}"


def came_back(talk: Conversation, outcome: Outcome) -> str:
    """What came of the call, as the rest of the sentence that `asked` begins; without a stop."""
    answer, failure = outcome.answer, outcome.answer.failure
    if failure is not None and answer.status is None:
        detail = printable(failure.detail, talk.endpoint.api_key)
        return f"{_CAME.get(failure.kind, 'failed:')} {detail}{_where(talk, failure)}"
    if failure is not None:
        return f"answered {answer.status}, but {_broke(talk, outcome, failure)}"
    if why := _why(outcome):
        return f"answered {answer.status}, but {why}"
    return f"{_opened(outcome)}{_content(talk, outcome)}"


def _where(talk: Conversation, failure: Failure) -> str:
    """Which character of a key no header can carry: its place tells nothing of the key."""
    if failure.kind != "bad_header":
        return ""
    key = talk.endpoint.api_key
    place = next((i for i, c in enumerate(key, 1) if not (c.isascii() and c.isprintable())), None)
    return f" (character {place} of {len(key)})" if place else ""


def _broke(talk: Conversation, outcome: Outcome, failure: Failure) -> str:
    detail = printable(failure.detail, talk.endpoint.api_key)
    if failure.kind != "timeout":
        return detail
    seconds = outcome.answer.duration_ms / 1000
    return f"{detail}: {len(outcome.answer.body)} bytes came in {seconds:.1f} s"


def _why(outcome: Outcome) -> str:
    """What is wrong with an answer that came, unless the endpoint's own words are an error and say it."""
    says_it = outcome.refusal.is_error and outcome.refusal.text and outcome.judgement.by_words
    return "" if says_it else outcome.why


def _opened(outcome: Outcome) -> str:
    if outcome.answer.status == 101:
        return "opened the WebSocket (101) and said"
    return f"answered {outcome.answer.status}"


def _content(talk: Conversation, outcome: Outcome) -> str:
    """The endpoint's words, or in ours what else came; begins with the colon or space before it."""
    answer, refusal, key = outcome.answer, outcome.refusal, talk.endpoint.api_key
    words = quote(refusal, key).rstrip(" .。;,:")
    if words and refusal.is_html:
        return f" with a web page: “{words}”"
    if words and answer.answered and not refusal.is_error and isinstance(answer.json, str | None):
        return f" with {'a JSON string' if refusal.is_json else 'plain text'}: “{words}”"
    if words:
        return f": “{words}”"
    if not answer.text.strip():
        return " with an empty body"
    if refusal.is_json:
        return f" with {_kind_of_json(answer.json, key)}"
    begins = printable(answer.text, key, 60)
    return f" with {'a stream' if answer.events else 'text'} that says nothing: “{begins}”"


def _kind_of_json(body: Any, key: str) -> str:
    if isinstance(body, Mapping) and body:
        names = ", ".join(str(name) for name in list(body)[:_FIELDS_SHOWN])
        return f"JSON that holds only {printable(names, key, 120)}"
    return "empty JSON" if body in ({}, [], None) else f"JSON that is {_ARTICLES.get(type(body), 'a value')}"


_ARTICLES: Mapping[type, str] = {list: "a list", int: "a number", float: "a number", bool: "a boolean"}


def evidence(talk: Conversation, outcome: Outcome, *marks: str) -> str:
    """One line for the table of advice: marks for what no words tell, then the words, in lower case."""
    found = [*marks, *_marks(talk, outcome)]
    failure = outcome.answer.failure
    words = failure.detail if failure else _why(outcome) or outcome.refusal.all
    return " ".join([*(f"#{mark}" for mark in found), words]).lower().replace("\n", " ")


def _marks(talk: Conversation, outcome: Outcome) -> list[str]:
    answer, refusal = outcome.answer, outcome.refusal
    found = [answer.failure.kind] if answer.failure else []
    signs = {
        "loopback": _is_loopback(talk.base),
        "noport": _port_typed(talk.base) is None,
        "nokey": not talk.endpoint.api_key,
        "page": refusal.is_html,
        "weak": bool(outcome.why),
        "empty": answer.failure is None and not answer.text.strip(),
        "no_reason": bool(_NO_REASON.fullmatch(refusal.all)),
        "other_json": answer.ok and refusal.is_json and not refusal.is_error and not refusal.text,
        "choices": isinstance(answer.json, Mapping) and "choices" in answer.json,
        "basic": answer.headers.get("www-authenticate", "").lower().lstrip().startswith("basic"),
        "wait": refusal.retry_after_s is not None,
        f"status:{answer.status}": answer.status is not None,
    }
    return [*found, *(name for name, holds in signs.items() if holds)]


def facts(talk: Conversation, outcome: Outcome, type_name: str) -> Mapping[str, str]:
    """What a sentence of advice may name."""
    wait, address = outcome.refusal.retry_after_s, _IPV4.search(outcome.refusal.text)
    calls = outcome.calls
    return {
        "host": urlsplit(f"//{talk.base.netloc}").hostname or talk.base.netloc,
        "port": str(_port_typed(talk.base) or {"https": 443}.get(talk.base.scheme, 80)),
        "plain": str(replace(talk.base, scheme="http")),
        "type": type_name,
        "route": outcome.request.route.partition("?")[0],
        "calls": f"{calls} forms" if calls > 1 else "one form",
        "address": f" ({address.group()})" if address else "",
        "wait": f" ({in_words(wait)}, it says)" if wait else "",
        "sent": f"{talk.endpoint.settings.auth_header}: {talk.endpoint.settings.auth_scheme}".rstrip(": "),
        "delay": in_words(wait or 0),
        "soon": f"in {in_words(wait)}" if wait else "in some minutes",
    }


def pasted(talk: Conversation) -> str:
    """The operation (`/chat/completions` …) that was pasted at the end of the base URL; empty for none."""
    return talk.base.path[len(without_operation(talk.base.path)) :]


def in_words(seconds: float) -> str:
    """A duration for people: `45 s`, `14 min 24 s`, `1 h`."""
    whole = max(1, round(seconds))
    parts = ((whole // 3600, "h"), (whole % 3600 // 60, "min"), (whole % 60, "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def _port_typed(base: Base) -> int | None:
    try:
        return urlsplit(f"//{base.netloc}").port
    except ValueError:
        return None


def _is_loopback(base: Base) -> bool:
    host = urlsplit(f"//{base.netloc}").hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
