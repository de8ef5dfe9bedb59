"""Text as a literal of another language. A hostile name stays text: nothing of it is ever code."""

from __future__ import annotations

import re
from collections.abc import Callable

_SHORT = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def python(text: str) -> str:
    """A string literal of Python."""
    return _quoted(text, lambda point: f"\\U{point:08x}")


def javascript(text: str) -> str:
    """A string literal of JavaScript."""
    return _quoted(text, lambda point: f"\\u{{{point:x}}}")


def hcl(text: str) -> str:
    """A quoted template of HCL without any interpolation (HCL native syntax, "Template Expressions")."""
    literal = _quoted(text, lambda point: f"\\U{point:08x}")
    return re.sub(r"([$%])(?=\{)", r"\1\1", literal)


def identifier(text: str, instead: str) -> str:
    """A name of letters, digits and _ made from a text, `instead` where nothing of it is left."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:64].rstrip("_") or instead
    return name if name[0].isalpha() else f"{instead}_{name}"


def _quoted(text: str, far: Callable[[int], str]) -> str:
    """In double quotes; what can't be seen is escaped, so that no line end or direction mark hides in it.

    `far` writes a code point beyond 16 bits, in which the languages differ.
    """
    return '"' + "".join(_sign(sign, far) for sign in text) + '"'


def _sign(sign: str, far: Callable[[int], str]) -> str:
    if sign in _SHORT:
        return _SHORT[sign]
    if sign.isprintable():
        return sign
    return f"\\u{ord(sign):04x}" if ord(sign) <= 0xFFFF else far(ord(sign))
