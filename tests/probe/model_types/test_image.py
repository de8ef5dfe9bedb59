"""Image models: what counts as a picture, how a size is found, when editing is there."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from app.practice.wire import Reply, as_json, error
from app.probe.model_types.image import picture_in
from app.probe.values import Limits
from tests.endpoints.base import Simulator
from tests.endpoints.replies import html, raw, text
from tests.probe.asked import asked, check, probed, rejected_as

MAKE = "/images/generations"
EDIT = "/images/edits"
BEGINNINGS = {
    "png": b"\x89PNG\r\n\x1a\n",
    "jpeg": b"\xff\xd8\xff\xe0",
    "gif": b"GIF89a",
    "webp": b"RIFF\x10\0\0\0WEBPVP8 ",
    "avif": b"\0\0\0\x1cftypavif",
}


def endpoint() -> Simulator:
    """A good endpoint of an image model."""
    return Simulator(model_id="paint-1", model_type="image")


def gives(*rows: Any) -> Simulator:
    """One that answers with these rows."""
    sim = endpoint()
    sim.edit(lambda _, answer: answer | {"data": list(rows)}, MAKE)
    return sim


def test_a_picture_in_base64_proves_and_little_is_asked_for() -> None:
    sim = endpoint()
    report = probed(sim)
    assert report.verdict == "accepted"
    assert asked(sim, MAKE)[0].json == {
        "model": "paint-1",
        "prompt": "A plain red square.",
        "size": "256x256",
    }
    assert report.capabilities["image_edit"].observed is True
    assert report.observed["supports_image_edit"] is True


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_base64_must_begin_like_a_picture(kind: str) -> None:
    whole = base64.b64encode(BEGINNINGS[kind] + bytes(60)).decode()
    assert probed(gives({"b64_json": whole})).verdict == "accepted"
    assert probed(gives({"url": f"data:image/{kind};base64,{whole}"})).verdict == "accepted"
    assert rejected_as(probed(gives({"b64_json": "A" + whole}))) == "endpoint_error"


def test_a_url_proves_and_is_never_fetched() -> None:
    sim = endpoint()
    sim.edit(lambda _, answer: answer | {"data": [{"url": f"{sim.origin}/secret.png"}]}, MAKE)
    assert probed(sim).verdict == "accepted"
    assert "/secret.png" not in {path for _, path in sim.calls}


@pytest.mark.parametrize(
    "row", [{}, {"url": ""}, {"url": "picture.png"}, {"b64_json": "not base64!"}, {"url": None}]
)
def test_a_row_without_a_picture_is_no_proof(row: dict[str, Any]) -> None:
    report = probed(gives(row))
    assert rejected_as(report) == "endpoint_error"
    assert report.diagnosis and "no picture came back" in report.diagnosis.message


def test_no_rows_are_no_proof() -> None:
    assert rejected_as(probed(gives())) == "endpoint_error"


def test_an_error_inside_a_200_is_no_proof() -> None:
    sim = endpoint()
    failure = {
        "error": {"message": "The diffusion pipeline crashed."},
        "data": [{"url": "https://x.example/a.png"}],
    }
    sim.edit(lambda *_: failure, MAKE)
    report = probed(sim)
    assert rejected_as(report) == "endpoint_error"
    assert report.diagnosis and "pipeline crashed" in report.diagnosis.message


def refuses_size(message: str, taken: str | None) -> Simulator:
    """One that refuses any other size so; None: any size at all."""
    sim = endpoint()
    sim.refuse(
        error(400, message, param="size"), when=lambda body: body.get("size", taken) != taken, path=MAKE
    )
    sim.ignore("size", path=MAKE)
    return sim


@pytest.mark.parametrize(
    ("message", "taken"),
    [
        (
            "Invalid value: '256x256'. Supported values are: '1536x1024', '1024x1024', and 'auto'.",
            "1024x1024",
        ),
        ("size must be one of [1024 x 1024, 1792 x 1024]", "1024x1024"),
        ("Resolution must be 512*512 or 768*768", "512*512"),
        ("Size is not supported by this model.", None),
    ],
)
def test_the_smallest_size_on_offer_is_taken(message: str, taken: str | None) -> None:
    sim = refuses_size(message, taken)
    report = probed(sim)
    assert report.verdict == "accepted"
    assert [request.json.get("size") for request in asked(sim, MAKE)][:2] == ["256x256", taken]
    assert len(check(report, "proof").adaptations) == 1


def test_where_no_word_is_said_the_size_is_left_out() -> None:
    sim = endpoint()
    sim.refuse(Reply(422), when=lambda body: "size" in body, path=MAKE)
    assert check(probed(sim), "proof").adaptations == ("left out `size`",)


def test_a_missing_size_is_added() -> None:
    sim = refuses_size("Size is not supported.", None)
    sim.refuse(
        error(400, "The field size is required."), when=lambda body: "size" not in body, path=MAKE
    )  # it contradicts itself: bounded all the same
    report = probed(sim)
    assert report.verdict == "rejected"
    assert len(asked(sim, MAKE)) <= 8


def test_a_picture_larger_than_the_limit_still_proves() -> None:
    large = base64.b64encode(BEGINNINGS["png"] + bytes(90_000)).decode()
    report = probed(gives({"b64_json": large}), limits=Limits(body_bytes=70_000))
    assert report.verdict == "accepted"
    assert "larger than the limit" in check(report, "proof").evidence


def test_a_picture_that_breaks_off_does_not() -> None:
    sim = endpoint()
    whole = base64.b64encode(BEGINNINGS["png"] + bytes(900)).decode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n"
    sim.on(MAKE, raw(head + b'{"data":[{"b64_json":"' + whole.encode()))
    assert rejected_as(probed(sim)) == "endpoint_error"


def test_an_endless_body_of_something_else_does_not() -> None:
    report = probed(gives({"b64_json": "A" * 90_000}), limits=Limits(body_bytes=70_000))
    assert rejected_as(report) == "endpoint_error"


def test_a_wrong_key_that_is_answered_is_told() -> None:
    sim = endpoint()
    sim.admit = lambda request: None  # type: ignore[method-assign]
    report = probed(sim)
    assert report.verdict == "accepted" and [w.code for w in report.warnings] == ["key_not_enforced"]


@pytest.mark.parametrize(
    ("reply", "observed"),
    [
        (error(404, "Not Found"), False),
        (html(200, "Welcome"), False),
        (error(405, "Method Not Allowed"), False),
        (error(400, "Invalid value: 'paint-1'. Value must be 'dall-e-2'.", param="model"), False),
        (error(400, "This model does not support image editing."), False),
        (error(422, "Unexpected multipart form: JSON expected, image not allowed"), False),
        (error(501, "edits are not implemented"), False),
        (as_json({"created": 1, "data": []}), False),
        (error(403, "You have insufficient permissions for this operation."), None),
        (error(500, "Internal server error"), None),
        (error(500, "Image edits are switched off on this server."), False),
        (error(400, "Image too small: at least 512 pixels a side.", param="image"), None),
        (error(429, "Rate limit reached. Try again in 900s"), None),
        (text(400, ""), None),
    ],
)
def test_editing_is_refused_or_can_not_be_told(reply: Reply, observed: bool | None) -> None:
    sim = endpoint()
    sim.on(EDIT, reply)
    report = probed(sim, declared={"image_edit": True})
    assert report.verdict == "accepted"
    assert report.capabilities["image_edit"].observed is observed
    contradicted = "capability_contradicted" in {warning.code for warning in report.warnings}
    assert contradicted is (observed is False)


def test_a_refused_size_is_left_out_of_an_edit_too() -> None:
    sim = endpoint()
    sim.refuse(
        error(400, "Unknown parameter: 'size'.", param="size"), when=lambda form: "size" in form, path=EDIT
    )
    report = probed(sim)
    assert report.capabilities["image_edit"].observed is True
    assert [sorted(request.form) for request in asked(sim, EDIT)] == [
        ["image", "model", "prompt", "size"],
        ["image", "model", "prompt"],
    ]


def test_a_contradicted_declaration_rejects_where_asked() -> None:
    sim = endpoint()
    sim.on(EDIT, error(404, "Not Found"))
    assert rejected_as(probed(sim, declared={"image_edit": True}, strict=True)) == "capability_contradicted"


def test_the_proof_alone_asks_for_no_edit() -> None:
    sim = endpoint()
    assert probed(sim, depth="proof").verdict == "accepted"
    assert asked(sim, EDIT) == []


def test_a_chat_model_is_told_apart() -> None:
    sim = Simulator(model_id="talk-1", model_type="chat")
    sim.model_type = "image"
    report = probed(sim)
    assert rejected_as(report) == "wrong_model_type"
    assert report.diagnosis and report.diagnosis.suggestions == {"model_type": ("chat",)}


@pytest.mark.parametrize(
    ("written", "is_one"),
    [
        ("https://images.example.com/a.png?sig=1", True),
        ("HTTP://images.example.com/a", True),
        ("https://", False),
        ("file:///etc/passwd", False),
        ("javascript:alert(1)", False),
        ("data:text/html;base64,iVBORw0KGgoAAAANSUhEUg==", False),
        ("iVBORw0KGgoAAAANSUhEUg==", True),
        ("UklGRiQAAABXQVZFZm10IBAAAAA=", False),  # a WAV
        (" iVBORw0K\nGgoAAAAN ", True),
        ("", False),
    ],
)
def test_what_is_a_picture(written: str, is_one: bool) -> None:
    assert (picture_in(written) is not None) is is_one
