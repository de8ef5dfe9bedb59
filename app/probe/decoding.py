"""Undoing Content-Encoding piece by piece, never making more than was asked for at once."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from app.probe.failure import Broken

ACCEPTED = "gzip, deflate"
"""The value of Accept-Encoding: exactly what can be decoded."""

PIECE = 65536
_CODINGS_AT_MOST = 3
_MEMBERS_AT_MOST = 1000


class Inflater:
    """One layer of gzip or deflate (with or without the zlib header, since servers do both)."""

    def __init__(self, coding: str, limit: int) -> None:
        self._coding = coding
        self._left = limit
        self._members_left = _MEMBERS_AT_MOST
        self._gzip = coding == "gzip"
        self._zlib = zlib.decompressobj(31) if self._gzip else None
        self._start = b""

    def pieces(self, piece: bytes) -> Iterator[bytes]:
        """What `piece` adds, in pieces of at most PIECE bytes; raises Broken("undecodable")."""
        if self._zlib is None:
            piece = self._start = self._start + piece
            if len(piece) < 2:
                return
            self._zlib = zlib.decompressobj(15 if _has_zlib_header(piece) else -15)
        more = True
        while piece or more:
            if self._zlib.eof and not self._begin_member(piece):
                return
            inflated = self._inflate(self._zlib, piece)
            piece = self._zlib.unconsumed_tail or self._zlib.unused_data
            more = len(inflated) == PIECE  # the decompressor may hold back what did not fit
            if inflated:
                yield inflated

    def _begin_member(self, piece: bytes) -> bool:
        """Whether another gzip member follows; anything else behind the end is padding."""
        if not self._gzip or not piece.startswith(b"\x1f\x8b"):
            return False
        self._zlib = zlib.decompressobj(31)
        self._members_left -= 1
        return True

    def _inflate(self, zlib_: zlib._Decompress, piece: bytes) -> bytes:
        try:
            inflated = zlib_.decompress(piece, PIECE)
        except zlib.error:
            words = f"the body is not the {self._coding} that its headers say it is"
            raise Broken("undecodable", words) from None
        self._left -= len(inflated)
        if self._left < 0 or self._members_left < 0:
            raise Broken("too_large", "the body unpacks to much more than an answer may hold")
        return inflated


def _has_zlib_header(start: bytes) -> bool:
    """RFC 1950, section 2.2: method 8, and a check sum over the two bytes."""
    return start[0] & 0x0F == 8 and int.from_bytes(start[:2], "big") % 31 == 0


def decoder(codings: str, limit: int) -> list[Inflater]:
    """The layers to undo for a Content-Encoding, in the order of undoing; raises Broken("undecodable").

    `limit` bounds what each layer may unpack to, in bytes: a layer can be a bomb for the next one, which
    makes nothing of it.
    """
    named = [coding.strip().lower().removeprefix("x-") for coding in codings.split(",")]
    layers = [coding for coding in named if coding not in ("", "identity", "chunked", "none")]
    unknown = [coding for coding in layers if coding not in ("gzip", "deflate")]
    if unknown:
        shown = "".join(c if c.isascii() and c.isprintable() else "?" for c in unknown[0][:20])
        raise Broken("undecodable", f"the body is encoded as {shown}, which was not asked for")
    if len(layers) > _CODINGS_AT_MOST:
        raise Broken("undecodable", f"the body is encoded {len(layers)} times over")
    return [Inflater(coding, limit) for coding in reversed(layers)]


def decoded(piece: bytes, layers: list[Inflater]) -> Iterator[bytes]:
    """What `piece` of the wire is in clear, in pieces."""
    if not layers:
        yield piece
        return
    for inner in layers[0].pieces(piece):
        yield from decoded(inner, layers[1:])
