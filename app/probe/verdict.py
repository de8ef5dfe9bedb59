"""From a failed proof to a diagnosis: the most specific code that the evidence supports, and a message to act
on.

A message has at most three sentences: what was asked of whom, what came back in the endpoint's own words,
what to do next (probe.md, "Diagnosis").
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

from app.probe.base import Base
from app.probe.catalog import Catalog, metadata_of
from app.probe.conversation import Run
from app.probe.diagnosis import CODES, Meaning
from app.probe.elsewhere import Elsewhere, https_of, look_around, other_type
from app.probe.failure import Failure
from app.probe.proof import Outcome, Proof
from app.probe.types import Diagnosis
from app.probe.words import clean, quote

_FAILURES: Mapping[str, str] = {
    "egress_denied": "egress_denied",
    "no_host": "endpoint_unreachable",
    "refused": "endpoint_unreachable",
    "unreachable": "endpoint_unreachable",
    "reset": "endpoint_unreachable",
    "tls": "tls_error",
    "timeout": "timeout",
    "too_large": "endpoint_error",
    "undecodable": "endpoint_error",
    "protocol": "not_openai_compatible",
    "bad_header": "invalid_request",
    "cancelled": "timeout",
}
"""The code of each kind of failure below HTTP; where a status had come already, see `_broken_off`."""

_DIRECT: frozenset[Meaning] = frozenset(
    {"permission_denied", "quota_exhausted", "rate_limited", "model_unavailable"}
)
_LOOK_AROUND: frozenset[Meaning] = frozenset({"no_route", "not_openai_compatible", "shape", "endpoint_error"})


def diagnose(run: Run, type_name: str, proof: Proof, outcome: Outcome, catalog: Catalog) -> Diagnosis:
    """The diagnosis of a proof that failed; makes cross-checks where the answer itself says too little."""
    failure, status = outcome.answer.failure, outcome.answer.status
    if failure is not None and status is None:
        return _of_failure(run, proof, outcome, failure)
    if failure is not None:
        return _broken_off(run, outcome, failure)
    if status is not None and 300 <= status < 400:
        return _redirected(run, outcome)
    meaning = outcome.judgement.meaning
    if meaning == "tls_wanted":
        return _wants_tls(run, proof, outcome)
    if meaning in ("model_not_found", "shape", "endpoint_error", "no_route") and _stated_otherwise(
        run, type_name, catalog
    ):
        return _wrong_type(run, type_name, outcome, metadata_of(catalog.find(run.endpoint.model_id))["type"])
    if meaning == "invalid_credentials":
        return _credentials(run, outcome)
    if meaning in _DIRECT:
        return _plain(run, outcome, meaning, outcome.judgement.field)
    if meaning == "model_not_found":
        return _not_found(run, outcome, catalog)
    if meaning == "wrong_model_type":
        return _wrong_type(run, type_name, outcome, other_type(run, type_name, catalog))
    if meaning == "bot_filter":
        return _say(
            run,
            outcome,
            "not_openai_compatible",
            "base_url",
            "A filter in front of the endpoint refuses Muster's calls: let Muster's address or its User-Agent "
            "through, or use the address of the API behind the filter.",
        )
    return _after_looking(run, type_name, proof, outcome, catalog)


def _after_looking(run: Run, type_name: str, proof: Proof, outcome: Outcome, catalog: Catalog) -> Diagnosis:
    if outcome.why or outcome.judgement.meaning == "endpoint_error" and (outcome.answer.status or 0) < 300:
        return _plain(run, outcome, "endpoint_error", "base_url")
    found = look_around(run, type_name, proof, outcome, catalog)
    if found.model_works:
        return _not_found(run, outcome, catalog)
    if found.model_type:
        return _wrong_type(run, type_name, outcome, found.model_type)
    if found.base:
        return _wrong_path(run, outcome, found)
    meaning = outcome.judgement.meaning
    if (
        meaning == "no_route"
        and catalog.there
        and catalog.listed(run.endpoint.model_id)
        and type_name != "chat"
    ):
        return _wrong_type(run, type_name, outcome, None)
    if meaning == "no_route":
        return _say(
            run,
            outcome,
            "wrong_path",
            "base_url",
            "A server is there, but its API is not at this path, nor at the usual "
            "ones that were tried: take the base URL from the server's own documentation.",
        )
    code = "not_openai_compatible" if meaning == "not_openai_compatible" else "endpoint_error"
    return _plain(run, outcome, code, "base_url")


def _stated_otherwise(run: Run, type_name: str, catalog: Catalog) -> bool:
    stated = metadata_of(catalog.find(run.endpoint.model_id)).get("type")
    return stated is not None and stated != type_name and {stated, type_name} != {"chat", "completion"}


def asked(run: Run, outcome: Outcome, base: Base | None = None) -> str:
    """What was asked of whom: method, path and host, never a key."""
    place = outcome.request.place(base or run.base)
    return f"{outcome.request.method} {place.path}{outcome.request.route} at {place.netloc}"


def _came_back(run: Run, outcome: Outcome) -> str:
    words = quote(outcome.said, run.endpoint.api_key).rstrip(". ")
    if outcome.why:
        return f"answered {outcome.answer.status}, but {outcome.why}"
    words = words or clean(outcome.answer.text, run.endpoint.api_key, 120)
    if not words:
        return f"answered {outcome.answer.status} with nothing in it"
    page = "a web page: " if outcome.said.is_html else ""
    return f"answered {outcome.answer.status}: {page}“{words}”"


def _say(
    run: Run,
    outcome: Outcome,
    code: str,
    field: str | None,
    following: str,
    suggestions: Mapping[str, tuple[str, ...]] | None = None,
) -> Diagnosis:
    sentence = f"{asked(run, outcome)} {_came_back(run, outcome)}."
    return Diagnosis(code, field, f"{sentence} {following}", suggestions or {})


def _plain(run: Run, outcome: Outcome, code: str, field: str | None) -> Diagnosis:
    following = CODES[code].help
    if code == "permission_denied" and field == "model_id":
        following = (
            "The key is right but may not use this model: have it allowed for the key, or choose another."
        )
    if code == "rate_limited" and outcome.said.retry_after_s:
        following = f"It says to wait {outcome.said.retry_after_s:.0f} s. {following}"
    return _say(run, outcome, code, field or CODES[code].field, _short(following))


def _short(help_text: str) -> str:
    """The first two sentences: a message has three at most."""
    sentences = help_text.split(". ")
    return ". ".join(sentences[:2]).rstrip(".") + "."


def _credentials(run: Run, outcome: Outcome) -> Diagnosis:
    if not run.endpoint.api_key:
        return _say(
            run,
            outcome,
            "invalid_credentials",
            "api_key",
            "No key was given, and this endpoint wants one: fill in the key.",
        )
    region = (
        " The words also allow that the endpoint or its region is the wrong one."
        if "endpoint" in outcome.said.all or "region" in outcome.said.all
        else ""
    )
    return _say(
        run,
        outcome,
        "invalid_credentials",
        "api_key",
        "Copy the key again, and see that it belongs to this endpoint, is active and has not expired."
        + region,
    )


def _not_found(run: Run, outcome: Outcome, catalog: Catalog) -> Diagnosis:
    close = catalog.closest(run.endpoint.model_id)
    if catalog.listed(run.endpoint.model_id):
        following = (
            "The endpoint lists this id but does not serve it: see its status there, or choose another."
        )
    elif close:
        following = f"It does not serve {run.endpoint.model_id!r}; close to it are {', '.join(close[:3])}."
    else:
        following = f"It does not serve {run.endpoint.model_id!r}: use its own spelling, or deploy the model."
    return _say(run, outcome, "model_not_found", "model_id", following, {"model_id": close} if close else {})


def _wrong_type(run: Run, type_name: str, outcome: Outcome, other: str | None) -> Diagnosis:
    if other is None:
        return _say(
            run,
            outcome,
            "wrong_model_type",
            "model_type",
            f"This model is not of the type {type_name}: choose its own type, or another model.",
        )
    return _say(
        run,
        outcome,
        "wrong_model_type",
        "model_type",
        f"The model is of the type {other}: choose that type.",
        {"model_type": (other,)},
    )


def _wrong_path(run: Run, outcome: Outcome, found: Elsewhere) -> Diagnosis:
    base = str(found.base)
    works = "the same call works" if found.proven else "the API answers"
    return _say(
        run,
        outcome,
        "wrong_path",
        "base_url",
        f"At {base} {works}: use that as the base URL.",
        {"base_url": (base,)},
    )


def _wants_tls(run: Run, proof: Proof, outcome: Outcome) -> Diagnosis:
    base = str(https_of(run, proof) or Base("https", run.base.netloc, run.base.path, run.base.query))
    return _say(
        run,
        outcome,
        "redirected",
        "base_url",
        f"Only https answers there: use {base}.",
        {"base_url": (base,)},
    )


def _redirected(run: Run, outcome: Outcome) -> Diagnosis:
    location = outcome.answer.headers.get("location", "")
    target = urljoin(outcome.answer.call.url, location) if location else ""
    where = clean(target.split("?")[0], run.endpoint.api_key) or "nowhere (no Location was given)"
    base = _base_behind(run, outcome, target)
    suggestions = {"base_url": (str(base),)} if base else {}
    following = f"It points to {where}; a key is never sent along a redirect."
    following += (
        f" Use {base} as the base URL, if you trust it."
        if base
        else " Ask whoever runs it for the address of the API."
    )
    sentence = f"{asked(run, outcome)} answered {outcome.answer.status}, a redirect."
    return Diagnosis("redirected", "base_url", f"{sentence} {following}", suggestions)


def _base_behind(run: Run, outcome: Outcome, target: str) -> Base | None:
    """The base that a redirect means: its target without the route that was asked for; None for a login
    page.
    """
    parts = urlsplit(target)
    route = outcome.request.route.partition("?")[0]
    path = parts.path.rstrip("/")
    if parts.scheme not in ("http", "https") or not parts.netloc or not path.endswith(route):
        return None
    base = Base(parts.scheme, parts.netloc, path[: -len(route)].rstrip("/"), run.base.query)
    return base if base != run.base else None


def _of_failure(run: Run, proof: Proof, outcome: Outcome, failure: Failure) -> Diagnosis:
    code = _FAILURES.get(failure.kind, "endpoint_unreachable")
    if (
        code in ("not_openai_compatible", "endpoint_unreachable")
        and run.base.scheme == "http"
        and failure.kind in ("protocol", "reset")
    ):
        base = https_of(run, proof)
        if base:
            came = "was not answered over http, but https answers there"
            message = f"{asked(run, outcome)} {came}. Use {base} as the base URL."
            return Diagnosis("wrong_path", "base_url", message, {"base_url": (str(base),)})
    detail = clean(failure.detail, run.endpoint.api_key)
    return Diagnosis(
        code, CODES[code].field, f"{asked(run, outcome)} got no answer: {detail}. {_short(CODES[code].help)}"
    )


def _broken_off(run: Run, outcome: Outcome, failure: Failure) -> Diagnosis:
    code = "timeout" if failure.kind in ("timeout", "cancelled") else "endpoint_error"
    detail = clean(failure.detail, run.endpoint.api_key)
    came = f"answered {outcome.answer.status}, but then: {detail}"
    message = f"{asked(run, outcome)} {came}. {_short(CODES[code].help)}"
    return Diagnosis(code, CODES[code].field, message)
