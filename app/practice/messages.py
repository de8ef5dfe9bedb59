"""Reading the messages of a chat request: texts, tools and pictures."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from app.practice.checks import missing, refuse, wrong_type
from app.practice.media import NotAnImage, halves
from app.practice.mind import Asked
from app.practice.models import Model

JSON = Any

ROLES = ("system", "developer", "user", "assistant", "tool", "function")


def read_messages(body: Mapping[str, JSON], model: Model) -> Asked:
    """What the messages ask; raises Refused where they are none."""
    messages = body.get("messages")
    if messages is None:
        raise missing("messages")
    if not isinstance(messages, list):
        raise wrong_type("messages", "an array of objects", messages)
    if not messages:
        raise refuse(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, "
            "but got an empty array instead.",
            "messages",
            "empty_array",
        )
    texts: dict[str, str] = {}
    images: list[str] = []
    for at, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if role not in ROLES:
            raise refuse(
                f"Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', 'function', "
                "'tool', and 'developer'.",
                f"messages[{at}].role",
                "invalid_value",
            )
        text, images_here = _content(message.get("content"), f"messages[{at}].content", role == "assistant")
        group = "system" if role in ("system", "developer") else role
        texts[group] = f"{texts.get(group, '')} {text}".strip() if group == "system" else text
        images += images_here
    if images and not model.vision:
        raise refuse("Invalid content type. image_url is only supported by certain models.", "messages")
    return Asked(
        texts.get("user", ""),
        texts.get("system", ""),
        tuple(_seen(url) for url in images),
        (body.get("tools") or []) if model.tools else [],
        body.get("tool_choice") or "auto",
        body.get("parallel_tool_calls") is not False and model.parallel_tools,
        body.get("response_format") or {},
        texts.get("tool", "") if messages[-1]["role"] == "tool" else "",
    )


def _content(content: JSON, name: str, may_be_null: bool) -> tuple[str, list[str]]:
    """The text of a message's content and the URLs of its pictures."""
    if isinstance(content, str) or (content is None and may_be_null):
        return content or "", []
    if not isinstance(content, list):
        raise wrong_type(name, "one of a string or array of objects", content)
    texts, images = [], []
    for at, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text" and isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif kind == "image_url" and isinstance(part.get("image_url"), dict):
            images.append(str(part["image_url"].get("url", "")))
        else:
            raise refuse(
                f"Invalid value: '{kind}'. Supported values are: 'text' and 'image_url'.",
                f"{name}[{at}].type",
                "invalid_value",
            )
    return " ".join(texts), images


def _seen(url: str) -> tuple[str, str]:
    """The colours of a picture in a data URL. Nothing is fetched from elsewhere."""
    if not url.startswith("data:"):
        raise refuse(f"Failed to download image from {url}.", None, "invalid_image_url")
    try:
        return halves(base64.b64decode(url.partition(",")[2], validate=True))
    except (NotAnImage, binascii.Error) as broken:
        raise refuse(
            "You uploaded an unsupported image. Please make sure your image is valid and has one of the "
            "following formats: ['png'].",
            None,
            "invalid_image_format",
        ) from broken
