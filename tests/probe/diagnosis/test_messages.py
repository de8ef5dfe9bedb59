"""What an operator reads when a model is not let in: each message says what to do about its own cause.

The form of every message is held by `tests.endpoints.judging`, for all simulated endpoints. Here are the
words that the next step must have where one cause is easily taken for another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args

import pytest

from app.probe.diagnosis.advice import ADVICE, ADVISED, advice
from app.probe.diagnosis.codes import CODES
from app.probe.diagnosis.sentences import in_words
from app.probe.reading.wordings import RULES, Advice
from tests.endpoints.every import REPORTS
from tests.endpoints.judging import probed, running
from tests.endpoints.own_every import OWN
from tests.endpoints.reports import Report
from tests.endpoints.second_every import SECOND
from tests.probe.messages import faults

BY_ID: Mapping[str, Report] = {report.id: report for report in (*REPORTS, *OWN, *SECOND)}

# fmt: off
STEPS: Mapping[str, tuple[str, ...]] = {
    # The key may not: where from, from which address, for what, and whose account.
    "openai-403-region-blocked": ("place that Muster's calls come from", "MUSTER_PROXY"),
    "own-openai-ip-not-authorized": ("address that Muster calls from (203.0.113.7)", "allowed"),
    "own-azure-firewall": ("address that Muster calls from", "inside its network"),
    "openai-401-missing-scopes": ("lacks a permission",),
    "openai-401-no-organization": ("invited to an organization",),
    "own-openai-account-deactivated": ("account or project", "shut"),
    "openai-403-project-no-model-access": ("project's settings", "another model"),
    "own-litellm-key-may-not-use-model": ("choose one that the words name",),
    "own-openrouter-data-policy": ("settings of the account",),
    "realtime-fake-key-connects-real-key-403": ("empty body", "gives no reason", "console"),
    # Keys.
    "own-kong-no-key-found": ("`Authorization: Bearer`", "elsewhere"),
    "own-basic-auth-in-front": ("name and a password", "behind it"),
    "azure-401-code-string": ("resource and region",),
    "own-litellm-unknown-key": ("gateway issued",),
    "api-key-non-ascii-lookalike": ("was not sent", "character 9 of 29", "plain text"),
    # Money and limits.
    "own-litellm-budget": ("budget", "at the gateway"),
    "own-dashscope-free-tier-only": ("Switch that mode off",),
    "own-groq-tokens-per-day": ("when the period is over",),
    "own-retry-after-an-hour": ("wait 1 h",),
    "own-rate-limited-for-good": ("as long as the probe could wait",),
    # Nothing answers, or something else.
    "dify-localhost-docker-refused": ("`127.0.0.1` is the machine or container", "Start the server"),
    "completions-url-doubled-localhost": ("leave /completions off",),
    "own-host-unknown": ("Correct the host name",),
    "own-closes-without-a-word": ("hangs up",),
    "own-tls-expired": ("expired on", "Renew the certificate"),
    "own-tls-unknown-authority": ("MUSTER_CA_BUNDLE",),
    "own-tls-for-another-host": ("it is for llm.example.com", "Write the name"),
    "own-https-where-only-http-is": ("use http://127.0.0.1",),
    "silent-hang-no-byte": ("MUSTER_PROBE_FIRST_BYTE_SECONDS",),
    "own-trickle": ("bytes came in", "raise MUSTER_PROBE_SECONDS"),
    "own-ssh-in-place-of-http": ("is an SSH server", "correct the port"),
    "own-login-page": ("signing in",),
    "own-another-json-api": ("JSON that holds only status, version, database", "another kind of service"),
    "own-empty-answers": ("empty body",),
    "own-redirect-to-a-login": ("sign-in before the API",),
    # Addresses: which setting, or none.
    "own-egress-deny-list": ("MUSTER_EGRESS_DENY",),
    "own-egress-private-closed": ("MUSTER_EGRESS_ALLOW",),
    "egress-guard-silent": ("MUSTER_EGRESS_PRIVATE=1",),
    "own-address-decimal": ("No setting opens",),
    "own-address-unspecified": ("nobody calls it",),
    # The model.
    "llamacpp-501-no-embeddings": ("Asked as chat, the model works", "start the server as its words say"),
    "moderations-missing-404": ("an endpoint that serves /moderations",),
    "models-list-mixed-types": ("list of models calls it stt",),
    "own-openai-only-responses": ("no model type of Muster",),
    "own-vllm-no-chat-template": ("choose the type completion",),
    "groq-model-decommissioned": ("retired", "It lists llama-3.3-70b-versatile: choose that or another"),
    "use-case-form-missing": ("form that the words name",),
    "own-chat-answered-as-a-completion": ("looks like this API", "OpenAI clients can't read"),
    "own-azure-no-deployment": ("name of a deployment",),
    "own-together-not-serverless": ("deploy or start it",),
    "ollama-500-needs-more-memory": ("too little memory",),
    "hf-503-loading-estimated-time": ("not ready yet (20 s",),
    "own-overloaded-529": ("are full",),
    "own-litellm-upstream-key-wrong": ("Your key was taken", "gateway's own"),
    "r01-403-about-the-caller": ("Your key was taken", "key or role", "at the gateway"),
    "r06-subscription-key-missing": ("in the header Ocp-Apim-Subscription-Key", "header of the key"),
    "r07-not-in-this-region": ("other regions only",),
    "r10-variant-of-an-enumeration": ("use sonar, sonar-pro or sonar-deep-research as the model id",),
    "r17-vector-in-a-list": ("OpenAI clients can't read",),
    "r30-500-and-then-nobody": ("log of the server",),
    "own-litellm-no-deployments": ("every deployment", "in 5 s"),
    "own-502-of-a-proxy": ("502 Bad Gateway”", "behind it does not"),
    "tei-embedding-nulls": ("answered 200, but a vector", "no numbers"),
    "own-broken-gzip": ("Content-Encoding",),
}
"""Words of the message by the simulated endpoint that must bring them out."""
# fmt: on


@pytest.mark.parametrize("name", STEPS)
def test_the_next_step_fits_the_cause(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(BY_ID[name], monkeypatch) as endpoint:
        message = probed(BY_ID[name], endpoint)["diagnosis"]["message"]
    assert not [words for words in STEPS[name] if words not in message], message


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ("POST /v1/x at h answered 401: “No.”. Do this.", "odd punctuation"),
        ("POST /v1/x at h answered 401: “No”.. Do this.", "odd punctuation"),
        ("POST /v1/x at h answered 401: “No”. One. Two. Three.", "4 sentences"),
        ("POST /v1/x at h answered 401: “No”.", "1 sentences"),
        ("POST /v1/x answered 401: “No”. Do this.", "of whom"),
        ("POST /v1/x at h was odd. Do this.", "neither status"),
        ("POST /v1/x at h answered 401: “sk-1\x07”. Do this.", "control"),
        ("POST /v1/x at h answered 401: “sk-secret”. Do this.", "the key"),
        ("POST /v1/x at h answered 401: “No”. Do this", "no stop"),
    ],
)
def test_a_message_of_bad_form_is_noticed(message: str, fault: str) -> None:
    assert fault in " ".join(faults(message, "sk-secret"))


def test_a_good_message_has_no_fault() -> None:
    good = "POST /v1/x at [::1]:80 answered 401: “Wait... No!”. It lists a.b:1, but not 'x.': use that."
    assert list(faults(good, "sk-secret")) == []


def test_every_code_of_a_probe_has_advice() -> None:
    """Those that `verdict` words itself, by what it found, are named here."""
    worded = {"redirected", "wrong_path", "model_not_found", "capability_contradicted"}
    assert {code.partition("/")[0] for code in ADVICE} == set(CODES) - worded
    for rows in ADVICE.values():
        assert [words is None for words, _ in rows] == [False] * (len(rows) - 1) + [True]


def test_advice_is_two_sentences_at_most() -> None:
    facts = dict.fromkeys(
        ("host", "port", "plain", "type", "route", "calls", "address", "wait", "delay"), "X"
    )
    for code, rows in ADVICE.items():
        for _, says in rows:
            step = says.format_map(facts | {"soon": "in some minutes"})
            asked = f"POST /v1/x at h answered 500. {step}"
            assert not list(faults(asked, "")), (code, step, list(faults(asked, "")))


def test_the_first_row_that_fits_speaks() -> None:
    facts = {"host": "llm.example"}
    assert "llm.example" in advice("invalid_credentials", None, "#status:401 wrong", facts)
    assert "fill in the key" in advice("invalid_credentials", None, "#nokey #status:401 wrong", facts)
    with pytest.raises(KeyError):
        advice("wrong_path", None, "", facts)


def test_what_a_rule_advises_is_told_but_for_a_key_that_was_not_typed() -> None:
    facts = {"host": "llm.example", "wait": "", "soon": "in some minutes"}
    assert "no longer good" in advice("invalid_credentials", "new_key", "#status:401", facts)
    assert "fill in the key" in advice("invalid_credentials", "new_key", "#nokey #status:401", facts)
    assert "are full" in advice("model_unavailable", "full", "#page #status:503", facts)


def test_every_advice_of_a_rule_has_its_sentence_and_its_rule() -> None:
    told_with_the_list = {"retired", "or_access", "deployment", "or_deploy"}
    assert {*ADVISED} | told_with_the_list == {*get_args(Advice)} == {r.advice for r in RULES} - {None}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s"),
        (45, "45 s"),
        (60, "1 min"),
        (864, "14 min 24 s"),
        (3600, "1 h"),
        (35000, "9 h 43 min 20 s"),
    ],
)
def test_waits_are_told_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


@pytest.mark.parametrize("words", [r"\bwhoever\b", r"\bmend", r"\bwould do\b", r"\bjust so\b"])
def test_messages_are_plain_english(words: str) -> None:
    told = [*ADVISED.values(), *(says for rows in ADVICE.values() for _, says in rows)]
    told += [code.help for code in CODES.values()]
    assert not [text for text in told if re.search(words, text, re.IGNORECASE)]
