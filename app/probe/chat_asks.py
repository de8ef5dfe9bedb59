"""Which capabilities of a chat model are asked together first; each is a row in one of the modules below.

What proves each: docs/probe.md, "Capabilities". Prompts are plain and polite, since filters read them too.
"""

from __future__ import annotations

from app.probe.asks import Ask
from app.probe.asks_formats import JSON_MODE, JSON_SCHEMA, VISION
from app.probe.asks_talk import DEVELOPER, MAX_COMPLETION, SAMPLING, STREAMING, SYSTEM
from app.probe.asks_tools import PARALLEL, STREAMED_TOOLS, STRICT, TOOL_CHOICE, TOOLS

BUNDLES: tuple[tuple[Ask, ...], ...] = (
    (STREAMING, SYSTEM, MAX_COMPLETION),
    (TOOLS, PARALLEL, STREAMED_TOOLS),
    (TOOLS, STRICT, TOOL_CHOICE),
    (JSON_MODE, DEVELOPER, SAMPLING),
    (VISION, JSON_SCHEMA),
)
"""What is asked together first. Together with the two controls and `responses` these make eight calls, which
is one
wave at the limit of eight calls at a time."""
