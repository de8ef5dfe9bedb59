"""Image: a prompt in, a picture out, as a URL or as base64. A picture's URL is never fetched."""

from __future__ import annotations

import base64
import binascii
import math
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.probe.conversation.record import check_of
from app.probe.conversation.request import Request
from app.probe.conversation.talk import Conversation
from app.probe.model_types.picture import to_edit
from app.probe.negotiation import learn
from app.probe.proof import Doubtful, Outcome, Proof, Proven
from app.probe.reading.faults import is_error_value
from app.probe.reading.meaning import Judgement
from app.probe.reading.named_fields import REFUSAL_STATUSES, complained
from app.probe.reading.refusal import Refusal, quote
from app.probe.shape import Shape
from app.probe.tasks import Finding, Result, Task
from app.probe.transport.answer import Answer
from app.probe.values import Status

ROUTE = "/images/generations"
EDITS = "/images/edits"
PROMPT = "A plain red square."
PLAIN_PROMPT = "A green tree."
SMALLEST = "256x256"
_SIZE = re.compile(r"(?<![\d.])(\d{2,5})\s*([x×*])\s*(\d{2,5})(?!\d)", re.I)
_LEAST_PIXELS = re.compile(
    r"(?:at least|minimum(?: of| is)?|>=?)\s{0,2}([\d,]{4,10})\s{0,2}(?:px\b|pixels?\b)", re.I
)
_BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
_CUT_OFF = re.compile(r'"(?:b64_json|url)"\s*:\s*"([^"]{16,400})')


def proof_request(talk: Conversation, model: str, shape: Shape) -> Request:
    """One picture, as small as the endpoint makes it; nothing said of format, number or quality.

    `response_format` is not sent: many refuse it (field report agnes-image-litellm-unsupported-params).
    """
    prompt = PLAIN_PROMPT if shape.plain else PROMPT
    return Request(ROUTE, shape.fit({"model": model, "prompt": prompt, "size": SMALLEST}))


def judge_proof(answer: Answer, talk: Conversation) -> Proven | Doubtful | None:
    """A picture by URL, or base64 that begins like one."""
    if answer.failure is not None:
        # A large picture breaks the limit of a body: what came of it shows how it begins.
        found = _CUT_OFF.search(answer.text[:65536]) if answer.failure.kind == "too_large" else None
        kind = picture_in(found.group(1)) if found else None
        return Proven(f"{kind} came back, larger than the limit of a body.") if kind else None
    body = answer.json
    rows = list(_rows(body))
    for row in rows:
        kind = next(filter(None, (picture_in(text) for text in _texts(row))), None)
        if kind:
            return Proven(f"{kind} came back.", model=_model_of(body))
    if rows or _is_good(body) and isinstance(body.get("data"), list):
        return Doubtful("no picture came back: neither a URL nor base64 that begins like one")
    return None


def _is_good(body: Any) -> bool:
    return isinstance(body, Mapping) and not is_error_value(body.get("error"))


def _rows(body: Any) -> Iterator[Any]:
    if _is_good(body):
        for name in ("data", "images"):
            if isinstance(body.get(name), list):
                yield from body[name]


def _texts(row: Any) -> Iterator[str]:
    if isinstance(row, str):
        yield row
    elif isinstance(row, Mapping):
        for name in ("url", "b64_json", "image_url"):
            inner = row.get(name)
            inner = inner.get("url") if isinstance(inner, Mapping) else inner
            if isinstance(inner, str):
                yield inner


def _model_of(body: Any) -> str | None:
    return body["model"] if isinstance(body, Mapping) and isinstance(body.get("model"), str) else None


def picture_in(text: str) -> str | None:
    """What a text holds of a picture (a URL, a data URL, base64), as a sentence's subject; else None."""
    text = text.strip()
    if re.match(r"https?://[^\s/]+", text, re.I):
        return "The URL of a picture"
    if re.match(r"data:image/[\w.+-]+[;,]", text, re.I):
        text = text.partition(",")[2]
    start = re.sub(r"\s", "", text[:200])[:64]
    try:
        raw = base64.b64decode(start[: len(start) // 4 * 4], validate=True)
    except (binascii.Error, ValueError):
        return None
    return "A picture in base64" if begins_like_image(raw) else None


def begins_like_image(raw: bytes) -> bool:
    """Whether bytes begin as PNG, JPEG, GIF, WebP or AVIF do."""
    return (
        raw.startswith(_BEGINNINGS)
        or (raw[:4] == b"RIFF" and raw[8:12] == b"WEBP")
        or (raw[4:8] == b"ftyp" and raw[8:12] in (b"avif", b"avis", b"mif1", b"heic"))
    )


def learn_size(outcome: Outcome) -> Shape | None:
    """A refused size: the smallest that the words offer, else none is named."""
    return _other_size(outcome.shape, outcome.refusal, outcome.request.sent)


def _other_size(shape: Shape, refusal: Refusal, sent: Mapping[str, Any]) -> Shape | None:
    size = sent.get("size")
    if size is None or refusal.status not in REFUSAL_STATUSES and not refusal.is_error:
        return None
    about = "size" in complained(refusal, sent) or "size" in refusal.all or "resolution" in refusal.all
    refused = shape.refused | {str(size)}
    offers = sorted((*_sizes(refusal.text, refused), *_squares(refusal.text, refused)))
    if about and offers:
        smallest = offers[0][1]
        return shape.because(
            f"asked for the size {smallest}", instead={**shape.instead, "size": smallest}, refused=refused
        )
    if about and "size" not in shape.dropped:
        return shape.because("left out `size`", dropped=shape.dropped | {"size"})
    return None


def _sizes(text: str, refused: frozenset[str]) -> Iterator[tuple[int, str]]:
    for width, sign, height in _SIZE.findall(text):
        size = f"{width}{'*' if sign == '*' else 'x'}{height}"
        if size not in refused:
            yield int(width) * int(height), size


def _squares(text: str, refused: frozenset[str]) -> Iterator[tuple[int, str]]:
    """The least square, in steps of 64, that has the number of pixels which the words state as the least."""
    for found in _LEAST_PIXELS.findall(text):
        side = math.ceil(math.sqrt(int(found.replace(",", ""))) / 64) * 64
        if f"{side}x{side}" not in refused:
            yield side * side, f"{side}x{side}"


def fallbacks(shape: Shape) -> Iterable[Shape]:
    """Shapes to try where a refusal says too little: no size, then the commonest one."""
    if "size" not in shape.dropped:
        yield shape.because("left out `size`", dropped=shape.dropped | {"size"})
        yield shape.because("asked for the size 1024x1024", instead={**shape.instead, "size": "1024x1024"})


def tasks(talk: Conversation) -> tuple[Task, ...]:
    """The second phase of an image model."""
    return (Task(("image_edit",), image_edit),)


def edit_request(model: str, shape: Shape) -> Request:
    """A small PNG and a prompt as a form; its right half is transparent, since some edit only what is."""
    fields = shape.fit({"model": model, "prompt": PROMPT, "size": SMALLEST})
    return Request(EDITS, form={**fields, "image": ("square.png", to_edit(), "image/png")})


def image_edit(talk: Conversation) -> Result:
    """Whether POST /images/edits gives a picture for a picture."""
    until = time.monotonic() + talk.limits.check_s
    shape = talk.shape
    for _ in range(4):
        request = edit_request(talk.endpoint.model_id, shape)
        answer, refusal, judgement = talk.ask_patiently("image_edit", request, until)
        proven = judge_proof(answer, talk) if answer.answered else None
        if isinstance(proven, Proven):
            return _edited(talk, request, answer, True, f"{proven.evidence.rstrip('.')} for a picture sent.")
        other = _other_size(shape, refusal, request.sent) or learn(shape, refusal, request.sent)
        if other is None or other == shape or _is_gone(refusal, judgement):
            break
        shape = other
    if answer.failure:
        return _edited(talk, request, answer, None, f"No answer: {answer.failure.detail}.")
    why = proven.why if isinstance(proven, Doubtful) else quote(refusal, talk.endpoint.api_key) or "no words"
    refused = isinstance(proven, Doubtful) or _is_gone(refusal, judgement) or _is_about_image(answer, refusal)
    return _edited(talk, request, answer, False if refused else None, f"Answered {answer.status}: {why}")


def _is_gone(refusal: Refusal, judgement: Judgement) -> bool:
    """No such route here, or not for this model, which has just worked on the other one."""
    return (
        judgement.meaning in ("no_route", "wrong_model_type", "model_not_found")
        or refusal.is_html
        and (judgement.meaning == "not_openai_compatible")
    )


def _is_about_image(answer: Answer, refusal: Refusal) -> bool:
    status = answer.status or 0
    if status in (401, 402, 403, 408, 429) or status >= 500 and status not in (500, 501):
        return False
    if re.search(r"\b(small|large|dimension|resolution|pixel|square|mode|size)", refusal.all):
        return False
    words = r"\bedit(s|ing)?\b|(image|multipart|form.?data|content.?type)[^.]{0,60}(\bnot\b|n't|\bun)"
    return bool(re.search(words, refusal.all)) or (
        status in (400, 405, 415, 422) and refusal.param in ("image", "image[]", "model")
    )


def _edited(
    talk: Conversation, request: Request, answer: Answer, observed: bool | None, evidence: str
) -> Result:
    status: Status = "passed" if observed else "inconclusive" if observed is None else "failed"
    check = check_of("image_edit", status, request, answer, evidence, talk)
    return Result((Finding("image_edit", observed, check.evidence),), (check,))


PROOF = Proof(ROUTE, proof_request, judge_proof, fallbacks, learn=learn_size)
