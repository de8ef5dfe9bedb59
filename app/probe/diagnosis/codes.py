"""Every code that a diagnosis can have; the error reference is made from this table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A row of the error reference: which field a code speaks of, what it means, what to do."""

    field: str | None
    title: str
    help: str


CODES: Mapping[str, Code] = {
    "egress_denied": Code(
        "base_url",
        "The address may not be contacted",
        "Muster's address rules forbid this host; the message names the rule. Use another address, or have "
        "the setting MUSTER_EGRESS_PRIVATE, MUSTER_EGRESS_ALLOW or MUSTER_EGRESS_DENY changed. "
        "Link-local and metadata addresses are never allowed.",
    ),
    "endpoint_unreachable": Code(
        "base_url",
        "Nothing answers at this address",
        "Check the host name, the port and that the server runs and listens on an address that Muster's "
        "machine can reach. `localhost` is the machine (or container) on which Muster itself runs.",
    ),
    "tls_error": Code(
        "base_url",
        "The TLS connection could not be trusted",
        "Renew or replace the certificate, use the host name it is made for, or add the authority that "
        "signed it, in the endpoint's settings or with MUSTER_CA_BUNDLE. Where the server speaks plain "
        "HTTP, write http:// in the base URL.",
    ),
    "timeout": Code(
        "base_url",
        "No sufficient answer within the limits",
        "See whether the server is busy or loading the model, then probe again. Where this model is known "
        "to be slow, raise MUSTER_PROBE_FIRST_BYTE_SECONDS and MUSTER_PROBE_SECONDS.",
    ),
    "redirected": Code(
        "base_url",
        "The endpoint points elsewhere",
        "Register the address that it points to, if you trust it. A key is never sent along a redirect.",
    ),
    "wrong_path": Code(
        "base_url",
        "A server is there, the API is not at this path",
        "Correct the path of the base URL: it ends where /chat/completions begins, in most cases with /v1.",
    ),
    "not_openai_compatible": Code(
        "base_url",
        "What answered is not an OpenAI-compatible API",
        "Look at the address in a browser: a login page, a bot filter, or another kind of server answers "
        "there. Use the address of the API itself, or let Muster's address through the filter.",
    ),
    "invalid_credentials": Code(
        "api_key",
        "The key was not accepted",
        "Copy the key again from the vendor's console or the server's settings, see that it belongs to "
        "this endpoint and region, and that it has not expired or been revoked.",
    ),
    "permission_denied": Code(
        "api_key",
        "The key is right but may not do this",
        "Give the key, its project or organization the right that the message names, or use a key that has "
        "it; a new key with the same rights will not help. Where a country or an address list is the reason, "
        "it is about where Muster's calls come from.",
    ),
    "quota_exhausted": Code(
        "api_key",
        "No money, plan or quota is left",
        "Add credit, raise the limit or wait for the new period, then probe again. The key itself is right.",
    ),
    "rate_limited": Code(
        "api_key", "The endpoint limits calls now", "Probe again later, or use a key with a higher limit."
    ),
    "model_not_found": Code(
        "model_id",
        "The endpoint does not serve this model",
        "Use an id that the endpoint lists, exactly as it spells it, or deploy the model there first.",
    ),
    "wrong_model_type": Code(
        "model_type",
        "The model is there, but is of another type",
        "Choose the type that the message names, or another model.",
    ),
    "model_unavailable": Code(
        "model_id",
        "The model is known but does not answer now",
        "The message says why: it is loading, overloaded, out of memory, or the provider behind the endpoint "
        "refuses it. Probe again when it serves.",
    ),
    "endpoint_error": Code(
        "base_url",
        "The endpoint failed",
        "Read the server's log if it is yours, else the vendor's status page. Probe again when it works.",
    ),
    "invalid_request": Code(
        "api_key", "The value cannot be sent", "Correct the named field: copy it again as plain text."
    ),
    "capability_contradicted": Code(
        None,
        "A declared capability was not seen",
        "Take the declaration back, or switch the capability on at the server, and probe again.",
    ),
}
