"""The two control calls: an id that can't exist, and a key that can't be right.

An answer proves more when the same call with one thing wrong is refused. See docs/probe.md, "The model that
answered".
"""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Mapping

from app.probe.conversation.record import check_of
from app.probe.conversation.request import Request
from app.probe.conversation.talk import Conversation
from app.probe.diagnosis.sentences import asked
from app.probe.model_types.model_type import ModelType
from app.probe.proof import Outcome, Proof, Proven
from app.probe.reading.catalog import Catalog
from app.probe.reading.catalog_facts import type_of
from app.probe.reading.meaning import meaning_of
from app.probe.reading.refusal import Refusal, quote, read_refusal
from app.probe.tasks import Result
from app.probe.transport.answer import Answer
from app.probe.values import Check, Diagnosis, Status

UNKNOWN_MODEL = "unknown_model"
WRONG_KEY = "wrong_key"
NOT_ENFORCED = (
    "model_id_not_enforced",
    "The endpoint answers whatever model id it is asked for, and does not say which model answered: it may "
    "be another than the one registered. See on the server itself which one it runs.",
)
OPEN_TO_ANYONE = (
    "key_not_enforced",
    "The endpoint answered with a wrong key as well: it is open to anyone who can reach it. Switch its key "
    "check on, or keep it off open networks.",
)


def doubtful(catalog: Catalog, model_id: str) -> bool:
    """Doubt arises only where the catalog, if there is one, does not list the asked id, or where there is
    none.
    """
    return catalog.listed(model_id) is not True


def nonexistent_id() -> str:
    """An id that can't exist, of no known vendor's form."""
    return f"muster-no-such-model-{secrets.token_hex(6)}"


def ask_for_unknown_model(
    talk: Conversation, model_type: ModelType, outcome: Outcome, catalog: Catalog
) -> tuple[Result, Diagnosis | None]:
    """Ask the proof's own call for an id that can't exist; tells a heeded id from one that is ignored.

    Gives back the record, and a `model_not_found` where the endpoint told us that it serves another model.
    """
    proof, unknown = model_type.proof, nonexistent_id()
    request = proof.request(talk, unknown, outcome.shape)
    answer, refusal, proven = _controlled(talk, proof, request)

    def record(status: Status, evidence: str) -> tuple[Check, ...]:
        return (check_of(UNKNOWN_MODEL, status, request, answer, evidence, talk),)

    if proven is None:
        if not _is_refusal(answer, refusal):
            return Result(checks=record("inconclusive", "Could not be told.")), None
        evidence = f"An id that can't exist was refused with {answer.status}: "
        return Result(checks=record("passed", evidence + quote(refusal, talk.endpoint.api_key))), None
    instead = _falls_back(outcome, proven, unknown)
    if instead and _answers_again(talk, proof, outcome):
        evidence = f"An id that can't exist was answered by another model than this one, {instead}."
        return Result(checks=record("passed", evidence)), None
    real = _told(talk, outcome, proven, unknown, _speaking(catalog, model_type.name))
    by = f", by {', '.join(real[:3])}" if real else ""
    checks = record("failed", f"An id that can't exist was answered too{by}.")
    if real:
        return Result(checks=checks), _other_model(talk, outcome, real)
    return Result(checks=checks, warnings=(NOT_ENFORCED,)), None


_TIMES = 2


def _controlled(talk: Conversation, proof: Proof, request: Request) -> tuple[Answer, Refusal, Proven | None]:
    """Ask until it is an answer or a refusal. What is neither, such as an empty body, is asked again; a good
    status with an answer's frame and nothing in it is an answer: llama.cpp now and then says nothing.
    """
    until = time.monotonic() + talk.limits.check_s
    for _ in range(_TIMES):
        answer, refusal, _ = talk.ask_patiently(UNKNOWN_MODEL, request, until)
        found = proof.look(answer, refusal, talk)
        if isinstance(found, Proven):
            return answer, refusal, found
        if found is not None and answer.ok and not refusal.is_error:
            model = answer.json.get("model") if isinstance(answer.json, Mapping) else None
            return answer, refusal, Proven(found.why, model=model if isinstance(model, str) else None)
        if _is_refusal(answer, refusal):
            break
    return answer, refusal, None


def _is_refusal(answer: Answer, refusal: Refusal) -> bool:
    """Whether this refuses: a 4xx that speaks of no moment, or an error in words of a missing model."""
    if answer.failure or refusal.status is None:
        return False
    judgement = meaning_of(refusal)
    if judgement.meaning == "model_not_found" and judgement.by_words:
        return True
    if judgement.meaning in ("rate_limited", "bot_filter", "model_unavailable"):
        return False
    return 400 <= refusal.status < 500 or refusal.status >= 500 or refusal.is_error


def _speaking(catalog: Catalog, type_name: str) -> Catalog:
    """What a catalog tells of models of this type: the entries that say that they are of it.

    Text is what a catalog lists that does not say of what (KoboldCpp lists its text model alone and embeds,
    ranks, draws and speaks for any id).
    """
    if type_name in _TEXT:
        return catalog
    mine = {name: entry for name, entry in catalog.entries.items() if type_of(entry) == type_name}
    return Catalog(bool(mine), mine)


_TEXT = frozenset({"chat", "completion"})


def _falls_back(outcome: Outcome, control: Proven, unknown: str) -> str | None:
    """The model that answers unknown ids, where another one answered the proof: then the id decides which.

    An answer that repeats the unknown id names nothing, and what it says of the proof is no more than that.
    """
    proof, other = outcome.proven.model if outcome.proven else None, control.model
    if not proof or not other or other.lower() in (unknown, proof.lower()):
        return None
    return other


_REPEATS = 2


def _answers_again(talk: Conversation, proof: Proof, outcome: Outcome) -> bool:
    """Whether it is the asked id that brings this model: a name made of that id, or the same name each time.

    A router that spreads calls over what it has brings different names too, by chance.
    """
    name = outcome.proven.model if outcome.proven else None
    if name and talk.endpoint.model_id.lower() in name.lower():
        return True
    until = time.monotonic() + talk.limits.check_s
    again = (proof.judge(talk.ask(outcome.request, until=until), talk) for _ in range(_REPEATS))
    return all(isinstance(proven, Proven) and proven.model == name for proven in again)


def _told(
    talk: Conversation, outcome: Outcome, control: Proven, unknown: str, catalog: Catalog
) -> tuple[str, ...]:
    """The ids that the endpoint says it serves in truth: those it lists, else the one it names in its
    answers.
    """
    if catalog.there:
        return catalog.closest(talk.endpoint.model_id) or catalog.ids[:5]
    named = [proven.model for proven in (outcome.proven, control) if proven and proven.model]
    mine = talk.endpoint.model_id.lower()
    other = [name for name in named if name != unknown and name.lower() != mine]
    return tuple(dict.fromkeys(other)) if len(other) == len(named) and named else ()


def _other_model(talk: Conversation, outcome: Outcome, real: tuple[str, ...]) -> Diagnosis:
    ids = f"the id {real[0]}" if len(real) == 1 else f"one of the ids {', '.join(real[:3])}"
    message = (
        f"{asked(talk, outcome)} answered {outcome.answer.status} for {talk.endpoint.model_id!r}, but also "
        f"for an id that can't exist: it serves what it has, whatever is asked for. Register {ids}, which it "
        "says it serves."
    )
    return Diagnosis("model_not_found", "model_id", message, {"model_id": real})


def ask_with_wrong_key(talk: Conversation, proof: Proof, outcome: Outcome) -> Result:
    """The proof's own call with a wrong key of the same form; answered, the endpoint is open. It never
    rejects.
    """
    request = proof.request(talk, talk.endpoint.model_id, outcome.shape)
    answer = talk.ask(
        request, key=wrong_key(talk.endpoint.api_key), until=time.monotonic() + talk.limits.check_s
    )
    refusal = read_refusal(answer)
    if isinstance(proof.look(answer, refusal, talk), Proven):
        check = check_of(WRONG_KEY, "failed", request, answer, "A wrong key was answered too.", talk)
        return Result(checks=(check,), warnings=(OPEN_TO_ANYONE,))
    meaning = meaning_of(refusal).meaning
    told = (
        answer.failure is None
        and meaning in ("invalid_credentials", "permission_denied")
        or answer.status in (401, 403)
    )
    evidence = f"A wrong key was refused with {answer.status}." if told else "Could not be told."
    # The endpoint's words stay out of this record: an echo of the wrong key would look like a leak.
    return Result(
        checks=(check_of(WRONG_KEY, "passed" if told else "inconclusive", request, answer, evidence, talk),)
    )


def wrong_key(key: str) -> str:
    """A key of the same length and look (a prefix such as `sk-` stays), but another."""
    head = key[:3] if len(key) > 12 else ""
    letters = string.ascii_letters + string.digits
    while True:
        other = head + "".join(secrets.choice(letters) if c.isalnum() else c for c in key[len(head) :])
        if other != key:
            return other
        head, key = "", key + "x"
