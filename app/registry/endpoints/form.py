"""What may be asked of an endpoint: its own fields, its headers, and the models that come with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from wtforms.form import BaseForm
from wtforms.validators import ValidationError

from app.probe.transport.call import is_header_value
from app.probe.values import EndpointSettings
from app.registry.endpoints.certificates import LONGEST, wrong_with_ca, wrong_with_client_certificate
from app.registry.endpoints.changes import Change
from app.registry.endpoints.key_life import stated_end
from app.registry.endpoints.proxies import LONGEST as LONGEST_PROXY
from app.registry.endpoints.proxies import spelled, wrong_with_proxy
from app.registry.form.fields import (
    FieldError,
    Input,
    Length,
    Prose,
    Secret,
    Text,
    absolute_url,
    no_controls,
    sendable,
)
from app.registry.form.json_body import Members, Problem, kind_of, shortened
from app.registry.form.json_form import JsonForm, invalid
from app.registry.form.openai_like import OpenAILikeForm, check_reference

MOST_HEADERS = 20
MOST_MODELS = 200
LONGEST_VALUE = 4096
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_REFUSED = frozenset(
    {
        "connection", "content-encoding", "content-length", "content-type", "expect", "host", "keep-alive",
        "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade", "accept-encoding",
    }
)  # fmt: skip
"""Headers of one connection (RFC 9110, section 7.6.1), and those that frame a request."""


def proxy_of_the_settings(form: BaseForm, field: Input) -> None:
    """A proxy that the settings allow; its text, which may hold a password, never gets into the sentence."""
    _refuse(field, wrong_with_proxy(field.data) if field.data else "")


class EndpointForm(JsonForm):
    """An endpoint's own fields, all of them optional: a change holds what changes."""

    name = Text(
        "Name", Length(128, min=1, trimmed=True), no_controls, help="By default the host.", example="Gateway"
    )
    base_url = Text(
        "Base URL", Length(2048, min=1), absolute_url, section="connection",
        help="Where the API lives, up to and including /v1.", example="http://127.0.0.1:8099/v1",
    )  # fmt: skip
    api_key = Secret(
        "API key", Length(8192), sendable, section="connection", example="practice-key",
        help="Absent where none is needed. env://NAME takes it from the server's environment (scope admin).",
    )  # fmt: skip
    auth_header = Text(
        "Header of the key", Length(128, min=1), wire="auth.header", help="By default Authorization."
    )
    auth_scheme = Text(
        "Scheme of the key", Length(32), wire="auth.scheme", help="What stands before it; empty for nothing."
    )
    ca_pem = Prose("CA", Length(LONGEST), help="Certificates (PEM) that are trusted beside the system's.")
    client_certificate_pem = Prose(
        "Client certificate", Length(LONGEST), help="A certificate and its private key, as PEM."
    )

    proxy = Secret(
        "Proxy", Length(LONGEST_PROXY), proxy_of_the_settings,
        help="HTTP proxy of its own, one of MUSTER_ENDPOINT_PROXIES: http://[user:password@]host:port. The "
        "same address without a password keeps the stored one.",
    )  # fmt: skip

    def filter_proxy(self, typed: str | None) -> str | None:
        """One spelling of it: by that an endpoint is known again."""
        return spelled(typed)

    def validate_api_key(self, field: Input) -> None:
        """As a model's: a reference to the environment must be allowed and set."""
        check_reference(field)

    def validate_auth_header(self, field: Input) -> None:
        """A header's name that a key can stand in."""
        _refuse(field, _wrong_with_name(field.data))

    def validate_auth_scheme(self, field: Input) -> None:
        """One word, or nothing."""
        good = not field.data or _NAME.fullmatch(field.data)
        _refuse(field, "" if good else "must be one word such as Bearer, or empty")

    def validate_ca_pem(self, field: Input) -> None:
        """Certificates that can be read."""
        _refuse(field, wrong_with_ca(field.data))

    def validate_client_certificate_pem(self, field: Input) -> None:
        """A certificate with the private key that belongs to it."""
        _refuse(field, wrong_with_client_certificate(field.data))


def an_end(form: Any, field: Input) -> None:
    """A day, or a time with its zone."""
    _refuse(
        field, "" if stated_end(field.data) else "must be a day such as 2030-01-31, or a time with its zone"
    )


class ChangedEndpointForm(EndpointForm):
    """A change of an endpoint may also state when its key ends, where the key itself does not tell."""

    key_ends = Text(
        "Key ends", an_end, example="2030-01-31",
        help="When this key stops working: a day (from its beginning, UTC) or a time (RFC 3339).",
    )  # fmt: skip


class NewEndpointForm(EndpointForm):
    """A new endpoint needs its base URL; a region may stand for all of its models."""

    base_url = Text(
        "Base URL", Length(2048, min=1), absolute_url, required=True, section="connection",
        help="Where the API lives, up to and including /v1.", example="http://127.0.0.1:8099/v1",
    )  # fmt: skip
    region = Text("Region", Length(64, min=1), no_controls, help="Of every model that names none.")


def take_apart(body: Any, *names: str) -> tuple[Members, list[Any]]:
    """A body without the members `names`, and those. ApiError 400 where it is no object."""
    if not isinstance(body, dict):
        raise invalid([Problem(None, "wrong_type", f"The body must be a JSON object, not {kind_of(body)}.")])
    rest = Members((name, value) for name, value in body.items() if name not in names)
    rest.twice = getattr(body, "twice", ())
    return rest, [body.get(name) for name in names]


def read_headers(value: Any) -> tuple[dict[str, str | None], list[Problem]]:
    """`headers` of a body: the value of each, None to remove one; and what is wrong with them."""
    if value is None:
        return {}, []
    if not isinstance(value, dict):
        return {}, [Problem("headers", "wrong_type", f"`headers` must be an object, not {kind_of(value)}.")]
    if len(value) > MOST_HEADERS:
        return {}, [Problem("headers", "too_long", f"`headers` may hold at most {MOST_HEADERS} of them.")]
    problems = [problem for name, text in value.items() if (problem := _header_problem(name, text))]
    twice = len({name.lower() for name in value}) < len(value)
    if twice:
        problems.append(Problem("headers", "invalid", "`headers` holds one name twice, in two letter cases."))
    return dict(value), problems


def read_models(value: Any, shared: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[Problem]]:
    """`models` of a body as values of the form, each with what all `shared`; and what is wrong with them."""
    if not isinstance(value, list) or not value:
        got = "an empty array" if isinstance(value, list) else kind_of(value)
        return [], [Problem("models", "required", f"`models` must be an array of models, not {got}.")]
    if len(value) > MOST_MODELS:
        return [], [Problem("models", "too_long", f"At most {MOST_MODELS} models fit into one call.")]
    values: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for index, entry in enumerate(value):
        made, wrong = read_model(entry, shared)
        values.append(made)
        problems += [_placed(problem, index) for problem in wrong]
    return values, problems


def settings_of(form: EndpointForm, headers: Mapping[str, str | None]) -> EndpointSettings:
    """What a form says of how an endpoint is called, beside its key."""
    plain = EndpointSettings()
    header, scheme = form.auth_header.data, form.auth_scheme.data
    return EndpointSettings(
        plain.auth_header if header is None else header,
        # A header of its own holds the bare key, as `api-key` and `x-api-key` do.
        (plain.auth_scheme if header is None else "") if scheme is None else scheme,
        tuple(sorted((name, value) for name, value in headers.items() if value is not None)),
        form.ca_pem.data or "",
        form.client_certificate_pem.data or "",
        form.proxy.data or "",
    )


_SETTINGS = {
    "auth_header": "auth_header",
    "auth_scheme": "auth_scheme",
    "ca_pem": "ca_pem",
    "client_certificate_pem": "client_certificate",
    "proxy": "proxy",
}


def change_of(form: EndpointForm, body: Mapping[str, Any], headers: Mapping[str, str | None]) -> Change:
    """The change that a body asks for: null takes away what is optional, absent leaves it."""
    plain = EndpointSettings()
    values = form.values(only_given=True)
    settings = {column: values[name] for name, column in _SETTINGS.items() if name in values}
    gone = {name for name in body if body[name] is None}
    settings |= {
        _SETTINGS[name]: "" for name in ("ca_pem", "client_certificate_pem", "proxy") if name in gone
    }
    if "auth" in gone:
        settings |= {"auth_header": plain.auth_header, "auth_scheme": plain.auth_scheme}
    key = "" if "api_key" in gone else values.get("api_key")
    return Change(
        values.get("name"),
        values.get("base_url"),
        key,
        settings or None,
        headers or None,
        drop_headers="headers" in gone,
        key_ends="" if "key_ends" in gone else stated_end(values.get("key_ends") or ""),
    )


def read_model(entry: Any, shared: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """One model of such a body: its values, or what is wrong."""
    if not isinstance(entry, dict):
        return {}, [Problem(None, "wrong_type", f"A model must be an object, not {kind_of(entry)}.")]
    foreign = [name for name in ("api_key", "base_url") if name in entry]
    if foreign:
        return {}, [Problem(foreign[0], "unknown_field", f"`{foreign[0]}` belongs to the endpoint.")]
    defaults = {"display_name": entry.get("model_id"), "region": shared.get("region")}
    given = {name: value for name, value in defaults.items() if value is not None}
    body = given | {name: value for name, value in entry.items() if value is not None}
    own = Members(body | {"base_url": shared["base_url"], "api_key": ""})
    own.twice = getattr(entry, "twice", ())
    form = OpenAILikeForm.from_json(own)
    return (form.values(), []) if form.validate() else ({}, form.problems())


def _placed(problem: Problem, index: int) -> Problem:
    field = f"models[{index}].{problem.field}" if problem.field else f"models[{index}]"
    return Problem(field, problem.code, problem.message, problem.suggestions)


def _header_problem(name: str, value: Any) -> Problem | None:
    field = f"headers.{shortened(name)}"
    wrong = _wrong_with_name(name) or _wrong_with_value(value)
    return Problem(field, "invalid", f"`{field}` {wrong}.") if wrong else None


def _wrong_with_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        return "is no name of a header"
    return "belongs to HTTP itself and can't be set" if name.lower() in _REFUSED else ""


def _wrong_with_value(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return f"must be a string, not {kind_of(value)}"
    if not value or len(value) > LONGEST_VALUE or not is_header_value(value):
        return f"must be 1 to {LONGEST_VALUE:,} visible ASCII characters"
    return ""


def _refuse(field: Input, wrong: str) -> None:
    if wrong:
        raise ValidationError(FieldError(f"`{field.wire}` {wrong}.", "invalid"))
