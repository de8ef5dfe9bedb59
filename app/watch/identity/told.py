"""What is told of a model's identity: in words, in numbers, and the two distributions side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

import numpy as np
from sqlalchemy import select

from app.store.base import db
from app.store.models import RegisteredModel
from app.store.watch.events import FeedEvent
from app.store.watch.health import ModelHealth
from app.store.watch.samples import ModelIdentity
from app.watch import sameness
from app.watch.drift import shown
from app.watch.identity import digests, kept, noting, samples
from app.watch.incidents import stamp
from app.watch.sampling import (
    UNITS,
    Kind,
    columns_for,
    kind_of,
    label_of,
    needed_for_baseline,
    rows_of,
    window_of,
)

_SHOWN = 8
_NAMES = {
    "model": "The name that it answers under",
    "answered_by": "The name that it answers under",
    "system_fingerprint": "Its system_fingerprint",
    "sampling": "How it has to be asked",
    "logprobs": "Log-probabilities",
    "prompt_tokens": "Tokens that it counts in the same prompt",
}
_NOTHING_TO_COMPARE = (
    "Its answers hold nothing to compare: neither log-probabilities nor a word within a few tokens."
)


class Told(NamedTuple):
    """One event of who answers, for people."""

    at: datetime
    sentence: str


class Share(NamedTuple):
    """How often a token or word is the answer: in the baseline, and in the last window (0 to 1)."""

    label: str
    before: float
    now: float


def identity_of(model: RegisteredModel) -> dict[str, Any]:
    """What is known of whether a model is still the same, as the API gives it."""
    row, health = ModelIdentity.by_id(model.id), ModelHealth.by_id(model.id)
    kind = cast("Kind | None", row.kind if row else kind_of(model.model_type, model.capabilities or {}))
    is_off = not model.enabled or (health is not None and not health.watched)
    if row is not None and row.place != sameness.place_of(model):
        row = None
    state = "not watched" if kind is None or is_off else row.state if row else "learning"
    return {
        "state": state,
        "summary": _summary(model, row, kind, state, is_off=is_off),
        "kind": kind,
        "samples": row.samples if row else 0,
        "samples_needed": needed_for_baseline(kind) if kind else None,
        "baseline_since": stamp(row.baseline_since) if row else None,
        "differs_since": stamp(row.differs_since) if row else None,
        "changed_with_it": _changed_with_it(row) if row else [],
        "distance": row.distance if row else None,
        "noise": row.noise if row else None,
        "p": row.p if row else None,
        "unit": UNITS[kind] if kind else None,
        "models": list(row.forms.get("model", [])) if row else [],
        "fingerprints": list(row.forms.get("system_fingerprint", [])) if row else [],
        "digests": digests.as_json(digests.digests_of(row)) if row else None,
        "distributions": [share._asdict() for share in shares_of(row)] if row else [],
    }


def events_of(model: RegisteredModel) -> list[Told]:
    """The last events of who answers, the newest first."""
    query = select(FeedEvent).where(FeedEvent.model_pk == model.id, FeedEvent.kind == "model")
    rows = db.session.scalars(query.order_by(FeedEvent.number.desc()).limit(_SHOWN))
    return [Told(row.at, _sentence(row.detail)) for row in rows]


def _changed_with_it(row: ModelIdentity) -> list[dict[str, Any]]:
    """What whole probes found changed since answers differ, the first that was found first."""
    if row.differs_since is None:
        return []
    since = stamp(row.differs_since)
    query = select(FeedEvent).where(FeedEvent.model_pk == row.model_pk, FeedEvent.at >= row.differs_since)
    details = [one.detail for one in db.session.scalars(query.order_by(FeedEvent.number))]
    return [
        {name: detail.get(name) for name in ("name", "from", "to")}
        for detail in details
        if detail.get("answers_differ_since") == since
    ]


def _sentence(detail: Mapping[str, Any]) -> str:
    name, before, after = (detail.get(key) for key in ("name", "from", "to"))
    if name == "answers":
        return f"{noting.DIFFER}." if after == "different" else "Answers are as before again."
    return f"{_NAMES.get(str(name), str(name))}: {_value(before)} before, {_value(after)} now."


def _value(value: Any) -> str:
    return "as usual" if value is None or value == "" else shown(value)


def shares_of(row: ModelIdentity) -> list[Share]:
    """The likeliest answers before and now, the likeliest first; none while there is no full window."""
    if row.state not in ("same", "differs") or row.kind == "vectors":
        return []
    kind = cast(samples.Kind, row.kind)
    now = kept.newest_of(row, window_of(kind))
    if len(now) < window_of(kind):
        return []
    baseline = kept.baseline_of(row)
    before_rows, now_rows = rows_of(kind, baseline, now)
    before, after = (_shares(rows.mean(axis=0), kind) for rows in (before_rows, now_rows))
    labels = [label_of(kind, column) for column in columns_for(kind, [*baseline, *now])]
    # Of words the last column stands for others, and there are none here.
    found = [Share(*one) for one in zip(labels, before, after, strict=False)]
    return sorted(found, key=lambda one: max(one.before, one.now), reverse=True)[:_SHOWN]


def _shares(means: Any, kind: Kind) -> Sequence[float]:
    values = np.exp(means) if kind == "logprobs" else means
    return [round(min(1.0, float(value)), 4) for value in values]


def _summary(
    model: RegisteredModel, row: ModelIdentity | None, kind: Kind | None, state: str, *, is_off: bool
) -> str:
    if is_off:
        return "Nobody looks at this model, so nobody knows."
    if kind is None:
        return f"Answers of {model.model_type} models can't be compared at the price of a health check."
    if state == "not watched":
        return _NOTHING_TO_COMPARE
    if row is None or state == "learning":
        taken, needed = row.samples if row else 0, needed_for_baseline(kind)
        return f"Muster is learning how it answers: {taken} of {needed} samples."
    if row.distance is None:
        return "It was learned how it answers; what comes now is compared with that."
    if state == "same":
        return f"It answers as it did when it was learned: {_beside_noise(row, kind)}."
    return f"{noting.DIFFER}: {noting.size_in_words(row)} {noting.meaning_of(row)}"


def _beside_noise(row: ModelIdentity, kind: Kind) -> str:
    usual = f"{row.noise or 0:.2g}"
    return f"{row.distance:.2g} {UNITS[kind]} from the baseline, where up to {usual} was usual"
