"""Speech to text and text to speech."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import islice

from app.probe.conversation.request import Request
from app.probe.conversation.talk import Conversation
from app.probe.model_types.sound import FORMATS, LONGER, file_of
from app.probe.proof import Doubtful, Outcome, Proof, Proven
from app.probe.reading.allowed_values import offers_for
from app.probe.reading.faults import is_error_value
from app.probe.reading.named_fields import REFUSAL_STATUSES
from app.probe.reading.refusal import Refusal
from app.probe.reading.wordings import any_of
from app.probe.shape import Shape
from app.probe.transport.answer import Answer, parsed

TRANSCRIPTIONS = "/audio/transcriptions"
SPEECH = "/audio/speech"
TEXT = "Hello."
PLAIN_TEXT = "Good morning."
VOICES = ("alloy", "af_heart", "tara", "default")
"""Voices that many endpoints know: OpenAI's, Kokoro's, Orpheus's."""

_BEGINNINGS = (b"ID3", b"OggS", b"fLaC", b"\x1aE\xdf\xa3", b"#!AMR", b"caff", b".snd")
_RAW_PCM = re.compile(r"audio/(x-)?(pcm|l16|raw)\b", re.I)


def transcription_request(talk: Conversation, model: str, shape: Shape) -> Request:
    """The sound and the model. `response_format` is not sent (field report gpt4o-transcribe-verbose-json)."""
    return Request(TRANSCRIPTIONS, form={**shape.fit({"model": model}), "file": file_of(shape.form)})


def judge_transcription(answer: Answer, talk: Conversation) -> Proven | Doubtful | None:
    """A JSON text; an empty one is as good, since nobody speaks in what was sent.

    What comes line by line, or as plain text, is asked for as JSON once more; lines of JSON stand as they
    are, plain text says too little: any web server sends some.
    """
    body = answer.json
    if isinstance(body, Mapping) and "transcript." not in str(body.get("type")):
        text = body.get("text")
        if is_error_value(body.get("error")) or "text" not in body:
            return None
        return _heard(text) if isinstance(text, str) else Doubtful("its `text` is no text")
    told = _lines(answer) if answer.ok else None
    if told is not None:
        why = "the text came in pieces, where the API gives it whole"
        return Doubtful(why, _asked_for_json, _heard(told))
    if answer.ok and body is None and answer.headers.get("content-type", "").lower().startswith("text/plain"):
        return Doubtful("plain text came back, where the API gives JSON", _asked_for_json)
    return None


def _heard(text: str) -> Proven:
    heard = text.strip()
    return Proven(f"The model heard: {heard[:80]}" if heard else "A text came back, empty as it may be.")


def _lines(answer: Answer) -> str | None:
    """The text of an answer that is a JSON object a line, or an event each; None where it is neither."""
    lines = [text for _, text in answer.events] or answer.text.splitlines()
    pieces = [parsed(line) for line in lines if line.strip() and line.strip() != "[DONE]"]
    objects = [piece for piece in pieces if isinstance(piece, Mapping)]
    if len(objects) < len(pieces) or any(is_error_value(piece.get("error")) for piece in objects):
        return None
    found = [piece["text"] for piece in objects if isinstance(piece.get("text"), str)]
    return " ".join(found) if found else None


_UNHEARD = any_of(
    r"no[ _](speech|voices?|words?|spoken \w+)[ _]((was|were|is|could be|has been) )?"
    r"(detected|found|heard|recogni[sz]ed|present|in (the|this))",
    r"(contains?|has|holds?|detected|found|heard) no (audible )?(speech|voices?|words?)\b(?! \w+ model)",
    r"(no|not|n't|unable to|failed to) (detect|hear|find|recogni[sz]e) (any )?(speech|voices?|words)\b",
    r"speech (was |is |could )?not (be )?(detected|found|heard|recogni[sz]ed)",
    r"\b(audio|file|recording|sound|clip|input)\b.{0,30}\b(is|was|only|seems) .{0,12}(silent|silence)\b",
)


def unheard(refusal: Refusal) -> Proven | None:
    """A refusal since nobody speaks in the sound: only a model reached with a good key hears that."""
    taken = refusal.status is not None and 200 <= refusal.status < 300 or refusal.status in REFUSAL_STATUSES
    if not taken or refusal.is_html or not _UNHEARD.search(refusal.all):
        return None
    return Proven("The model heard no speech in the tone that was sent, and said so.")


def _asked_for_json(shape: Shape) -> Shape:
    return shape.because("asked for JSON", added={**shape.added, "response_format": "json"})


_FORMAT = any_of(r"format|mime|content.?type|codec|decod|extension|container|unsupported|\bfile type")
_NAMED = {
    "wav": any_of(r"\b(x-)?wave?\b"),
    "mp3": any_of(r"\bmp3\b", r"\b(audio/)?mpe?ga?\b"),
    "ogg": any_of(r"\bogg\b", r"\bopus\b"),
    "flac": any_of(r"\bflac\b"),
}


_TOO_SHORT = any_of(
    r"\b(audio|file|sound|clip|recording|input|duration)\b.{0,40}\b(too short|shorter than|"
    r"less than (the minimum|[\d.]+ ?s))",
    r"minimum (\w{1,12} ){0,2}(length|duration)",
)


def learn_format(outcome: Outcome) -> Shape | None:
    """Another format where the one that was sent is refused and the words offer it; a longer sound where they
    call it too short.
    """
    refusal, shape = outcome.refusal, outcome.shape
    if refusal.status not in (*REFUSAL_STATUSES, 502) and not refusal.is_error:
        return None
    if _TOO_SHORT.search(refusal.all) and shape.form != LONGER:
        return shape.because("sent a longer sound", form=LONGER)
    if not _FORMAT.search(refusal.all):
        return None
    offers = (form for form in range(1, len(FORMATS)) if _NAMED[FORMATS[form]].search(refusal.all))
    return _in_format(shape, next((form for form in offers if form > shape.form), 0))


def _in_format(shape: Shape, form: int) -> Shape | None:
    return shape.because(f"sent the sound as {FORMATS[form].upper()}", form=form) if form else None


def transcription_fallbacks(shape: Shape) -> Iterable[Shape]:
    """What to try where a refusal says too little: an MP3, which most servers take."""
    if shape.form == 0:
        yield shape.because("sent the sound as MP3", form=FORMATS.index("mp3"))


def speech_request(talk: Conversation, model: str, shape: Shape) -> Request:
    """A word to be spoken, by a voice; nothing said of format or speed."""
    text = PLAIN_TEXT if shape.plain else TEXT
    return Request(SPEECH, shape.fit({"model": model, "input": text, "voice": VOICES[0]}))


def judge_speech(answer: Answer, talk: Conversation) -> Proven | Doubtful | None:
    """Bytes that begin like audio; raw samples only where the Content-Type says so."""
    if answer.failure is not None and answer.failure.kind != "too_large":
        return None
    label = answer.headers.get("content-type", "")
    kind = kind_of_audio(answer.body)
    if kind is None and _RAW_PCM.match(label) and len(answer.body) >= 2 and answer.json is None:
        kind = "raw samples"
    if kind:
        return Proven(f"{len(answer.body)} bytes came back that begin like audio ({kind}).")
    if not answer.body or (label.lower().startswith("audio/") and answer.json is None):
        return Doubtful("no audio came back" + (", whatever the Content-Type says" if answer.body else ""))
    return None


def kind_of_audio(raw: bytes) -> str | None:
    """What kind of audio bytes begin like, None where like none."""
    if raw[:4] in (b"RIFF", b"RF64", b"RIFX") and raw[8:12] == b"WAVE":
        return "WAV"
    if raw[:4] == b"FORM" and raw[8:12] in (b"AIFF", b"AIFC"):
        return "AIFF"
    if raw[4:8] == b"ftyp":
        return "MP4"
    for beginning in _BEGINNINGS:
        if raw.startswith(beginning):
            return {b"ID3": "MP3", b"OggS": "Ogg", b"fLaC": "FLAC", b"\x1aE\xdf\xa3": "WebM"}.get(
                beginning, "audio"
            )
    return _frame(raw)


def _frame(raw: bytes) -> str | None:
    """A frame of MPEG audio or AAC: the sync word, and no reserved value after it."""
    if len(raw) < 4 or raw[0] != 0xFF or raw[1] & 0xE0 != 0xE0:
        return None
    version, layer = raw[1] >> 3 & 3, raw[1] >> 1 & 3
    if layer == 0:
        return "AAC" if raw[1] & 0xF0 == 0xF0 and raw[2] >> 2 & 0xF < 13 else None
    # Layer I is out of use, and its sync word is the byte order mark of UTF-16.
    return "MP3" if version != 1 and layer != 3 and raw[2] >> 4 != 0xF and raw[2] >> 2 & 3 != 3 else None


def learn_voice(outcome: Outcome) -> Shape | None:
    """A refused voice: one that the words offer, else one that many know, at last none."""
    refusal, shape, sent = outcome.refusal, outcome.shape, outcome.request.sent
    voice = sent.get("voice")
    if not isinstance(voice, str) or refusal.status not in REFUSAL_STATUSES and not refusal.is_error:
        return None
    about = refusal.param == "voice" or any("voice" in place for place in refusal.places)
    if not about and not re.search(r"\b(voice|speaker)s?(_?id)?\b", refusal.all):
        return None
    refused = shape.refused | {voice}
    others = (*islice(offers_for(refusal, "voice", voice), 2), *VOICES)
    other = next((name for name in others if name not in refused), None)
    if other is None:
        return (
            None
            if "voice" in shape.dropped
            else shape.because("left out `voice`", dropped=shape.dropped | {"voice"})
        )
    return shape.because(
        f"asked for the voice {other}", instead={**shape.instead, "voice": other}, refused=refused
    )


def speech_fallbacks(shape: Shape) -> Iterable[Shape]:
    """Shapes to try where a refusal says too little: voices that many know."""
    for voice in VOICES[1:]:
        yield shape.because(f"asked for the voice {voice}", instead={**shape.instead, "voice": voice})


STT_PROOF = Proof(
    TRANSCRIPTIONS,
    transcription_request,
    judge_transcription,
    transcription_fallbacks,
    learn=learn_format,
    reached=unheard,
)
TTS_PROOF = Proof(SPEECH, speech_request, judge_speech, speech_fallbacks, learn=learn_voice)
