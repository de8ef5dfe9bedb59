"""What to do next: by the advice that the rule of the endpoint's words names, else by what no words tell.

An endpoint's words are matched once, by the rules of `reading.wordings`; `ADVISED` has a sentence for each
advice that a rule names. Rows are for the rest, the most specific first: marks such as `#refused`, `#page` or
`#status:403` (see `sentences.evidence`) and the probe's own words of what went wrong below HTTP. A sentence
may name the facts of `sentences.facts`, such as `{host}`. At most two sentences: a message has three.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from app.probe.reading.wordings import Advice, any_of

Row = tuple[re.Pattern[str] | None, str]
"""Words of the evidence (None: whatever it says) and what to do then."""


def advice(code: str, named: Advice | None, evidence: str, facts: Mapping[str, str]) -> str:
    """The sentences of the advice that a rule `named`, else of the first row of `code` whose words the
    evidence holds, with the facts filled in.

    `code` is a code of `codes.CODES`, or one with a field behind a slash where the rows differ by it.
    Raises KeyError for a code without rows.
    """
    mark, says = next(row for row in ADVICE[code] if row[0] is None or row[0].search(evidence))
    if named and named in ADVISED and not (mark and code in _MARKS_OUTWEIGH):
        says = ADVISED[named]
    return says.format_map(facts)


_MARKS_OUTWEIGH = frozenset({"invalid_credentials"})
"""Codes of which a mark tells more than any words: where no key was given, how one is sent is no help."""


_EGRESS: tuple[Row, ...] = (
    (any_of("is muster itself"), "Put the address of the model's server in the base URL."),
    (
        any_of("on the deny list"),
        "Use another address, or have this entry taken off MUSTER_EGRESS_DENY, a setting of Muster.",
    ),
    (
        any_of("not on the allow list"),
        "Use another address, or have this host added to MUSTER_EGRESS_ALLOW, a setting of Muster.",
    ),
    (
        any_of("none that the settings allow"),
        "Take the proxy away from the endpoint, or have it added to MUSTER_ENDPOINT_PROXIES, a setting of "
        "Muster.",
    ),
    (
        any_of("closed by the settings"),
        "Use a public address, or have private ones opened with MUSTER_EGRESS_PRIVATE=1, Muster's setting.",
    ),
    (
        any_of("unspecified address"),
        "Servers listen on such an address, nobody calls it: put the name or address of the server's host in "
        "the base URL.",
    ),
    (
        None,
        "No setting opens such an address: put the address of the model's own server in the base URL.",
    ),
)

_UNREACHABLE: tuple[Row, ...] = (
    (any_of("url can't be read"), "Correct the base URL."),
    (
        any_of("no name server answered"),
        "Probe again in a moment; if it stays so, the name service (DNS) of Muster's machine needs repair.",
    ),
    (
        any_of("#no_host"),
        "Correct the host name; one that only a private network knows must be known on Muster's machine too.",
    ),
    (
        any_of("the proxy"),
        "Check that the proxy of Muster's setting MUSTER_PROXY runs, and that it lets Muster through to this "
        "host.",
    ),
    (
        any_of("#refused.*#loopback"),
        "Start the server there, or correct the port. `{host}` is the machine or container on which Muster "
        "itself runs: for a server elsewhere write its own host name (from a container to its host often "
        "host.docker.internal).",
    ),
    (
        any_of("#refused.*#noport"),
        "The base URL names no port, so {port} was tried: add the port on which the server listens.",
    ),
    (
        any_of("#refused"),
        "Start the server or correct the port, and see that it listens on all addresses (0.0.0.0), not on "
        "its own loopback only.",
    ),
    (
        any_of("while tls was being set up"),
        "Check that this is the port for https; if it is, the log of that server says why it hangs up.",
    ),
    (
        any_of("#reset"),
        "Something listens there but hangs up: check the port, then the log of that server, or of the proxy "
        "before it.",
    ),
    (
        None,
        "Muster's machine finds no way there: check the address, then routes, VPN and firewalls in between.",
    ),
)

_TLS: tuple[Row, ...] = (
    (
        any_of("ca bundle"),
        "Each of them must be a readable PEM file: check the endpoint's CA and client certificate, then "
        "MUSTER_CA_BUNDLE.",
    ),
    (any_of("expired"), "Renew the certificate on the server; nothing in this form can change that."),
    (
        any_of("not valid (yet|before)"),
        "Compare the clocks of the server and of Muster's machine, or wait until the certificate begins.",
    ),
    (any_of("revoked"), "Install a new certificate on the server."),
    (
        any_of("it is for ", "another (host|address)", "has no certificate for"),
        "Write the name that the certificate is made for in the base URL, or have one issued for {host}.",
    ),
    (
        any_of("self-signed|not trusted|nobody here trusts"),
        "If you trust its issuer, put the issuer's certificate into the endpoint's settings (CA) or into the "
        "file of MUSTER_CA_BUNDLE; else install one of a public authority, with its whole chain.",
    ),
    (
        any_of("does not speak tls"),
        "If the server speaks plain HTTP there, use {plain} (the key then travels in clear), else give the "
        "port for https.",
    ),
    (
        any_of("client certificate"),
        "Put a client certificate that the server accepts into the endpoint's settings, or use an address "
        "that asks for the API key only.",
    ),
    (
        any_of("too old"),
        "Have the server, or the proxy before it, offer TLS 1.2 or newer.",
    ),
    (None, "Check that this is the port for https, then the TLS settings of the server."),
)

_TIMEOUT: tuple[Row, ...] = (
    (
        any_of("took no connection|no tunnel within"),
        "Check host and port; if they are right, a firewall in between drops Muster's packets.",
    ),
    (any_of("was not resolved"), "Check the host name, then the name service of Muster's machine."),
    (
        any_of("tls handshake"),
        "Check that this is the port for https, and whether the server is overloaded.",
    ),
    (any_of("other calls to the endpoint"), "Probe again when the other probes of this endpoint have ended."),
    (
        any_of("websocket"),
        "The log of the server says what it waits for; probe again when it is free.",
    ),
    (any_of("was cancelled"), "Probe again when you like."),
    (
        any_of("not complete"),
        "See on the server whether it is busy, then probe again. Where this model is always so slow, raise "
        "MUSTER_PROBE_SECONDS.",
    ),
    (
        None,
        "See on the server whether it is busy or still loads the model, then probe again. Where this model "
        "always takes so long to begin, raise MUSTER_PROBE_FIRST_BYTE_SECONDS, and MUSTER_PROBE_SECONDS "
        "with it.",
    ),
)

_OTHER_JSON: Row = (
    any_of("#other_json"),
    "That is JSON of another kind of service: correct host, port or path so that they lead to the "
    "model's API.",
)
_NOT_THE_API: tuple[Row, ...] = (
    (
        any_of("#choices|no openai client reads"),
        "It looks like this API, but OpenAI clients can't read such an answer: use the base URL of the "
        "server's OpenAI-compatible API, or a version of the server that has one for {type} models.",
    ),
    _OTHER_JSON,
    (
        any_of(r"#page.*\b(log|sign).?(in|on)\b", "#page.*(password|single sign)"),
        "A page for signing in stands where the API should: use the API's own address, or have Muster's "
        "calls let through without signing in.",
    ),
    (
        any_of("#filter"),
        "A filter in front of the endpoint refuses Muster's calls: let Muster's address or its User-Agent "
        "through, or use the address of the API behind the filter.",
    ),
    (any_of("answers tls only"), "Write https:// in the base URL."),
    (
        any_of("#protocol"),
        "Another kind of server listens there: correct the port or the scheme of the base URL.",
    ),
    (
        any_of("#page"),
        "A web page stands where the API should: use the base URL of the API itself, which often ends with "
        "/v1.",
    ),
    (
        None,
        "Something answers, but not as this API does: correct host, port or path of the base URL, and see "
        "that an OpenAI-compatible API is switched on there.",
    ),
)

_CREDENTIALS: tuple[Row, ...] = (
    (any_of("#nokey"), "No key was filled in, and this endpoint wants one: fill in the key."),
    (
        any_of("#basic"),
        "A proxy in front of the API asks for a name and a password (HTTP Basic), not for a key: "
        "have Muster's calls let through, or use the address of the API behind it.",
    ),
    (
        any_of("#page"),
        "A web server in front of the API refuses: copy the key again from where it was made. Where the key "
        "is right, have Muster's calls let through there, or use the address of the API behind it.",
    ),
    (
        None,
        "Copy the key again from where it was made: it must be whole, belong to {host}, and be neither "
        "expired nor revoked.",
    ),
)

_PLACE = (
    "This is about the place that Muster's calls come from, not about the key: have them leave from an "
    "allowed place (MUSTER_PROXY), or use an endpoint that serves yours."
)
_PERMISSION: tuple[Row, ...] = (
    (any_of("#status:451"), _PLACE),
    (
        any_of("#page"),
        "A wall in front of the API refuses, not the API itself: have Muster's calls let through, or use "
        "the address of the API behind it.",
    ),
    (
        any_of("#(empty|no_reason)"),
        "It gives no reason: see in the vendor's console whether this key, its project and its plan may use "
        "{type} models and this one, or use a key that may.",
    ),
    (
        None,
        "Give the key, its project or its organization the right that is missing, or use a key that has it. "
        "A new key with the same rights will not help.",
    ),
)

_MODEL_ACCESS: tuple[Row, ...] = (
    (
        None,
        "The key is right but may not use this model: have the account behind it given access in the "
        "vendor's console, or choose another model.",
    ),
)

_QUOTA: tuple[Row, ...] = (
    (
        None,
        "Have the quota of the account behind the key raised, then probe again. The key itself is right.",
    ),
)

_RATE: tuple[Row, ...] = (
    (
        any_of("#wait"),
        "It says to wait {delay}: probe again then, or use a key with a higher limit.",
    ),
    (
        None,
        "It stayed so for as long as the probe could wait: probe again in some minutes, or use a key with a "
        "higher limit.",
    ),
)

_FULL = (
    "The servers of this model are full: probe again {soon}, or use another provider or a server with room."
)
_BEHIND_PROXY = (
    "A proxy answers, but the server behind it does not: start or repair that server, then probe again."
)
_UNAVAILABLE: tuple[Row, ...] = (
    (any_of("#status:529"), _FULL),
    (any_of("#page|#status:5(02|04|2.|30)"), _BEHIND_PROXY),
    (
        None,
        "It stayed so for as long as the probe could wait{wait}: see the status or the log of the server, "
        "then probe again.",
    ),
)

_FAILED: tuple[Row, ...] = (
    (
        any_of("#too_large.*headers?"),
        "No API sends so many: see that the base URL leads to one, then what the proxy before it adds to "
        "answers (the limit is MUSTER_PROBE_HEADER_BYTES).",
    ),
    (
        any_of("#too_large"),
        "No model's answer is that long: see that the base URL leads to the API, and not to a download or a "
        "feed (the limit is MUSTER_PROBE_BODY_BYTES).",
    ),
    (
        any_of("#undecodable"),
        "Correct the compression (Content-Encoding) at the server, or at the proxy before it.",
    ),
    (
        any_of("#(reset|protocol)"),
        "Something cut the answer off: read the log of the server, then that of any proxy in between, whose "
        "time or size limits may do it.",
    ),
    (
        any_of(r"no (finite )?numbers?\b|\bnan\b|all zero|vector .{0,20}is empty"),
        "The model computes nothing usable: run it in another precision or version, or on another server. "
        "Nothing in this form can change that.",
    ),
    (
        any_of("cut off or not valid"),
        "Something breaks the answer on its way: read the log of the server, then that of any proxy in "
        "between, whose limits may do it.",
    ),
    (
        any_of("without any choice|nothing in it|no text in it"),
        "The model runs but says nothing: try it by hand on the server, and look at its chat template and "
        "its stop words.",
    ),
    (
        any_of("#weak"),
        "Make the same call by hand: the log of the server should say why it brings nothing usable.",
    ),
    (
        any_of("#status:426"),
        "It wants another protocol than HTTP/1.1, and https does not answer there: a proxy before it may "
        "pass calls on as HTTP/1.0 (nginx: `proxy_http_version 1.1`), or the port is one for WebSockets or "
        "HTTP/2.",
    ),
    (
        any_of("#empty"),
        "See that host, port and path are those of the API; if they are, the log of the server says why "
        "nothing comes.",
    ),
    _OTHER_JSON,
    (
        any_of(
            r"#status:4.*\b(missing|required|provide|provided|specify|specified)\b.{0,80}"
            r"\b(project|space|workspace|tenant|account|team|org(ani[sz]ation)?|instance)[ _-]?(id|crn)\b",
            r"#status:4.*\b(project|space|workspace|tenant|account|team|org(ani[sz]ation)?|instance)[ _-]?"
            r"(id|crn)\b.{0,80}\b(missing|required|be (provided|specified|set))\b",
        ),
        "It wants more than an OpenAI client sends: give it in the base URL or in a further header of the "
        "endpoint, as the server's documentation says, or put a gateway in between that adds it.",
    ),
    (
        any_of("#status:4"),
        "Muster made this call in {calls} and each was refused: compare the words with what the "
        "server's documentation says of {route}.",
    ),
    (
        None,
        "The server failed at this call: read its log if it is yours, else see the vendor's status page, "
        "then probe again.",
    ),
)

_TYPE: tuple[Row, ...] = (
    (
        any_of("#no_route"),
        "The server serves this model but has no {route}: choose the type that the model has, or an "
        "endpoint that serves that route.",
    ),
    (
        None,
        "It does not serve this model as {type}: choose the type that the words or the model's "
        "documentation name, or another model.",
    ),
)

ADVICE: Mapping[str, tuple[Row, ...]] = {
    "egress_denied": _EGRESS,
    "endpoint_unreachable": _UNREACHABLE,
    "tls_error": _TLS,
    "timeout": _TIMEOUT,
    "not_openai_compatible": _NOT_THE_API,
    "invalid_credentials": _CREDENTIALS,
    "permission_denied": _PERMISSION,
    "permission_denied/model_id": _MODEL_ACCESS,
    "quota_exhausted": _QUOTA,
    "rate_limited": _RATE,
    "wrong_model_type": _TYPE,
    "model_unavailable": _UNAVAILABLE,
    "endpoint_error": _FAILED,
    "invalid_request": (
        (
            None,
            "Copy the key again as plain text, or type it: quotation marks, dashes or letters that only look "
            "alike have come into it.",
        ),
    ),
}
"""The last row of each code holds for whatever evidence."""

ADVISED: Mapping[Advice, str] = {
    "host_name": "It refuses the host name that it was called by, not the key: write the name that the "
    "server expects in the base URL, or have {host} added to the hosts that it allows.",
    "place": _PLACE,
    "referrer": "The key is for web pages only: lift its referrer restriction, or use a key without one.",
    "address": "This is about the address that Muster calls from{address}, not about the key: have that "
    "address allowed at the endpoint, or reach the endpoint from inside its network.",
    "client_certificate": "It wants a certificate beside or in place of the key: put one that it accepts "
    "into the endpoint's settings (client certificate), or use an address that asks for the key only.",
    "enable_api": "Enable the API in that project, wait some minutes, and probe again.",
    "account_shut": "The account or project behind the key is shut: clear that up with the vendor, or use a "
    "key of another one. A new key of the same account will not help.",
    "organization": "Have the account behind the key invited to an organization, or use a key that was made "
    "in one.",
    "verify": "Have the organization behind the key verified with the vendor, or use a key of a verified "
    "one.",
    "set_up_account": "The account behind the key is not set up yet: do there what the words ask for, then "
    "probe again. A new key of the same account will not help.",
    "permission": "The key is right but lacks a permission: give it, or the role behind it, the one that the "
    "words name, or use a key that has it.",
    "account_settings": "The settings of the account keep this model away: change them where the words point "
    "to, or choose another model.",
    "terms": "Accept the model's terms, or fill in the form that the words name, with the account behind the "
    "key; then probe again, or choose another model.",
    "verify_for_model": "Have the account or organization behind the key verified with the vendor, or choose "
    "another model.",
    "other_models": "The key is right but holds for other models: choose one that the words name, or have "
    "this one added to the key.",
    "project": "The key is right, its project may not use this model: allow the model in the project's "
    "settings, use a key of another project, or choose another model.",
    "other_region": "It is served in other regions only: use the endpoint of one of those, or choose another "
    "model.",
    "plan_for_model": "The key is right, its plan does not cover this model: change the plan, or choose "
    "another model.",
    "pay": "Add credit or settle the bill of the account behind the key, then probe again. The key itself is "
    "right.",
    "budget": "Have the budget of this key raised or reset at the gateway, then probe again. The key itself "
    "is right.",
    "free_tier": "Switch that mode off in the vendor's console, so that the model is paid for, then probe "
    "again. The key itself is right.",
    "period": "Probe again when the period is over, or raise the limit of the plan. The key itself is right.",
    "plan": "Renew or change the plan of the account behind the key, then probe again. The key itself is "
    "right.",
    "header": "Muster sent the key as `{sent}`, but the endpoint looks for it elsewhere, or a proxy drops "
    "it: set the header that it wants in the endpoint's settings (header of the key), or use the base URL "
    "of the OpenAI-compatible API.",
    "gateway_issued": "The gateway itself refuses the key: use one that the gateway issued, not the "
    "provider's.",
    "region_of_key": "Copy the key again from the very resource and region that the base URL names: the key "
    "of another one is refused in the same way.",
    "new_key": "This key is no longer good: make a new one where it was issued, and fill that in.",
    "other_credential": "It takes another kind of credential than this one: its words or its documentation "
    "say which. Where that is a token that lives for an hour or so, put a gateway in between that renews it.",
    "profile": "The vendor serves it by an inference profile only: register the id of that in place of the "
    "model's own (at Bedrock it begins with a region, such as us. or eu.).",
    "short_lived": "That is a token which lives for an hour or so and ran out, and a fresh one will too: "
    "make an API key that lasts where this vendor has one, or put a gateway in between that renews the "
    "token.",
    "other_protocol": "It serves the vendor's own program only, or a newer version of it: use the base URL "
    "of the vendor's public API.",
    "gateway_key": "Your key was taken, but the provider behind the gateway refused the gateway's own "
    "key or role: have that corrected at the gateway.",
    "memory": "The server has too little memory for this model: free some there, or run a smaller or more "
    "strongly quantised one, then probe again.",
    "server_log": "The log of the server says why the model does not run: correct that, restart it, and "
    "probe again.",
    "full": _FULL,
    "not_ready": "The model is not ready yet{wait}: probe again when the server says that it is.",
    "deployments": "The gateway answers, but every deployment that it has of this model is failing: "
    "probe again {soon}, and if it stays so, look at the deployments behind the gateway.",
    "start_model": "Start the model on its server, then probe again.",
    "tunnel": "Start the tunnel on the machine of the server, then probe again.",
    "provider": "The gateway answers, but the provider behind it fails: see that provider's status, choose "
    "another, or probe again {soon}.",
    "behind_proxy": _BEHIND_PROXY,
    "responses_only": "It is served at /responses, where no model type of Muster asks: choose another model.",
    "chat_template": "It is a base model without a chat template: choose the type completion, or start the "
    "server with a chat template for it.",
    "use_completion": "The words point to the route of the type completion, where the model did not answer "
    "either: choose the type that its documentation names, or another model.",
    "use_chat": "The words point to the route of the type chat, where the model did not answer either: "
    "choose the type that its documentation names, or another model.",
    "start_flags": "Start the server as its words say, or choose the type for which it was started.",
    "nought": "The plan behind the key grants nothing at all for this model, so no wait helps: change the "
    "plan or the limits of the project, or choose another model.",
    "generation": "What the model wrote could not be read by its own server: probe again, and if it stays "
    "so, look at the parser and the chat template that the server uses for this model.",
    "servers_own": "That is an error inside the server: read its log if it is yours, else see the vendor's "
    "status page, then probe again.",
    "install": "Something that the server needs is not installed there: install what its words name, restart "
    "it, and probe again.",
    "short_context": "The model's context is too short even for the few tokens of a probe: start the server "
    "with a longer one.",
}
"""A sentence for each advice that a rule names. Those of an id that is not served are told with what the
endpoint lists: see `model_suggestions`."""
