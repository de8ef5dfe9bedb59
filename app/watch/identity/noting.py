"""What the feed and people are told of a model's identity: names, counts of tokens, answers that differ."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from app.probe.values import Sample
from app.store.models import RegisteredModel
from app.store.watch.events import FeedEvent
from app.store.watch.health import ModelHealth
from app.store.watch.samples import ModelIdentity
from app.watch.identity import kept
from app.watch.identity.samples import WORDS
from app.watch.sampling import UNITS, Kind, window_of
from app.watch.states import tell_of_model

DIFFER = "Answers differ from before"
_NAMES_KEPT = 16
_FEW_IN_COMMON = 0.2
_SMALL, _LARGE = 0.02, 0.5
"""Nats a token: below, another version of the server or other hardware may do it; above, no quantization."""


def note(row: ModelIdentity, health: ModelHealth, sample: Sample, turn: int, now: datetime) -> None:
    """A name that the endpoint never gave before is told; it decides nothing, some have several in turn."""
    forms = dict(row.forms) | {"form": sample.form} | _counted_prompt(row, health, sample, turn, now)
    for name, value in (("model", sample.model), ("system_fingerprint", sample.fingerprint)):
        known: list[str] = list(forms.get(name, []))
        if value and value not in known:
            if known and len(known) < _NAMES_KEPT:
                tell(health, name, known[-1], value, now)
            forms[name] = [*known, value][:_NAMES_KEPT]
    if forms != row.forms:
        row.forms = forms


def _counted_prompt(
    row: ModelIdentity, health: ModelHealth, sample: Sample, turn: int, now: datetime
) -> dict[str, Any]:
    """The tokens that the endpoint counts in the fixed prompt: another tokenizer, another template or text in
    front changes them for good. What counts is how far they are from a prompt's first count, for there are
    several prompts.
    """
    if sample.prompt_tokens is None:
        return {}
    counts: dict[str, int] = dict(row.forms.get("counts", {}))
    first = counts.setdefault(str(turn % len(WORDS) if row.kind == "words" else 0), sample.prompt_tokens)
    known: list[int] = list(row.forms.get("shifts", [0]))
    shift = sample.prompt_tokens - first
    if shift not in known and len(known) < _NAMES_KEPT:
        tell(health, "prompt_tokens", first + known[-1], sample.prompt_tokens, now)
        known.append(shift)
    return {"counts": counts, "shifts": known}


def tell(health: ModelHealth, name: str, before: object, after: object, now: datetime) -> None:
    """An event of kind `model`: what this name stood for before, and now."""
    detail = {"name": name, "from": before, "to": after}
    FeedEvent.add("model", model_pk=health.model_pk, endpoint_id=health.endpoint_id, at=now, **detail)


def tell_of_difference(
    row: ModelIdentity, health: ModelHealth, model: RegisteredModel, now: datetime
) -> None:
    """Answers differ: an event with the numbers, and news with what could explain them."""
    in_common = _in_common(row)
    detail = {
        "name": "answers",
        "from": "as before",
        "to": "different",
        "message": f"{DIFFER}.",
        "distance": row.distance,
        "noise": row.noise,
        "p": row.p,
        "samples": row.samples,
        "tokens_in_common": in_common,
    }
    FeedEvent.add("model", model_pk=model.id, endpoint_id=health.endpoint_id, at=now, **detail)
    other = in_common is not None and in_common < _FEW_IN_COMMON
    tokens = (
        " Hardly one of its tokens was among those of before: another tokenizer or model." if other else ""
    )
    message = f"{DIFFER}: {size_in_words(row)} {meaning_of(row)}{tokens}"
    tell_of_model("model.changed", health, model, now, code=None, message=message)


def _in_common(row: ModelIdentity) -> float | None:
    """The share of the newest samples' tokens that were known before; None where they are no tokens."""
    if row.kind != "logprobs" or row.learned is None:
        return None
    known = set(row.learned["columns"])
    tokens = [token for one in kept.newest_of(row, window_of("logprobs")) for token in one]
    return round(sum(token in known for token in tokens) / len(tokens), 3) if tokens else None


def size_in_words(row: ModelIdentity) -> str:
    """How far the answers are from the baseline, beside what is usual, and how likely by chance."""
    unit = UNITS[cast(Kind, row.kind)]
    far, usual = f"{row.distance or 0:.3g}", f"{row.noise or 0:.2g}"
    chance = "" if row.p is None else f", and chance explains each of three such windows with p ≤ {row.p:.3g}"
    return f"they lie {far} {unit} from the baseline, where {usual} is the most that was usual{chance}."


def meaning_of(row: ModelIdentity) -> str:
    """What could explain a difference of this size."""
    if row.kind == "logprobs" and (row.distance or 0) < _SMALL:
        return "That is so little that another version of the server, or other hardware, may explain it too."
    if row.kind == "logprobs" and (row.distance or 0) < _LARGE:
        return (
            "Another quantization, a step of fine-tuning or a change of the text in front would explain that."
        )
    return "Another model, or other text in front of the prompt, would explain that."
