"""Speech: what counts as a text and as audio, which sound is sent, how a voice is found."""

from __future__ import annotations

import io
import wave
from typing import Any

import pytest

from app.practice.media import silent_mp3, silent_wav
from app.practice.wire import Reply, as_json, error
from app.probe.model_types.audio import kind_of_audio
from app.probe.model_types.sound import FORMATS, file_of, sound
from app.probe.values import Limits
from tests.endpoints.base import Simulator
from tests.endpoints.replies import html, raw, text
from tests.probe.asked import asked, check, probed, rejected_as

HEAR = "/audio/transcriptions"
SPEAK = "/audio/speech"


def ear() -> Simulator:
    """A good endpoint of a transcribing model."""
    return Simulator(model_id="ear-1", model_type="stt")


def mouth() -> Simulator:
    """A good endpoint of a speaking model."""
    return Simulator(model_id="mouth-1", model_type="tts")


def hears(answer: Any) -> Simulator:
    """One that answers so."""
    sim = ear()
    sim.edit(lambda *_: answer, HEAR)
    return sim


def speaks(body: bytes, content_type: str = "audio/mpeg") -> Simulator:
    """One that answers with these bytes."""
    sim = mouth()
    sim.edit_reply(lambda *_: Reply(200, body, content_type))
    return sim


def test_a_text_proves_and_little_is_asked_for() -> None:
    sim = ear()
    assert probed(sim).verdict == "accepted"
    form = asked(sim, HEAR)[0].form
    assert set(form) == {"model", "file"} and form["model"] == b"ear-1"


def test_the_sound_is_long_enough_and_plain() -> None:
    with wave.open(io.BytesIO(sound())) as opened:
        assert (opened.getnchannels(), opened.getsampwidth(), opened.getframerate()) == (1, 2, 16_000)
        assert opened.getnframes() / opened.getframerate() >= 1
        assert any(opened.readframes(8000)), "some servers drop silence before the model sees it"


def test_the_form_carries_any_model_id() -> None:
    sim = Simulator(model_id='org/größe "9"\r\n--x', model_type="stt")
    probed(sim)
    assert asked(sim, HEAR)[0].form["model"].decode() == sim.model_id


@pytest.mark.parametrize(
    "answer",
    [{"text": ""}, {"text": " you"}, {"text": "", "segments": []}, {"task": "transcribe", "text": "x"}],
)
def test_an_empty_text_is_as_good(answer: Any) -> None:
    assert probed(hears(answer)).verdict == "accepted"


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"text": None},
        {"text": ["a"]},
        {"transcript": "a"},
        {"text": "", "error": "the decoder crashed"},
        [{"text": "a"}],
        "a",
    ],
)
def test_no_text_is_no_proof(answer: Any) -> None:
    assert probed(hears(answer)).verdict == "rejected"


NO_SPEECH = (
    error(400, "No speech detected in the audio file.", code="no_speech_detected"),
    as_json({"detail": "Audio contains no speech (silence)."}, 422),
    as_json({"error": "Could not detect any speech"}),
    as_json({"error": {"code": "no_speech_detected"}}, 400),
    text(422, "No speech was found in the file"),
)


@pytest.mark.parametrize("reply", NO_SPEECH)
def test_a_refusal_that_heard_no_speech_was_given_by_the_model(reply: Reply) -> None:
    sim = ear()
    sim.refuse(reply, path=HEAR)
    report = probed(sim)
    assert report.verdict == "accepted"
    assert [check(report, name).status for name in ("proof", "wrong_key")] == ["passed", "passed"]


@pytest.mark.parametrize(
    "reply",
    [
        error(404, "No speech model is loaded here."),
        error(401, "No speech detected."),
        error(503, "No speech recognised: the decoder is down."),
        html(422, "No speech detected"),
        error(400, "The audio file has no header."),
    ],
)
def test_other_refusals_prove_nothing(reply: Reply) -> None:
    sim = ear()
    sim.refuse(reply, path=HEAR)
    assert probed(sim, limits=Limits(probe_s=2.0, wait_s=0.2)).verdict == "rejected"


@pytest.mark.parametrize("reply", NO_SPEECH[:1])
def test_silence_for_any_key_and_any_model_is_told(reply: Reply) -> None:
    sim = ear()
    sim.catalog(None)
    sim.every(reply, when=lambda request: request.path.endswith(HEAR))
    report = probed(sim)
    assert {warning.code for warning in report.warnings} == {"key_not_enforced", "model_id_not_enforced"}


def test_json_is_asked_for_where_plain_text_comes() -> None:
    sim = ear()

    def plain(form: Any, answer: Any) -> Any:
        return answer if form.get("response_format") == b"json" else text(200, answer["text"])

    sim.edit(plain, HEAR)
    assert check(probed(sim), "proof").adaptations == ("asked for JSON",)


@pytest.mark.parametrize(
    ("name", "begins"), [("wav", "WAV"), ("mp3", "MP3"), ("ogg", "Ogg"), ("flac", "FLAC")]
)
def test_the_sound_is_there_in_each_format(name: str, begins: str) -> None:
    file, content, label = file_of(FORMATS.index(name))
    assert (file, kind_of_audio(content)) == (f"sound.{name}", begins)
    assert label.startswith("audio/") and 1000 < len(content) < 60_000


@pytest.mark.parametrize("offered", ["mp3", "ogg", "flac"])
def test_a_format_that_the_refusal_offers_is_sent(offered: str) -> None:
    sim = ear()
    wanted = file_of(FORMATS.index(offered))[1][:4]
    refusal = error(400, f"Unsupported MIME type: 'audio/wav'. Supported types are: audio/{offered}")
    sim.refuse(refusal, when=lambda form: form["file"][:4] != wanted, path=HEAR)
    report = probed(sim)
    assert report.verdict == "accepted"
    assert check(report, "proof").adaptations == (f"sent the sound as {offered.upper()}",)


def test_an_mp3_is_tried_where_a_refusal_says_too_little() -> None:
    sim = ear()
    sim.refuse(error(400, "Bad request."), when=lambda form: form["file"][:4] == b"RIFF", path=HEAR)
    assert check(probed(sim), "proof").adaptations == ("sent the sound as MP3",)


PIECES = (
    '{"text": "Good"}\n{"text": "morning."}\n',
    'data: {"type": "transcript.text.done", "text": "Good"}\n\n',
)


@pytest.mark.parametrize("told", PIECES)
def test_a_text_in_pieces_stands_after_json_was_asked_for(told: str) -> None:
    sim = ear()
    sim.edit_reply(lambda *_: text(200, told, "application/x-ndjson"))
    assert probed(sim).verdict == "accepted"
    assert [request.form.get("response_format") for request in asked(sim, HEAR)][:2] == [None, b"json"]


@pytest.mark.parametrize(
    "told", ['{"text": "Good"}\n{"error": "no more memory"}\n', '{"words": 1}\n{"words": 2}\n']
)
def test_pieces_that_hold_an_error_or_no_text_are_no_proof(told: str) -> None:
    sim = ear()
    sim.edit_reply(lambda *_: text(200, told, "application/x-ndjson"))
    assert probed(sim).verdict == "rejected"


def test_plain_text_and_nothing_else_is_no_proof() -> None:
    report = probed(hears(text(200, "hello")))
    assert rejected_as(report) == "endpoint_error"
    assert report.diagnosis and "plain text" in report.diagnosis.message


def test_a_page_is_no_text() -> None:
    assert rejected_as(probed(hears(html(200, "Sign in")))) in ("not_openai_compatible", "wrong_path")


def test_a_demanded_field_is_added_to_the_form() -> None:
    sim = ear()
    refusal = as_json(
        {"detail": [{"loc": ["body", "language"], "msg": "Field required", "type": "missing"}]}, 422
    )
    sim.refuse(refusal, when=lambda form: "language" not in form, path=HEAR)
    assert check(probed(sim), "proof").adaptations == ('added `language`: "en"',)
    assert asked(sim, HEAR)[1].form["language"] == b"en"


def test_the_file_itself_is_never_left_out() -> None:
    sim = ear()
    sim.refuse(error(400, "Invalid file format. Unsupported parameter: 'file'", param="file"), path=HEAR)
    assert probed(sim).verdict == "rejected"
    assert all("file" in request.form for request in asked(sim, HEAR))


def test_the_report_holds_the_form_without_the_sound() -> None:
    assert check(probed(ear()), "proof").request == {"model": "ear-1", "file": "@sound.wav"}


def test_speech_proves_and_little_is_asked_for() -> None:
    sim = mouth()
    report = probed(sim)
    assert report.verdict == "accepted" and "MP3" in check(report, "proof").evidence
    assert asked(sim, SPEAK)[0].json == {"model": "mouth-1", "input": "Hello.", "voice": "alloy"}


AUDIO = {
    "wav": silent_wav(),
    "mp3": silent_mp3(),
    "mp3 with a tag": b"ID3\x04\0\0" + bytes(60),
    "ogg": b"OggS\0\x02" + bytes(60),
    "flac": b"fLaC" + bytes(60),
    "aac": b"\xff\xf1\x50\x80" + bytes(60),
    "aac with a checksum": b"\xff\xf0\x50\x80" + bytes(60),
    "mp4": b"\0\0\0\x1cftypM4A " + bytes(60),
    "webm": b"\x1aE\xdf\xa3" + bytes(60),
    "aiff": b"FORM\0\0\0\0AIFF" + bytes(60),
}
NO_AUDIO = {
    "json": b'{"error":{"message":"boom"}}',
    "text": b"hello there",
    "utf-16 text": "hello".encode("utf-16"),
    "picture": b"\x89PNG\r\n\x1a\n" + bytes(60),
    "webp": b"RIFF\0\0\0\0WEBPVP8 ",
    "avi": b"RIFF\0\0\0\0AVI LIST",
    "reserved version": b"\xff\xeb\x90\0",
    "reserved rate": b"\xff\xfb\x9c\0",
    "bad bit rate": b"\xff\xfb\xf0\0",
    "jpeg": b"\xff\xd8\xff\xe0",
    "three bytes": b"\xff\xfb\x90",
    "zeros": bytes(60),
    "nothing": b"",
}


@pytest.mark.parametrize("name", AUDIO)
def test_bytes_that_begin_like_audio_prove_whatever_the_label(name: str) -> None:
    assert kind_of_audio(AUDIO[name])
    assert probed(speaks(AUDIO[name], "application/octet-stream")).verdict == "accepted"


@pytest.mark.parametrize("name", NO_AUDIO)
def test_other_bytes_do_not_prove_whatever_the_label(name: str) -> None:
    assert kind_of_audio(NO_AUDIO[name]) is None
    assert probed(speaks(NO_AUDIO[name])).verdict == "rejected"


@pytest.mark.parametrize(
    ("content_type", "verdict"),
    [
        ("audio/pcm", "accepted"),
        ("audio/L16; rate=24000", "accepted"),
        ("application/octet-stream", "rejected"),
    ],
)
def test_raw_samples_need_their_label(content_type: str, verdict: str) -> None:
    assert probed(speaks(b"\x01\x02" * 500, content_type)).verdict == verdict


def test_the_label_of_raw_samples_does_not_cover_an_error() -> None:
    assert probed(speaks(NO_AUDIO["json"], "audio/pcm")).verdict == "rejected"


def test_an_error_inside_a_200_is_read() -> None:
    report = probed(speaks(b'{"error":{"message":"The vocoder crashed."}}', "application/json"))
    assert report.diagnosis and "vocoder crashed" in report.diagnosis.message


def test_audio_that_breaks_off_is_no_proof() -> None:
    sim = mouth()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: 99999\r\n\r\n"
    sim.on(SPEAK, raw(head + silent_mp3()))
    assert rejected_as(probed(sim)) == "endpoint_error"


def test_audio_beyond_the_limit_is_audio() -> None:
    long = silent_wav(20.0)
    assert probed(speaks(long), limits=Limits(body_bytes=100_000)).verdict == "accepted"


def refuses_voice(reply: Reply, *known: str) -> Simulator:
    """One that knows these voices only."""
    sim = mouth()
    sim.refuse(reply, when=lambda body: body.get("voice", "") not in known, path=SPEAK)
    sim.reads(lambda body: body | {"voice": "alloy"}, path=SPEAK)
    return sim


def located(message: str) -> Reply:
    """FastAPI's refusal of the voice."""
    return as_json({"detail": [{"loc": ["body", "voice"], "msg": message, "type": "enum"}]}, 422)


@pytest.mark.parametrize(
    "reply",
    [
        error(400, "Invalid value: 'alloy'. Supported values are: 'sage' and 'onyx'.", param="voice"),
        error(400, "Voice 'alloy' not found for model 'mouth-1'. Available voices: sage, onyx"),
        error(404, "The voice alloy does not exist. Use one of [sage, onyx]."),
        located("Input should be 'sage' or 'onyx'"),
        as_json({"error": "unknown voice alloy; valid voices are sage | onyx"}, 500),
        text(400, "voice must be one of: sage, onyx"),
        as_json({"error": {"message": "voice not found", "available_voices": ["sage", "onyx"]}}, 400),
        as_json({"detail": "Voice 'alloy' does not exist. Voices: sage, onyx"}, 404),
    ],
)
def test_a_voice_on_offer_is_taken(reply: Reply) -> None:
    sim = refuses_voice(reply, "sage", "onyx")
    report = probed(sim)
    assert report.verdict == "accepted"
    assert check(report, "proof").adaptations == ("asked for the voice sage",)


def test_the_second_voice_on_offer_is_tried_too() -> None:
    reply = error(400, "Unknown voice. Available voices: sage, onyx", param="voice")
    assert len(check(probed(refuses_voice(reply, "onyx")), "proof").adaptations) == 2


@pytest.mark.parametrize("voice", ["af_heart", "tara"])
def test_where_none_is_offered_common_ones_are_tried(voice: str) -> None:
    report = probed(refuses_voice(error(400, "This voice is not known here."), voice))
    assert check(report, "proof").adaptations[-1] == f"asked for the voice {voice}"


def test_at_last_no_voice_is_named() -> None:
    sim = refuses_voice(error(400, "Custom voices are not allowed."), "")
    assert check(probed(sim), "proof").adaptations[-1] == "left out `voice`"


@pytest.mark.parametrize(
    "words", ["Voice 'alloy' does not exist.", "voice not found", "Unknown voice: alloy"]
)
def test_a_refused_voice_is_no_missing_route(words: str) -> None:
    report = probed(refuses_voice(error(404, words)))
    assert rejected_as(report) == "endpoint_error"
    assert report.diagnosis and words.rstrip(".") in report.diagnosis.message


def test_a_format_on_offer_is_taken() -> None:
    sim = mouth()
    wrong = error(400, "Unsupported response_format 'mp3'. Supported formats: wav, pcm")
    sim.refuse(wrong, when=lambda body: body.get("response_format") not in ("wav", "pcm"), path=SPEAK)
    assert check(probed(sim), "proof").adaptations == ('added `response_format`: "wav"',)


def test_the_search_for_a_voice_is_bounded() -> None:
    sim = refuses_voice(error(400, "Unknown voice. Available voices: a1, b2, c3, d4, e5, f6, g7, h8, i9"))
    assert probed(sim).verdict == "rejected"
    assert len(asked(sim, SPEAK)) <= 8


def test_a_refused_key_ends_the_search() -> None:
    sim = refuses_voice(error(401, "Invalid API key for voice generation."))
    assert rejected_as(probed(sim)) == "invalid_credentials"
    assert len(asked(sim, SPEAK)) == 1
